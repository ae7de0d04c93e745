// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <ctime>
#include <deque>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <dime/error.hpp>
#include <dime/file_pool.hpp>

#include "io/file_descriptor.hpp"
#include "io/file_state.hpp"

namespace dime {
namespace {

std::size_t most_open() {
  constexpr rlim_t most = 128, share = 8, least = 4;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return least;
  return static_cast<std::size_t>(std::clamp(limit.rlim_cur / share, least, most));
}

// The clock that file systems take the times of files from: within a tick no change can be told from another.
std::int64_t tick() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
  constexpr std::int64_t nanoseconds = 1'000'000'000;
  return now.tv_sec * nanoseconds + now.tv_nsec;
}

[[noreturn]] void refuse_changed(const std::filesystem::path& path, const io::FileState& then,
                                 const io::FileState& now) {
  const std::string how = then.size != now.size
                              ? std::to_string(then.size) + " bytes then, " + std::to_string(now.size) + " now"
                              : "it was written since";
  throw IoError(io::shown(path) + " has changed since it was opened (" + how + "): start again with it as it is now");
}

}  // namespace

struct FilePool::State {
  struct Descriptor {
    io::FileDescriptor file;
    std::atomic<std::int64_t> looked{0};  // the tick at which its state was last compared
  };
  using Open = std::shared_ptr<Descriptor>;

  struct File {
    std::filesystem::path path;
    io::FileState state;
    Open open;
  };

  // A descriptor that another thread still reads from is closed when that read ends.
  void close_oldest() {
    files[opened.front()].open.reset();
    opened.pop_front();
  }

  // Reading need not note when it was done: that takes time, and on some disks a write. Only the owner may ask for it.
  static int open_to_read(const std::filesystem::path& path) {
    constexpr int flags = O_RDONLY | O_NONBLOCK | O_CLOEXEC;
    const int quiet = ::open(path.c_str(), flags | O_NOATIME);
    return quiet < 0 && errno == EPERM ? ::open(path.c_str(), flags) : quiet;
  }

  Open open_now(File& file) {
    const auto open = [&] { return open_to_read(file.path); };
    auto descriptor = std::make_shared<Descriptor>();
    descriptor->file.reset(open());
    // Others of this process may have taken the descriptors that were free.
    while (!descriptor->file.valid() && (errno == EMFILE || errno == ENFILE) && !opened.empty()) {
      close_oldest();
      descriptor->file.reset(open());
    }
    if (!descriptor->file.valid()) throw io::io_error("open", file.path, errno);
    return descriptor;
  }

  Open acquire(std::size_t number) {
    const std::lock_guard lock(mutex);
    File& file = files[number];
    if (file.open != nullptr) return file.open;
    while (opened.size() >= limit) close_oldest();
    Open descriptor = open_now(file);
    file.open = descriptor;
    opened.push_back(number);
    return descriptor;
  }

  std::vector<File> files;
  const std::size_t limit = most_open();
  std::mutex mutex;
  std::deque<std::size_t> opened;  // the numbers of the files that are open, oldest first
};

FilePool::FilePool() : state_(std::make_unique<State>()) {}
FilePool::~FilePool() = default;
FilePool::FilePool(FilePool&&) noexcept = default;
FilePool& FilePool::operator=(FilePool&&) noexcept = default;

std::size_t FilePool::add(const std::filesystem::path& path) {
  const io::FileDescriptor file = io::open_regular(path);
  state_->files.push_back({path, io::file_state(file, path), nullptr});
  return state_->files.size() - 1;
}

const std::filesystem::path& FilePool::path(std::size_t file) const { return state_->files[file].path; }

std::uint64_t FilePool::size(std::size_t file) const { return state_->files[file].state.size; }

void FilePool::read(std::size_t file, std::uint64_t at, std::span<std::uint8_t> bytes) const {
  const auto& [path, then, unused] = state_->files[file];
  if (at > then.size || bytes.size() > then.size - at) {
    throw ArgumentError(io::shown(path) + ": bytes " + std::to_string(at) + " to " + std::to_string(at + bytes.size()) +
                        " are not within its " + std::to_string(then.size));
  }
  const State::Open open = state_->acquire(file);
  bool ended = false;
  while (!bytes.empty() && !ended) {
    const ssize_t got = ::pread(open->file.get(), bytes.data(), bytes.size(), static_cast<off_t>(at));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw io::io_error("read", path, errno);
    ended = got == 0;
    at += static_cast<std::uint64_t>(got);
    bytes = bytes.subspan(static_cast<std::size_t>(got));
  }
  // Looked at after the bytes were read, but only once in a tick.
  const std::int64_t now = tick();
  if (!ended && open->looked.exchange(now, std::memory_order_relaxed) == now) return;
  const io::FileState state = io::file_state(open->file, path);
  if (ended || state != then) refuse_changed(path, then, state);
}

void FilePool::will_need(std::size_t file, std::uint64_t at, std::uint64_t bytes) const {
  // Linux takes no more than its own limit from one request.
  constexpr std::uint64_t most = std::uint64_t{1} << 17;
  const std::uint64_t size = state_->files[file].state.size;
  const std::uint64_t end = at < size ? at + std::min(bytes, size - at) : at;
  const State::Open open = state_->acquire(file);
  // Its own guesses, at what looks like sequential reading, would fetch what is not wanted.
  ::posix_fadvise(open->file.get(), 0, 0, POSIX_FADV_RANDOM);
  for (; at < end; at += most) {
    ::posix_fadvise(open->file.get(), static_cast<off_t>(at), static_cast<off_t>(std::min(most, end - at)),
                    POSIX_FADV_WILLNEED);
  }
}

}  // namespace dime
