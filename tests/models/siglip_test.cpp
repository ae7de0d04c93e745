// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>

#include "models/clip_options.hpp"
#include "models/training.hpp"
#include "support/errors.hpp"
#include "support/tensors.hpp"

namespace dime::test {
namespace {

/// The values of `changed`, and the others of `pairs`.
Pairs with(Pairs pairs, const Pairs& changed) {
  for (const auto& [key, text] : changed) {
    std::erase_if(pairs, [&, name = key](const auto& pair) { return pair.first == name; });
    pairs.emplace_back(key, text);
  }
  return pairs;
}

Value image_options(const Pairs& changed = {}) {
  return options(with(
      {{"image_size", "24"}, {"patch_size", "8"}, {"width", "24"}, {"layers", "2"}, {"heads", "2"}, {"mlp_ratio", "2"}},
      changed));
}

Value text_options() {
  return options(
      {{"width", "16"}, {"layers", "2"}, {"heads", "2"}, {"mlp_ratio", "3"}, {"context", "12"}, {"vocabulary", "32"}});
}

Value image_only(const Pairs& changed = {}) { return map({{"image", image_options(changed)}}); }

Value both(const Pairs& more = {}) {
  auto value = map({{"image", image_options()}, {"text", text_options()}});
  for (const auto& [key, text] : more) value.set(key, Value::scalar(text));
  return value;
}

std::shared_ptr<Model> small(const Value& value) {
  auto model = make_model("siglip", value);
  torch::manual_seed(5);
  model->initialise();
  return model;
}

torch::Tensor some_tokens(std::int64_t rows = 3) { return at::arange(rows * 12).remainder(31).view({rows, 12}); }

TEST(Siglip, Spec) {
  const auto spec = make_model("siglip", both())->spec();
  EXPECT_EQ(spec.embed_dim, 24);
  EXPECT_EQ(spec.image->size, 24);
  EXPECT_EQ(spec.image->mean, (std::array<double, 3>{0.5, 0.5, 0.5}));
  EXPECT_EQ(spec.image->std, (std::array<double, 3>{0.5, 0.5, 0.5}));
  EXPECT_EQ(spec.image->interpolation, "bicubic");
  EXPECT_EQ(spec.image->resize_mode, "squash");
  EXPECT_EQ(spec.image->activation, "gelu_tanh");
  EXPECT_EQ(spec.text->context, 12);
  EXPECT_EQ(spec.text->vocabulary, 32);
  EXPECT_EQ(spec.text->tokenizer, "siglip");
  EXPECT_EQ(spec.image->layer_norm_eps, 1e-6);
  EXPECT_EQ(spec.text->layer_norm_eps, 1e-6);
  EXPECT_EQ(make_model("siglip", image_only({{"layer_norm_eps", "1e-4"}}))->spec().image->layer_norm_eps, 1e-4);
  EXPECT_EQ(make_model("siglip", image_only({{"activation", "gelu"}}))->spec().image->activation, "gelu");
  EXPECT_FALSE(make_model("siglip", both({{"towers", "image"}}))->spec().text);
  const auto text = make_model("siglip", both({{"towers", "text"}}))->spec();
  EXPECT_FALSE(text.image);
  EXPECT_EQ(text.embed_dim, 24) << "the image tower's, though it is not built";
}

std::map<std::string, std::vector<std::int64_t>> shapes(const Model& model) {
  std::map<std::string, std::vector<std::int64_t>> all;
  for (const auto& p : model.named_parameters()) all[p.key()] = p.value().sizes().vec();
  return all;
}

TEST(Siglip, ParametersAreNamedAsThoseOfOpenClip) {
  const auto got = shapes(*make_model("siglip", both()));
  std::map<std::string, std::vector<std::int64_t>> want{{"logit_bias", {}}, {"logit_scale", {}}};
  const auto map_of = [&](const std::string& name, std::int64_t outputs, std::int64_t inputs) {
    want[name + ".weight"] = {outputs, inputs};
    want[name + ".bias"] = {outputs};
  };
  const auto norm_of = [&](const std::string& name, std::int64_t width) {
    want[name + ".weight"] = want[name + ".bias"] = {width};
  };
  const std::string trunk = "visual.trunk.";
  want[trunk + "pos_embed"] = {1, 9, 24};
  want[trunk + "patch_embed.proj.weight"] = {24, 3, 8, 8};
  want[trunk + "patch_embed.proj.bias"] = {24};
  want[trunk + "attn_pool.latent"] = {1, 1, 24};
  norm_of(trunk + "norm", 24);
  norm_of(trunk + "attn_pool.norm", 24);
  map_of(trunk + "attn_pool.q", 24, 24);
  map_of(trunk + "attn_pool.kv", 48, 24);
  map_of(trunk + "attn_pool.proj", 24, 24);
  map_of(trunk + "attn_pool.mlp.fc1", 48, 24);
  map_of(trunk + "attn_pool.mlp.fc2", 24, 48);
  want["text.token_embedding.weight"] = {32, 16};
  want["text.positional_embedding"] = {12, 16};
  norm_of("text.ln_final", 16);
  map_of("text.text_projection", 24, 16);
  for (const auto* layer : {"0", "1"}) {
    const auto image = trunk + "blocks." + layer + ".", text = std::string("text.transformer.resblocks.") + layer + ".";
    norm_of(image + "norm1", 24);
    norm_of(image + "norm2", 24);
    map_of(image + "attn.qkv", 72, 24);
    map_of(image + "attn.proj", 24, 24);
    map_of(image + "mlp.fc1", 48, 24);
    map_of(image + "mlp.fc2", 24, 48);
    norm_of(text + "ln_1", 16);
    norm_of(text + "ln_2", 16);
    want[text + "attn.in_proj_weight"] = {48, 16};
    want[text + "attn.in_proj_bias"] = {48};
    map_of(text + "attn.out_proj", 16, 16);
    map_of(text + "mlp.c_fc", 48, 16);
    map_of(text + "mlp.c_proj", 16, 48);
  }
  EXPECT_EQ(got, want);
}

TEST(Siglip, VectorsOfAnotherWidthAreProjected) {
  auto value = image_only();
  value.set("embed_dim", Value::scalar("20"));
  const auto model = small(value);
  EXPECT_EQ(shapes(*model).at("visual.head.proj.weight"), (std::vector<std::int64_t>{20, 24}));
  EXPECT_EQ(shapes(*model).count("visual.head.proj.bias"), 0U);
  ForwardContext context;
  context.wanted_taps = {"visual.trunk.attn_pool"};
  const auto vectors = model->encode_image(at::randn({2, 3, 24, 24}), context);
  const auto weight = *model->named_parameters().find("visual.head.proj.weight");
  EXPECT_LE(relative_distance(vectors, at::linear(context.taps.at("visual.trunk.attn_pool"), weight)), 1e-6);
}

TEST(Siglip, AnAbsentTowerHasNoParametersAndIsAnError) {
  const auto model = make_model("siglip", image_only());
  for (const auto& item : model->named_parameters()) EXPECT_TRUE(item.key().starts_with("visual.")) << item.key();
  EXPECT_FALSE(model->logit_scale().defined());
  ForwardContext context;
  EXPECT_EQ(error_text<ArgumentError>([&] {
              model->encode_text(at::zeros({1, 12}, at::kLong), context);
            }),
            "encode_text(): the model has no text tower");
  const auto text = make_model("siglip", both({{"towers", "text"}}));
  EXPECT_EQ(error_text<ArgumentError>([&] {
              text->encode_image(at::zeros({1, 3, 24, 24}), context);
            }),
            "encode_image(): the model has no image tower");
  EXPECT_TRUE(text->position_tables().empty());
}

TEST(Siglip, ScaleAndBiasBeginAsTheOptionsSay) {
  const auto model = small(both());
  EXPECT_NEAR(model->logit_scale().item<double>(), 10, 1e-5);
  EXPECT_EQ(model->named_parameters().find("logit_bias")->item<double>(), -10);
  const auto other = small(both({{"logit_scale_init", "200"}, {"logit_bias_init", "-3"}}));
  EXPECT_NEAR(other->logit_scale().item<double>(), 200, 1e-3) << "it has no cap";
  EXPECT_EQ(other->named_parameters().find("logit_bias")->item<double>(), -3);
}

TEST(Siglip, PositionTables) {
  const auto table = [](const Pairs& changed) {
    const auto all = make_model("siglip", image_only(changed))->position_tables();
    EXPECT_EQ(all.size(), 1U);
    return all.front();
  };
  const auto square = table({});
  EXPECT_EQ(square.name, "visual.trunk.pos_embed");
  EXPECT_EQ(square.leading, 0);
  EXPECT_EQ(square.height, 3);
  EXPECT_EQ(square.width, 3);
  EXPECT_EQ(table({{"image_size", "39"}}).height, 4) << "of the whole patches";
}

TEST(Siglip, PixelsBesideTheWholePatchesAreNotRead) {
  const auto model = small(image_only({{"image_size", "30"}}));
  const auto pixels = at::randn({2, 3, 30, 30});
  auto noisy = pixels.clone();
  noisy.narrow(2, 24, 6).fill_(9);
  noisy.narrow(3, 24, 6).fill_(-9);
  ForwardContext context;
  const auto vectors = model->encode_image(pixels, context);
  EXPECT_TRUE(at::equal(model->encode_image(noisy, context), vectors));
  noisy.narrow(2, 23, 1).fill_(9);
  EXPECT_GT(relative_distance(model->encode_image(noisy, context), vectors), 1e-3);
}

TEST(Siglip, ChannelsLastPixelsAndNoPixels) {
  const auto model = small(image_only());
  const auto pixels = at::randn({4, 3, 24, 24});
  ForwardContext context;
  const auto vectors = model->encode_image(pixels, context);
  EXPECT_LE(relative_distance(model->encode_image(pixels.contiguous(at::MemoryFormat::ChannelsLast), context), vectors),
            1e-6);
  EXPECT_EQ(model->encode_image(pixels.narrow(0, 0, 0), context).sizes(), (at::IntArrayRef{0, 24}));
}

TEST(Siglip, InitialisationIsAFunctionOfTheSeedWithGlorotsScales) {
  const auto a = small(both()), b = small(both());
  const auto x = a->named_parameters(), y = b->named_parameters();
  for (const auto& item : x) EXPECT_TRUE(at::equal(item.value(), y[item.key()])) << item.key();
  const auto most = [&](const std::string& name) { return x[name].abs().max().item<double>(); };
  const auto deviation = [&](const std::string& name) { return x[name].std().item<double>(); };
  EXPECT_NEAR(most("visual.trunk.blocks.0.attn.qkv.weight"), std::sqrt(6.0 / 48), 0.01);
  EXPECT_NEAR(most("visual.trunk.blocks.1.mlp.fc1.weight"), std::sqrt(6.0 / 72), 0.01);
  EXPECT_NEAR(most("visual.trunk.attn_pool.kv.weight"), std::sqrt(6.0 / 48), 0.01);
  EXPECT_NEAR(most("text.transformer.resblocks.0.attn.in_proj_weight"), std::sqrt(6.0 / 32), 0.01);
  EXPECT_NEAR(deviation("visual.trunk.patch_embed.proj.weight"), 1 / std::sqrt(192.0), 0.003);
  EXPECT_NEAR(deviation("visual.trunk.pos_embed"), 1 / std::sqrt(24.0), 0.03);
  EXPECT_NEAR(deviation("text.text_projection.weight"), 0.25, 0.03);
  EXPECT_NEAR(deviation("text.token_embedding.weight"), 0.25, 0.03);
  EXPECT_GT(most("visual.trunk.attn_pool.latent"), 0.1);
  EXPECT_LT(most("visual.trunk.blocks.0.mlp.fc1.bias"), 1e-5);
  EXPECT_EQ(most("visual.trunk.blocks.0.attn.qkv.bias"), 0);
  EXPECT_EQ(x["visual.trunk.attn_pool.norm.weight"].min().item<double>(), 1);
}

TEST(Siglip, CheckpointingGivesTheSameGradientsAndOutlivesTheContext) {
  auto value = both({{"checkpointing", "true"}});
  value.set("image", image_options({{"drop_path", "0.4"}, {"patch_dropout", "0.5"}}));
  const auto again = small(value);
  value.set("checkpointing", Value::scalar("false"));
  const auto plain = small(value);
  const auto pixels = at::randn({7, 3, 24, 24});
  const auto encode = [&](Model& model) {
    auto image = training(), text = training();
    return at::cat({model.encode_image(pixels, image), model.encode_text(some_tokens(), text)});
  };
  const auto want = gradients(*plain, encode(*plain)), got = gradients(*again, encode(*again));
  ASSERT_EQ(got.size(), again->parameters().size() - 2) << "all but the scale and the bias of scores";
  for (std::size_t i = 0; i < got.size(); ++i) EXPECT_TRUE(at::equal(got[i], want[i])) << i;
}

TEST(Siglip, DropPathAndPatchDropoutDoNotDependOnMicroBatches) {
  for (const auto* option : {"drop_path", "patch_dropout"}) {
    const auto model = small(image_only({{option, "0.5"}}));
    const auto pixels = at::randn({8, 3, 24, 24});
    auto all = training(), first = training(0), second = training(3), evaluation = ForwardContext();
    const auto whole = model->encode_image(pixels, all);
    const auto parts = at::cat(
        {model->encode_image(pixels.narrow(0, 0, 3), first), model->encode_image(pixels.narrow(0, 3, 5), second)});
    EXPECT_LE(relative_distance(parts, whole), 1e-6) << option;
    EXPECT_GT(relative_distance(model->encode_image(pixels, evaluation), whole), 1e-3) << option;
  }
}

TEST(Siglip, TapsOfEveryBlock) {
  const auto model = small(both({{"checkpointing", "true"}}));
  auto image = training(), text = training();
  image.wanted_taps = {"visual.trunk.blocks.0", "visual.trunk.blocks.1", "visual.trunk.norm", "visual.trunk.attn_pool"};
  text.wanted_taps = {"text.transformer.resblocks.0", "text.transformer.resblocks.1", "text.ln_final"};
  const auto vectors = model->encode_image(at::randn({2, 3, 24, 24}), image);
  const auto sizes = [](const ForwardContext& context, const std::string& name) {
    return context.taps.at(name).sizes().vec();
  };
  for (const auto* name : {"visual.trunk.blocks.0", "visual.trunk.blocks.1", "visual.trunk.norm"}) {
    EXPECT_EQ(sizes(image, name), (std::vector<std::int64_t>{2, 9, 24})) << name;
    EXPECT_TRUE(image.taps.at(name).requires_grad()) << name;
  }
  EXPECT_TRUE(at::equal(image.taps.at("visual.trunk.attn_pool"), vectors)) << "there is no projection";
  ForwardContext untapped;
  const auto plain = model->encode_text(some_tokens(2), untapped);
  EXPECT_LE(relative_distance(model->encode_text(some_tokens(2), text), plain), 1e-6);
  for (const auto* name : {"text.transformer.resblocks.0", "text.transformer.resblocks.1"}) {
    EXPECT_EQ(sizes(text, name), (std::vector<std::int64_t>{2, 12, 16})) << name;
  }
  EXPECT_EQ(sizes(text, "text.ln_final"), (std::vector<std::int64_t>{2, 16}));
}

TEST(Siglip, EveryTokenOfATextIsSeen) {
  const auto model = small(both());
  ForwardContext context;
  const auto tokens = some_tokens();
  const auto whole = model->encode_text(tokens, context);
  for (std::int64_t i = 0; i < 12; ++i) {
    auto changed = tokens.clone();
    changed.select(1, i).fill_(31);
    EXPECT_GT(relative_distance(model->encode_text(changed, context), whole), 1e-4) << i;
  }
  for (std::int64_t row = 0; row < tokens.size(0); ++row) {
    EXPECT_LE(relative_distance(model->encode_text(tokens.narrow(0, row, 1), context)[0], whole[row]), 1e-6);
  }
  EXPECT_EQ(model->encode_text(tokens.narrow(0, 0, 0), context).sizes(), (at::IntArrayRef{0, 24}));
}

std::string model_message(const Value& value) {
  return error_text<ConfigError>([&] { make_model("siglip", value); });
}

TEST(SiglipMessages, Options) {
  EXPECT_EQ(model_message(image_only({{"heads", "5"}})), "[model/siglip] image.heads (5) must divide image.width (24)");
  EXPECT_EQ(model_message(image_only({{"patch_size", "25"}})),
            "[model/siglip] image.patch_size (25) must not be more than image.image_size (24)");
  EXPECT_EQ(model_message(image_only({{"mlp_ratio", "0.01"}})),
            "[model/siglip] image.mlp_ratio leaves nothing of image.width (24): raise it");
  EXPECT_EQ(model_message(map({{"embed_dim", Value::scalar("20")}})),
            "[model/siglip] has no tower: give image, text or preset");
  EXPECT_EQ(model_message(map({{"text", options({{"width", "16"}})}})),
            "[model/siglip] needs text.layers: give it, or a preset");
  EXPECT_EQ(model_message(both({{"preset", "ViT-B-16"}})),
            "[model/siglip] option \"preset\" of model \"siglip\" takes one of ViT-B-16-SigLIP, "
            "ViT-B-16-SigLIP-256, ViT-B-16-SigLIP-384, ViT-B-16-SigLIP-512, ViT-L-16-SigLIP-256, "
            "ViT-L-16-SigLIP-384, ViT-SO400M-14-SigLIP, ViT-SO400M-14-SigLIP-378, ViT-SO400M-14-SigLIP-384, got "
            "\"ViT-B-16\"");
}

TEST(SiglipMessages, Inputs) {
  const auto model = small(both());
  ForwardContext context;
  const auto image = [&](at::IntArrayRef shape) {
    return error_text<ArgumentError>([&] { model->encode_image(at::zeros(shape), context); });
  };
  const auto text = [&](const torch::Tensor& tokens) {
    return error_text<ArgumentError>([&] { model->encode_text(tokens, context); });
  };
  EXPECT_EQ(image({2, 3, 32, 32}), "[model/siglip] encode_image takes pixels [rows, 3, 24, 24], got [2, 3, 32, 32]");
  EXPECT_EQ(image({3, 24, 24}), "[model/siglip] encode_image takes pixels [rows, 3, 24, 24], got [3, 24, 24]");
  EXPECT_EQ(text(at::zeros({2, 64}, at::kLong)), "[model/siglip] encode_text takes tokens [rows, 12], got [2, 64]");
  EXPECT_EQ(
      text(at::full({2, 12}, 49407, at::kLong)),
      "[model/siglip] encode_text takes tokens from 0 to 31, got 49407; the tokenizer and text.vocabulary must agree");
  EXPECT_EQ(
      text(at::full({2, 12}, -1, at::kLong)),
      "[model/siglip] encode_text takes tokens from 0 to 31, got -1; the tokenizer and text.vocabulary must agree");
}

}  // namespace
}  // namespace dime::test
