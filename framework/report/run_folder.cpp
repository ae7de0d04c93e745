// SPDX-License-Identifier: Apache-2.0
#include "report/run_folder.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

#include <dime/error.hpp>

namespace dime {
namespace fs = std::filesystem;
namespace {

[[noreturn]] void cannot_write(const fs::path& root, int error) { throw io::io_error("write run folder", root, error); }

void make_folder(const fs::path& folder, const fs::path& root) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) cannot_write(root, error.value());
}

std::string owner_of(int lock) {
  std::array<char, 32> text{};
  const auto n = ::pread(lock, text.data(), text.size() - 1, 0);
  const std::string owner(text.data(), n > 0 ? static_cast<std::size_t>(n) : 0);
  const bool number =
      !owner.empty() && std::all_of(owner.begin(), owner.end(), [](char c) { return c >= '0' && c <= '9'; });
  return number ? "process " + owner : "another run";
}

bool without_locks(int error) { return error == ENOLCK || error == ENOSYS || error == EOPNOTSUPP; }

}  // namespace

fs::path default_run_folder(const std::string& name) {
  if (name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos) {
    throw ConfigError("the name \"" + name + "\" cannot be a folder under runs/; name the run folder with --run-dir");
  }
  return fs::path("runs") / name;
}

RunFolder::RunFolder(const fs::path& root, bool resume) : paths_{root} {
  const auto refuse_used = [&] {
    resumed_ = holds_something();
    if (resumed_ && resume && !holds_a_run()) {
      throw ConfigError("folder " + root.string() +
                        " holds no run to go on with; leave --resume out and name a new folder with --run-dir");
    }
    if (!resumed_ || resume) return;
    throw ConfigError("run folder " + root.string() +
                      " exists; add --resume to go on with it, or name another with --run-dir");
  };
  refuse_file();
  refuse_used();  // before the lock, which would leave its file in a folder that is not ours
  make_folder(root, root);
  take_lock();
  refuse_used();  // another run may have come first
  make_folder(paths_.tensorboard(), root);
  make_folder(paths_.checkpoints(), root);
}

void RunFolder::refuse_file() const {
  std::error_code error;
  const auto status = fs::status(paths_.root, error);
  if (!fs::exists(status) || fs::is_directory(status)) return;
  throw ConfigError("run folder " + paths_.root.string() + " is a file; name a folder with --run-dir");
}

bool RunFolder::holds_something() const {
  std::error_code error;
  fs::directory_iterator entries(paths_.root, error);
  if (error == std::errc::no_such_file_or_directory) return false;
  if (error) cannot_write(paths_.root, error.value());
  return std::any_of(begin(entries), end(entries), [&](const auto& e) { return e.path() != paths_.lock(); });
}

// Every run makes both before it does anything else.
bool RunFolder::holds_a_run() const {
  std::error_code error;
  return fs::is_directory(paths_.checkpoints(), error) || fs::exists(paths_.lock(), error);
}

void RunFolder::take_lock() {
  const auto& root = paths_.root;
  lock_.reset(::open(paths_.lock().c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
  if (!lock_.valid()) cannot_write(root, errno);
  locked_ = ::flock(lock_.get(), LOCK_EX | LOCK_NB) == 0;
  if (!locked_ && !without_locks(errno)) {
    throw ConfigError("run folder " + root.string() + " is in use by " + owner_of(lock_.get()) +
                      "; name another with --run-dir");
  }
  const std::string pid = std::to_string(::getpid());
  const bool written = ::ftruncate(lock_.get(), 0) == 0 && ::pwrite(lock_.get(), pid.data(), pid.size(), 0) > 0;
  if (!written) cannot_write(root, errno);
}

}  // namespace dime
