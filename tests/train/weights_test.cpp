// SPDX-License-Identifier: Apache-2.0
#include "train/weights.hpp"

#include <gtest/gtest.h>

#include <dime/error.hpp>

#include "io/safetensors.hpp"
#include "support/errors.hpp"
#include "support/scratch_folder.hpp"

namespace dime {
namespace {

struct Weights : testing::Test {
  test::ScratchFolder folder;
  std::filesystem::path path = folder / "w.safetensors";

  InitOptions from() const {
    InitOptions options;
    options.mark.origin = std::make_shared<const Origin>();  // written in a file
    options.path = Path(path);
    return options;
  }
  std::string error(const InitOptions& options, const NamedTensors& into) const {
    std::string text = test::error_text<Error>([&] { load_tensors(options, into, "models.student"); });
    const auto at = text.find(path.string());
    return at == std::string::npos ? text : text.replace(at, path.string().size(), "FILE");
  }
};

const char* const kTail = "; `init: {path, skip, allow_missing}` names what may differ";

TEST_F(Weights, RoundTripOfEveryType) {
  NamedTensors all;
  for (const auto type : {at::kDouble, at::kFloat, at::kHalf, at::kBFloat16, at::kLong, at::kInt, at::kShort, at::kChar,
                          at::kByte, at::kBool}) {
    all.emplace_back(c10::toString(type), torch::arange(6).view({2, 3}).to(type));
  }
  all.emplace_back("scalar", torch::full({}, 7.5));
  all.emplace_back("strided", torch::arange(6.0).view({2, 3}).t());
  save_tensors(path, all, {{"step", "3"}});
  EXPECT_EQ(io::SafetensorsFile(path).metadata().at("step"), "3");
  NamedTensors into;
  for (const auto& [name, tensor] : all) into.emplace_back(name, torch::zeros_like(tensor));
  load_tensors(from(), into, "models.student");
  for (std::size_t i = 0; i < all.size(); ++i) EXPECT_TRUE(torch::equal(all[i].second, into[i].second)) << all[i].first;
}

TEST_F(Weights, TypesAreConverted) {
  save_tensors(path, {{"a", torch::full({2}, 1.5).to(at::kBFloat16)}, {"b", torch::full({2}, 2.5, at::kDouble)}});
  const auto a = torch::zeros({2}), b = torch::zeros({2}, at::kHalf);
  load_tensors(from(), {{"a", a}, {"b", b}}, "models.student");
  EXPECT_TRUE(torch::equal(a, torch::full({2}, 1.5F)));
  EXPECT_TRUE(torch::equal(b, torch::full({2}, 2.5).to(at::kHalf)));
}

TEST_F(Weights, EveryDifferenceIsListedAndNothingIsLoaded) {
  save_tensors(path, {{"good", torch::ones({2})},
                      {"visual.con1.weight", torch::ones({2})},
                      {"other", torch::ones({2})},
                      {"shape", torch::ones({2, 3})},
                      {"scalar", torch::ones({})}});
  const auto good = torch::zeros({2});
  const NamedTensors into{{"good", good},
                          {"visual.conv1.weight", torch::zeros({2})},
                          {"shape", torch::zeros({3, 2})},
                          {"scalar", torch::zeros({1})}};
  EXPECT_EQ(error(from(), into),
            "models.student: the weights in FILE do not fit; missing: visual.conv1.weight (the file has "
            "visual.con1.weight); unexpected: other, visual.con1.weight (the model has visual.conv1.weight); of "
            "another shape: shape ([2, 3] in the "
            "file, [3, 2] in the model), scalar ([] in the file, [1] in the model)" +
                std::string(kTail));
  EXPECT_TRUE(torch::equal(good, torch::zeros({2})));
}

TEST_F(Weights, LongListsAreCut) {
  save_tensors(path, {{"x", torch::ones({1})}});
  NamedTensors into;
  for (char c = 'a'; c < 'p'; ++c) into.emplace_back(std::string("layer_") + c, torch::zeros({1}));
  into.emplace_back("x", torch::zeros({1}));
  EXPECT_EQ(error(from(), into),
            "models.student: the weights in FILE do not fit; missing: layer_a, layer_b, layer_c, layer_d, layer_e, "
            "layer_f, layer_g, layer_h, layer_i, layer_j, layer_k, layer_l and 3 more" +
                std::string(kTail));
}

TEST_F(Weights, SkipAndAllowMissingSayWhatMayDiffer) {
  save_tensors(path, {{"visual.proj", torch::ones({2})}, {"text.a", torch::ones({2})}, {"head.w", torch::ones({9})}});
  const auto proj = torch::zeros({2}), head = torch::zeros({2}), fresh = torch::full({2}, 5.0F);
  const NamedTensors into{{"visual.proj", proj}, {"head.w", head}, {"fresh.w", fresh}};
  InitOptions options = from();
  options.skip = {"text.", "head."};
  EXPECT_EQ(error(options, into),
            "models.student: the weights in FILE do not fit; missing: head.w, fresh.w" + std::string(kTail));
  options.allow_missing = {"fresh.", "head."};
  load_tensors(options, into, "models.student");
  EXPECT_TRUE(torch::equal(proj, torch::ones({2})));
  EXPECT_TRUE(torch::equal(head, torch::zeros({2})));
  EXPECT_TRUE(torch::equal(fresh, torch::full({2}, 5.0F)));
}

TEST_F(Weights, NoFile) { EXPECT_EQ(error(from(), {}), "cannot open FILE: No such file or directory"); }

TEST_F(Weights, TypesThatTheFormatLacks) {
  EXPECT_EQ(test::error_text<WeightsError>([&] {
              save_tensors(path, {{"z", torch::zeros({1}, at::kComplexFloat)}});
            }),
            "tensors of type ComplexFloat cannot be saved");
  EXPECT_TRUE(folder.names().empty());
}

TEST_F(Weights, NamesOfAPublicScheme) {
  save_tensors(path, {{"vision_model.encoder.layers.0.self_attn.q_proj.bias", torch::full({2}, 1.0F)},
                      {"vision_model.encoder.layers.0.self_attn.k_proj.bias", torch::full({2}, 2.0F)},
                      {"vision_model.encoder.layers.0.self_attn.v_proj.bias", torch::full({2}, 3.0F).to(at::kHalf)},
                      {"visual_projection.weight", torch::arange(6.0F).view({2, 3})}});
  const auto bias = torch::zeros({6}), proj = torch::zeros({3, 2});
  const NamedTensors into{{"visual.transformer.resblocks.0.attn.in_proj_bias", bias}, {"visual.proj", proj}};
  EXPECT_EQ(load_tensors(from(), into, "models.student").text,
            "weights from " + path.string() + ": a safetensors file, Hugging Face's names of CLIPModel");
  EXPECT_TRUE(torch::equal(bias, torch::tensor({1.0F, 1.0F, 2.0F, 2.0F, 3.0F, 3.0F})));
  EXPECT_TRUE(torch::equal(proj, torch::arange(6.0F).view({2, 3}).t()));
}

TEST_F(Weights, PositionsAreFittedWhereItIsAskedFor) {
  save_tensors(path, {{"table", torch::cat({torch::full({1, 2}, 7.0F), torch::full({9, 2}, 3.0F)})}});
  const auto table = torch::zeros({5, 2});
  const std::vector<PositionTable> tables{{"table", 1, 2, 2}};
  InitOptions options = from();
  const auto load = [&] { return load_tensors(options, {{"table", table}}, "models.student", tables); };
  EXPECT_EQ(
      folder.shown(test::error_text<WeightsError>(load)),
      "models.student: the weights in w.safetensors do not fit; of another shape: table ([10, 2] in the file, [5, "
      "2] in the model; `interpolate_positions: true` of `init` fits it)" +
          std::string(kTail));
  options.interpolate_positions = true;
  EXPECT_EQ(folder.shown(load().text),
            "weights from w.safetensors: a safetensors file; table fitted to 2 x 2 positions");
  EXPECT_TRUE(torch::allclose(table, torch::cat({torch::full({1, 2}, 7.0F), torch::full({4, 2}, 3.0F)})));
}

TEST_F(Weights, WhatIsKnownOfThemIsHeldAgainstTheModel) {
  ModelSpec spec;
  spec.embed_dim = 4;
  spec.image = ImageSpec{32};
  spec.image->activation = "quick_gelu";
  spec.image->layer_norm_eps = 1e-5;
  save_tensors(path, {{"x", torch::zeros({1})}}, {{"dime.model", model_metadata("toy", "", spec)}});
  WeightsReport report = check_tensors(from(), {{"x", torch::zeros({1})}}, "models.student");
  EXPECT_EQ(check_facts(report, from(), spec, {}, "models.student"), "");
  spec.image->activation = "gelu";
  spec.image->layer_norm_eps = 1e-6;
  spec.image->size = 48;
  spec.image->interpolation = "bilinear";
  const auto error = [&] {
    return folder.shown(test::error_text<WeightsError>([&] {
      check_facts(report, from(), spec, {"image", "image.image_size", "image.layer_norm_eps", "mean"},
                  "models.student");
    }));
  };
  EXPECT_EQ(
      error(),
      "models.student: the weights in w.safetensors are of another model: image.size is 32 in its own metadata, 48 "
      "in the model (change models.student.image.image_size); image.activation is quick_gelu in its own metadata, "
      "gelu in the model (which has no option for it: take other weights); image.eps is 1e-05 in its own metadata, "
      "1e-06 "
      "in the model (change models.student.image.layer_norm_eps)");
  report.fitted = {"table"};
  spec.image->activation = "quick_gelu";
  spec.image->layer_norm_eps = 1e-5;
  EXPECT_EQ(check_facts(report, from(), spec, {}, "models.student"),
            "; its own metadata says that images are resized bicubic, the model says bilinear");
}

TEST_F(Weights, HowImagesAreResizedIsHeldWhereTheModelCanBeTold) {
  ModelSpec spec;
  spec.embed_dim = 4;
  spec.image = ImageSpec{32};
  WeightsReport report;
  const auto stored = [&](const std::string& interpolation, const std::string& mode) {
    report.facts = {};
    report.facts.add("image.interpolation", interpolation, "config.json");
    report.facts.add("image.resize_mode", mode, "config.json");
  };
  const auto check = [&](const std::vector<std::string>& options) {
    return check_facts(report, from(), spec, options, "models.student");
  };
  stored("bilinear", "squash");
  EXPECT_EQ(folder.shown(test::error_text<WeightsError>([&] {
    check({"interpolation", "resize_mode"});
  })),
            "models.student: the weights in w.safetensors are of another model: image.interpolation is bilinear in "
            "config.json, bicubic in the model (change models.student.interpolation); image.resize_mode is squash in "
            "config.json, shortest in the model (change models.student.resize_mode)");
  EXPECT_EQ(check({}),
            "; config.json says that images are resized bilinear, the model says bicubic; config.json says that images "
            "are resized squash, the model says shortest");
  stored("lanczos", "longest");
  EXPECT_EQ(check({"interpolation", "resize_mode"}),
            "; config.json says that images are resized lanczos, the model says bicubic; config.json says that images "
            "are resized longest, the model says shortest");
  stored("bicubic", "shortest");
  EXPECT_EQ(check({}), "");
}

struct Net : torch::nn::Module {
  Net() {
    register_parameter("visual_w", torch::zeros({2, 3}));
    register_parameter("text_w", torch::zeros({5}));
    register_buffer("count", torch::zeros({4}));
  }
};

TEST(NamedTensorsOf, ParametersThenBuffers) {
  const Net net;
  std::vector<std::string> names;
  for (const auto& [name, tensor] : named_tensors(net)) names.push_back(name);
  EXPECT_EQ(names, (std::vector<std::string>{"visual_w", "text_w", "count"}));
  EXPECT_EQ(count_parameters(net), 11);
  EXPECT_EQ(count_parameters(net, "visual"), 6);
  EXPECT_EQ(count_parameters(net, "none"), 0);
}

}  // namespace
}  // namespace dime
