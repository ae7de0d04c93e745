// SPDX-License-Identifier: Apache-2.0
#include "report/progress.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

namespace dime {
namespace {

struct Clock {
  double now = 0;
  Progress::Options options(std::int64_t total, bool terminal = false, std::int64_t done = 0) {
    Progress::Options made;
    made.total = total;
    made.done = done;
    made.terminal = terminal;
    made.seconds = [this] { return now; };
    return made;
  }
};

std::ptrdiff_t lines_in(const std::ostringstream& out) {
  const auto text = out.str();
  return std::count(text.begin(), text.end(), '\n');
}

TEST(Progress, TellsStepLossRateAndTimeLeft) {
  Clock clock;
  std::ostringstream out;
  Progress progress(out, clock.options(200));
  clock.now = 20;
  progress.update(10, {3.45678, 812.4});
  EXPECT_EQ(out.str(), "step 10/200  loss 3.4568  812 images/s  6:20 left\n");
}

TEST(Progress, TimeLeftCountsFromTheResumedStep) {
  Clock clock;
  std::ostringstream out;
  Progress progress(out, clock.options(200, false, 100));
  clock.now = 10;
  progress.update(110);
  EXPECT_EQ(out.str(), "step 110/200  1:30 left\n");
}

TEST(Progress, WithoutATotalThereIsNoTimeLeft) {
  Clock clock;
  std::ostringstream out;
  Progress progress(out, clock.options(0));
  clock.now = 3;
  progress.update(10, {std::nullopt, 2.5});
  EXPECT_EQ(out.str(), "step 10  2.50 images/s  took 0:03\n");
}

TEST(Progress, PlainLinesComeFirstAndLastAndTenSecondsApart) {
  Clock clock;
  std::ostringstream out;
  Progress progress(out, clock.options(100));
  for (int step = 1; step <= 100; ++step) {
    clock.now += 0.25;
    progress.update(step);
  }
  progress.finish();
  EXPECT_EQ(out.str(),
            "step 1/100  0:25 left\n"
            "step 41/100  0:15 left\n"
            "step 81/100  0:05 left\n"
            "step 100/100  took 0:25\n");
}

TEST(Progress, IntervalsGrowWithTheRun) {
  Clock clock;
  std::ostringstream out;
  Progress progress(out, clock.options(1 << 20));
  for (int step = 1; step <= 24 * 3600; ++step) {
    clock.now += 1;
    progress.update(step);
  }
  // 10 s apart for 100 s, then growing by a tenth up to 600 s at 6000 s, then 600 s apart.
  EXPECT_NEAR(static_cast<double>(lines_in(out)), 10 + 43 + 134, 4);
}

TEST(Progress, TheLastLineIsNotSaidTwice) {
  Clock clock;
  std::ostringstream out;
  Progress progress(out, clock.options(1));
  progress.update(1);
  progress.finish();
  progress.finish();
  EXPECT_EQ(lines_in(out), 1);
}

TEST(Progress, ATerminalLineIsRewrittenAndEnded) {
  Clock clock;
  std::ostringstream out;
  {
    Progress progress(out, clock.options(3, true));
    clock.now = 1;
    progress.update(1);
    clock.now = 1.05;
    progress.update(2);
    clock.now = 3;
    progress.update(3);
    progress.finish();
  }
  EXPECT_EQ(out.str(), "\r\x1b[Kstep 1/3  0:02 left\r\x1b[Kstep 3/3  took 0:03\n");
}

TEST(Progress, AnErrorLeavesNoOpenLine) {
  Clock clock;
  std::ostringstream out;
  {
    Progress progress(out, clock.options(3, true));
    progress.update(1);
  }
  EXPECT_EQ(lines_in(out), 1);
}

TEST(Progress, Durations) {
  EXPECT_EQ(duration_text(-1), "0:00");
  EXPECT_EQ(duration_text(7.4), "0:07");
  EXPECT_EQ(duration_text(59.6), "1:00");
  EXPECT_EQ(duration_text(725), "12:05");
  EXPECT_EQ(duration_text(3 * 3600 + 121), "3:02:01");
  EXPECT_EQ(duration_text(2 * 86400 + 3 * 3600 + 121), "2 d 3:02:01");
}

}  // namespace
}  // namespace dime
