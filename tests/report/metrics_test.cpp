// SPDX-License-Identifier: Apache-2.0
#include "report/metrics.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <sstream>

#include <dime/error.hpp>

#include "report/text_file.hpp"
#include "support/errors.hpp"
#include "support/scratch_folder.hpp"

namespace dime {
namespace {

using test::error_text;
using test::ScratchFolder;

MetricsLine line_of(std::int64_t step) {
  MetricsLine line;
  line.step = step;
  line.loss = 1.0 / static_cast<double>(step);
  return line;
}

std::vector<std::int64_t> steps_in(const std::filesystem::path& path) {
  std::vector<std::int64_t> steps;
  std::istringstream text(read_file_if_any(path).value());
  for (std::string line; std::getline(text, line);) steps.push_back(nlohmann::json::parse(line)["step"]);
  return steps;
}

TEST(Metrics, ALineHoldsThePublishedKeysInOrder) {
  MetricsLine line;
  line.step = 1;
  line.epoch = 0.25;
  line.texts_epoch = 0.5;
  line.lr = 4e-6;
  line.loss = 0.1;
  line.losses = {{"vl", 2.5}, {"pvl", 3}};
  line.grad_norm = 0.75;
  line.loss_scale = 65536;
  line.skipped = 2;
  line.broken_rows = 3;
  line.images_per_second = 812.5;
  line.data_seconds = 0.125;
  line.step_seconds = 1.5;
  line.memory_mib = 1024;
  EXPECT_EQ(line.text(),
            R"({"step":1,"epoch":0.25,"texts_epoch":0.5,"lr":4e-06,"loss":0.1,"losses":{"vl":2.5,"pvl":3.0},)"
            R"("grad_norm":0.75,"loss_scale":65536.0,"skipped":2,"broken_rows":3,"images_per_second":812.5,)"
            R"("data_seconds":0.125,"step_seconds":1.5,"memory_mib":1024})");
}

TEST(Metrics, NumbersComeBackToTheLastBit) {
  for (const double x : {1.0 / 3, 0.1 + 0.2, 1e-308, 6.0221e23, std::nextafter(1.0, 2.0), 5e-324}) {
    MetricsLine line;
    line.loss = x;
    EXPECT_EQ(nlohmann::json::parse(line.text())["loss"].get<double>(), x);
  }
}

TEST(Metrics, WhatIsNotFiniteIsNull) {
  MetricsLine line;
  line.loss = std::numeric_limits<double>::quiet_NaN();
  line.losses = {{"vl", std::numeric_limits<double>::infinity()}};
  const auto read = nlohmann::json::parse(line.text());
  EXPECT_TRUE(read["loss"].is_null());
  EXPECT_TRUE(read["losses"]["vl"].is_null());
}

TEST(Metrics, ExtrasFollowAndCannotShadow) {
  auto line = line_of(1);
  line.extras["teacher_seconds"] = 0.5;
  EXPECT_TRUE(line.text().ends_with(R"(,"teacher_seconds":0.5})"));
  line.extras["loss"] = 1;
  EXPECT_EQ(error_text<ArgumentError>([&] { line.text(); }),
            "metrics key \"loss\" is taken; give the extra another name");
}

TEST(Metrics, EachLineIsThereAtOnce) {
  const ScratchFolder scratch;
  MetricsWriter writer(scratch / "metrics.jsonl");
  writer.write(line_of(1));
  EXPECT_EQ(scratch.read("metrics.jsonl"), line_of(1).text() + "\n");
  writer.write(line_of(2));
  EXPECT_EQ(scratch.read("metrics.jsonl"), line_of(1).text() + "\n" + line_of(2).text() + "\n");
}

TEST(Metrics, ResumeRemovesTheStepsToBeDoneAgain) {
  const ScratchFolder scratch;
  const auto path = scratch / "metrics.jsonl";
  {
    MetricsWriter writer(path);
    for (int step = 1; step <= 5; ++step) writer.write(line_of(step));
  }
  MetricsWriter writer(path, 3);
  EXPECT_EQ(steps_in(path), (std::vector<std::int64_t>{1, 2, 3}));
  writer.write(line_of(4));
  EXPECT_EQ(steps_in(path), (std::vector<std::int64_t>{1, 2, 3, 4}));
}

TEST(Metrics, ResumeDropsALineCutShort) {
  const ScratchFolder scratch;
  const auto path = scratch / "metrics.jsonl";
  scratch.write(path, line_of(1).text() + "\n" + line_of(2).text().substr(0, 12));
  MetricsWriter writer(path, 2);
  EXPECT_EQ(scratch.read(path), line_of(1).text() + "\n");
}

TEST(Metrics, ResumeRefusesAForeignLine) {
  const ScratchFolder scratch;
  const auto path = scratch / "metrics.jsonl";
  const std::string text = line_of(1).text() + "\nnotes\n" + line_of(2).text() + "\n";
  scratch.write(path, text);
  EXPECT_EQ(error_text<DataError>([&] { MetricsWriter(path, 2); }),
            path.string() + ":2: no metrics line; remove the line to go on");
  EXPECT_EQ(scratch.read(path), text);
}

TEST(Metrics, ResumeWithoutAFileBegins) {
  const ScratchFolder scratch;
  MetricsWriter(scratch / "metrics.jsonl", 3).write(line_of(4));
  EXPECT_EQ(steps_in(scratch / "metrics.jsonl"), std::vector<std::int64_t>{4});
}

TEST(Metrics, AFolderThatIsNotThereIsAnError) {
  const ScratchFolder scratch;
  const auto path = scratch / "none/metrics.jsonl";
  EXPECT_EQ(error_text<IoError>([&] { MetricsWriter{path}; }),
            "cannot write " + path.string() + ": No such file or directory");
}

TEST(Metrics, AFullDiskIsAnError) {
  MetricsWriter writer("/dev/full");
  EXPECT_EQ(error_text<IoError>([&] { writer.write(line_of(1)); }), "cannot write /dev/full: No space left on device");
}

TEST(Metrics, ResidentMemoryGrowsWithWhatIsTouched) {
  const auto before = resident_memory_mib();
  const std::vector<char> touched(64 << 20, 1);
  const auto after = resident_memory_mib();
  EXPECT_GT(before, 0);
  EXPECT_GE(after - before, 48 * touched[0]);
}

}  // namespace
}  // namespace dime
