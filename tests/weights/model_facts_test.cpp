// SPDX-License-Identifier: Apache-2.0
#include "weights/model_facts.hpp"

#include <gtest/gtest.h>

#include <dime/error.hpp>
#include <dime/model.hpp>

#include "support/errors.hpp"
#include "support/scratch_folder.hpp"
#include "weights/views.hpp"

namespace dime {
namespace {

class Facts : public testing::Test {
 protected:
  void weights(const io::Metadata& metadata = {}) const {
    io::write_safetensors(folder_ / "w.safetensors", test::Views({{"x", {1}}}).all(), metadata);
  }
  ModelFacts read() const { return read_model_facts(io::WeightsFile(folder_ / "w.safetensors")); }
  /// "KEY = VALUE (SOURCE)" of all that is known.
  std::vector<std::string> shown() const {
    const ModelFacts facts = read();
    std::vector<std::string> lines;
    for (const char* key :
         {"type", "embed_dim", "image.size", "image.patch", "image.mean", "image.std", "image.interpolation",
          "image.resize_mode", "image.activation", "image.heads", "image.eps", "text.context", "text.vocabulary",
          "text.tokenizer", "text.activation", "text.heads", "text.causal", "text.eps"}) {
      if (!facts.shown(key).empty())
        lines.push_back(std::string(key) + " = " + facts.shown(key) + " (" + facts.source(key) + ")");
    }
    return lines;
  }
  std::string error() const {
    return folder_.shown(test::error_text<WeightsError>([&] { read(); }));
  }

  test::ScratchFolder folder_;
};

using Lines = std::vector<std::string>;

TEST_F(Facts, NoneBesideTheWeights) {
  weights();
  EXPECT_TRUE(read().empty());
}

TEST_F(Facts, HuggingFaceOfClip) {
  weights();
  folder_.write("config.json", R"({"model_type": "clip", "projection_dim": 24,
    "vision_config": {"image_size": 32, "patch_size": 8, "hidden_act": "gelu", "num_attention_heads": 4},
    "text_config": {"max_position_embeddings": 16, "vocab_size": 99, "num_attention_heads": 2,
                    "layer_norm_eps": 1e-6}, "text_config_dict": {"num_attention_heads": 3}, "vision_config_dict": null})");
  folder_.write("preprocessor_config.json", R"({"image_mean": [0.5, 0.25, 0.125], "image_std": [1, 1, 1], "resample": 2,
    "size": {"shortest_edge": 40}, "crop_size": {"height": 32, "width": 32}})");
  EXPECT_EQ(
      shown(),
      (Lines{"embed_dim = 24 (config.json)", "image.size = 32 (config.json)", "image.patch = 8 (config.json)",
             "image.mean = [0.5, 0.25, 0.125] (preprocessor_config.json)",
             "image.std = [1, 1, 1] (preprocessor_config.json)",
             "image.interpolation = bilinear (preprocessor_config.json)",
             "image.resize_mode = shortest (preprocessor_config.json)", "image.activation = gelu (config.json)",
             "image.heads = 4 (config.json)", "image.eps = 1e-05 (config.json)", "text.context = 16 (config.json)",
             "text.vocabulary = 99 (config.json)", "text.tokenizer = clip (config.json)",
             "text.activation = quick_gelu (config.json)", "text.heads = 3 (config.json)",
             "text.causal = true (config.json)", "text.eps = 1e-06 (config.json)"}));
}

TEST_F(Facts, HuggingFaceOfOneTowerOfSiglip) {
  weights();
  folder_.write("config.json", R"({"model_type": "siglip_vision_model", "image_size": [64, 64]})");
  folder_.write("processor_config.json", R"({"image_processor": {"image_mean": [0.5, 0.5, 0.5],
    "size": {"height": 64, "width": 64}}})");
  EXPECT_EQ(shown(),
            (Lines{"image.size = 64 (config.json)", "image.patch = 16 (config.json)",
                   "image.mean = [0.5, 0.5, 0.5] (processor_config.json)",
                   "image.resize_mode = squash (processor_config.json)", "image.activation = gelu_tanh (config.json)",
                   "image.heads = 12 (config.json)", "image.eps = 1e-06 (config.json)"}));
}

TEST_F(Facts, OpenClip) {
  weights();
  folder_.write("open_clip_config.json", R"({"model_cfg": {"embed_dim": 20, "quick_gelu": true,
      "vision_cfg": {"image_size": 24, "layers": 2, "width": 32, "head_width": 16, "patch_size": 8},
      "text_cfg": {"context_length": 16, "vocab_size": 77, "width": 24, "heads": 2, "layers": 2}},
    "preprocess_cfg": {"mean": [0, 0, 0], "std": [1, 1, 1], "interpolation": "bicubic", "resize_mode": "squash"}})");
  EXPECT_EQ(
      shown(),
      (Lines{"embed_dim = 20 (open_clip_config.json)", "image.size = 24 (open_clip_config.json)",
             "image.patch = 8 (open_clip_config.json)", "image.mean = [0, 0, 0] (open_clip_config.json)",
             "image.std = [1, 1, 1] (open_clip_config.json)", "image.interpolation = bicubic (open_clip_config.json)",
             "image.resize_mode = squash (open_clip_config.json)",
             "image.activation = quick_gelu (open_clip_config.json)", "image.heads = 2 (open_clip_config.json)",
             "image.eps = 1e-05 (open_clip_config.json)", "text.context = 16 (open_clip_config.json)",
             "text.vocabulary = 77 (open_clip_config.json)", "text.tokenizer = clip (open_clip_config.json)",
             "text.activation = quick_gelu (open_clip_config.json)", "text.heads = 2 (open_clip_config.json)",
             "text.causal = true (open_clip_config.json)", "text.eps = 1e-05 (open_clip_config.json)"}));
}

