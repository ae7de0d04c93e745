// SPDX-License-Identifier: Apache-2.0
// A group of threads of this process that take the part of processes: to check what runs in a group, without one.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include <dime/api.hpp>
#include <dime/comm.hpp>

namespace dime {

/// Sums are made in the order of ranks, so that they do not depend on who was quicker.
class DIME_API ThreadWorld {
 public:
  /// Throws ArgumentError for a size below 1.
  explicit ThreadWorld(int size);
  ~ThreadWorld();
  ThreadWorld(const ThreadWorld&) = delete;
  ThreadWorld& operator=(const ThreadWorld&) = delete;

  /// Calls `work` in one thread for each rank, and waits for all. Where a rank throws, where one leaves while others
  /// wait for it, and where ranks call different collectives, the collectives of all ranks throw, and so does run():
  /// the first error.
  void run(const std::function<void(Communicator&)>& work);
  /// The bytes that a rank gave to collectives since the world was made: its own tensor once for each reduction and
  /// each gathering, and for each broadcast of which it is the root.
  std::int64_t bytes_sent(int rank) const;

 private:
  class Meeting;
  class Rank;
  std::unique_ptr<Meeting> meeting_;
};

}  // namespace dime
