// SPDX-License-Identifier: Apache-2.0
#include "comm/thread_world.hpp"

#include <condition_variable>
#include <exception>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <torch/types.h>

#include <dime/error.hpp>

namespace dime {
namespace {

enum class Collective { sum, max, gather, broadcast, barrier };

const char* name_of(Collective collective) {
  switch (collective) {
    case Collective::sum:
      return "all_reduce_sum";
    case Collective::max:
      return "all_reduce_max";
    case Collective::gather:
      return "all_gather_rows";
    case Collective::broadcast:
      return "broadcast";
    case Collective::barrier:
      return "barrier";
  }
  return "";
}

struct Call {
  Collective collective;
  torch::Tensor x;  // undefined in a barrier
  int root = 0;
};

std::string text_of(const Call& call) {
  if (!call.x.defined()) return name_of(call.collective);
  std::string text =
      std::string(name_of(call.collective)) + " of " + c10::toString(call.x.scalar_type()) + c10::str(call.x.sizes());
  if (call.collective == Collective::broadcast) text += " from rank " + std::to_string(call.root);
  return text;
}

/// Whether both can be parts of one collective.
bool agree(const Call& a, const Call& b) {
  if (a.collective != b.collective || a.root != b.root) return false;
  if (!a.x.defined()) return true;
  if (a.x.scalar_type() != b.x.scalar_type() || a.x.dim() != b.x.dim()) return false;
  const std::size_t first = a.collective == Collective::gather ? 1 : 0;  // parts may differ in length
  return a.x.sizes().slice(first) == b.x.sizes().slice(first);
}

std::int64_t bytes_of(const Call& call, int rank) {
  if (!call.x.defined() || (call.collective == Collective::broadcast && call.root != rank)) return 0;
  return static_cast<std::int64_t>(call.x.nbytes());
}

/// What all get.
torch::Tensor combined(const std::vector<Call>& calls) {
  const Call& first = calls[0];
  if (first.collective == Collective::barrier) return {};
  if (first.collective == Collective::broadcast) return calls[static_cast<std::size_t>(first.root)].x.clone();
  if (first.collective == Collective::gather) {
    std::vector<torch::Tensor> parts;
    for (const auto& call : calls) parts.push_back(call.x);
    return at::cat(parts);
  }
  auto all = first.x.clone();
  for (std::size_t r = 1; r < calls.size(); ++r) {
    first.collective == Collective::sum ? all.add_(calls[r].x) : at::maximum_out(all, all, calls[r].x);
  }
  return all;
}

}  // namespace

/// Where the ranks meet: the last to come does the work, the others wait for it.
class ThreadWorld::Meeting {
 public:
  explicit Meeting(int size) : calls_(static_cast<std::size_t>(size)), sent_(calls_.size()) {}

  int size() const { return static_cast<int>(calls_.size()); }

  void begin() {
    const std::lock_guard lock(mutex_);
    arrived_ = left_ = 0;
    failure_ = nullptr;
  }

  /// Gives the combined tensor, which all share.
  torch::Tensor meet(int rank, Call call) {
    std::unique_lock lock(mutex_);
    if (left_ > 0) note_failure(absence(rank, call));
    throw_failure();
    sent_[static_cast<std::size_t>(rank)] += bytes_of(call, rank);
    calls_[static_cast<std::size_t>(rank)] = std::move(call);
    if (++arrived_ == size()) {
      finish_round();
    } else {
      changed_.wait(lock, [this, round = round_] { return round_ != round || failure_ != nullptr; });
    }
    throw_failure();
    return result_;
  }

  void leave(int rank) {
    const std::lock_guard lock(mutex_);
    ++left_;
    if (arrived_ > 0 && failure_ == nullptr) {
      note_failure(Error("rank " + std::to_string(rank) + " left the world while others wait for it in a collective"));
    }
  }

  void fail(std::exception_ptr error) {
    const std::lock_guard lock(mutex_);
    ++left_;
    if (failure_ == nullptr) note_failure(std::move(error));
  }

