// SPDX-License-Identifier: Apache-2.0
// The streams of a run side by side, over the golden trajectory's files.
#include <unistd.h>

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <set>

#include <dime/build.hpp>

#include "support/errors.hpp"
#include "train/run.hpp"

namespace dime::test {
namespace {

const std::vector<std::string> kOwnTexts{
    "models.student.init=null", "models.student.text={width: 64, layers: 1, heads: 1, context: 16, vocabulary: 49408}"};

/// Images of 1280 rows and texts of 96, both read, decoded and tokenised, with batches of two sizes.
class StreamsOfARun {
 public:
  explicit StreamsOfARun(std::vector<std::string> overrides = {})
      : loaded_(load_experiment(golden_file("golden_trajectory.yaml"), with(std::move(overrides)), build_folder())),
        models_(build_models(loaded_)),
        plan_(checked_plan(loaded_, models_)),
        streams_(build_streams(loaded_, plan_, models_, input_context(loaded_, plan_.tokenizer, comm_))) {}

  Batch next() { return next_batch(streams_); }

 private:
  static std::vector<std::string> with(std::vector<std::string> overrides) {
    overrides.insert(overrides.end(), kOwnTexts.begin(), kOwnTexts.end());
    for (const char* more : {"data.images.shuffle=true", "data.texts.shuffle=true", "data.images.batch_size=40",
                             "data.texts.batch_size=20", "threads.decode=2"}) {
      overrides.emplace_back(more);
    }
    return overrides;
  }

  LoadedExperiment loaded_;
  RunModels models_;
  WorldOfOne comm_;
  Plan plan_;
  Streams streams_;
};

TEST(Streams, EachHasItsOwnEpochsAndBatchSize) {
  StreamsOfARun run;
  std::map<std::int64_t, std::multiset<std::string>> images, texts;
  std::int64_t image_rows = 0, text_rows = 0;
  for (int step = 0; step < 64; ++step) {
    const Batch batch = run.next();
    EXPECT_EQ(batch.images.pixels.sizes(), (std::vector<std::int64_t>{40, 3, 32, 32}));
    EXPECT_EQ(batch.texts.tokens.sizes(), (std::vector<std::int64_t>{20, 16}));
    EXPECT_DOUBLE_EQ(batch.images.epoch, (step + 1) / 32.0);
    EXPECT_DOUBLE_EQ(batch.texts.epoch, (step + 1) * 20 / 96.0);
    for (const auto& key : batch.images.keys) images[image_rows++ / 1280].insert(key);
    for (const auto& key : batch.texts.keys) texts[text_rows++ / 96].insert(key);
  }
  ASSERT_EQ(images.size(), 2U);
  ASSERT_EQ(texts.size(), 14U);
  for (const auto& [epoch, keys] : images) EXPECT_EQ(std::set(keys.begin(), keys.end()).size(), 1280U) << epoch;
  texts.erase(13);  // it has only begun
  for (const auto& [epoch, keys] : texts) EXPECT_EQ(std::set(keys.begin(), keys.end()).size(), 96U) << epoch;
}

TEST(Streams, LocalityOfTheFileOrdersTheRows) {
  const std::vector<std::string> local{"data.images.locality={block: 4, window: 8}"};
  StreamsOfARun run(local), again(local), plain;
  std::set<std::string> keys;
  std::size_t blocks = 0;
  for (int step = 0; step < 32; ++step) {
    const Batch batch = run.next();
    EXPECT_EQ(batch.images.keys, again.next().images.keys);
    EXPECT_NE(batch.images.keys, plain.next().images.keys);
    keys.insert(batch.images.keys.begin(), batch.images.keys.end());
    std::set<int> touched;
    for (const auto& key : batch.images.keys) touched.insert(std::stoi(key.substr(3)) / 4);
    blocks += touched.size();
  }
  EXPECT_EQ(keys.size(), 1280U);
  EXPECT_EQ(blocks, 320U) << "the 40 rows of a batch are 5 windows of 2 blocks";
}

std::int64_t resident_bytes() {
  std::int64_t pages = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> pages >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

TEST(Streams, TakeNoMoreMemoryEpochAfterEpoch) {
  if (std::string(DIME_STAMP_SANITIZER) != "none") GTEST_SKIP() << "a sanitizer keeps memory that was given back";
  constexpr int kEpoch = 32;  // 1280 images in batches of 40; 6.7 epochs of the texts
  StreamsOfARun run(
      {"data.images.transform=[{type: resize, size: 40}, {type: random_resized_crop, size: 32}, "
       "{type: horizontal_flip}, {type: normalize, preset: clip}]"});
  const auto epochs = [&](int count) {
    for (int i = 0; i < count * kEpoch; ++i) run.next();
    return resident_bytes();
  };
  const std::int64_t before = epochs(2), after = epochs(12);
  ASSERT_GT(before, 0);
  // 280 bytes kept of a row would be seen; a batch of pixels is 480 KiB.
  EXPECT_LT(after - before, 4 << 20);
}

TEST(Streams, OfStoredTextVectorsTokeniseNothing) {
  const ScratchFolder scratch;
  Installation without = build_folder();
  without.share = scratch.path();
  const auto open = [&](const std::vector<std::string>& overrides) {
    const auto loaded = load_experiment(golden_file("golden_trajectory.yaml"), overrides, without);
    const RunModels models = build_models(loaded);
    WorldOfOne comm;
    Trainer trainer = build_trainer(loaded, models, comm);
    std::vector<std::unique_ptr<Hook>> hooks;
    return trainer.run(hooks);
  };
  EXPECT_TRUE(open({"train.epochs=null", "train.steps=1"}));
  EXPECT_TRUE(open({"train.epochs=null", "train.steps=1", "data.texts.source=null"}));
  EXPECT_EQ(error_text<IoError>([&] { open(kOwnTexts); }),
            "the tokenizer's vocabulary " + (scratch / "assets/clip/bpe_simple_vocab_16e6.txt.gz").string() +
                " is missing: scripts/setup.sh makes it");
}

}  // namespace
}  // namespace dime::test