TEST_F(Facts, OpenClipOfAResNetAndOfATimmTower) {
  weights();
  folder_.write(
      "open_clip_config.json",
      R"({"model_cfg": {"vision_cfg": {"image_size": 64, "layers": [1, 1, 1, 1], "width": 8, "head_width": 64}}})");
  EXPECT_EQ(shown(), (Lines{"image.size = 64 (open_clip_config.json)", "image.heads = 4 (open_clip_config.json)"}));
  folder_.write("open_clip_config.json",
                R"({"model_cfg": {"vision_cfg": {"image_size": 64, "timm_model_name": "x"}}})");
  EXPECT_EQ(shown(), Lines{"image.size = 64 (open_clip_config.json)"});
}

TEST_F(Facts, AnotherModelsConfigSaysNothing) {
  weights();
  folder_.write("config.json", R"({"model_type": "bert", "hidden_act": "gelu", "image_size": 7})");
  EXPECT_TRUE(read().empty());
}

ModelSpec spec() {
  ModelSpec all;
  all.image = ImageSpec{32};
  all.image->activation = "gelu";
  all.image->heads = 4;
  all.image->layer_norm_eps = 1e-6;
  all.text = TextSpec{16, 99, "clip", "quick_gelu", 2, 1e-5};
  all.embed_dim = 24;
  return all;
}

TEST_F(Facts, ItsOwnMetadataComesFirst) {
  weights({{"dime.model", model_metadata("clip", "image: {width: 3}\n", spec())}});
  folder_.write("config.json", R"({"model_type": "clip", "projection_dim": 1})");
  const ModelFacts facts = read();
  EXPECT_EQ(facts.text("type"), "clip");
  EXPECT_EQ(facts.text("options"), "image: {width: 3}\n");
  EXPECT_EQ(facts.number("embed_dim"), 24);
  EXPECT_EQ(facts.source("embed_dim"), "its own metadata");
  EXPECT_TRUE(fact_mismatches(facts, spec()).empty());
}

TEST_F(Facts, WhatTheModelDoesNotShare) {
  weights({{"dime.model", model_metadata("clip", "", spec())}});
  ModelSpec other = spec();
  other.image->std[1] += 0.01;
  other.image->mean[0] += 1e-9;  // rounding
  other.image->heads = 2;
  other.image->layer_norm_eps = 1e-5;
  other.text->activation = "gelu";
  other.text->layer_norm_eps = 9.9999997e-6;  // rounding, as of a float
  std::vector<std::string> lines;
  for (const auto& m : fact_mismatches(read(), other)) lines.push_back(m.key + ": " + m.stored + " / " + m.model);
  EXPECT_EQ(lines, (Lines{"image.std: [0.26862954, 0.26130258, 0.27577711] / [0.26862954, 0.27130258, 0.27577711]",
                          "image.heads: 4 / 2", "image.eps: 1e-06 / 1e-05", "text.activation: quick_gelu / gelu"}));
  other.image.reset();
  EXPECT_EQ(fact_mismatches(read(), other).size(), 1U);  // a tower that the model lacks is not held
  other = spec();
  other.text->vocabulary = 4194303;
  weights({{"dime.model", model_metadata("clip", "", other)}});
  ++other.text->vocabulary;
  EXPECT_EQ(fact_mismatches(read(), other).size(), 1U) << "whole numbers are not rounded";
}

TEST_F(Facts, BadFiles) {
  weights();
  folder_.write("config.json", "[1]");
  EXPECT_EQ(error(), "config.json holds no JSON object; move it away from the weights");
  folder_.write("config.json", R"({"model_type": "clip", "vision_config": {"image_size": "big"}})");
  EXPECT_EQ(error(), "config.json: vision_config.image_size takes a size, got \"big\"");
  folder_.write("config.json", R"({"model_type": "clip", "vision_config": 3})");
  EXPECT_EQ(error(), "config.json: vision_config takes an object, got 3");
  folder_.write("config.json", "{}");
  folder_.write("preprocessor_config.json", R"({"image_mean": [1, 2]})");
  EXPECT_EQ(error(), "preprocessor_config.json: image_mean takes three numbers, got [1,2]");
  std::filesystem::remove(folder_ / "preprocessor_config.json");
  weights({{"dime.model", "nothing"}});
  EXPECT_EQ(error(), "w.safetensors: its metadata dime.model holds no JSON object");
}

}  // namespace
}  // namespace dime
