// SPDX-License-Identifier: Apache-2.0
#include "data/stream.hpp"

#include <gtest/gtest.h>

#include <set>

#include "data/source.hpp"
#include "support/errors.hpp"
#include "support/golden_images.hpp"

namespace dime {
namespace {

/// Rows of two numbers; `broken` rows do not read.
class Numbers final : public Dataset {
 public:
  Numbers(std::int64_t n, std::set<std::int64_t> broken = {}, std::string prefix = "row")
      : n_(n), broken_(std::move(broken)), prefix_(std::move(prefix)) {}
  std::int64_t size() const override { return n_; }
  Row get(std::int64_t i) const override {
    if (broken_.count(i) != 0) throw RowError("row " + std::to_string(i) + " is broken");
    Row row;
    row.key = prefix_ + std::to_string(i);
    row.vector = {static_cast<float>(i), 1.0F};
    row.image = {static_cast<std::uint8_t>(i), 0, 0, static_cast<std::uint8_t>(i)};
    row.pixels = PixelShape{2, 2, 1};
    row.label = i % 10;
    return row;
  }
  DatasetInfo info() const override { return {true, false, true, 2, {}}; }

 private:
  std::int64_t n_;
  std::set<std::int64_t> broken_;
  std::string prefix_;
};

BatchContent numbers_content() {
  BatchContent content;
  content.stream = "images";
  content.pixels = content.vectors = content.labels = true;
  content.image_size = 2;
  content.vector_width = 2;
  return content;
}

TransformList flips() {
  Component flip;
  flip.type = "horizontal_flip";
  return TransformList({flip});
}

std::unique_ptr<Stream> numbers(std::int64_t n, std::int64_t batch, int threads, bool drop = true, int rank = 0,
                                int world = 1, std::set<std::int64_t> broken = {}) {
  BatchMaker maker(numbers_content(), {std::make_shared<Numbers>(n, std::move(broken))}, flips(), nullptr, 77);
  return std::make_unique<Stream>(std::move(maker), Order({n}, {1}, 77, true), BatchPlan(n, batch, drop), rank, world,
                                  make_decode_pool(threads));
}

void expect_equal(const StreamBatch& a, const StreamBatch& b) {
  EXPECT_EQ(a.index, b.index);
  EXPECT_EQ(a.keys, b.keys);
  EXPECT_TRUE(torch::equal(a.pixels, b.pixels));
  EXPECT_TRUE(torch::equal(a.vectors, b.vectors));
  EXPECT_TRUE(torch::equal(a.labels, b.labels));
}

TEST(Stream, ThreadsChangeNothing) {
  auto one = numbers(100, 8, 1), three = numbers(100, 8, 3);
  for (int i = 0; i < 30; ++i) expect_equal(one->next(), three->next());
}

TEST(Stream, GoesOnFromAnyBatch) {
  auto whole = numbers(50, 8, 2, false);
  for (int i = 0; i < 9; ++i) whole->next();
  auto part = numbers(50, 8, 1, false);
  part->next();
  part->seek(9);
  for (int i = 9; i < 20; ++i) expect_equal(whole->next(), part->next());
}

TEST(Stream, AnEpochHoldsEachRowOnceAndAugmentationDiffersBetweenEpochs) {
  auto stream = numbers(64, 8, 2);
  std::multiset<std::string> keys;
  for (int i = 0; i < 8; ++i) {
    const StreamBatch batch = stream->next();
    EXPECT_EQ(batch.epoch, (i + 1) / 8.0);
    keys.insert(batch.keys.begin(), batch.keys.end());
  }
  EXPECT_EQ(keys.size(), 64U);
  EXPECT_EQ(std::set<std::string>(keys.begin(), keys.end()).size(), 64U);
}

TEST(Stream, ProcessesShareTheGlobalBatch) {
  auto whole = numbers(40, 10, 1);
  for (const int world : {2, 3, 4}) {
    whole->seek(0);
    std::vector<std::unique_ptr<Stream>> parts;
    for (int rank = 0; rank < world; ++rank) parts.push_back(numbers(40, 10, 1, true, rank, world));
    for (int i = 0; i < 5; ++i) {
      std::vector<torch::Tensor> pixels;
      std::vector<std::string> keys;
      for (auto& part : parts) {
        const StreamBatch batch = part->next();
        pixels.push_back(batch.pixels);
        keys.insert(keys.end(), batch.keys.begin(), batch.keys.end());
      }
      const StreamBatch expected = whole->next();
      EXPECT_EQ(keys, expected.keys);
      EXPECT_TRUE(torch::equal(torch::cat(pixels), expected.pixels));
    }
  }
}

TEST(Stream, ABrokenRowIsReplacedByARuleAndReported) {
  auto one = numbers(40, 10, 1, true, 0, 1, {3, 17}), two = numbers(40, 10, 3, true, 0, 1, {3, 17});
  std::vector<BrokenRow> broken;
  for (int i = 0; i < 4; ++i) {
    const StreamBatch a = one->next(), b = two->next();
    expect_equal(a, b);
    for (const auto& key : a.keys) EXPECT_TRUE(key != "row3" && key != "row17");
    broken.insert(broken.end(), a.broken.begin(), a.broken.end());
  }
  ASSERT_GE(broken.size(), 2U);
  std::set<std::string> reasons;
  for (const auto& row : broken) {
    reasons.insert(row.reason);
    EXPECT_EQ(row.stream, "images");
    EXPECT_EQ(row.replacement.rfind("row", 0), 0U);
  }
  EXPECT_EQ(reasons, (std::set<std::string>{"row 3 is broken", "row 17 is broken"}));
}

TEST(Stream, StopsWhenNothingReads) {
  std::set<std::int64_t> all;
  for (std::int64_t i = 0; i < 5; ++i) all.insert(i);
  auto stream = numbers(5, 2, 1, true, 0, 1, all);
  try {
    stream->next();
    FAIL();
  } catch (const DataError& e) {
    EXPECT_EQ(std::string(e.what()).rfind("data.images: 9 rows in turn are broken, the last: row ", 0), 0U) << e.what();
  }
}

TEST(Reader, ReadsEachRowOnceInOrder) {
  BatchMaker maker(numbers_content(), {std::make_shared<Numbers>(11)}, TransformList(), nullptr, 1);
  Reader reader(std::move(maker), 11, 4, make_decode_pool(2));
  std::vector<std::int64_t> sizes;
  std::int64_t row = 0;
  for (StreamBatch batch; reader.next(batch);) {
    sizes.push_back(batch.size());
    for (const auto& key : batch.keys) EXPECT_EQ(key, "row" + std::to_string(row++));
  }
  EXPECT_EQ(sizes, (std::vector<std::int64_t>{4, 4, 3}));
}

TEST(Reader, ABrokenRowIsAnError) {
  BatchMaker maker(numbers_content(), {std::make_shared<Numbers>(5, std::set<std::int64_t>{2})}, TransformList(),
                   nullptr, 1);
  Reader reader(std::move(maker), 5, 5, make_decode_pool(1));
  StreamBatch batch;
  EXPECT_THROW(reader.next(batch), RowError);
}

/// Rows whose images do not decode, with a place and keys that do not print; an odd row throws what a plugin may.
class Unreadable final : public Dataset {
 public:
  std::int64_t size() const override { return 2; }
  DatasetInfo info() const override { return {.image = true}; }
  std::string where(std::int64_t i) const override { return "shard.tsv:" + std::to_string(i); }
  Row get(std::int64_t i) const override {
    if (i == 1) throw RowError("no\x1bimage\nbut a second line");
    Row row;
    row.key = std::string("a\0b\n", 4);
    row.image = {1, 2, 3};
    return row;
  }
};

std::string fill_error(std::vector<std::shared_ptr<const Dataset>> sources, RowId id) {
  BatchContent content;
  content.stream = "images";
  content.pixels = true;
  content.image_size = 2;
  const BatchMaker maker(content, std::move(sources), TransformList(), nullptr, 1);
  StreamBatch batch = maker.allocate(1);
  std::vector<BrokenRow> broken;
  return test::error_text<RowError>([&] {
    maker.fill(
        batch, 0, [&](std::int64_t, int) { return id; }, broken, 0);
  });
}

TEST(BatchMaker, NamesTheRowByItsPlaceAndKeyOnOneLine) {
  const auto rows = std::make_shared<Unreadable>();
  EXPECT_EQ(fill_error({rows}, {0, 0, 0}), "shard.tsv:0 a\\x00b\\x0A: not a JPEG, PNG, WebP, BMP or GIF image");
  EXPECT_EQ(fill_error({rows, rows}, {1, 0, 0}),
            "source 2, shard.tsv:0 a\\x00b\\x0A: not a JPEG, PNG, WebP, BMP or GIF image");
  EXPECT_EQ(fill_error({rows}, {0, 1, 0}), "no\\x1Bimage");
}

/// One row: an image of 5 x 5 pixels that its EXIF says to turn right.
class Turned final : public Dataset {
 public:
  std::int64_t size() const override { return 1; }
  DatasetInfo info() const override { return {.image = true}; }
  Row get(std::int64_t) const override {
    Row row;
    row.image = test::golden_image("orientation_square.png");
    return row;
  }
};

torch::Tensor turned_pixels(bool exif_orientation) {
  BatchContent content;
  content.stream = "images";
  content.pixels = true;
  content.image_size = 5;
  content.exif_orientation = exif_orientation;
  const BatchMaker maker(content, {std::make_shared<Turned>()}, TransformList(), nullptr, 1);
  StreamBatch batch = maker.allocate(1);
  std::vector<BrokenRow> broken;
  maker.fill(
      batch, 0,
      [](std::int64_t, int) {
        return RowId{0, 0, 0};
      },
      broken, 0);
  return batch.pixels;
}

TEST(BatchMaker, TurnsImagesUprightWhereItIsAsked) {
  const auto stored = turned_pixels(false), upright = turned_pixels(true);
  EXPECT_FALSE(stored.equal(upright));
  EXPECT_TRUE(at::rot90(stored, -1, {2, 3}).equal(upright));
}

TEST(RowSpan, IsAPartOfASource) {
  const auto whole = std::make_shared<Numbers>(10);
  const RowSpan span("data.images", whole, 4, 7);
  EXPECT_EQ(span.size(), 3);
  EXPECT_EQ(span.get(0).key, "row4");
  EXPECT_EQ(RowSpan("data.images", whole, 8, -1).size(), 2);
  try {
    const RowSpan past("data.images", whole, 4, 11);
    FAIL();
  } catch (const DataError& e) {
    EXPECT_STREQ(e.what(), "data.images: rows 4 to 11 are not a part of a source of 10 rows");
  }
}

}  // namespace
}  // namespace dime
