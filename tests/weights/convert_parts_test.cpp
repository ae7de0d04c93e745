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
  m.family = "unicl";
  EXPECT_EQ(error(open_clip_config),
            "w: dime writes open_clip's config of CLIP and SigLIP only: write a .safetensors file");
}

}  // namespace
}  // namespace dime
