// SPDX-License-Identifier: Apache-2.0
#include "report/tensorboard.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <chrono>
#include <regex>

#include <dime/error.hpp>

#include "report/event_reader.hpp"
#include "report/text_file.hpp"
#include "support/errors.hpp"
#include "support/scratch_folder.hpp"

namespace dime {
namespace {

using test::error_text;
using test::Message;
using test::ScratchFolder;

struct Point {
  std::string tag;
  std::int64_t step;
  float value;
  friend bool operator==(const Point&, const Point&) = default;
};

std::vector<Message> events_of(const EventWriter& writer) {
  std::vector<Message> events;
  for (const auto& record : test::records_of(read_file_if_any(writer.path()).value())) events.emplace_back(record);
  return events;
}

std::vector<Point> points_of(const EventWriter& writer) {
  std::vector<Point> points;
  for (const auto& event : events_of(writer)) {
    const auto summary = event.bytes.find(5);
    if (summary == event.bytes.end()) continue;
    const Message value(Message(summary->second).bytes.at(1));
    points.push_back({value.bytes.at(1), static_cast<std::int64_t>(event.numbers.at(2)),
                      std::bit_cast<float>(static_cast<std::uint32_t>(value.numbers.at(2)))});
  }
  return points;
}

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

TEST(TensorBoard, TheChecksumIsThatOfTheStandard) {
  // RFC 3720, B.4: 32 zero bytes give 8a9136aa.
  EXPECT_EQ(test::unmask(masked_crc32c(std::string(32, '\0'))), 0x8A9136AAU);
  EXPECT_EQ(test::unmask(masked_crc32c("123456789")), 0xE3069283U);
}

TEST(TensorBoard, TheFirstRecordIsTheVersion) {
  const ScratchFolder scratch;
  const auto before = seconds_now();
  const EventWriter writer(scratch.path());
  const auto events = events_of(writer);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].bytes.at(3), "brain.Event:2");
  const auto time = std::bit_cast<double>(events[0].numbers.at(1));
  EXPECT_GE(time, before);
  EXPECT_LE(time, seconds_now());
}

TEST(TensorBoard, ScalarsComeBack) {
  const ScratchFolder scratch;
  EventWriter writer(scratch.path());
  writer.scalar("Train/total_loss", 1, 3.25);
  writer.scalar("Train/total_loss", 300, -1e-7);
  writer.scalar("Train/lr", std::int64_t{1} << 40, 8e-4);
  EXPECT_EQ(points_of(writer), (std::vector<Point>{{"Train/total_loss", 1, 3.25F},
                                                   {"Train/total_loss", 300, -1e-7F},
                                                   {"Train/lr", std::int64_t{1} << 40, 8e-4F}}));
}

TEST(TensorBoard, ALineOfMetricsBecomesItsTags) {
  const ScratchFolder scratch;
  EventWriter writer(scratch.path());
  MetricsLine line;
  line.step = 7;
  line.loss = 2;
  line.losses = {{"vl", 1}, {"pvl", 3}};
  line.memory_mib = 512;
  writer.metrics(line);
  const auto points = points_of(writer);
  std::vector<std::string> tags;
  for (const auto& p : points) {
    tags.push_back(p.tag);
    EXPECT_EQ(p.step, 7);
  }
  EXPECT_EQ(tags, (std::vector<std::string>{"Train/total_loss", "Train/vl_loss", "Train/pvl_loss", "Train/lr",
                                            "Train/grad_norm", "Train/loss_scale", "Train/epoch", "Train/texts_epoch",
                                            "Train/images_per_second", "Train/data_seconds", "Train/step_seconds",
                                            "Train/memory_mib"}));
  EXPECT_EQ(points[0].value, 2.0F);
  EXPECT_EQ(points[2].value, 3.0F);
  EXPECT_EQ(points[11].value, 512.0F);
}

TEST(TensorBoard, ResumeSaysWhereItStartsAgain) {
  const ScratchFolder scratch;
  const EventWriter writer(scratch.path(), 240);
  const auto events = events_of(writer);
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[1].numbers.at(2), 241U);
  EXPECT_EQ(Message(events[1].bytes.at(7)).numbers.at(1), 1U);
}

TEST(TensorBoard, TwoFilesOfOneSecondHaveTwoNames) {
  const ScratchFolder scratch;
  const EventWriter first(scratch / "tensorboard");
  const EventWriter second(scratch / "tensorboard");
  EXPECT_NE(first.path(), second.path());
  const std::regex form(R"(events\.out\.tfevents\.\d{10}\..+\.\d+\.\d+)");
  EXPECT_TRUE(std::regex_match(first.path().filename().string(), form)) << first.path();
}

TEST(TensorBoard, AFolderThatCannotBeMadeIsAnError) {
  const ScratchFolder scratch;
  scratch.write("file", "");
  EXPECT_EQ(error_text<IoError>([&] { EventWriter{scratch / "file/tensorboard"}; }),
            "cannot write " + (scratch / "file/tensorboard").string() + ": Not a directory");
}

}  // namespace
}  // namespace dime
