// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <dime/model.hpp>

#include "support/errors.hpp"

namespace dime::test {
namespace {

ForwardContext training(std::int64_t first_row = 0) {
  ForwardContext context;
  context.training = true;
  context.seed = 7;
  context.step = 3;
  context.first_row = first_row;
  return context;
}

TEST(Tap, KeepsOnlyWhatTheStepWants) {
  ForwardContext context;
  context.wanted_taps = {"a"};
  const auto x = at::ones({2}), y = at::zeros({2});
  EXPECT_TRUE(context.tap("a", x).is_same(x));
  EXPECT_TRUE(context.tap("b", y).is_same(y));
  ASSERT_EQ(context.taps.size(), 1U);
  EXPECT_TRUE(context.taps.at("a").is_same(x));
}

TEST(DropPath, IsTheIdentityOutsideTrainingAndAtZero) {
  const auto x = at::ones({4, 2});
  EXPECT_TRUE(ForwardContext().drop_path(x, 0.5, 0).is_same(x));
  EXPECT_TRUE(training().drop_path(x, 0, 0).is_same(x));
}

TEST(DropPath, DropsWholeRowsAndKeepsTheMean) {
  const auto y = training().drop_path(at::ones({4000, 2, 3}), 0.3, 5);
  const auto rows = y.view({4000, -1});
  EXPECT_TRUE(at::equal(rows.amin(1), rows.amax(1)));
  EXPECT_TRUE(at::allclose(rows.amax(), at::full({}, 1 / 0.7)));
  EXPECT_NEAR(rows.select(1, 0).eq(0).to(at::kFloat).mean().item<double>(), 0.3, 0.03);
}

TEST(DropPath, DoesNotDependOnMicroBatches) {
  const auto x = at::rand({64, 3}) + 1;
  const auto whole = training().drop_path(x, 0.5, 2);
  const auto parts =
      at::cat({training(0).drop_path(x.narrow(0, 0, 20), 0.5, 2), training(20).drop_path(x.narrow(0, 20, 44), 0.5, 2)});
  EXPECT_TRUE(at::equal(whole, parts));
}

TEST(DropPath, DependsOnSeedStepAndSite) {
  const auto x = at::ones({256});
  const auto base = training().drop_path(x, 0.5, 2);
  auto seed = training(), step = training();
  seed.seed = 8;
  step.step = 4;
  EXPECT_TRUE(at::equal(base, training().drop_path(x, 0.5, 2)));
  EXPECT_FALSE(at::equal(base, seed.drop_path(x, 0.5, 2)));
  EXPECT_FALSE(at::equal(base, step.drop_path(x, 0.5, 2)));
  EXPECT_FALSE(at::equal(base, training().drop_path(x, 0.5, 3)));
}

TEST(DropPath, Message) {
  EXPECT_EQ(error_text<ArgumentError>([] { training().drop_path(at::ones({2}), 1.0, 0); }),
            "drop_path(): the probability must be in [0, 1), got 1");
}

class OneTower final : public Model {
 public:
  ModelSpec spec() const override { return {}; }
};

TEST(Model, AMissingTowerIsAnError) {
  OneTower model;
  ForwardContext context;
  EXPECT_EQ(error_text<ArgumentError>([&] { model.encode_image(at::ones({1}), context); }),
            "encode_image(): the model has no image tower");
  EXPECT_EQ(error_text<ArgumentError>([&] { model.encode_text(at::ones({1}), context); }),
            "encode_text(): the model has no text tower");
  EXPECT_FALSE(model.logit_scale().defined());
}

}  // namespace
}  // namespace dime::test
