// SPDX-License-Identifier: Apache-2.0
#include "io/atomic_file.hpp"

#include <fcntl.h>

#include <cstdio>
#include <utility>

namespace dime::io {
namespace {

constexpr std::size_t kBufferBytes = std::size_t{1} << 20;

// The number keeps apart two writers of one path in one process, and two hosts that share a folder and a process id.
std::filesystem::path create_aside(const std::filesystem::path& path, FileDescriptor& file) {
  for (int n = 0;; ++n) {
    std::filesystem::path partial = path;
    partial += ".partial." + std::to_string(::getpid()) + "." + std::to_string(n);
    file.reset(::open(partial.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
    if (file.valid()) return partial;
    if (errno != EEXIST) throw io_error("write", path, errno);
  }
}

void sync_folder(const std::filesystem::path& path) {
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  const FileDescriptor file(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  // Some file systems cannot sync a folder and say EINVAL; there is nothing more to be done there.
  if (!file.valid() || (::fsync(file.get()) != 0 && errno != EINVAL)) throw io_error("sync the folder", folder, errno);
}

}  // namespace

AtomicFile::AtomicFile(std::filesystem::path path) : path_(std::move(path)) { partial_ = create_aside(path_, file_); }

AtomicFile::~AtomicFile() { discard(); }

void AtomicFile::discard() noexcept {
  if (partial_.empty()) return;
  file_.reset();
  std::remove(partial_.c_str());
  partial_.clear();
}

void AtomicFile::fail(const char* what) {
  const int error = errno;
  discard();
  throw io_error(what, path_, error);
}

void AtomicFile::put(const char* data, std::size_t bytes) {
  while (bytes > 0) {
    const ssize_t done = ::write(file_.get(), data, bytes);
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) fail("write");
    data += done;
    bytes -= static_cast<std::size_t>(done);
  }
}

void AtomicFile::flush() {
  put(buffer_.data(), buffer_.size());
  buffer_.clear();
}

void AtomicFile::write(const void* data, std::size_t bytes) {
  if (!file_.valid()) throw IoError("cannot write " + shown(path_) + ": it is finished, or an earlier write failed");
  const char* from = static_cast<const char*>(data);
  size_ += bytes;
  if (buffer_.size() + bytes > kBufferBytes) flush();
  if (bytes >= kBufferBytes) return put(from, bytes);
  buffer_.append(from, bytes);
}

void AtomicFile::finish() {
  if (partial_.empty()) throw IoError("cannot write " + shown(path_) + ": an earlier write failed");
  if (!file_.valid()) return;
  flush();
  if (::fsync(file_.get()) != 0 && errno != EINVAL) fail("sync");
  // A network file system may tell of a full disk only here.
  if (::close(file_.release()) != 0) fail("close");
}

void AtomicFile::commit() {
  finish();
  if (std::rename(partial_.c_str(), path_.c_str()) != 0) fail("rename the finished file to");
  partial_.clear();
  sync_folder(path_);
}

}  // namespace dime::io
