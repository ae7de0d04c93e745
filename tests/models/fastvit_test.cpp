// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "models/clip_options.hpp"
#include "models/training.hpp"
#include "support/errors.hpp"
#include "support/tensors.hpp"

namespace dime::test {
namespace {

using Tensors = std::map<std::string, torch::Tensor>;

Value numbers(const std::vector<std::string>& items) {
  std::vector<Value> all;
  for (const auto& item : items) all.push_back(Value::scalar(item));
  return Value::list(std::move(all));
}

/// A stage of mixers, and one that attends; 32 pixels become 4 x 4 positions.
Value small_image(const Pairs& more = {}) {
  auto image = map({{"image_size", Value::scalar("32")},
                    {"widths", numbers({"16", "32"})},
                    {"depths", numbers({"2", "1"})},
                    {"mlp_ratios", numbers({"2", "1.5"})},
                    {"mixers", numbers({"repmixer", "attention"})},
                    {"squeeze_stages", numbers({"1"})},
                    {"downsample_activation", Value::scalar("true")},
                    {"layer_scale", Value::scalar("0.5")}});
  for (const auto& [key, text] : more) image.set(key, Value::scalar(text));
  return image;
}

Value small_options(const Pairs& more = {}, const Pairs& image = {}) {
  auto all = map({{"embed_dim", Value::scalar("20")}, {"image", small_image(image)}});
  for (const auto& [key, text] : more) all.set(key, Value::scalar(text));
  return all;
}

/// The model with drawn weights, every tensor of one axis away from what it starts as.
std::shared_ptr<Model> small(const Value& value = small_options()) {
  auto model = make_model("fastvit", value);
  torch::manual_seed(5);
  model->initialise();
  const at::NoGradGuard guard;
  for (auto& p : model->parameters()) {
    if (p.dim() == 1) p.add_(at::randn_like(p) * 0.1);
  }
  for (const auto& b : model->named_buffers()) {
    if (b.key().ends_with("running_mean")) b.value().normal_(0, 0.1);
    if (b.key().ends_with("running_var")) b.value().uniform_(0.5, 1.5);
  }
  return model;
}

torch::Tensor pixels(std::int64_t rows = 6) {
  torch::manual_seed(9);
  return at::rand({rows, 3, 32, 32});
}

torch::Tensor encode(Model& model, const torch::Tensor& x, ForwardContext context = {}) {
  return model.encode_image(x, context);
}

Tensors tensors(const Model& model) {
  Tensors all;
  for (const auto& p : model.named_parameters()) all[p.key()] = p.value();
  for (const auto& b : model.named_buffers()) all[b.key()] = b.value();
  return all;
}

Tensors statistics(const Model& model) {
  Tensors all;
  for (const auto& b : model.named_buffers()) all[b.key()] = b.value().clone();
  return all;
}

void expect_equal(const Tensors& got, const Tensors& want) {
  ASSERT_EQ(got.size(), want.size());
  for (const auto& [name, value] : want) EXPECT_TRUE(at::equal(got.at(name), value)) << name;
}

TEST(FastVit, Spec) {
  const auto own = make_model("fastvit", small_options())->spec();
  EXPECT_EQ(own.embed_dim, 20);
  EXPECT_EQ(own.image->size, 32);
  EXPECT_EQ(own.image->mean, (std::array<double, 3>{0, 0, 0}));
  EXPECT_EQ(own.image->std, (std::array<double, 3>{1, 1, 1}));
  EXPECT_EQ(own.image->interpolation, "bilinear");
  EXPECT_FALSE(own.text);
  const auto of_imagenet = make_model("fastvit", map({{"preset", Value::scalar("fastvit_t8")}}))->spec();
  EXPECT_EQ(of_imagenet.embed_dim, 512);
  EXPECT_EQ(of_imagenet.image->size, 256);
  EXPECT_EQ(of_imagenet.image->mean, (std::array<double, 3>{0.485, 0.456, 0.406}));
  EXPECT_EQ(of_imagenet.image->interpolation, "bicubic");
}

TEST(FastVit, WithClipsTextTower) {
  auto value = small_options();
  value.set("text", options(golden_text()));
  const auto model = small(value);
  EXPECT_EQ(model->spec().text->context, 12);
  ForwardContext context;
  const auto tokens = at::randint(0, 32, {3, 12}, at::kLong);
  EXPECT_EQ(model->encode_text(tokens, context).sizes(), (std::vector<std::int64_t>{3, 20}));
  EXPECT_NEAR(model->logit_scale().item<double>(), 1 / 0.07, 1e-4);
  EXPECT_TRUE(model->deployed().contains("transformer.resblocks.1.mlp.c_fc.weight"));
  value.set("towers", Value::scalar("text"));
  const auto text = make_model("fastvit", value);
  EXPECT_TRUE(text->deployed().empty());
  EXPECT_EQ(error_text<ArgumentError>([&] { text->encode_image(pixels(), context); }),
            "encode_image(): the model has no image tower");
}

TEST(FastVit, OnlyATextThatIsNotCausalSeesWhatFollowsItsEnd) {
  torch::manual_seed(4);
  const auto tokens = at::randint(0, 30, {3, 12}, at::kLong);
  auto noisy = tokens.clone();
  tokens.select(1, 5).fill_(31);
  noisy.select(1, 5).fill_(31);
  noisy.narrow(1, 6, 6).fill_(7);
  const auto distance_of = [&](const char* causal) {
    auto text = options(golden_text());
    text.set("causal", Value::scalar(causal));
    const auto model = small(map({{"embed_dim", Value::scalar("20")}, {"text", text}}));
    ForwardContext context;
    return relative_distance(model->encode_text(noisy, context), model->encode_text(tokens, context));
  };
  EXPECT_LE(distance_of("true"), 1e-6);
  EXPECT_GT(distance_of("false"), 1e-2);
}

TEST(FastVit, InitialisationIsAFunctionOfTheSeedWithTheScalesOfTimm) {
  const auto drawn = [] {
    auto model = make_model("fastvit", small_options());
    torch::manual_seed(5);
    model->initialise();
    return tensors(*model);
  };
  const auto x = drawn();
  expect_equal(drawn(), x);
  const auto deviation = [&](const std::string& name) { return x.at("visual.trunk." + name).std().item<double>(); };
  const auto largest = [&](const std::string& name) { return x.at("visual.trunk." + name).abs().max().item<double>(); };
  EXPECT_NEAR(deviation("stages.0.blocks.0.mlp.fc1.weight"), 0.02, 0.003);
  EXPECT_NEAR(deviation("stages.0.blocks.0.mlp.conv.conv.weight"), 0.02, 0.003);
  EXPECT_NEAR(deviation("stages.1.blocks.0.token_mixer.qkv.weight"), 0.02, 0.002);
  EXPECT_EQ(largest("head.fc.bias"), 0);
  EXPECT_EQ(largest("stages.1.blocks.0.mlp.fc2.bias"), 0);
  EXPECT_NEAR(largest("stem.0.conv_kxk.0.conv.weight"), 1 / std::sqrt(27.0), 0.01);
  EXPECT_NEAR(largest("final_conv.se.fc1.bias"), 1 / std::sqrt(64.0), 0.1);
  EXPECT_EQ(largest("stages.0.blocks.1.layer_scale.gamma"), 0.5);
  EXPECT_EQ(largest("stem.2.identity.running_mean"), 0);
}

// The branches that training needs, and the one convolution that is as good without it.
TEST(FastVit, TheDeployedFormGivesTheSameVectors) {
  const auto model = small();
  auto value = small_options();
  value.set("form", Value::scalar("deployed"));
  const auto deployed = make_model("fastvit", value);
  const auto merged = model->deployed();
  auto into = tensors(*deployed);
  ASSERT_EQ(merged.size(), into.size());
  const at::NoGradGuard guard;
  for (auto& [name, tensor] : into) {
    ASSERT_TRUE(merged.contains(name)) << name;
    ASSERT_EQ(merged.at(name).sizes(), tensor.sizes()) << name;
    EXPECT_FALSE(merged.at(name).requires_grad()) << name;
    tensor.copy_(merged.at(name));
  }
  const auto want = encode(*model, pixels());
  EXPECT_LE(relative_distance(encode(*deployed, pixels()), want), 1e-5);
  EXPECT_TRUE(deployed->deployed().empty());
  for (const auto& [name, tensor] : merged) {
    for (const auto* branch :
         {"identity", "conv_kxk", "conv_scale", "large_conv", "small_conv", "pos_enc", "mixer.n"}) {
      EXPECT_EQ(name.find(branch), std::string::npos) << name;
    }
  }
  EXPECT_TRUE(merged.contains("visual.trunk.final_conv.se.fc1.weight"));
  EXPECT_LT(merged.size(), tensors(*model).size());
}

TEST(FastVit, StatisticsChangeOnlyInAForwardThatTrains) {
  const auto model = small();
  const auto before = statistics(*model);
  encode(*model, pixels());
  expect_equal(statistics(*model), before);
  model->eval();
  const auto evaluated = encode(*model, pixels(), training());
  expect_equal(statistics(*model), before);
  model->train();
  const auto trained = encode(*model, pixels(), training());
  EXPECT_GT(relative_distance(trained, evaluated), 1e-2);
  for (const auto& [name, after] : statistics(*model)) EXPECT_FALSE(at::equal(after, before.at(name))) << name;
  EXPECT_EQ(statistics(*model).at("visual.trunk.stem.0.conv_kxk.0.bn.num_batches_tracked").item<std::int64_t>(), 1);
}

TEST(FastVit, TheMeanOfABatchMovesTheStoredMeanByATenth) {
  const auto model = small();
  const auto before = statistics(*model);
  const auto weight = tensors(*model).at("visual.trunk.stem.0.conv_kxk.0.conv.weight");
  const auto x = at::conv2d(pixels(), weight, {}, {2, 2}, {1, 1});
  encode(*model, pixels(), training());
  const auto after = statistics(*model);
  const std::string bn = "visual.trunk.stem.0.conv_kxk.0.bn.";
  EXPECT_LE(distance(after.at(bn + "running_mean"), 0.9 * before.at(bn + "running_mean") + 0.1 * x.mean({0, 2, 3})),
            1e-5);
  EXPECT_LE(distance(after.at(bn + "running_var"), 0.9 * before.at(bn + "running_var") + 0.1 * x.var({0, 2, 3})), 1e-5);
}

TEST(FastVit, FrozenStatisticsStayAndAreNoStatisticsOfTheBatch) {
  const auto frozen = small(small_options({}, {{"freeze_statistics", "true"}})), free = small();
  const auto train_statistics = [](Model& model) {
    model.train();
    std::int64_t count = 0;
    for (const auto& module : model.modules()) {
      if (module->named_buffers(false).contains("running_mean") && module->is_training()) ++count;
    }
    return count;
  };
  EXPECT_EQ(train_statistics(*free), 24);
  EXPECT_EQ(train_statistics(*frozen), 0);
  const auto before = statistics(*frozen);
  const auto vectors = encode(*frozen, pixels(), training());
  expect_equal(statistics(*frozen), before);
  EXPECT_LE(relative_distance(vectors, encode(*free, pixels())), 1e-6);
}

TEST(FastVit, CheckpointingGivesTheSameGradientsAndCountsABatchOnce) {
  const auto plain = small(small_options({}, {{"drop_path", "0.4"}}));
  const auto again = small(small_options({{"checkpointing", "true"}}, {{"drop_path", "0.4"}}));
  const auto want = gradients(*plain, encode(*plain, pixels(), training()));
  const auto got = gradients(*again, encode(*again, pixels(), training()));
  ASSERT_EQ(got.size(), plain->parameters().size());
  for (std::size_t i = 0; i < got.size(); ++i) EXPECT_TRUE(at::equal(got[i], want[i])) << i;
  expect_equal(statistics(*again), statistics(*plain));
}

TEST(FastVit, DropPathDoesNotDependOnMicroBatches) {
  const auto model = small(small_options({}, {{"freeze_statistics", "true"}, {"drop_path", "0.5"}}));
  const auto whole = encode(*model, pixels(), training());
  const auto parts = at::cat(
      {encode(*model, pixels().narrow(0, 0, 2), training()), encode(*model, pixels().narrow(0, 2, 4), training(2))});
  EXPECT_LE(relative_distance(parts, whole), 1e-5);
  EXPECT_GT(relative_distance(encode(*model, pixels()), whole), 1e-3);
}

TEST(FastVit, TapsAndChannelsLastChangeNothing) {
  const auto model = small();
  ForwardContext context;
  context.wanted_taps = {"visual.trunk.stem", "visual.trunk.stages.0.blocks.1", "visual.trunk.stages.1.blocks.0",
                         "visual.trunk.final_conv", "visual.trunk.head.global_pool"};
  const auto want = encode(*model, pixels());
  EXPECT_TRUE(at::equal(model->encode_image(pixels(), context), want));
  std::map<std::string, std::vector<std::int64_t>> shapes;
  for (const auto& [name, x] : context.taps) shapes[name] = x.sizes().vec();
  EXPECT_EQ(shapes, (std::map<std::string, std::vector<std::int64_t>>{{"visual.trunk.stem", {6, 16, 8, 8}},
                                                                      {"visual.trunk.stages.0.blocks.1", {6, 16, 8, 8}},
                                                                      {"visual.trunk.stages.1.blocks.0", {6, 32, 4, 4}},
                                                                      {"visual.trunk.final_conv", {6, 64, 4, 4}},
                                                                      {"visual.trunk.head.global_pool", {6, 64}}}));
  EXPECT_TRUE(context.taps.at("visual.trunk.stages.0.blocks.1").requires_grad());
  const auto last = pixels().contiguous(at::MemoryFormat::ChannelsLast);
  EXPECT_LE(relative_distance(encode(*model, last), want), 1e-5);
}

std::string message(const Value& value) {
  return error_text<ConfigError>([&] { make_model("fastvit", value); });
}

std::string image_message(const std::string& option, const Value& got) {
  auto image = small_image();
  image.set(option, got);
  return message(map({{"embed_dim", Value::scalar("20")}, {"image", image}}));
}

TEST(FastVitMessages, Options) {
  EXPECT_EQ(message(map({{"embed_dim", Value::scalar("20")}})),
            "[model/fastvit] has no tower: give image, text or preset");
  EXPECT_EQ(message(map({{"image", small_image()}})), "[model/fastvit] needs embed_dim: give it, or a preset");
  EXPECT_EQ(message(map({{"image", options({{"image_size", "32"}})}})),
            "[model/fastvit] needs image.widths: give it, or a preset");
  EXPECT_EQ(image_message("widths", numbers({})), "[model/fastvit] image.widths takes 1 to 8 stages, got 0");
  EXPECT_EQ(image_message("depths", numbers({"1"})),
            "[model/fastvit] image.depths has 1 items, image.widths has 2: each takes one for each stage");
  EXPECT_EQ(image_message("widths", numbers({"16", "40"})),
            "[model/fastvit] item 1 of image.widths (16) must divide item 2 of image.widths (40)");
  EXPECT_EQ(image_message("widths", numbers({"16", "48"})),
            "[model/fastvit] the width of a head (32) must divide item 2 of image.widths (48)");
  EXPECT_EQ(image_message("squeeze_stages", numbers({"0"})),
            "[model/fastvit] image.squeeze_stages takes stages from 1 to 1, got 0");
  EXPECT_EQ(image_message("position_stages", numbers({"2"})),
            "[model/fastvit] image.position_stages takes stages from 0 to 1, got 2");
  EXPECT_EQ(image_message("mlp_ratios", numbers({"0.01", "1"})),
            "[model/fastvit] image.mlp_ratios leaves no channel of 16");
  EXPECT_EQ(image_message("final_ratio", Value::scalar("1.5")),
            "[model/fastvit] the last of image.widths (32) must divide the width of the last convolution (48)");
  EXPECT_EQ(image_message("mixers", numbers({"repmixer", "attension"})),
            "[model/fastvit] item 2 of option \"mixers\" of \"image\" of model \"fastvit\" takes one of repmixer, "
            "attention, got \"attension\" (did you mean \"attention\"?)");
}

TEST(FastVitMessages, Inputs) {
  const auto model = small();
  const auto said = [&](at::IntArrayRef shape, const ForwardContext& context = {}) {
    return error_text<ArgumentError>([&] { encode(*model, at::zeros(shape), context); });
  };
  EXPECT_EQ(said({2, 3, 24, 24}), "[model/fastvit] encode_image takes pixels [rows, 3, 32, 32], got [2, 3, 24, 24]");
  const auto one = small(small_options({}, {{"image_size", "2"}}));
  EXPECT_EQ(error_text<ArgumentError>([&] {
              encode(*one, at::zeros({1, 3, 2, 2}), training());
            }),
            "[model/fastvit] statistics of a batch need more than one number in each channel, got [1, 16, 1, 1]: "
            "give it more rows, or set image.freeze_statistics");
}

}  // namespace
}  // namespace dime::test
