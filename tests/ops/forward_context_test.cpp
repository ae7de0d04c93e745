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

TEST(PatchDropout, IsTheIdentityOutsideTrainingAndAtZero) {
  const auto x = at::ones({4, 5, 2});
  EXPECT_TRUE(ForwardContext().patch_dropout(x, 0.5, 1, 0).is_same(x));
  EXPECT_TRUE(training().patch_dropout(x, 0, 1, 0).is_same(x));
}

// Position i holds i, so that what is kept can be read from the result.
TEST(PatchDropout, KeepsTheLeadingAndEqualSharesOfTheOthersInTheirOrder) {
  const auto x = at::arange(11.0).view({1, 11, 1}).expand({2000, 11, 3});
  const auto y = training().patch_dropout(x, 0.55, 2, 1);  // floor(0.45 * 9) = 4 of 9
  ASSERT_EQ(y.sizes(), at::IntArrayRef({2000, 6, 3}));
  const auto kept = y.select(2, 0);
  EXPECT_TRUE(at::equal(kept.narrow(1, 0, 2), at::arange(2.0).expand({2000, 2})));
  EXPECT_GT(kept.diff(1, 1).min().item<double>(), 0);
  const auto counts = at::bincount(kept.flatten().to(at::kLong), {}, 11).narrow(0, 2, 9).to(at::kDouble) / 2000;
  EXPECT_LE((counts - 4.0 / 9).abs().max().item<double>(), 0.04);
}

TEST(PatchDropout, KeepsOneAndDoesNotDependOnMicroBatches) {
  const auto x = at::rand({20, 7, 2});
  const auto whole = training().patch_dropout(x, 0.99, 0, 1);
  EXPECT_EQ(whole.sizes(), at::IntArrayRef({20, 1, 2}));
  EXPECT_TRUE(at::equal(whole, at::cat({training(0).patch_dropout(x.narrow(0, 0, 7), 0.99, 0, 1),
                                        training(7).patch_dropout(x.narrow(0, 7, 13), 0.99, 0, 1)})));
}

TEST(PatchDropout, Messages) {
  EXPECT_EQ(error_text<ArgumentError>([] {
              training().patch_dropout(at::ones({1, 2, 3}), 1, 0, 0);
            }),
            "patch_dropout(): the probability must be in [0, 1), got 1");
  EXPECT_EQ(error_text<ArgumentError>([] {
              training().patch_dropout(at::ones({2, 3}), 0.5, 0, 0);
            }),
            "patch_dropout(): takes [rows, positions, width] with at least 0 positions, got [2, 3]");
}

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
