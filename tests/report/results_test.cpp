// SPDX-License-Identifier: Apache-2.0
#include "report/results.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include <dime/error.hpp>

#include "report/table.hpp"
#include "support/errors.hpp"
#include "support/scratch_folder.hpp"

namespace dime {
namespace {

using Json = nlohmann::ordered_json;
using test::error_text;
using test::ScratchFolder;

TEST(Results, TheFirstResultMakesTheFile) {
  const ScratchFolder scratch;
  add_result(scratch / "results.json", "tiny", {"zoo", 40, {{"student", {{"top1", 0.5}}}}});
  EXPECT_EQ(Json::parse(scratch.read("results.json")).dump(),
            R"({"name":"tiny","evaluate":{"zoo":{"step":40,"top1":0.5,"student":{"top1":0.5}}},)"
            R"("history":[{"task":"zoo","step":40,"student":{"top1":0.5}}]})");
}

TEST(Results, TasksAreMergedAndAMeasuredTeacherStays) {
  const ScratchFolder scratch;
  const auto path = scratch / "results.json";
  add_result(path, "tiny", {"zoo", 40, {{"teacher", {{"top1", 0.9}}}, {"student", {{"top1", 0.5}}}}});
  add_result(path, "tiny", {"flowers", 40, {{"student", {{"top1", 0.25}}}}});
  add_result(path, "tiny", {"zoo", 80, {{"student", {{"top1", 0.75}}}}});
  const auto all = Json::parse(scratch.read(path));
  EXPECT_EQ(all["evaluate"].dump(), R"({"zoo":{"step":80,"top1":0.75,"teacher":{"top1":0.9},"student":{"top1":0.75}},)"
                                    R"("flowers":{"step":40,"top1":0.25,"student":{"top1":0.25}}})");
  EXPECT_EQ(all["history"].size(), 3U);
}

TEST(Results, TheSameTaskAndStepStandsOnceInTheHistory) {
  const ScratchFolder scratch;
  const auto path = scratch / "results.json";
  add_result(path, "tiny", {"zoo", 40, {{"student", {{"top1", 0.5}}}}});
  add_result(path, "tiny", {"zoo", 40, {{"student", {{"top1", 0.625}}}}});
  EXPECT_EQ(Json::parse(scratch.read(path))["history"].dump(),
            R"([{"task":"zoo","step":40,"student":{"top1":0.625}}])");
}

TEST(Results, KnowsWhatItHolds) {
  const ScratchFolder scratch;
  const auto path = scratch / "results.json";
  EXPECT_FALSE(has_result(path, "zoo", 40));
  add_result(path, "tiny", {"zoo", 40, {{"student", {{"top1", 0.5}}}}});
  EXPECT_TRUE(has_result(path, "zoo", 40));
  EXPECT_FALSE(has_result(path, "zoo", 80));
  EXPECT_FALSE(has_result(path, "flowers", 40));
}

TEST(Results, AForeignFileIsLeftAlone) {
  const ScratchFolder scratch;
  const auto path = scratch / "results.json";
  for (const std::string text : {"not json", "[1]", "{\"evaluate\": {}, \"history\": [1]}", "{\"evaluate\": 3}"}) {
    scratch.write(path, text);
    EXPECT_THROW(add_result(path, "tiny", {"zoo", 1, {}}), DataError);
    EXPECT_EQ(scratch.read(path), text);
  }
  EXPECT_EQ(error_text<DataError>([&] {
              add_result(path, "tiny", {"zoo", 1, {}});
            }),
            "file " + path.string() + " is no results file (it lacks \"evaluate\" or \"history\"); move it away");
  scratch.write(path, "not json");
  EXPECT_EQ(error_text<DataError>([&] {
              add_result(path, "tiny", {"zoo", 1, {}});
            }),
            "file " + path.string() + " holds no JSON object; move it away to go on without it");
}

TEST(Table, ColumnsStandInLine) {
  Table table({"model", "parameters", "images/s", "top-1"});
  table.add({"teacher", count_text(427616513), number_text(96.25, 1), percent_text(0.755)});
  table.add({"student", count_text(87849216), number_text(812, 1), "-"});
  EXPECT_EQ(table.text(),
            "model     parameters  images/s    top-1\n"
            "-------  -----------  --------  -------\n"
            "teacher  427,616,513      96.2  75.50 %\n"
            "student   87,849,216     812.0        -\n");
}

TEST(Table, WidthsCountCharacters) {
  Table table({"task", "n"});
  table.add({"größe", "1"});
  table.add({"plain", "2"});
  EXPECT_EQ(table.text(), "task   n\n-----  -\ngröße  1\nplain  2\n");
}

TEST(Table, ARowOfAnotherLengthIsRefused) {
  Table table({"a", "b"});
  EXPECT_EQ(error_text<ArgumentError>([&] { table.add({"1"}); }), "a table of 2 columns got a row of 1 cells");
}

TEST(Table, Numbers) {
  EXPECT_EQ(count_text(0), "0");
  EXPECT_EQ(count_text(999), "999");
  EXPECT_EQ(count_text(1000), "1,000");
  EXPECT_EQ(count_text(-123456), "-123,456");
  EXPECT_EQ(number_text(std::nan(""), 2), "-");
  EXPECT_EQ(percent_text(1.0 / 3), "33.33 %");
  EXPECT_EQ(percent_text(std::nan("")), "-");
}

}  // namespace
}  // namespace dime
