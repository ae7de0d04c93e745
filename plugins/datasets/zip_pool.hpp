// SPDX-License-Identifier: Apache-2.0
// Zip archives, read from many threads.
#pragma once

#include <sys/resource.h>

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <list>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <dime/error.hpp>

#include "shown_path.hpp"
#include "zip_archive.hpp"

namespace dime {

/// The archives of one data source. Each is open as often as threads read it at once, within bounds: at most 64
/// descriptors in all, and at most an eighth of those that the process may have; and, as each holds the archive's
/// directory, one archive at most 8 times, and fewer times where it has more than 125,000 members.
class ZipPool {
 public:
  ZipPool() = default;
  /// `most_open` descriptors in all, at least one.
  explicit ZipPool(std::size_t most_open) : most_open_(std::max<std::size_t>(most_open, 1)) {}
  ZipPool(const ZipPool&) = delete;
  ZipPool& operator=(const ZipPool&) = delete;

  /// Adds an archive and returns its number, from 0. Its file must stay as it is now. Not to be called while other
  /// threads read. Throws as ZipArchive does.
  std::size_t add(const std::filesystem::path& path) {
    if (open_ == most_open_) idle_.erase(oldest_idle());
    std::list<Open> opened;
    opened.emplace_back(archives_.size(), path);
    const ZipArchive& zip = opened.front().zip;
    archives_.push_back({path, zip.stamp(), most_of(zip.members()), 1});
    ++open_;
    idle_.splice(idle_.end(), opened);
    return archives_.size() - 1;
  }

  /// How many descriptors are open.
  std::size_t open() const {
    const std::lock_guard lock(mutex_);
    return open_;
  }

  /// The bytes of a member. Safe from many threads. Throws RowError as ZipArchive::read, DataError when the archive's
  /// file is another one than when it was added or has changed, IoError or DataError when it cannot be opened again.
  std::vector<std::uint8_t> read(std::size_t archive, const std::string& name) const {
    const Lease lease(*this, archive);
    try {
      return lease.zip().read(name);
    } catch (const RowError&) {
      if (!lease.zip().unchanged()) refuse_changed(archive);
      throw;
    }
  }

 private:
  struct Open {
    Open(std::size_t n, const std::filesystem::path& path) : archive(n), zip(path) {}
    std::size_t archive;
    ZipArchive zip;
  };
  struct Archive {
    std::filesystem::path path;
    FileStamp stamp;
    std::size_t most;  ///< that may be open at once
    std::size_t open;
  };

  /// An open archive that one thread has for itself.
  class Lease {
   public:
    Lease(const ZipPool& pool, std::size_t archive) : pool_(pool), opened_(pool.take(archive)) {}
    ~Lease() { pool_.give_back(opened_); }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    ZipArchive& zip() const { return opened_.front().zip; }

   private:
    const ZipPool& pool_;
    mutable std::list<Open> opened_;
  };

  static std::size_t default_most() {
    constexpr std::size_t most = 64, part = 8;
    struct rlimit limit {};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return most;
    return std::clamp<std::size_t>(limit.rlim_cur / part, 1, most);
  }

  static std::size_t most_of(std::uint64_t members) {
    constexpr std::uint64_t all_members = 1'000'000, most = 8;
    return std::clamp<std::uint64_t>(all_members / std::max<std::uint64_t>(members, 1), 1, most);
  }

  [[noreturn]] void refuse_changed(std::size_t archive) const {
    throw DataError(shown_path(archives_[archive].path) + " has changed since it was opened; start again");
  }

  /// Counts out the archive that has been idle for longest.
  std::list<Open>::iterator oldest_idle() const {
    --archives_[idle_.front().archive].open;
    --open_;
    return idle_.begin();
  }

  /// One that is open, or a new one within the bounds; waits until there is.
  std::list<Open> take(std::size_t archive) const {
    std::list<Open> taken, closed;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return take_idle(archive, taken) || make_room(archive, closed); });
    }
    if (!taken.empty()) return taken;
    closed.clear();
    try {
      taken.emplace_back(archive, archives_[archive].path);
      if (taken.front().zip.stamp() != archives_[archive].stamp) refuse_changed(archive);
    } catch (...) {
      taken.clear();
      const std::lock_guard lock(mutex_);
      --archives_[archive].open;
      --open_;
      changed_.notify_all();
      throw;
    }
    return taken;
  }

  bool take_idle(std::size_t archive, std::list<Open>& taken) const {
    const auto found =
        std::find_if(idle_.begin(), idle_.end(), [&](const Open& opened) { return opened.archive == archive; });
    if (found == idle_.end()) return false;
    taken.splice(taken.end(), idle_, found);
    return true;
  }

  /// Counts in one more, in the place of an idle one where all are open; that goes to `closed`.
  bool make_room(std::size_t archive, std::list<Open>& closed) const {
    Archive& wanted = archives_[archive];
    if (wanted.open == wanted.most || (open_ == most_open_ && idle_.empty())) return false;
    if (open_ == most_open_) closed.splice(closed.end(), idle_, oldest_idle());
    ++wanted.open;
    ++open_;
    return true;
  }

  void give_back(std::list<Open>& opened) const {
    const std::lock_guard lock(mutex_);
    idle_.splice(idle_.end(), opened);
    // One that waits may want this archive, another its place.
    changed_.notify_all();
  }

  std::size_t most_open_ = default_most();
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  mutable std::vector<Archive> archives_;
  mutable std::list<Open> idle_;  ///< the one used last at the end
  mutable std::size_t open_ = 0;  ///< idle and in use
};

}  // namespace dime
