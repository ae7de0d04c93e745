// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include <torch/types.h>

#include <dime/error.hpp>

#include "comm/thread_world.hpp"
#include "support/errors.hpp"

namespace dime::test {
namespace {

TEST(ThreadWorld, Collectives) {
  for (const int size : {1, 2, 5}) {
    ThreadWorld world(size);
    std::vector<torch::Tensor> sums(static_cast<std::size_t>(size)), most = sums, rows = sums, sent = sums;
    world.run([&](Communicator& comm) {
      const auto r = static_cast<std::size_t>(comm.rank());
      EXPECT_EQ(comm.size(), size);
      sums[r] = at::full({3}, comm.rank() + 1.0);
      most[r] = at::full({2}, -comm.rank(), at::kDouble);
      sent[r] = at::full({2}, comm.rank(), at::kLong);
      comm.all_reduce_sum(sums[r]);
      comm.all_reduce_max(most[r]);
      comm.barrier();
      comm.broadcast(sent[r], size - 1);
      rows[r] = comm.all_gather_rows(at::full({comm.rank() + 1, 2}, comm.rank()));
    });
    for (std::size_t r = 0; r < sums.size(); ++r) {
      EXPECT_TRUE(at::equal(sums[r], at::full({3}, size * (size + 1) / 2.0)));
      EXPECT_TRUE(at::equal(most[r], at::zeros({2}, at::kDouble)));
      EXPECT_TRUE(at::equal(sent[r], at::full({2}, size - 1, at::kLong)));
      EXPECT_EQ(rows[r].size(0), size * (size + 1) / 2);
      EXPECT_TRUE(at::equal(rows[r].select(1, 0), at::arange(size).repeat_interleave(at::arange(1, size + 1))));
      EXPECT_EQ(rows[r].data_ptr() == rows[0].data_ptr(), r == 0) << "each has a tensor of its own";
    }
  }
}

TEST(ThreadWorld, SumsInTheOrderOfRanks) {
  ThreadWorld world(3);
  for (int i = 0; i < 50; ++i) {
    world.run([](Communicator& comm) {
      constexpr float parts[] = {1e8F, -1e8F, 1.0F};
      auto x = at::full({1}, parts[comm.rank()]);
      comm.all_reduce_sum(x);
      EXPECT_EQ(x.item<float>(), 1.0F);
    });
  }
}

TEST(ThreadWorld, CountsTheBytesOfEachRank) {
  ThreadWorld world(2);
  world.run([](Communicator& comm) {
    auto x = at::zeros({3});
    comm.all_reduce_sum(x);
    comm.broadcast(x, 1);
    comm.all_gather_rows(at::zeros({comm.rank(), 2}, at::kDouble));
    comm.barrier();
  });
  EXPECT_EQ(world.bytes_sent(0), 12);
  EXPECT_EQ(world.bytes_sent(1), 12 + 12 + 16);
}

std::string failure_of(int size, const std::function<void(Communicator&)>& work) {
  ThreadWorld world(size);
  return error_text<Error>([&] { world.run(work); });
}

void sum_of(Communicator& comm, at::IntArrayRef sizes) {
  auto x = at::zeros(sizes);
  comm.all_reduce_sum(x);
}

TEST(ThreadWorld, WhereOneThrowsAllDo) {
  std::vector<std::string> others(3);
  const auto text = failure_of(3, [&](Communicator& comm) {
    if (comm.rank() == 1) throw TrainError("rank 1 has had enough");
    others[static_cast<std::size_t>(comm.rank())] = error_text<Error>([&] { comm.barrier(); });
  });
  EXPECT_EQ(text, "rank 1 has had enough");
  // The other ranks may come before it throws or after.
  for (const auto r : {0U, 2U}) EXPECT_EQ(others[r], "the world of threads failed: rank 1 has had enough");
}

TEST(ThreadWorld, Messages) {
  EXPECT_EQ(failure_of(2, [](Communicator& comm) { sum_of(comm, comm.rank() == 0 ? 3 : 4); }),
            "rank 0 calls all_reduce_sum of Float[3], rank 1 all_reduce_sum of Float[4]; all ranks must call the same "
            "collectives in one order");
  EXPECT_EQ(failure_of(2, [](Communicator& comm) { comm.rank() == 0 ? sum_of(comm, 3) : comm.barrier(); }),
            "rank 0 calls all_reduce_sum of Float[3], rank 1 barrier; all ranks must call the same collectives in one "
            "order");
  EXPECT_EQ(
      failure_of(2, [](Communicator& comm) { comm.broadcast(*std::make_unique<torch::Tensor>(at::zeros(2)), 2); }),
      "broadcast(): rank 2 is not in a world of 2");
  EXPECT_EQ(error_text<ArgumentError>([] { ThreadWorld world(0); }), "a world of 0 threads; it takes at least one");
}

TEST(ThreadWorld, OneThatLeavesIsNotWaitedFor) {
  const auto text = failure_of(2, [](Communicator& comm) {
    if (comm.rank() == 1) comm.barrier();
  });
  EXPECT_TRUE(text == "rank 0 left the world while others wait for it in a collective" ||
              text == "rank 1 calls barrier in a world that another rank has left")
      << text;
}

TEST(ThreadWorld, CanBeUsedAgainAfterAFailure) {
  ThreadWorld world(2);
  EXPECT_THROW(world.run([](Communicator&) { throw TrainError("no"); }), TrainError);
  EXPECT_NO_THROW(world.run([](Communicator& comm) { comm.barrier(); }));
}

}  // namespace
}  // namespace dime::test