  void throw_first_error() {
    const std::lock_guard lock(mutex_);
    if (failure_ != nullptr) std::rethrow_exception(failure_);
  }

  std::int64_t bytes_sent(int rank) const {
    const std::lock_guard lock(mutex_);
    return sent_.at(static_cast<std::size_t>(rank));
  }

 private:
  static Error absence(int rank, const Call& call) {
    return Error("rank " + std::to_string(rank) + " calls " + text_of(call) + " in a world that another rank has left");
  }

  void note_failure(const Error& error) { note_failure(std::make_exception_ptr(error)); }
  void note_failure(std::exception_ptr error) {
    if (failure_ == nullptr) failure_ = std::move(error);
    changed_.notify_all();
  }

  void throw_failure() const {
    if (failure_ == nullptr) return;
    try {
      std::rethrow_exception(failure_);
    } catch (const std::exception& e) {
      throw Error(std::string("the world of threads failed: ") + e.what());
    }
  }

  void finish_round() {
    for (std::size_t r = 1; r < calls_.size(); ++r) {
      if (agree(calls_[0], calls_[r])) continue;
      return note_failure(ArgumentError("rank 0 calls " + text_of(calls_[0]) + ", rank " + std::to_string(r) + " " +
                                        text_of(calls_[r]) +
                                        "; all ranks must call the same collectives in one order"));
    }
    const at::NoGradGuard guard;
    result_ = combined(calls_);
    for (auto& call : calls_) {
      if (call.collective != Collective::gather && call.x.defined()) call.x.copy_(result_);
      call.x = torch::Tensor();
    }
    arrived_ = 0;
    ++round_;
    changed_.notify_all();
  }

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Call> calls_;
  std::vector<std::int64_t> sent_;
  torch::Tensor result_;
  std::exception_ptr failure_;
  std::int64_t round_ = 0;
  int arrived_ = 0;
  int left_ = 0;
};

class ThreadWorld::Rank final : public Communicator {
 public:
  Rank(Meeting& meeting, int rank) : meeting_(meeting), rank_(rank) {}
  int rank() const override { return rank_; }
  int size() const override { return meeting_.size(); }
  void all_reduce_sum(torch::Tensor& x) override { meeting_.meet(rank_, {Collective::sum, x.detach()}); }
  void all_reduce_max(torch::Tensor& x) override { meeting_.meet(rank_, {Collective::max, x.detach()}); }
  torch::Tensor all_gather_rows(const torch::Tensor& part) override {
    return meeting_.meet(rank_, {Collective::gather, part.detach()}).clone();
  }
  void broadcast(torch::Tensor& x, int root) override {
    if (root < 0 || root >= size()) {
      throw ArgumentError("broadcast(): rank " + std::to_string(root) + " is not in a world of " +
                          std::to_string(size()));
    }
    meeting_.meet(rank_, {Collective::broadcast, x.detach(), root});
  }
  void barrier() override { meeting_.meet(rank_, {Collective::barrier, {}}); }

 private:
  Meeting& meeting_;
  int rank_;
};

ThreadWorld::ThreadWorld(int size) {
  if (size < 1) throw ArgumentError("a world of " + std::to_string(size) + " threads; it takes at least one");
  meeting_ = std::make_unique<Meeting>(size);
}

ThreadWorld::~ThreadWorld() = default;

void ThreadWorld::run(const std::function<void(Communicator&)>& work) {
  meeting_->begin();
  const auto guarded = [&](const auto& part) {
    try {
      part();
    } catch (...) {
      meeting_->fail(std::current_exception());
    }
  };
  const auto rank = [&](int r) {
    Rank communicator(*meeting_, r);
    work(communicator);
    meeting_->leave(r);
  };
  std::vector<std::jthread> threads;
  guarded([&] {
    for (int r = 0; r < meeting_->size(); ++r) threads.emplace_back([&, r] { guarded([&] { rank(r); }); });
  });
  for (auto& thread : threads) thread.join();
  meeting_->throw_first_error();
}

std::int64_t ThreadWorld::bytes_sent(int rank) const { return meeting_->bytes_sent(rank); }

}  // namespace dime
