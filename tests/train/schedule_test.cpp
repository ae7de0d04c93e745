// SPDX-License-Identifier: Apache-2.0
#include "train/schedule.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include <nlohmann/json.hpp>

namespace dime {
namespace {

TEST(Schedule, IsThatOfTimm) {
  std::ifstream file(std::string(DIME_TEST_SOURCE_DIR) + "/tests/golden/schedule.json");
  const auto cases = nlohmann::json::parse(file);
  ASSERT_EQ(cases.size(), 3U);
  for (const auto& c : cases) {
    ScheduleOptions options;
    options.type = "cosine";
    options.warmup = {c.at("warmup_epochs"), Duration::Unit::epochs};
    options.warmup_lr = c.at("warmup_lr");
    options.min_lr = c.at("min_lr");
    const std::int64_t epoch = c.at("steps_per_epoch");
    const std::int64_t total = epoch * c.at("epochs").get<std::int64_t>();
    const Schedule schedule(options, c.at("base_lr"), static_cast<double>(epoch), total);
    ASSERT_EQ(c.at("lr").size(), static_cast<std::size_t>(total));
    for (std::int64_t i = 0; i < total; ++i) {
      EXPECT_NEAR(schedule.at(i), c.at("lr")[static_cast<std::size_t>(i)].get<double>(), 1e-12) << i;
    }
    EXPECT_EQ(schedule.at(total + 1), c.at("min_lr").get<double>());
  }
}

TEST(Schedule, ConstantAfterItsWarmup) {
  ScheduleOptions options;
  options.warmup = {4, Duration::Unit::steps};
  options.warmup_lr = 0.1;
  const Schedule schedule(options, 0.5, 10, 20);
  const std::vector<double> want{0.1, 0.1, 0.2, 0.3, 0.4, 0.5, 0.5};
  for (std::size_t i = 0; i < want.size(); ++i) EXPECT_NEAR(schedule.at(static_cast<std::int64_t>(i)), want[i], 1e-15);
  EXPECT_EQ(schedule.at(1000), 0.5);
}

TEST(Schedule, ConstantWithoutWarmupIsTheBase) {
  const Schedule schedule(ScheduleOptions{}, 0.25, 10, 20);
  for (const std::int64_t i : {0, 1, 19, 20}) EXPECT_EQ(schedule.at(i), 0.25);
}

}  // namespace
}  // namespace dime
