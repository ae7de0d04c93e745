// SPDX-License-Identifier: Apache-2.0
#include "data/stream.hpp"

#include <gtest/gtest.h>

#include <set>

#include "data/numbers.hpp"
#include "data/source.hpp"
#include "support/errors.hpp"
#include "support/golden_images.hpp"

namespace dime {
namespace {

using test::flips;
using test::Numbers;
using test::numbers_content;

std::unique_ptr<Stream> stream_of(std::shared_ptr<const Dataset> rows, const Order& order, const BatchPlan& plan,
                                  int threads, int rank = 0, int world = 1) {
  BatchMaker maker(numbers_content(), {std::move(rows)}, flips(), nullptr, 77);
  return std::make_unique<Stream>(std::move(maker), order, plan, rank, world, make_decode_pool(threads));
}

std::unique_ptr<Stream> numbers(std::int64_t n, std::int64_t batch, int threads, bool drop = true, int rank = 0,
                                int world = 1, std::set<std::int64_t> broken = {}) {
  return stream_of(std::make_shared<Numbers>(n, std::move(broken)), Order({n}, {1}, 77, true),
                   BatchPlan(n, batch, drop), threads, rank, world);
}

void expect_equal(const StreamBatch& a, const StreamBatch& b) {
  EXPECT_EQ(a.index, b.index);
  EXPECT_EQ(a.keys, b.keys);
  EXPECT_TRUE(torch::equal(a.pixels, b.pixels));
  EXPECT_TRUE(torch::equal(a.vectors, b.vectors));
  EXPECT_TRUE(torch::equal(a.labels, b.labels));
}

TEST(Stream, ThreadsChangeNothing) {
  const std::set<std::int64_t> broken{5, 6, 50, 99};
  auto one = numbers(100, 8, 1, false, 0, 1, broken);
  std::vector<StreamBatch> expected;
  for (int i = 0; i < 30; ++i) expected.push_back(one->next());
  one.reset();  // TBB's limit is that of the smallest pool
  for (const int threads : {2, 3, 7}) {
    auto more = numbers(100, 8, threads, false, 0, 1, broken);
    for (const StreamBatch& batch : expected) expect_equal(batch, more->next());
  }
}

TEST(Stream, GoesOnFromAnyBatch) {
  for (const std::optional<Locality> locality : {std::optional<Locality>(), std::optional<Locality>({4, 12})}) {
    for (const bool drop : {true, false}) {
      const auto open = [&](int threads) {
        return stream_of(std::make_shared<Numbers>(50), Order({50}, {1}, 77, true, locality), BatchPlan(50, 8, drop),
                         threads);
      };
      auto whole = open(2), part = open(1);
      part->next();
      std::vector<StreamBatch> expected;
      for (int i = 0; i < 20; ++i) expected.push_back(whole->next());
      for (const std::size_t first : {9U, 0U, 17U}) {
        part->seek(static_cast<std::int64_t>(first));
        for (std::size_t i = first; i < 20; ++i) expect_equal(expected[i], part->next());
      }
    }
  }
}

// Whatever lies before: a run that goes on after a month does not read the month again.
TEST(Stream, GoesOnWithoutReadingWhatLiesBefore) {
  const std::int64_t n = 64, batch = 8, first = 1000003;
  const Order order({n}, {1}, 77, true);
  const BatchPlan plan(n, batch, true);
  const auto rows = std::make_shared<test::WatchedNumbers>(n);
  auto stream = stream_of(rows, order, plan, 2);
  EXPECT_EQ(rows->asked(), std::vector<std::int64_t>{});
  stream->seek(first);
  EXPECT_EQ(stream->next().index, first);
  stream.reset();
  std::multiset<std::int64_t> allowed;
  for (std::int64_t i = first; i < first + static_cast<std::int64_t>(Stream::kAhead); ++i) {
    for (std::int64_t slot = 0; slot < batch; ++slot) allowed.insert(order.at(plan.place(i, slot)).row);
  }
  const auto asked = rows->asked();
  EXPECT_GE(asked.size(), 8U);
  EXPECT_TRUE(std::includes(allowed.begin(), allowed.end(), asked.begin(), asked.end()));
}

/// The rows of windows `first` to `last`, block by block.
std::vector<std::int64_t> rows_of_windows(const Order& order, std::int64_t first, std::int64_t last) {
  std::vector<std::int64_t> rows;
  for (std::int64_t number = first; number <= last; ++number) {
    for (const RowBlock& block : order.blocks_of({0, number})) {
      for (std::int64_t i = 0; i < block.count; ++i) rows.push_back(block.first + i);
    }
  }
  return rows;
}

TEST(Stream, TellsItsSourceOfEachWindowAWindowAhead) {
  const auto rows = std::make_shared<test::WatchedNumbers>(50);
  rows->fails = true;  // which is no matter here
  const Order order({50}, {1}, 77, true, Locality{4, 12});
  for (const std::int64_t first : {0, 61}) {
    auto stream = stream_of(rows, order, BatchPlan(50, 4, false), 1);
    stream->seek(first);
    const std::size_t before = rows->told().size();
    for (std::int64_t i = first; i < first + 40; ++i) {
      stream->next();
      // 5 windows an epoch; at least this batch, and at most those ahead of it, have told of the next window.
      const auto window = [&](std::int64_t batch) { return order.window_of(batch * 4 + 3 + 12).number; };
      auto told = rows->told();
      told.erase(told.begin(), told.begin() + static_cast<std::ptrdiff_t>(before));
      const std::int64_t begin = order.window_of(first * 4).number;
      const auto least = rows_of_windows(order, begin, window(i)), most = rows_of_windows(order, begin, window(i + 2));
      ASSERT_GE(told.size(), least.size());
      ASSERT_LE(told.size(), most.size());
      ASSERT_TRUE(std::equal(told.begin(), told.end(), most.begin()));
    }
  }
}

TEST(Stream, TellsASmallSourceOfNoRowTwiceForOneBatch) {
  const auto rows = std::make_shared<test::WatchedNumbers>(5);
  auto stream = stream_of(rows, Order({5}, {1}, 77, true, Locality{1 << 24, 1 << 24}), BatchPlan(5, 4, true), 1);
  for (int i = 0; i < 20; ++i) stream->next();
  EXPECT_LE(rows->told().size(), (20 + Stream::kAhead) * 2 * 5);
}

TEST(Stream, TellsNothingWithoutLocality) {
  const auto rows = std::make_shared<test::WatchedNumbers>(50);
  auto stream = stream_of(rows, Order({50}, {1}, 77, true), BatchPlan(50, 4, false), 1);
  for (int i = 0; i < 20; ++i) stream->next();
  EXPECT_TRUE(rows->told().empty());
}

TEST(Stream, ReadsNoFurtherThanItsBatchesAhead) {
  const auto rows = std::make_shared<test::WatchedNumbers>(1000);
  auto stream = stream_of(rows, Order({1000}, {1}, 77, true), BatchPlan(1000, 8, true), 3);
  for (std::size_t used = 1; used <= 20; ++used) {
    stream->next();
    EXPECT_LE(rows->asked().size(), (used - 1 + Stream::kAhead) * 8);
  }
}

TEST(Stream, TheEndOfAnEpochIsLeftOutOrFilledFromTheNext) {
  const auto epochs = [](bool drop) {
    auto stream = numbers(10, 4, 1, drop);
    std::vector<std::string> keys;
    for (int i = 0; i < 5; ++i) {
      const StreamBatch batch = stream->next();
      EXPECT_EQ(batch.size(), 4);
      EXPECT_EQ(batch.epoch, (i + 1) / (drop ? 2.0 : 2.5));
      keys.insert(keys.end(), batch.keys.begin(), batch.keys.end());
    }
    return keys;
  };
  const Order order({10}, {1}, 77, true);
  std::vector<std::string> wrapped, dropped;
  for (const int place : {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19}) {
    wrapped.push_back("row" + std::to_string(order.at(place).row));
  }
  for (const int place : {0, 1, 2, 3, 4, 5, 6, 7, 10, 11, 12, 13, 14, 15, 16, 17, 20, 21, 22, 23}) {
    dropped.push_back("row" + std::to_string(order.at(place).row));
  }
  EXPECT_EQ(epochs(false), wrapped);
  EXPECT_EQ(epochs(true), dropped);
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

/// The same batch from each process's part, in the order of their ranks.
void expect_parts(const StreamBatch& whole, const std::vector<std::unique_ptr<Stream>>& parts) {
  std::vector<torch::Tensor> pixels, vectors;
  std::vector<std::string> keys;
  std::size_t broken = 0;
  for (const auto& part : parts) {
    const StreamBatch batch = part->next();
    EXPECT_EQ(batch.epoch, whole.epoch);
    pixels.push_back(batch.pixels);
    vectors.push_back(batch.vectors);
    keys.insert(keys.end(), batch.keys.begin(), batch.keys.end());
    broken += batch.broken.size();
  }
  EXPECT_EQ(keys, whole.keys);
  EXPECT_EQ(broken, whole.broken.size());
  EXPECT_TRUE(torch::equal(torch::cat(pixels), whole.pixels));
  EXPECT_TRUE(torch::equal(torch::cat(vectors), whole.vectors));
}

TEST(Stream, ProcessesShareTheGlobalBatch) {
  for (const bool drop : {true, false}) {
    for (const int world : {1, 2, 3, 4}) {
      auto whole = numbers(43, 10, 1, drop, 0, 1, {3, 17});
      std::vector<std::unique_ptr<Stream>> parts;
      for (int rank = 0; rank < world; ++rank) parts.push_back(numbers(43, 10, 1, drop, rank, world, {3, 17}));
      for (int i = 0; i < 9; ++i) expect_parts(whole->next(), parts);
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

torch::Tensor turned_pixels(bool exif_orientation, bool channels_last = false) {
  BatchContent content;
  content.stream = "images";
  content.pixels = true;
  content.image_size = 5;
  content.exif_orientation = exif_orientation;
  content.channels_last = channels_last;
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

TEST(BatchMaker, PutsChannelsLastWhereItIsAsked) {
  const auto planes = turned_pixels(false), last = turned_pixels(false, true);
  EXPECT_TRUE(planes.is_contiguous());
  EXPECT_TRUE(last.is_contiguous(torch::MemoryFormat::ChannelsLast));
  EXPECT_FALSE(last.is_contiguous());
  EXPECT_TRUE(planes.equal(last)) << "the same numbers, in another place";
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
