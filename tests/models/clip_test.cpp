// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "models/clip_options.hpp"
#include "models/training.hpp"
#include "support/errors.hpp"
#include "support/tensors.hpp"

namespace dime::test {
namespace {

std::shared_ptr<Model> small(const Value& value) {
  auto model = make_model("clip", value);
  torch::manual_seed(5);
  model->initialise();
  return model;
}

Value image_only(const Pairs& more = {}) {
  auto image = options(golden_image());
  for (const auto& [key, text] : more) image.set(key, Value::scalar(text));
  return map({{"embed_dim", Value::scalar("20")}, {"image", image}});
}

TEST(Clip, Spec) {
  const auto both = make_model("clip", golden_options())->spec();
  EXPECT_EQ(both.embed_dim, 20);
  EXPECT_EQ(both.image->size, 24);
  EXPECT_EQ(both.image->mean, ImageSpec{}.mean);
  EXPECT_EQ(both.text->context, 12);
  EXPECT_EQ(both.text->vocabulary, 32);
  EXPECT_EQ(both.text->tokenizer, "clip");
  EXPECT_EQ(both.image->activation, "quick_gelu");
  EXPECT_EQ(both.image->layer_norm_eps, 1e-5);
  EXPECT_EQ(both.text->layer_norm_eps, 1e-5);
  EXPECT_EQ(make_model("clip", image_only({{"layer_norm_eps", "1e-6"}}))->spec().image->layer_norm_eps, 1e-6);
  EXPECT_EQ(both.text->activation, "quick_gelu");
  EXPECT_EQ(make_model("clip", image_only({{"activation", "gelu"}}))->spec().image->activation, "gelu");
  EXPECT_FALSE(make_model("clip", image_only())->spec().text);
  auto value = golden_options();
  value.set("towers", Value::scalar("text"));
  EXPECT_FALSE(make_model("clip", value)->spec().image);
}

TEST(Clip, PresetsAndWhatOverridesThem) {
  const auto model = make_model("clip", map({{"preset", Value::scalar("ViT-L-14-336")},
                                             {"image", options({{"layers", "1"}, {"width", "32"}, {"heads", "2"}})},
                                             {"text", options({{"layers", "1"}, {"width", "64"}, {"heads", "1"}})}}));
  const auto spec = model->spec();
  EXPECT_EQ(spec.embed_dim, 768);
  EXPECT_EQ(spec.image->size, 336);
  EXPECT_EQ(spec.image->activation, "quick_gelu");
  const auto tables = model->position_tables();
  ASSERT_EQ(tables.size(), 1U);
  EXPECT_EQ(tables[0].name, "visual.positional_embedding");
  EXPECT_EQ(tables[0].leading, 1);
  EXPECT_EQ(tables[0].height, 24);
  EXPECT_EQ(tables[0].width, 24);
  EXPECT_EQ((*model->named_parameters().find(tables[0].name)).size(0), 577);
  auto text = golden_options();
  text.set("towers", Value::scalar("text"));
  EXPECT_TRUE(make_model("clip", text)->position_tables().empty());
}

TEST(Clip, APresetAloneHasItsActivations) {
  auto value = map({{"preset", Value::scalar("ViT-B-32")}, {"towers", Value::scalar("image")}});
  const auto spec = make_model("clip", value)->spec();
  EXPECT_EQ(spec.image->size, 224);
  EXPECT_EQ(spec.image->activation, "quick_gelu");
}

TEST(Clip, PatchDropoutLeavesOutPositionsInTrainingAlone) {
  const auto model = small(image_only({{"patch_dropout", "0.5"}})), whole = small(image_only());
  const auto pixels = at::randn({4, 3, 24, 24});
  const auto encode = [&](Model& m, ForwardContext context) {
    context.wanted_taps = {"visual.ln_pre"};
    const auto vectors = m.encode_image(pixels, context);
    return std::pair{vectors, context.taps.at("visual.ln_pre")};
  };
  const auto [full, all] = encode(*whole, training());
  EXPECT_TRUE(at::equal(encode(*model, {}).first, full));
  const auto [vectors, kept] = encode(*model, training());
  ASSERT_EQ(kept.sizes().vec(), (std::vector<std::int64_t>{4, 5, 24}));
  EXPECT_GT(relative_distance(vectors, full), 1e-3);
  // The class token stays, and each kept position is one of the image's own.
  for (std::int64_t row = 0; row < 4; ++row) {
    EXPECT_TRUE(at::equal(kept[row][0], all[row][0]));
    const auto same = (kept[row].unsqueeze(1) == all[row].unsqueeze(0)).all(2).sum(1);
    EXPECT_TRUE(same.eq(1).all().item<bool>());
  }
}

TEST(Clip, LayerNormEps) {
  const auto exact = small(golden_options());
  const auto encode = [](Model& m) {
    ForwardContext image, text;
    return std::pair{m.encode_image(golden_tensors("clip.safetensors").at("pixels"), image),
                     m.encode_text(golden_tensors("clip.safetensors").at("tokens"), text)};
  };
  const auto [image, text] = encode(*exact);
  for (const std::string tower : {"image", "text"}) {
    auto value = golden_options();
    auto sizes = *value.find(tower);
    sizes.set("layer_norm_eps", Value::scalar("0.5"));
    value.set(tower, sizes);
    const auto [other_image, other_text] = encode(*small(value));
    EXPECT_EQ(at::equal(other_image, image), tower == "text");
    EXPECT_EQ(at::equal(other_text, text), tower == "image");
  }
}

TEST(Clip, AnAbsentTowerHasNoParametersAndIsAnError) {
  const auto model = make_model("clip", image_only());
  for (const auto& item : model->named_parameters()) EXPECT_TRUE(item.key().starts_with("visual.")) << item.key();
  EXPECT_FALSE(model->logit_scale().defined());
  ForwardContext context;
  EXPECT_EQ(error_text<ArgumentError>([&] {
              model->encode_text(at::zeros({1, 12}, at::kLong), context);
            }),
            "encode_text(): the model has no text tower");
}

TEST(Clip, LogitScaleNeverActsAboveAHundredAndCanComeDown) {
  const auto model = make_model("clip", golden_options());
  EXPECT_NEAR(model->logit_scale().item<double>(), 1 / 0.07, 1e-4);
  auto parameter = *model->named_parameters().find("logit_scale");
  {
    const at::NoGradGuard guard;
    parameter.fill_(6);
  }
  const auto scale = model->logit_scale();
  EXPECT_EQ(scale.item<double>(), 100);
  EXPECT_GT(torch::autograd::grad({scale}, {parameter})[0].item<double>(), 100);
}

TEST(Clip, InitialisationIsAFunctionOfTheSeedWithTheScalesOfClip) {
  const auto a = small(golden_options()), b = small(golden_options());
  const auto x = a->named_parameters(), y = b->named_parameters();
  for (const auto& item : x) EXPECT_TRUE(at::equal(item.value(), y[item.key()])) << item.key();
  const auto deviation = [&](const char* name) { return x[name].std().item<double>(); };
  EXPECT_NEAR(deviation("token_embedding.weight"), 0.02, 0.003);
  EXPECT_NEAR(deviation("transformer.resblocks.0.attn.in_proj_weight"), 0.25, 0.03);
  EXPECT_NEAR(deviation("transformer.resblocks.1.mlp.c_proj.weight"), 0.125, 0.02);
  EXPECT_NEAR(deviation("visual.proj"), 1 / std::sqrt(24.0), 0.03);
  EXPECT_EQ(deviation("visual.ln_pre.weight"), 0);
}

TEST(Clip, CheckpointingGivesTheSameGradients) {
  const auto model = small(image_only({{"drop_path", "0.4"}}));
  const auto pixels = at::randn({7, 3, 24, 24});
  auto plain = training(), again = training();
  again.checkpointing = true;
  const auto want = gradients(*model, model->encode_image(pixels, plain));
  const auto got = gradients(*model, model->encode_image(pixels, again));
  ASSERT_EQ(got.size(), model->parameters().size());
  for (std::size_t i = 0; i < got.size(); ++i) EXPECT_TRUE(at::equal(got[i], want[i])) << i;
}

TEST(Clip, CheckpointingTextsOutlivesTheContext) {
  auto value = golden_options();
  value.set("checkpointing", Value::scalar("true"));
  const auto model = small(value), plain = small(golden_options());
  const auto tokens = golden_tensors("clip.safetensors").at("tokens");
  const auto encode = [&](Model& m) {
    auto context = training();
    return m.encode_text(tokens, context);
  };
  const auto want = gradients(*plain, encode(*plain)), got = gradients(*model, encode(*model));
  ASSERT_EQ(got.size(), want.size());
  for (std::size_t i = 0; i < got.size(); ++i) EXPECT_TRUE(at::equal(got[i], want[i])) << i;
}

TEST(Clip, DropPathDoesNotDependOnMicroBatches) {
  const auto model = small(image_only({{"drop_path", "0.5"}}));
  const auto pixels = at::randn({8, 3, 24, 24});
  auto all = training(), first = training(0), second = training(3), evaluation = ForwardContext();
  const auto whole = model->encode_image(pixels, all);
  const auto parts = at::cat(
      {model->encode_image(pixels.narrow(0, 0, 3), first), model->encode_image(pixels.narrow(0, 3, 5), second)});
  EXPECT_LE(relative_distance(parts, whole), 1e-6);
  EXPECT_GT(relative_distance(model->encode_image(pixels, evaluation), whole), 1e-2);
}

TEST(Clip, TextsDoNotDependOnWhatFollowsTheirEndNorOnTheirNeighbours) {
  const auto model = small(golden_options());
  const auto tokens = golden_tensors("clip.safetensors").at("tokens");
  auto noisy = tokens.clone();
  const auto after = at::arange(12).gt(tokens.argmax(1).unsqueeze(1));
  noisy.masked_fill_(after, 9);
  ForwardContext context;
  const auto whole = model->encode_text(tokens, context);
  EXPECT_LE(relative_distance(model->encode_text(noisy, context), whole), 1e-6);
  for (std::int64_t row = 0; row < tokens.size(0); ++row) {
    EXPECT_LE(relative_distance(model->encode_text(tokens.narrow(0, row, 1), context)[0], whole[row]), 1e-6);
  }
}

std::string model_message(const Value& value) {
  return error_text<ConfigError>([&] { make_model("clip", value); });
}

TEST(ClipMessages, Options) {
  EXPECT_EQ(model_message(image_only({{"heads", "5"}})), "[model/clip] image.heads (5) must divide image.width (24)");
  EXPECT_EQ(model_message(image_only({{"patch_size", "7"}})),
            "[model/clip] image.patch_size (7) must divide image.image_size (24)");
  EXPECT_EQ(model_message(map({{"embed_dim", Value::scalar("20")}})),
            "[model/clip] has no tower: give image, text or preset");
  EXPECT_EQ(model_message(map({{"image", options(golden_image())}})),
            "[model/clip] needs embed_dim: give it, or a preset");
  EXPECT_EQ(model_message(map({{"embed_dim", Value::scalar("20")}, {"text", options({{"width", "16"}})}})),
            "[model/clip] needs text.layers: give it, or a preset");
}

TEST(ClipMessages, SizesThatNoModelHas) {
  const auto said = [](const std::string& tower, const std::string& option, const std::string& got) {
    Value value = golden_options();
    Value sizes = tower.empty() ? value : *value.find(tower);
    sizes.set(option, Value::scalar(got));
    if (!tower.empty()) value.set(tower, sizes);
    return model_message(tower.empty() ? sizes : value);
  };
  const auto wanted = [](const std::string& owner, const std::string& option, const std::string& range,
                         const std::string& got) {
    return "[model/clip] option \"" + option + "\" of " + owner + "model \"clip\" must be " + range + ", got " + got;
  };
  const Pairs image{
      {"image_size", "8192"}, {"patch_size", "8192"}, {"width", "65536"}, {"layers", "1024"}, {"heads", "1024"}};
  const Pairs text{
      {"width", "65536"}, {"layers", "1024"}, {"heads", "1024"}, {"context", "65536"}, {"vocabulary", "4194304"}};
  const std::string got = "1000000000";
  for (const auto& [option, most] : image) {
    EXPECT_EQ(said("image", option, got), wanted("\"image\" of ", option, "between 1 and " + most, got));
  }
  for (const auto& [option, most] : text) {
    EXPECT_EQ(said("text", option, got), wanted("\"text\" of ", option, "between 1 and " + most, got));
  }
  EXPECT_EQ(said("", "embed_dim", got), wanted("", "embed_dim", "between 1 and 65536", got));
  EXPECT_EQ(said("image", "mlp_ratio", got), wanted("\"image\" of ", "mlp_ratio", "strictly between 0 and 1024", got));
}

TEST(ClipMessages, Inputs) {
  const auto model = small(golden_options());
  ForwardContext context;
  const auto image = [&](at::IntArrayRef shape) {
    return error_text<ArgumentError>([&] { model->encode_image(at::zeros(shape), context); });
  };
  const auto text = [&](const torch::Tensor& tokens) {
    return error_text<ArgumentError>([&] { model->encode_text(tokens, context); });
  };
  EXPECT_EQ(image({2, 3, 32, 32}), "[model/clip] encode_image takes pixels [rows, 3, 24, 24], got [2, 3, 32, 32]");
  EXPECT_EQ(image({3, 24, 24}), "[model/clip] encode_image takes pixels [rows, 3, 24, 24], got [3, 24, 24]");
  EXPECT_EQ(text(at::zeros({2, 77}, at::kLong)), "[model/clip] encode_text takes tokens [rows, 12], got [2, 77]");
  EXPECT_EQ(
      text(at::full({2, 12}, 49407, at::kLong)),
      "[model/clip] encode_text takes tokens from 0 to 31, got 49407; the tokenizer and text.vocabulary must agree");
  EXPECT_EQ(text(at::full({2, 12}, -1, at::kLong)),
            "[model/clip] encode_text takes tokens from 0 to 31, got -1; the tokenizer and text.vocabulary must agree");
}

}  // namespace
}  // namespace dime::test
