// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "config/files.hpp"

namespace dime {
namespace {

template <class T>
T read(const std::string& text) {
  T out;
  Problems problems;
  detail::OptionType<T>::read(test::yaml(text), out, {}, "it", problems);
  EXPECT_EQ(join(problems.lines(), "\n"), "");
  return out;
}

template <class T>
std::string error(const std::string& text) {
  T out;
  Problems problems;
  detail::OptionType<T>::read(test::yaml(text), out, {}, "it", problems);
  return join(problems.lines(), "\n");
}

TEST(Duration, Forms) {
  EXPECT_EQ(read<Duration>("500 steps").steps(10), 500);
  EXPECT_EQ(read<Duration>("1 step").text(), "1 step");
  EXPECT_EQ(read<Duration>("500").steps(10), 500);
  EXPECT_EQ(read<Duration>("0").steps(10), 0);
  EXPECT_EQ(read<Duration>("2 epochs").steps(10.3), 21);
  EXPECT_EQ(read<Duration>("0.5 epoch").steps(10), 5);
  EXPECT_EQ(read<Duration>("0.5 epoch").text(), "0.5 epochs");
}

TEST(Duration, Mistakes) {
  for (const std::string text : {"soon", "1.5 steps", "-1", "2 weeks", "1e300", "nan", "inf epochs", "epochs"}) {
    EXPECT_EQ(error<Duration>(text),
              "f.yaml:1:1: it takes a duration (\"500 steps\", \"2 epochs\", or a whole number of steps), got \"" +
                  text + "\"");
  }
  EXPECT_EQ(error<Duration>("[1]"),
            "f.yaml:1:1: it takes a duration (\"500 steps\", \"2 epochs\", or a whole number of steps), got a list");
}

TEST(WallTime, Forms) {
  EXPECT_EQ(read<WallTime>("90 minutes").seconds, 5400);
  EXPECT_EQ(read<WallTime>("6 hours").seconds, 21600);
  EXPECT_EQ(read<WallTime>("30 seconds").seconds, 30);
  EXPECT_EQ(read<WallTime>("1 day").seconds, 86400);
  EXPECT_EQ(error<WallTime>("90"),
            "f.yaml:1:1: it takes a length of time (\"30 seconds\", \"90 minutes\", \"6 hours\"), got \"90\"");
}

TEST(ThreadCount, Forms) {
  EXPECT_EQ(read<ThreadCount>("auto").count, 0);
  EXPECT_EQ(read<ThreadCount>("4").count, 4);
  EXPECT_EQ(error<ThreadCount>("0"), "f.yaml:1:1: it takes auto or a number of threads from 1 to 4096, got \"0\"");
  EXPECT_EQ(error<ThreadCount>("many"),
            "f.yaml:1:1: it takes auto or a number of threads from 1 to 4096, got \"many\"");
}

TEST(Weight, Forms) {
  const auto w = read<Weight>("{from: 1, to: 3, over: 4 steps}");
  EXPECT_EQ(w.at(0, 10), 1);
  EXPECT_EQ(w.at(2, 10), 2);
  EXPECT_EQ(w.at(4, 10), 3);
  EXPECT_EQ(w.at(100, 10), 3);
  EXPECT_EQ(read<Weight>("{from: 1, to: 3, over: 0}").at(0, 10), 3);
  EXPECT_EQ(read<Weight>("0.7").at(0, 10), 0.7);
  EXPECT_EQ(read<Weight>("0.7").at(1000, 10), 0.7);
  EXPECT_EQ(error<Weight>("{from: 1, too: 3}"),
            "f.yaml:1:1: it needs option \"to\" (The weight at the end.)\n"
            "f.yaml:1:1: it needs option \"over\" (The time it takes.)\n"
            "f.yaml:1:11: unknown option \"too\" of it (did you mean \"to\"?); it takes: from, over, to");
  EXPECT_EQ(error<Weight>("heavy"), "f.yaml:1:1: it takes a number, got \"heavy\"");
  EXPECT_EQ(error<Weight>("[1]"), "f.yaml:1:1: it takes a number or a map {from, to, over}, got a list");
}

}  // namespace
}  // namespace dime
