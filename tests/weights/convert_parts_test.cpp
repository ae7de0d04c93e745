// SPDX-License-Identifier: Apache-2.0
// What `dime convert` is made of: whose names a file has, its sizes, and the configs that it writes.
#include <gtest/gtest.h>

#include <dime/error.hpp>

#include "support/errors.hpp"
#include "support/scratch_folder.hpp"
#include "weights/identify.hpp"
#include "weights/python_config.hpp"
#include "weights/views.hpp"

namespace dime {
namespace {

class Identify : public testing::Test {
 protected:
  std::string outcome(const test::NamedShapes& shapes) const {
    io::write_safetensors(folder_ / "w.safetensors", test::Views(shapes).all());
    try {
      const io::WeightsFile file(folder_ / "w.safetensors");
      return std::string(identify(file).scheme->title);
    } catch (const WeightsError& e) {
      return folder_.shown(e.what());
    }
  }
  test::ScratchFolder folder_;
};

TEST_F(Identify, EachFamilyAndScheme) {
  EXPECT_EQ(outcome({{"visual.class_embedding", {2}}, {"visual.proj", {2, 2}}}), "OpenAI's names of CLIP");
  EXPECT_EQ(outcome({{"visual.attnpool.positional_embedding", {2, 2}}, {"attn_mask", {2}}}), "OpenAI's names of CLIP");
  EXPECT_EQ(outcome({{"transformer.resblocks.0.ln_1.weight", {2}}, {"ln_final.bias", {2}}}), "OpenAI's names of CLIP");
  EXPECT_EQ(outcome({{"visual.class_embedding", {2}}, {"text.transformer.resblocks.0.ln_1.weight", {2}}}),
            "open_clip's names of CustomTextCLIP");
  EXPECT_EQ(outcome({{"vision_model.embeddings.class_embedding", {2}}}), "Hugging Face's names of CLIPModel");
  EXPECT_EQ(outcome({{"image_encoder.class_embedding", {2}}, {"image_projection", {2, 2}}}),
            "DIME-FM's names of a CLIP student");
  EXPECT_EQ(outcome({{"visual.class_embedding", {2}}, {"vision_projection", {2, 2}}}),
            "DIME-FM's names of a CLIP student for evaluation");
  EXPECT_EQ(outcome({{"visual.trunk.attn_pool.latent", {1, 1, 2}}, {"text.text_projection.bias", {2}}}),
            "open_clip's names of a SigLIP");
  EXPECT_EQ(outcome({{"vision_model.head.probe", {1, 1, 2}}, {"logit_bias", {1}}}),
            "Hugging Face's names of SiglipModel");
  EXPECT_EQ(outcome({{"blocks.0.norm1.weight", {2}}, {"attn_pool.latent", {1, 1, 2}}}),
            "timm's names of a vision transformer");
  EXPECT_EQ(outcome({{"visual.trunk.layers.0.blocks.0.norm1.weight", {2}}, {"visual.head.proj.weight", {2, 2}}}),
            "open_clip's names of a CLIP with a Swin");
  EXPECT_EQ(outcome({{"image_encoder.layers.0.downsample.norm.weight", {2}}, {"image_projection", {2, 2}}}),
            "UniCL's names");
  EXPECT_EQ(outcome({{"layers.1.downsample.norm.weight", {2}}}), "timm's names of a Swin");
  EXPECT_EQ(outcome({{"layers.0.downsample.norm.weight", {2}}}), "the names of Swin's own code");
  EXPECT_EQ(outcome({{"layers.0.blocks.0.norm1.weight", {2}}}), "timm's names of a Swin");  // they are the same
  EXPECT_EQ(outcome({{"visual.trunk.stages.0.blocks.0.mlp.fc1.weight", {2}}}),
            "open_clip's names of a CLIP with a FastViT");
  EXPECT_EQ(outcome({{"stages.0.blocks.0.mlp.fc1.weight", {2}}, {"head.fc.weight", {2, 2}}}),
            "timm's names of a FastViT");
}

TEST_F(Identify, WhatItDoesNotKnow) {
  EXPECT_EQ(outcome({{"a", {1}}, {"b", {1}}}),
            "w.safetensors (a safetensors file): its names are of no model that dime knows: a, b");
  EXPECT_EQ(outcome({{"visual.class_embedding", {2}}, {"classifier", {1}}}),
            "w.safetensors (a safetensors file): beside OpenAI's names of CLIP it holds classifier");
  EXPECT_EQ(outcome({{"layers.0.downsample.norm.weight", {2}}, {"head.bias", {9}}}),
            "w.safetensors (a safetensors file): beside the names of Swin's own code it holds head.bias");
  EXPECT_EQ(outcome({{"vision_model.embeddings.class_embedding", {2}},
                     {"vision_model.encoder.layers.0.self_attn.k_proj.bias", {2}}}),
            "w.safetensors (a safetensors file, Hugging Face's names of CLIPModel): it holds only a part of "
            "visual.transformer.resblocks.0.attn.in_proj_bias");
}

ShapesByName clip_shapes() {
  return {{"visual.class_embedding", {32}},
          {"visual.conv1.weight", {32, 3, 8, 8}},
          {"visual.positional_embedding", {10, 32}},
          {"visual.proj", {32, 20}},
          {"visual.transformer.resblocks.0.mlp.c_fc.weight", {128, 32}},
          {"visual.transformer.resblocks.10.mlp.c_fc.weight", {128, 32}},
          {"token_embedding.weight", {99, 24}},
          {"positional_embedding", {16, 24}},
          {"ln_final.weight", {24}},
          {"text_projection", {24, 20}},
          {"transformer.resblocks.0.mlp.c_fc.weight", {96, 24}}};
}

TEST(SizesOf, Clip) {
  const ModelSizes sizes = sizes_of(clip_shapes(), "w");
  ASSERT_TRUE(sizes.image && sizes.text);
  EXPECT_EQ(sizes.image->width, 32);
  EXPECT_EQ(sizes.image->layers, 11);
  EXPECT_EQ(sizes.image->hidden, 128);
  EXPECT_EQ(sizes.image->patch, 8);
  EXPECT_EQ(sizes.image->image_size, 24);
  EXPECT_EQ(sizes.image_dim, 20);
  EXPECT_EQ(sizes.text->context, 16);
  EXPECT_EQ(sizes.text->vocabulary, 99);
  EXPECT_EQ(sizes.text->layers, 1);
  EXPECT_EQ(sizes.text_dim, 20);
}

TEST(SizesOf, WhatIsMissingOrNoSuchShape) {
  const auto error = [](const char* name, std::vector<std::int64_t> shape) {
    ShapesByName shapes = clip_shapes();
    shapes.erase(name);
    if (!shape.empty()) shapes[name] = std::move(shape);
    return test::error_text<WeightsError>([&] { sizes_of(shapes, "w"); });
  };
  EXPECT_EQ(error("visual.proj", {}), "w: there is no visual.proj");
  EXPECT_EQ(error("visual.proj", {32}), "w: visual.proj has a shape of no such model");
  EXPECT_EQ(error("visual.positional_embedding", {8, 32}), "w: the grid of visual.positional_embedding is no square");
}

ModelDescription described(const AskedHeads& heads, std::vector<std::string>& assumed) {
  ModelDescription m = describe_model("clip", sizes_of(clip_shapes(), "w"), {}, heads, "w", assumed);
  m.dtype = "float32";
  return m;
}

TEST(DescribeModel, ClipsRulesAreSaid) {
  std::vector<std::string> assumed;
  const ModelDescription m = described({4, 0}, assumed);
  EXPECT_EQ(m.image_heads, 4);
  EXPECT_EQ(m.text_heads, 1);
  EXPECT_EQ(assumed, (std::vector<std::string>{"image.activation quick_gelu", "image.mean of CLIP", "image.std of CLIP",
                                               "text.heads 1", "text.activation quick_gelu"}));
  EXPECT_EQ(test::error_text<WeightsError>([&] {
              described({5, 0}, assumed);
            }),
            "w: 5 heads do not divide the image tower's width of 32");
}

TEST(PythonConfig, OfHuggingFace) {
  std::vector<std::string> assumed;
  const auto c = huggingface_config(described({4, 3}, assumed), "w");
  EXPECT_EQ(c.at("architectures").dump(), R"(["CLIPModel"])");
  EXPECT_EQ(c.at("projection_dim"), 20);
  EXPECT_EQ(c.at("vision_config").dump(),
            R"({"hidden_size":32,"intermediate_size":128,"num_hidden_layers":11,"num_attention_heads":4,)"
            R"("hidden_act":"quick_gelu","layer_norm_eps":1e-05,"model_type":"clip_vision_model","image_size":24,)"
            R"("patch_size":8,"num_channels":3,"projection_dim":20})");
  EXPECT_EQ(c.at("text_config").dump(),
            R"({"hidden_size":24,"intermediate_size":96,"num_hidden_layers":1,"num_attention_heads":3,)"
            R"("hidden_act":"quick_gelu","layer_norm_eps":1e-05,"model_type":"clip_text_model",)"
            R"("max_position_embeddings":16,"vocab_size":99,"projection_dim":20,"bos_token_id":97,"eos_token_id":98,)"
            R"("pad_token_id":98})");
}

TEST(PythonConfig, OfOpenClip) {
  std::vector<std::string> assumed;
  EXPECT_EQ(open_clip_config(described({4, 3}, assumed), "w").at("model_cfg").dump(),
            R"({"embed_dim":20,"quick_gelu":true,"vision_cfg":{"image_size":24,"layers":11,"width":32,"head_width":8,)"
            R"("mlp_ratio":4.0,"patch_size":8},"text_cfg":{"context_length":16,"vocab_size":99,"width":24,"heads":3,)"
            R"("layers":1,"mlp_ratio":4.0}})");
}

TEST(PythonConfig, OfImages) {
  std::vector<std::string> assumed;
  ModelDescription m = described({4, 3}, assumed);
  const auto open_clip = [&] { return open_clip_config(m, "w").at("preprocess_cfg").at("resize_mode"); };
  EXPECT_EQ(open_clip(), "shortest");
  auto c = huggingface_preprocessor(m);
  EXPECT_EQ(c.at("image_processor_type"), "CLIPImageProcessor");
  EXPECT_EQ(c.at("size").dump(), R"({"shortest_edge":24})");
  EXPECT_EQ(c.at("crop_size").dump(), R"({"height":24,"width":24})");
  m.resize_mode = "squash";
  m.interpolation = "bilinear";
  EXPECT_EQ(open_clip(), "squash");
  c = huggingface_preprocessor(m);
  EXPECT_EQ(c.at("image_processor_type"), "SiglipImageProcessor");
  EXPECT_EQ(c.at("size").dump(), R"({"height":24,"width":24})");
  EXPECT_EQ(c.at("resample"), 2);
  EXPECT_FALSE(c.contains("do_center_crop"));
}

TEST(PythonConfig, WhatThePythonSideHasNoModelOf) {
  std::vector<std::string> assumed;
  ModelDescription m = described({4, 3}, assumed);
  const auto error = [&](auto make) { return test::error_text<WeightsError>([&] { make(m, "w"); }); };
  m.text_activation = "gelu";
  EXPECT_EQ(error(open_clip_config),
            "w: open_clip's config has one activation for both towers, but the image tower has quick_gelu, the text "
            "tower gelu: take --to huggingface");
  m.sizes.image->stages = {1, 1, 1, 1};
  EXPECT_EQ(error(huggingface_config), "w: transformers has no class for a CLIP with a ResNet: take --to open_clip");
  m.sizes.text.reset();
  EXPECT_EQ(error(open_clip_config),
            "w: open_clip has no model of one tower: add the other with --with-text TEACHER, or write a .safetensors "
            "file");
  m.family = "unicl";
  EXPECT_EQ(error(huggingface_config),
            "w: transformers has no class for a CLIP with this image tower: take --to open_clip");
  m = described({4, 3}, assumed);
  m.family = "siglip";
  EXPECT_EQ(error(open_clip_config),
            "w: open_clip's configs name SigLIP's image towers by timm's sizes, and none is 32 wide with 11 layers: "
            "write a .safetensors file, or take --to huggingface");
  m = described({4, 3}, assumed);
  m.text_causal = false;
  EXPECT_EQ(error(huggingface_config),
            "w: the text tower of transformers' CLIPModel is causal, this one is not: take --to open_clip");
  EXPECT_EQ(open_clip_config(m, "w").at("model_cfg").at("text_cfg").at("no_causal_mask"), true);
}

/// A Swin-T under dime's names, as far as its sizes can be told.
ShapesByName swin_shapes() {
  ShapesByName shapes{{"visual.trunk.patch_embed.proj.weight", {96, 3, 4, 4}},
                      {"visual.trunk.layers.0.blocks.0.mlp.fc1.weight", {384, 96}},
                      {"visual.head.proj.weight", {20, 96 * 8}}};
  const std::int64_t depths[] = {2, 2, 6, 2};
  for (int s = 0; s < 4; ++s) {
    const std::string stage = "visual.trunk.layers." + std::to_string(s) + ".blocks.";
    shapes[stage + "0.attn.relative_position_bias_table"] = {169, 3 << s};
    shapes[stage + std::to_string(depths[s] - 1) + ".norm1.weight"] = {96 << s};
  }
  for (const auto& [name, shape] : clip_shapes()) {
    if (!name.starts_with("visual.")) shapes[name] = shape;
  }
  return shapes;
}

ShapesByName fastvit_shapes() {
  ShapesByName shapes{{"visual.trunk.stages.0.blocks.0.mlp.fc1.weight", {192, 64, 1, 1}},
                      {"visual.trunk.stages.3.blocks.0.token_mixer.qkv.weight", {1536, 512}},
                      {"visual.trunk.stages.3.downsample.proj.0.se.fc1.weight", {32, 512, 1, 1}}};
  const std::int64_t depths[] = {2, 6, 10, 2};
  for (int s = 0; s < 4; ++s) {
    shapes["visual.trunk.stages." + std::to_string(s) + ".blocks." + std::to_string(depths[s] - 1) + ".mlp.fc2.bias"] =
        {64 << s};
  }
  return shapes;
}

TEST(TimmTrunks, AreNamedByTheirSizes) {
  EXPECT_EQ(timm_trunk(swin_shapes()).name, "swin_tiny_patch4_window7_224");
  auto other = swin_shapes();
  other["visual.trunk.layers.3.blocks.0.attn.relative_position_bias_table"] = {25, 24};
  EXPECT_EQ(timm_trunk(other).name, "") << "another window";
  other = swin_shapes();
  other["visual.trunk.layers.2.blocks.6.norm1.weight"] = {384};
  EXPECT_EQ(timm_trunk(other).name, "") << "another depth";
  EXPECT_EQ(timm_trunk(fastvit_shapes()).name, "fastvit_mci0");
  other = fastvit_shapes();
  other.erase("visual.trunk.stages.3.downsample.proj.0.se.fc1.weight");
  EXPECT_EQ(timm_trunk(other).name, "") << "nothing is squeezed";
  other = fastvit_shapes();
  other["visual.trunk.stages.0.blocks.0.token_mixer.reparam_conv.weight"] = {64, 1, 3, 3};
  EXPECT_EQ(timm_trunk(other).name, "") << "merged";
}

TEST(PythonConfig, OfATowerThatTimmNames) {
  std::vector<std::string> assumed;
  const auto make = [&](const ModelFacts& facts) {
    return describe_model("unicl", sizes_of(swin_shapes(), "w"), facts, {0, 3}, "w", assumed);
  };
  const auto c = open_clip_config(make({}), "w");
  EXPECT_EQ(c.at("model_cfg").at("vision_cfg").dump(),
            R"({"image_size":224,"timm_model_name":"swin_tiny_patch4_window7_224","timm_model_pretrained":false,)"
            R"("timm_pool":"","timm_proj":"linear"})");
  EXPECT_EQ(c.at("model_cfg").at("custom_text"), true);
  EXPECT_EQ(assumed,
            (std::vector<std::string>{"image.mean of CLIP", "image.std of CLIP", "text.activation quick_gelu"}));
  EXPECT_EQ(make({}).metadata().find("\"image\""), std::string::npos) << "what was taken by rule is not known";
  const auto error = [&](const ModelDescription& m) {
    return test::error_text<WeightsError>([&] { open_clip_config(m, "w"); });
  };
  ModelFacts facts;
  facts.add("image.size", 192, "config.json");
  EXPECT_NE(make(facts).metadata().find("\"size\":192"), std::string::npos);
  EXPECT_EQ(
      error(make(facts)),
      "w: timm's swin_tiny_patch4_window7_224 takes images of 224 pixels, this model of 192: write a .safetensors "
      "file");
  auto m = make({});
  m.image_eps = 1e-6;
  EXPECT_EQ(error(m),
            "w: timm's swin_tiny_patch4_window7_224 adds 1e-05 to the variances of its layer norms, this model another "
            "number: write a .safetensors file");
  m.sizes.trunk = {};
  EXPECT_EQ(error(m),
            "w: open_clip's configs name this image tower by timm's sizes, and none has these: write a .safetensors "
            "file");
}

}  // namespace
}  // namespace dime
