// SPDX-License-Identifier: Apache-2.0
#include "eval/zero_shot.hpp"

#include <gtest/gtest.h>

#include "support/errors.hpp"
#include "support/tensors.hpp"
#include "train/run.hpp"

#include "io/tokenizer.hpp"

namespace dime::test {
namespace {

/// One pixel; its grey level says which class a model should see. `labels` are what the rows claim.
class Pixels final : public Dataset {
 public:
  Pixels(std::vector<int> levels, std::vector<std::optional<std::int64_t>> labels)
      : levels_(std::move(levels)), labels_(std::move(labels)) {}
  std::int64_t size() const override { return static_cast<std::int64_t>(levels_.size()); }
  Row get(std::int64_t i) const override {
    Row row;
    row.key = "p" + std::to_string(i);
    row.image = {static_cast<std::uint8_t>(levels_[static_cast<std::size_t>(i)])};
    row.pixels = PixelShape{1, 1, 1};
    row.label = labels_[static_cast<std::size_t>(i)];
    return row;
  }
  DatasetInfo info() const override { return {true, false, true, 0, {}}; }

 private:
  std::vector<int> levels_;
  std::vector<std::optional<std::int64_t>> labels_;
};

/// Level 0, 100 or 200 -> the unit vector of class 0, 1 or 2, far from normalised. Texts: the mean of one-hot tokens.
class Seer final : public Model {
 public:
  ModelSpec spec() const override {
    ModelSpec spec;
    spec.image = ImageSpec{1};
    spec.text = TextSpec{4, 49408, "clip"};
    spec.embed_dim = 3;
    return spec;
  }
  torch::Tensor encode_image(const torch::Tensor& pixels, ForwardContext&) override {
    EXPECT_FALSE(is_training());
    largest = std::max(largest, pixels.size(0));
    const auto seen = (pixels.select(1, 0).flatten() * 255 / 100).round().to(torch::kInt64);
    return at::one_hot(seen, 3).to(torch::kFloat32) * 7;
  }
  torch::Tensor encode_text(const torch::Tensor& tokens, ForwardContext&) override {
    EXPECT_FALSE(is_training());
    return torch::stack({tokens.select(1, 1), tokens.select(1, 2), tokens.select(1, 3)}, 1).to(torch::kFloat32);
  }
  std::int64_t largest = 0;
};

Reader reader(const std::shared_ptr<const Dataset>& data, std::int64_t batch) {
  BatchContent content;
  content.stream = "evaluate";
  content.pixels = content.labels = true;
  content.image_size = 1;
  BatchMaker maker(content, {data}, TransformList(), nullptr, 1);
  return Reader(std::move(maker), data->size(), batch, make_decode_pool(2));
}

TEST(ZeroShot, CountsWhatIsRight) {
  Seer model;
  model.train();
  // Classes seen 0 0 0 1 2 1; labels 0 0 1 1 1 1: 4 of 6 right; recalls 1 and 1/2, class 2 has no row.
  Reader rows = reader(std::make_shared<Pixels>(std::vector<int>{0, 0, 0, 100, 200, 100},
                                                std::vector<std::optional<std::int64_t>>{0, 0, 1, 1, 1, 1}),
                       4);
  const ZeroShotScore score = zero_shot(model, torch::eye(3), rows, {});
  EXPECT_NEAR(score.accuracy, 4.0 / 6, 1e-12);
  EXPECT_NEAR(score.mean_per_class, 0.75, 1e-12);
  EXPECT_EQ(score.samples, 6);
  EXPECT_GT(score.images_per_second, 0);
  EXPECT_EQ(model.largest, 4);
  EXPECT_TRUE(model.is_training());
  std::vector<std::string> keys;
  const auto json = score.json();
  for (const auto& [key, value] : json.items()) keys.push_back(key);
  EXPECT_EQ(keys, (std::vector<std::string>{"accuracy", "mean_per_class", "samples", "images_per_second"}));
}

TEST(ZeroShot, ALabelOutsideTheClasses) {
  Seer model;
  Reader high =
      reader(std::make_shared<Pixels>(std::vector<int>{0, 0}, std::vector<std::optional<std::int64_t>>{0, 3}), 4);
  EXPECT_EQ(error_text<DataError>([&] { zero_shot(model, torch::eye(3), high, {}); }),
            "row p1: its label 3 is not one of the 3 classes");
  Reader none =
      reader(std::make_shared<Pixels>(std::vector<int>{0}, std::vector<std::optional<std::int64_t>>{std::nullopt}), 4);
  EXPECT_EQ(error_text<DataError>([&] { zero_shot(model, torch::eye(3), none, {}); }),
            "row p0: its label -1 is not one of the 3 classes");
}

TEST(ClassWeights, MeanOfNormalisedSentencesNormalisedAgain) {
  Seer model;
  model.train();
  const auto tokenizer = load_tokenizer(build_folder());
  ClassPrompts prompts{{"cat", "dog"}, {"{} one", "a {}", "the {}"}};
  const auto weights = class_weights(model, prompts, *tokenizer, {});
  EXPECT_TRUE(model.is_training());
  ASSERT_EQ(weights.sizes(), (at::IntArrayRef{2, 3}));
  for (std::int64_t c = 0; c < 2; ++c) {
    auto sum = torch::zeros({3}, torch::kFloat64);
    for (const auto& sentence : prompts.sentences(static_cast<std::size_t>(c))) {
      auto tokens = torch::empty({4}, torch::kInt64);
      tokenizer->encode_padded(sentence, 4, tokens.data_ptr<std::int64_t>());
      const auto vector = tokens.slice(0, 1).to(torch::kFloat64);
      sum += vector / vector.norm();
    }
    EXPECT_LE(relative_distance(weights[c], sum / sum.norm()), 1e-6);
  }
}

}  // namespace
}  // namespace dime::test
