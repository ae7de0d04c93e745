// SPDX-License-Identifier: Apache-2.0
// One thread, but where a test asks for more: the matrices are small, and threads that wait for each other on a busy
// machine take ten times as long.
#include <gtest/gtest.h>

#include <ATen/Parallel.h>

int main(int count, char** arguments) {
  testing::InitGoogleTest(&count, arguments);
  at::set_num_threads(1);
  return RUN_ALL_TESTS();
}
