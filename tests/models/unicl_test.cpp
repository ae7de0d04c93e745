// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "models/clip_options.hpp"
#include "models/training.hpp"
#include "support/errors.hpp"
#include "support/tensors.hpp"

namespace dime::test {
namespace {

Value numbers(const std::vector<std::string>& items) {
  std::vector<Value> all;
  for (const auto& item : items) all.push_back(Value::scalar(item));
  return Value::list(std::move(all));
}

/// A grid of 6 positions on each side in padded windows of 4, then one of 3.
Value small_image(const Pairs& more = {}) {
  auto image = options({{"image_size", "24"}, {"width", "8"}, {"window", "4"}});
  image.set("depths", numbers({"2", "1"}));
  image.set("heads", numbers({"2", "4"}));
  for (const auto& [key, text] : more) image.set(key, Value::scalar(text));
  return image;
}

Value image_only(const Pairs& more = {}) {
  return map({{"embed_dim", Value::scalar("20")}, {"image", small_image(more)}});
}

Value both_towers() {
  auto value = image_only();
  value.set("text", options(golden_text()));
  return value;
}

std::shared_ptr<Model> initialised(const Value& value) {
  auto model = make_model("unicl", value);
  torch::manual_seed(5);
  model->initialise();
  return model;
}

torch::Tensor encode(Model& model, const torch::Tensor& pixels) {
  ForwardContext context;
  return model.encode_image(pixels, context);
}

TEST(Unicl, Spec) {
  const auto both = make_model("unicl", both_towers())->spec();
  EXPECT_EQ(both.embed_dim, 20);
  EXPECT_EQ(both.image->size, 24);
  EXPECT_EQ(both.image->mean, ImageSpec{}.mean);
  EXPECT_EQ(both.image->activation, "gelu");
  EXPECT_EQ(both.image->layer_norm_eps, 1e-5);
  EXPECT_EQ(both.text->context, 12);
  EXPECT_EQ(both.text->tokenizer, "clip");
  EXPECT_EQ(both.text->activation, "quick_gelu");
  auto value = image_only();
  value.set("mean", numbers({"0.485", "0.456", "0.406"}));
  EXPECT_EQ(make_model("unicl", value)->spec().image->mean, (std::array<double, 3>{0.485, 0.456, 0.406}));
  EXPECT_FALSE(make_model("unicl", value)->spec().text);
}

TEST(Unicl, PresetsAreOverridden) {
  const auto model = make_model("unicl", map({{"preset", Value::scalar("swin_base")},
                                              {"embed_dim", Value::scalar("12")},
                                              {"image", options({{"width", "16"}, {"patch_size", "4"}})},
                                              {"text", options({{"width", "16"}, {"vocabulary", "50"}})}}));
  const auto all = model->named_parameters();
  EXPECT_EQ(all["visual.head.proj.weight"].sizes(), (std::vector<std::int64_t>{12, 128}));
  EXPECT_EQ(all["visual.trunk.layers.2.blocks.17.attn.relative_position_bias_table"].sizes(),
            (std::vector<std::int64_t>{169, 16}));
  EXPECT_EQ(all["text_projection"].sizes(), (std::vector<std::int64_t>{16, 12}));
  EXPECT_EQ(model->spec().image->size, 224);
  EXPECT_EQ(model->spec().text->vocabulary, 50);
}

TEST(Unicl, WhatFollowsFromTheSizesStandsInNoCheckpoint) {
  const auto model = make_model("unicl", image_only());
  EXPECT_TRUE(model->buffers().empty());
  for (const auto& item : model->named_parameters()) {
    EXPECT_TRUE(item.key().starts_with("visual.")) << item.key();
    EXPECT_EQ(item.key().find("windows"), std::string::npos) << item.key();
  }
}

TEST(Unicl, AnAbsentTowerIsAnError) {
  ForwardContext context;
  const auto image = make_model("unicl", image_only());
  EXPECT_FALSE(image->logit_scale().defined());
  EXPECT_EQ(error_text<ArgumentError>([&] {
              image->encode_text(at::zeros({1, 12}, at::kLong), context);
            }),
            "encode_text(): the model has no text tower");
  auto value = both_towers();
  value.set("towers", Value::scalar("text"));
  const auto text = make_model("unicl", value);
  EXPECT_NEAR(text->logit_scale().item<double>(), 1 / 0.07, 1e-4);
  EXPECT_EQ(error_text<ArgumentError>([&] {
              text->encode_image(at::zeros({1, 3, 24, 24}), context);
            }),
            "encode_image(): the model has no image tower");
}

TEST(Unicl, InitialisationIsAFunctionOfTheSeedWithTheScalesOfSwin) {
  const auto a = initialised(both_towers()), b = initialised(both_towers());
  const auto x = a->named_parameters(), y = b->named_parameters();
  for (const auto& item : x) EXPECT_TRUE(at::equal(item.value(), y[item.key()])) << item.key();
  const std::string block = "visual.trunk.layers.1.blocks.0.";
  const auto deviation = [&](const std::string& name) { return x[name].std().item<double>(); };
  EXPECT_NEAR(deviation(block + "attn.qkv.weight"), 0.02, 0.003);
  EXPECT_NEAR(deviation(block + "attn.relative_position_bias_table"), 0.02, 0.005);
  EXPECT_NEAR(deviation(block + "mlp.fc2.weight"), 0.02, 0.003);
  EXPECT_NEAR(deviation("visual.trunk.layers.1.downsample.reduction.weight"), 0.02, 0.003);
  EXPECT_NEAR(deviation("visual.head.proj.weight"), 0.02, 0.003);
  EXPECT_EQ(x[block + "attn.qkv.bias"].abs().max().item<double>(), 0);
  EXPECT_EQ(x[block + "norm1.weight"].min().item<double>(), 1);
  EXPECT_NEAR(deviation("token_embedding.weight"), 0.02, 0.003);
}

TEST(Unicl, EveryParameterActsAtAnySize) {
  for (const std::string side : {"4", "8", "20", "28", "36", "44"}) {
    const auto model = initialised(image_only({{"image_size", side}}));
    const auto vectors = encode(*model, at::randn({2, 3, std::stol(side), std::stol(side)}));
    EXPECT_EQ(vectors.sizes(), (std::vector<std::int64_t>{2, 20})) << side;
    EXPECT_TRUE(vectors.isfinite().all().item<bool>()) << side;
    EXPECT_EQ(gradients(*model, vectors).size(), model->parameters().size()) << side;
  }
}

// Position (0, 0) reaches its window of 4, and from there the shifted windows that begin at -2 and at 2. Without their
// mask it would reach the other edge too.
TEST(Unicl, ShiftedWindowsDoNotSeeAroundTheEdge) {
  const auto model = initialised(image_only({{"image_size", "32"}}));
  const std::string name = "visual.trunk.layers.0.blocks.";
  const auto reached = [&](const torch::Tensor& a, const torch::Tensor& b, const std::string& tap) {
    ForwardContext x, y;
    x.wanted_taps = y.wanted_taps = {tap};
    model->encode_image(a, x);
    model->encode_image(b, y);
    return (x.taps.at(tap) - y.taps.at(tap)).abs().amax({0, 3}).gt(0);
  };
  const auto pixels = at::randn({1, 3, 32, 32});
  auto other = pixels.clone();
  other.narrow(2, 0, 4).narrow(3, 0, 4).normal_();
  for (const auto& [block, side] : {std::pair("0", 4), std::pair("1", 6)}) {
    auto want = at::zeros({8, 8}, at::kBool);
    want.narrow(0, 0, side).narrow(1, 0, side).fill_(true);
    EXPECT_TRUE(at::equal(reached(pixels, other, name + block), want)) << block;
  }
}

TEST(Unicl, TapsChangeNothing) {
  const auto model = initialised(image_only());
  const auto pixels = at::randn({3, 3, 24, 24});
  ForwardContext context;
  context.wanted_taps = {"visual.trunk.layers.0.blocks.1", "visual.trunk.layers.1.blocks.0", "visual.trunk.norm"};
  EXPECT_TRUE(at::equal(model->encode_image(pixels, context), encode(*model, pixels)));
  std::map<std::string, std::vector<std::int64_t>> shapes;
  for (const auto& [name, x] : context.taps) shapes[name] = x.sizes().vec();
  EXPECT_EQ(shapes, (std::map<std::string, std::vector<std::int64_t>>{{"visual.trunk.layers.0.blocks.1", {3, 6, 6, 8}},
                                                                      {"visual.trunk.layers.1.blocks.0", {3, 3, 3, 16}},
                                                                      {"visual.trunk.norm", {3, 3, 3, 16}}}));
  EXPECT_TRUE(context.taps.at("visual.trunk.layers.0.blocks.1").requires_grad());
}

// To rounding: where no gradient is wanted, as in the first forward of a checkpoint, attention takes another kernel.
TEST(Unicl, CheckpointingGivesTheSameGradientsAndOutlivesTheContext) {
  const auto pixels = at::randn({7, 3, 24, 24});
  const auto trained = [&](const std::string& checkpointing) {
    auto value = image_only({{"drop_path", "0.4"}});
    value.set("checkpointing", Value::scalar(checkpointing));
    const auto model = initialised(value);
    const auto vectors = [&] {
      auto context = training();
      return model->encode_image(pixels, context);
    }();
    return gradients(*model, vectors);
  };
  const auto want = trained("false"), got = trained("true");
  ASSERT_EQ(got.size(), want.size());
  EXPECT_EQ(got.size(), make_model("unicl", image_only())->parameters().size());
  for (std::size_t i = 0; i < got.size(); ++i) EXPECT_LE(relative_distance(got[i], want[i]), 1e-5) << i;
}

TEST(Unicl, DropPathDoesNotDependOnMicroBatches) {
  const auto model = initialised(image_only({{"drop_path", "0.5"}}));
  const auto pixels = at::randn({8, 3, 24, 24});
  auto all = training(), first = training(0), second = training(3);
  const auto whole = model->encode_image(pixels, all);
  const auto parts = at::cat(
      {model->encode_image(pixels.narrow(0, 0, 3), first), model->encode_image(pixels.narrow(0, 3, 5), second)});
  EXPECT_LE(relative_distance(parts, whole), 1e-6);
  EXPECT_GT(relative_distance(encode(*model, pixels), whole), 1e-2);
}

TEST(Unicl, DropPathGrowsOverTheBlocksOfAllStages) {
  const auto model = initialised(image_only({{"drop_path", "0.9"}}));
  const auto pixels = at::randn({64, 3, 24, 24});
  ForwardContext still;
  auto moving = training();
  still.wanted_taps = moving.wanted_taps = {"visual.trunk.layers.0.blocks.0", "visual.trunk.layers.0.blocks.1"};
  model->encode_image(pixels, still);
  model->encode_image(pixels, moving);
  const auto rows_that_differ = [&](const std::string& tap) {
    return (still.taps.at(tap) - moving.taps.at(tap)).flatten(1).abs().amax(1).gt(0).sum().item<std::int64_t>();
  };
  EXPECT_EQ(rows_that_differ("visual.trunk.layers.0.blocks.0"), 0);
  EXPECT_EQ(rows_that_differ("visual.trunk.layers.0.blocks.1"), 64) << "those that are kept are scaled";
}

TEST(Unicl, DoublePrecisionAndNoGradientGiveTheSame) {
  const auto model = initialised(image_only({{"image_size", "36"}}));
  const auto pixels = at::randn({3, 3, 36, 36});
  const auto want = encode(*model, pixels);
  {
    const at::NoGradGuard guard;
    EXPECT_LE(relative_distance(encode(*model, pixels), want), 1e-5);
  }
  model->to(at::kDouble);
  const auto wide = encode(*model, pixels.to(at::kDouble));
  EXPECT_EQ(wide.scalar_type(), at::kDouble);
  EXPECT_LE(relative_distance(wide, want), 1e-5);
}

std::string model_message(const Value& value) {
  return error_text<ConfigError>([&] { make_model("unicl", value); });
}

Value with_list(const std::string& option, const std::vector<std::string>& items) {
  auto image = small_image();
  image.set(option, numbers(items));
  return map({{"embed_dim", Value::scalar("20")}, {"image", image}});
}

TEST(UniclMessages, Options) {
  const std::vector<std::string> nine(9, "1");
  EXPECT_EQ(model_message(map({{"embed_dim", Value::scalar("20")}})),
            "[model/unicl] has no tower: give image, text or preset");
  EXPECT_EQ(model_message(map({{"image", small_image()}})), "[model/unicl] needs embed_dim: give it, or a preset");
  EXPECT_EQ(model_message(map({{"image", options({{"image_size", "24"}, {"width", "8"}})}})),
            "[model/unicl] needs image.depths: give it, or a preset");
  EXPECT_EQ(model_message(map({{"image", options({{"width", "8"}})}})),
            "[model/unicl] needs image.image_size: give it, or a preset");
  EXPECT_EQ(model_message(map({{"embed_dim", Value::scalar("20")}, {"text", options({{"width", "16"}})}})),
            "[model/unicl] needs text.layers: give it, or a preset");
  EXPECT_EQ(model_message(image_only({{"patch_size", "7"}})),
            "[model/unicl] image.patch_size (7) must divide image.image_size (24)");
  EXPECT_EQ(model_message(with_list("heads", {"2", "3"})),
            "[model/unicl] image.heads of stage 2 (3) must divide the width of stage 2 (16)");
  EXPECT_EQ(model_message(with_list("heads", {"2"})),
            "[model/unicl] image.heads has 1 stages, image.depths has 2: give one number for each stage");
  EXPECT_EQ(model_message(with_list("depths", {})), "[model/unicl] image.depths takes 1 to 8 stages, got 0");
  EXPECT_EQ(model_message(with_list("depths", nine)), "[model/unicl] image.depths takes 1 to 8 stages, got 9");
  EXPECT_EQ(model_message(image_only({{"width", "65536"}})),
            "[model/unicl] the width of stage 2 is 131072: none may be above 65536");
}

TEST(UniclMessages, SizesThatNoModelHas) {
  const auto wanted = [](const std::string& option, const std::string& range, const std::string& got) {
    return "[model/unicl] option \"" + option + "\" of \"image\" of model \"unicl\" must be " + range + ", got " + got;
  };
  const std::string got = "1000000000";
  for (const auto& [option, range] : Pairs{{"image_size", "between 1 and 8192"},
                                           {"patch_size", "between 1 and 8192"},
                                           {"width", "between 1 and 65536"},
                                           {"window", "between 1 and 64"},
                                           {"mlp_ratio", "strictly between 0 and 1024"},
                                           {"drop_path", "between 0 and 0.9"},
                                           {"layer_norm_eps", "strictly between 0 and 1"}}) {
    EXPECT_EQ(model_message(image_only({{option, got}})), wanted(option, range, got));
  }
  EXPECT_EQ(
      model_message(with_list("depths", {"2", got})),
      "[model/unicl] item 2 of option \"depths\" of \"image\" of model \"unicl\" must be between 1 and 1024, got " +
          got);
  EXPECT_EQ(model_message(map({{"preset", Value::scalar("swin_tyni")}})),
            "[model/unicl] option \"preset\" of model \"unicl\" takes one of swin_tiny, swin_small, swin_base, got "
            "\"swin_tyni\" (did you mean \"swin_tiny\"?)");
}

TEST(UniclMessages, Inputs) {
  const auto model = initialised(both_towers());
  ForwardContext context;
  const auto image = [&](at::IntArrayRef shape) {
    return error_text<ArgumentError>([&] { model->encode_image(at::zeros(shape), context); });
  };
  const auto text = [&](const torch::Tensor& tokens) {
    return error_text<ArgumentError>([&] { model->encode_text(tokens, context); });
  };
  EXPECT_EQ(image({2, 3, 32, 32}), "[model/unicl] encode_image takes pixels [rows, 3, 24, 24], got [2, 3, 32, 32]");
  EXPECT_EQ(image({3, 24, 24}), "[model/unicl] encode_image takes pixels [rows, 3, 24, 24], got [3, 24, 24]");
  EXPECT_EQ(text(at::zeros({2, 77}, at::kLong)), "[model/unicl] encode_text takes tokens [rows, 12], got [2, 77]");
  EXPECT_EQ(
      text(at::full({2, 12}, 49407, at::kLong)),
      "[model/unicl] encode_text takes tokens from 0 to 31, got 49407; the tokenizer and text.vocabulary must agree");
}

}  // namespace
}  // namespace dime::test
