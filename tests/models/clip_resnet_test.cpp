// SPDX-License-Identifier: Apache-2.0
// The residual networks of model `clip` against open_clip's (tests/golden/make_clip.py), and what their statistics of
// batches ask for.
#include <gtest/gtest.h>

#include <fstream>

#include <ATen/autocast_mode.h>
#include <nlohmann/json.hpp>

#include "models/clip_options.hpp"
#include "models/training.hpp"
#include "support/errors.hpp"
#include "support/tensors.hpp"

namespace dime::test {
namespace {

using Tensors = std::map<std::string, torch::Tensor>;

nlohmann::json golden_json(const std::string& name) {
  std::ifstream file(std::string(DIME_TEST_SOURCE_DIR) + "/tests/golden/" + name);
  return nlohmann::json::parse(file);
}

Tensors parameters(const Model& model) {
  Tensors all;
  for (const auto& item : model.named_parameters()) all[item.key()] = item.value();
  return all;
}

Tensors buffers(const Model& model) {
  Tensors all;
  for (const auto& item : model.named_buffers()) all[item.key()] = item.value();
  return all;
}

// As `pattern` of make_clip.py.
torch::Tensor pattern(at::IntArrayRef shape, std::uint32_t number) {
  auto x = at::empty(shape, at::kFloat);
  auto* data = x.mutable_data_ptr<float>();
  for (std::uint32_t i = 0; i < x.numel(); ++i) {
    std::uint32_t z = i + number * 0x9E3779B9U;
    z = (z ^ (z >> 16)) * 0x7FEB352DU;
    z = (z ^ (z >> 15)) * 0x846CA68BU;
    z ^= z >> 16;
    data[i] = static_cast<float>(z / 2147483648.0 - 1);
  }
  return x;
}

torch::Tensor patterned(const std::string& name, at::IntArrayRef shape, std::uint32_t number) {
  const auto u = pattern(shape, number);
  if (shape.size() > 1) {
    const auto inputs = static_cast<double>(u.numel() / shape[0]);
    return u * std::sqrt(3 / inputs);
  }
  if (name.ends_with("num_batches_tracked")) return at::full({}, 3, at::kLong);
  return name.ends_with("weight") || name.ends_with("running_var") ? 1 + 0.4 * u : 0.2 * u;
}

/// The model of clip_resnet.json.
std::shared_ptr<Model> patterned_model(const Value& value = resnet_options()) {
  const at::NoGradGuard guard;
  auto model = make_model("clip", value);
  auto all = parameters(*model);
  all.merge(buffers(*model));
  std::uint32_t number = 0;
  for (auto& [name, x] : all) x.copy_(patterned(name, x.sizes(), number++));
  return model;
}

torch::Tensor golden_pixels() { return pattern({3, 3, 64, 64}, 1000); }

torch::Tensor encode(Model& model, const torch::Tensor& pixels, ForwardContext context = {}) {
  return model.encode_image(pixels, context);
}

void expect_fingerprint(const torch::Tensor& x, const nlohmann::json& want, const std::string& name) {
  const auto wide = x.detach().to(at::kDouble).contiguous().flatten();
  const double norm = want[0].get<double>();
  EXPECT_NEAR(wide.norm().item<double>(), norm, 1e-4 * norm) << name;
  EXPECT_NEAR(wide.dot(pattern(wide.sizes(), 99).to(at::kDouble)).item<double>(), want[1].get<double>(),
              1e-4 * norm * std::sqrt(static_cast<double>(wide.numel())))
      << name;
}

TEST(ClipResNet, NamesAndShapesOfRn50AreThoseOfOpenClip) {
  const auto model =
      make_model("clip", map({{"preset", Value::scalar("RN50")},
                              {"embed_dim", Value::scalar("512")},
                              {"image", options({{"width", "8"}, {"heads", "4"}})},
                              {"text", options({{"width", "32"}, {"heads", "2"}, {"vocabulary", "64"}})}}));
  std::map<std::string, std::vector<std::int64_t>> got;
  for (const auto& [name, value] : parameters(*model)) got[name] = value.sizes().vec();
  for (const auto& [name, value] : buffers(*model)) got[name] = value.sizes().vec();
  EXPECT_EQ(got, (golden_json("clip_resnet_names.json").get<std::map<std::string, std::vector<std::int64_t>>>()));
}

class ClipResNetNumbers : public testing::TestWithParam<const char*> {};

TEST_P(ClipResNetNumbers, VectorsAndGradients) {
  const std::string mode = GetParam();
  const auto golden = golden_json("clip_resnet.json");
  const auto model = patterned_model();
  model->train(mode == "training");
  const auto vectors = encode(*model, golden_pixels());
  const auto want = golden.at(mode + ".vectors").get<std::vector<float>>();
  EXPECT_LE(relative_distance(vectors.flatten(), torch::tensor(want)), 1e-5);
  (vectors * pattern({3, 8}, 1001)).sum().backward();
  for (const auto& [name, x] : parameters(*model)) {
    if (name == "visual.attnpool.k_proj.bias") {
      EXPECT_LE(x.grad().abs().max().item<double>(), 1e-6);  // softmax does not see a shift of all scores
    } else {
      expect_fingerprint(x.grad(), golden.at(mode + ".grad." + name.substr(7)), name);
    }
  }
  if (mode != "training") return;
  for (const auto& [name, x] : buffers(*model)) expect_fingerprint(x, golden.at("after." + name.substr(7)), name);
}

INSTANTIATE_TEST_SUITE_P(Modes, ClipResNetNumbers, testing::Values("evaluation", "training"));

TEST(ClipResNet, SpecAndPositions) {
  const auto model = make_model("clip", resnet_options());
  EXPECT_EQ(model->spec().image->size, 64);
  EXPECT_EQ(model->spec().image->activation, "");
  const auto tables = model->position_tables();
  ASSERT_EQ(tables.size(), 1U);
  EXPECT_EQ(tables[0].name, "visual.attnpool.positional_embedding");
  EXPECT_EQ(tables[0].leading, 1);
  EXPECT_EQ(tables[0].height, 2);
  EXPECT_EQ(tables[0].width, 2);
  EXPECT_EQ(parameters(*model).at(tables[0].name).size(0), 5);
}

TEST(ClipResNet, EvaluationChangesNoStatistics) {
  const auto model = patterned_model();
  model->eval();
  Tensors before;
  for (const auto& [name, x] : buffers(*model)) before[name] = x.clone();
  encode(*model, golden_pixels());
  for (const auto& [name, x] : buffers(*model)) EXPECT_TRUE(at::equal(x, before[name])) << name;
}

TEST(ClipResNet, FrozenStatisticsServeInTrainingToo) {
  const auto frozen = patterned_model(resnet_options({{"freeze_statistics", "true"}})), free = patterned_model();
  free->eval();
  const auto moves = [&] {
    const auto modules = frozen->named_modules();
    return std::any_of(modules.begin(), modules.end(), [](const auto& m) {
      return m.value()->named_buffers(false).contains("running_mean") && m.value()->is_training();
    });
  };
  EXPECT_FALSE(moves());
  frozen->train();
  EXPECT_FALSE(moves());
  Tensors before;
  for (const auto& [name, x] : buffers(*frozen)) before[name] = x.clone();
  EXPECT_TRUE(at::equal(encode(*frozen, golden_pixels(), training()), encode(*free, golden_pixels())));
  for (const auto& [name, x] : buffers(*frozen)) EXPECT_TRUE(at::equal(x, before[name])) << name;
  EXPECT_NO_THROW(encode(*frozen, golden_pixels().narrow(0, 0, 1), training()));
}

TEST(ClipResNet, CheckpointingGivesTheSameGradientsAndTakesStatisticsOnce) {
  const auto options = resnet_options({{"drop_path", "0.5"}});
  const auto plain = patterned_model(options), again = patterned_model(options);
  auto context = training();
  const auto want = encode(*plain, golden_pixels(), context);
  context.checkpointing = true;
  const auto got = encode(*again, golden_pixels(), context);
  EXPECT_TRUE(at::equal(got, want));
  want.square().sum().backward();
  got.square().sum().backward();
  const auto x = parameters(*plain), y = parameters(*again);
  for (const auto& [name, p] : x) EXPECT_TRUE(at::equal(y.at(name).grad(), p.grad())) << name;
  const auto statistics = buffers(*again);
  for (const auto& [name, b] : buffers(*plain)) EXPECT_TRUE(at::equal(statistics.at(name), b)) << name;
  EXPECT_EQ(statistics.at("visual.layer2.1.bn3.num_batches_tracked").item<std::int64_t>(), 4);
}

TEST(ClipResNet, DropPathIsDrawnInTrainingAlone) {
  const auto dropped = patterned_model(resnet_options({{"drop_path", "0.9"}, {"freeze_statistics", "true"}}));
  const auto whole = encode(*dropped, golden_pixels());
  EXPECT_GT(relative_distance(encode(*dropped, golden_pixels(), training()), whole), 1e-2);
  auto second = training();
  second.first_row = 1;
  EXPECT_LE(relative_distance(encode(*dropped, golden_pixels().narrow(0, 1, 2), second),
                              encode(*dropped, golden_pixels(), training()).narrow(0, 1, 2)),
            1e-5);
}

TEST(ClipResNet, EveryBlockIsTapped) {
  const auto model = patterned_model();
  model->eval();
  ForwardContext context;
  context.wanted_taps = {"visual.layer1.0", "visual.layer2.0", "visual.layer2.1", "visual.layer3.0", "visual.layer4.0"};
  model->encode_image(golden_pixels(), context);
  std::map<std::string, std::vector<std::int64_t>> shapes;
  for (const auto& [name, x] : context.taps) shapes[name] = x.sizes().vec();
  EXPECT_EQ(shapes, (std::map<std::string, std::vector<std::int64_t>>{{"visual.layer1.0", {3, 16, 16, 16}},
                                                                      {"visual.layer2.0", {3, 32, 8, 8}},
                                                                      {"visual.layer2.1", {3, 32, 8, 8}},
                                                                      {"visual.layer3.0", {3, 64, 4, 4}},
                                                                      {"visual.layer4.0", {3, 128, 2, 2}}}));
}

TEST(ClipResNet, StatisticsStayInFp32UnderAutocast) {
  const auto exact = patterned_model(), model = patterned_model();
  const auto want = encode(*exact, golden_pixels(), training());
  at::autocast::set_autocast_enabled(at::kCPU, true);
  at::autocast::set_autocast_dtype(at::kCPU, at::kBFloat16);
  const auto got = encode(*model, golden_pixels(), training());
  at::autocast::clear_cache();
  at::autocast::set_autocast_enabled(at::kCPU, false);
  EXPECT_EQ(got.scalar_type(), at::kBFloat16);
  EXPECT_LE(relative_distance(got, want), 0.05);
  got.to(at::kFloat).sum().backward();
  for (const auto& [name, x] : parameters(*model)) EXPECT_TRUE(x.grad().isfinite().all().item<bool>()) << name;
  const auto statistics = buffers(*exact);
  for (const auto& [name, x] : buffers(*model)) {
    if (name.ends_with("num_batches_tracked")) continue;
    EXPECT_EQ(x.scalar_type(), at::kFloat) << name;
    EXPECT_LE(relative_distance(x, statistics.at(name)), 0.02) << name;
  }
}

TEST(ClipResNet, InitialisationIsThatOfClip) {
  const auto model = make_model("clip", resnet_options());
  torch::manual_seed(5);
  model->initialise();
  const auto x = parameters(*model);
  const auto deviation = [&](const char* name) { return x.at(name).std().item<double>(); };
  EXPECT_NEAR(deviation("visual.layer4.0.conv2.weight"), 1 / std::sqrt(3.0 * 9 * 32), 0.002);
  EXPECT_NEAR(deviation("visual.attnpool.q_proj.weight"), 1 / std::sqrt(128.0), 0.002);
  EXPECT_NEAR(deviation("visual.attnpool.positional_embedding"), 1 / std::sqrt(128.0), 0.01);
  EXPECT_EQ(x.at("visual.layer2.1.bn3.weight").abs().max().item<double>(), 0);
  EXPECT_EQ(x.at("visual.layer2.1.bn2.weight").min().item<double>(), 1);
  EXPECT_EQ(x.at("visual.layer2.0.downsample.1.weight").min().item<double>(), 1);
}

std::string message(const Value& value) {
  return error_text<ConfigError>([&] { make_model("clip", value); });
}

Value with_layers(const Value& layers) {
  auto value = resnet_options();
  auto image = *value.find("image");
  image.set("layers", layers);
  value.set("image", image);
  return value;
}

TEST(ClipResNetMessages, Layers) {
  const std::string owner = "option \"layers\" of \"image\" of model \"clip\"";
  EXPECT_EQ(message(with_layers(list("3,4,6"))), "[model/clip] " + owner + " takes a list of 4 integers, got 3");
  EXPECT_EQ(message(with_layers(list("3,4,0,3"))),
            "[model/clip] item 3 of " + owner + " must be between 1 and 1024, got 0");
  EXPECT_EQ(message(with_layers(options({{"a", "1"}}))),
            "[model/clip] " + owner + " takes an integer or list of 4 integers, got a map");
  EXPECT_EQ(message(with_layers(Value::scalar("many"))), "[model/clip] " + owner + " takes an integer, got \"many\"");
}

TEST(ClipResNetMessages, Sizes) {
  EXPECT_EQ(message(resnet_options({{"image_size", "70"}})),
            "[model/clip] a residual network's stride (32) must divide image.image_size (70)");
  EXPECT_EQ(message(resnet_options({{"width", "5"}})),
            "[model/clip] image.width of a residual network must be even and at most 2048, got 5");
  EXPECT_EQ(message(resnet_options({{"width", "2050"}})),
            "[model/clip] image.width of a residual network must be even and at most 2048, got 2050");
  EXPECT_EQ(message(resnet_options({{"heads", "3"}})),
            "[model/clip] image.heads (3) must divide 32 times image.width (128)");
}

TEST(ClipResNetMessages, OptionsOfTheOtherKindOfTower) {
  const auto refused = [](const std::string& name) {
    return "[model/clip] image." + name +
           " is an option of vision transformers, but image.layers has the four numbers of a residual network";
  };
  const Pairs others{{"patch_size", "32"},
                     {"mlp_ratio", "2"},
                     {"activation", "gelu"},
                     {"layer_norm_eps", "1e-6"},
                     {"patch_dropout", "0.5"}};
  for (const auto& [name, value] : others) EXPECT_EQ(message(resnet_options({{name, value}})), refused(name));
  auto image = options(golden_image());
  image.set("freeze_statistics", Value::scalar("true"));
  EXPECT_EQ(message(map({{"embed_dim", Value::scalar("20")}, {"image", image}})),
            "[model/clip] image.freeze_statistics is an option of residual networks, but image.layers has the one "
            "number of a vision transformer");
}

TEST(ClipResNetMessages, PresetsOfTheOtherKindOfTower) {
  const auto preset = [](const char* name, const Value& layers) {
    return map({{"preset", Value::scalar(name)}, {"image", map({{"layers", layers}})}});
  };
  EXPECT_EQ(message(preset("RN50", Value::scalar("12"))),
            "[model/clip] image.layers describes a vision transformer, preset RN50 a residual network: leave one of "
            "them out");
  EXPECT_EQ(message(preset("ViT-B-32", list("3,4,6,3"))),
            "[model/clip] image.layers describes a residual network, preset ViT-B-32 a vision transformer: leave one "
            "of them out");
}

TEST(ClipResNetMessages, Inputs) {
  const auto model = make_model("clip", resnet_options());
  const auto said = [&](at::IntArrayRef shape) {
    return error_text<ArgumentError>([&] { encode(*model, at::zeros(shape)); });
  };
  EXPECT_EQ(said({2, 3, 32, 32}), "[model/clip] encode_image takes pixels [rows, 3, 64, 64], got [2, 3, 32, 32]");
  const auto tiny = make_model("clip", resnet_options({{"image_size", "32"}}));
  const auto one = at::zeros({1, 3, 32, 32});
  EXPECT_EQ(error_text<ArgumentError>([&] { encode(*tiny, one); }),
            "[model/clip] encode_image cannot take the statistics of a batch of 1 in training at this image size: give "
            "it more rows, or set image.freeze_statistics");
  tiny->eval();
  EXPECT_NO_THROW(encode(*tiny, one));
}

}  // namespace
}  // namespace dime::test
