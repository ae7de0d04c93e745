// SPDX-License-Identifier: Apache-2.0
// `dime convert`: what it says, what it writes and what it refuses. The Python side is held in tests/peers.
#include <numeric>

#include "cli/program.hpp"
#include "io/safetensors.hpp"

namespace dime::test {
namespace {

class Convert : public CliTest {
 protected:
  Convert() { train("r", {"train.steps=1"}); }

  using NamedShapes = std::vector<std::pair<std::string, std::vector<std::int64_t>>>;
  /// Writes tensors of zeros.
  void write(const std::string& name, const NamedShapes& shapes, const io::Metadata& metadata = {}) const {
    const std::vector<float> zeros(1 << 16);
    std::vector<io::TensorView> views;
    for (const auto& [key, shape] : shapes) {
      const auto count = std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>());
      views.push_back({key, io::DType::f32, shape, reinterpret_cast<const std::uint8_t*>(zeros.data()),
                       static_cast<std::size_t>(count) * 4});
    }
    io::write_safetensors(folder_ / name, std::move(views), metadata);
  }
  /// A text tower of one layer that gives vectors of `dim`.
  static NamedShapes text_tower(std::int64_t dim) {
    const std::string block = "transformer.resblocks.0.";
    return {{"token_embedding.weight", {50, 8}},
            {"positional_embedding", {5, 8}},
            {block + "ln_1.weight", {8}},
            {block + "ln_1.bias", {8}},
            {block + "attn.in_proj_weight", {24, 8}},
            {block + "attn.in_proj_bias", {24}},
            {block + "attn.out_proj.weight", {8, 8}},
            {block + "attn.out_proj.bias", {8}},
            {block + "ln_2.weight", {8}},
            {block + "ln_2.bias", {8}},
            {block + "mlp.c_fc.weight", {32, 8}},
            {block + "mlp.c_fc.bias", {32}},
            {block + "mlp.c_proj.weight", {8, 32}},
            {block + "mlp.c_proj.bias", {8}},
            {"ln_final.weight", {8}},
            {"ln_final.bias", {8}},
            {"text_projection", {8, dim}},
            {"logit_scale", {}}};
  }
  std::set<std::string> names_in(const std::string& file) const {
    const io::SafetensorsFile weights(folder_ / file);
    std::set<std::string> names;
    for (const auto& view : weights.tensors()) names.insert(view.name);
    return names;
  }
  const std::string checkpoint_ = "r/checkpoints/step_0000000001/model.safetensors";
};

TEST_F(Convert, AStudentToAFileOfAnotherScheme) {
  const Outcome outcome = dime({"convert", "r", "out.safetensors", "--to", "huggingface"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
  EXPECT_EQ(outcome.out, checkpoint_ +
                             ": a safetensors file, OpenAI's names of CLIP\n"
                             "out.safetensors: Hugging Face's names of CLIPModel, 24 tensors\n");
  EXPECT_TRUE(names_in("out.safetensors").contains("vision_model.encoder.layers.0.self_attn.k_proj.bias"));
  EXPECT_EQ(io::SafetensorsFile(folder_ / "out.safetensors").metadata().at("format"), "pt");
}

TEST_F(Convert, ThereAndBackGivesTheSameBytes) {
  EXPECT_EQ(dime({"convert", "r", "there.safetensors", "--to", "huggingface"}).status, 0);
  EXPECT_EQ(dime({"convert", "there.safetensors", "back.safetensors"}).status, 0);
  const io::SafetensorsFile before(folder_ / checkpoint_), after(folder_ / "back.safetensors");
  ASSERT_EQ(before.tensors().size(), after.tensors().size());
  for (const auto& view : before.tensors()) {
    const io::TensorView* other = after.find(view.name);
    ASSERT_NE(other, nullptr) << view.name;
    EXPECT_EQ(view.shape, other->shape) << view.name;
    EXPECT_TRUE(std::equal(view.data, view.data + view.bytes, other->data)) << view.name;
  }
}

TEST_F(Convert, WithTheTeachersTextItIsAWholeModel) {
  write("teacher.safetensors", text_tower(48));
  const Outcome outcome =
      dime({"convert", "r", "full", "--to", "open_clip", "--with-text", "teacher.safetensors", "--text-heads", "2"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(outcome.out, checkpoint_ +
                             ": a safetensors file, OpenAI's names of CLIP\n"
                             "teacher.safetensors: a safetensors file, OpenAI's names of CLIP\n"
                             "not known from r, taken by rule: text.activation quick_gelu\n"
                             "full: OpenAI's names of CLIP, 38 tensors (open_clip_config.json, "
                             "open_clip_model.safetensors)\n");
  const auto model = json("full/open_clip_config.json").at("model_cfg");
  EXPECT_EQ(model.at("embed_dim"), 48);
  EXPECT_EQ(model.at("vision_cfg").at("head_width"), 32);
  EXPECT_EQ(model.at("text_cfg").at("heads"), 2);
  EXPECT_TRUE(names_in("full/open_clip_model.safetensors").contains("logit_scale"));
}

TEST_F(Convert, OneTowerForTransformers) {
  EXPECT_EQ(dime({"convert", "r", "hf", "--to", "huggingface"}).status, 0);
  EXPECT_EQ(folder_.names().count("hf"), 1U);
  const auto config = json("hf/config.json");
  EXPECT_EQ(config.at("architectures").at(0), "CLIPVisionModelWithProjection");
  EXPECT_EQ(config.at("num_attention_heads"), 1);
  EXPECT_EQ(json("hf/preprocessor_config.json").at("crop_size").at("height"), 32);
}

TEST_F(Convert, NothingIsOverwrittenUnasked) {
  folder_.write("out.safetensors", "mine");
  expect_error(dime({"convert", "r", "out.safetensors"}),
               "out.safetensors exists already: take --overwrite to replace it");
  EXPECT_EQ(folder_.read("out.safetensors"), "mine");
  EXPECT_EQ(dime({"convert", "r", "out.safetensors", "--overwrite"}).status, 0);
  EXPECT_TRUE(names_in("out.safetensors").contains("visual.proj"));
  folder_.write("hf/config.json", "{}");
  expect_error(dime({"convert", "r", "hf", "--to", "huggingface"}),
               "hf/config.json exists already: take --overwrite to replace it");
  EXPECT_FALSE(exists("hf/model.safetensors"));
}

TEST_F(Convert, WhatDoesNotFitTogether) {
  write("other.safetensors", text_tower(12));
  write("full.safetensors", text_tower(48));
  expect_error(dime({"convert", "r", "x", "--with-text", "other.safetensors"}),
               "the image tower in r gives vectors of 48 numbers, the text tower in other.safetensors of 12: they are "
               "of different teachers");
  expect_error(dime({"convert", "full.safetensors", "x", "--with-text", "other.safetensors"}),
               "full.safetensors has a text tower of its own: leave --with-text out");
  expect_error(dime({"convert", "r", "x", "--with-text", checkpoint_}), checkpoint_ + " has no text tower to take");
  expect_error(
      dime({"convert", "r", "x"}),
      "r: open_clip has no model of one tower: add the other with --with-text TEACHER, or write a .safetensors "
      "file");
  EXPECT_FALSE(exists("x"));
}

TEST_F(Convert, FormsThatThePythonSideLacks) {
  write("swin.safetensors",
        {{"visual.trunk.layers.0.blocks.0.norm1.weight", {8}}, {"visual.head.proj.weight", {4, 8}}});
  expect_error(dime({"convert", "swin.safetensors", "x", "--to", "huggingface"}),
               "swin.safetensors: transformers has no class for a CLIP with this image tower: take --to open_clip");
  expect_error(dime({"convert", "swin.safetensors", "x", "--to", "openai"}),
               "swin.safetensors: OpenAI's names are those of CLIP alone: take --to open_clip");
  expect_error(dime({"convert", "none", "x"}), "cannot open none: No such file or directory");
  write("odd.safetensors", {{"a", {1}}});
  expect_error(dime({"convert", "odd.safetensors", "x"}),
               "odd.safetensors (a safetensors file): its names are of no model that dime knows: a");
}

TEST_F(Convert, TheFormToDeploy) {
  const std::string image =
      "image: {image_size: 32, widths: [16, 32], depths: [2, 1], mlp_ratios: [2, 1.5], mixers: [repmixer, attention], "
      "squeeze_stages: [1], downsample_activation: true}, mean: [0.48145466, 0.4578275, 0.40821073], std: "
      "[0.26862954, 0.26130258, 0.27577711]";
  train("f", {"train.steps=1", "models.student={type: fastvit, embed_dim: 48, " + image + "}"});
  const Outcome outcome = dime({"convert", "f", "deployed.safetensors", "--deploy"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.out, testing::MatchesRegex("deployed.safetensors: the form to deploy, [0-9]+ tensors\n"));
  const auto names = names_in("deployed.safetensors");
  EXPECT_TRUE(names.contains("visual.trunk.stem.0.reparam_conv.weight"));
  EXPECT_FALSE(names.contains("visual.trunk.stem.0.conv_kxk.0.conv.weight"));
  const std::string init = ", init: deployed.safetensors}";
  EXPECT_EQ(dime({"check", "toy.yaml", "models.student={type: fastvit, form: deployed, embed_dim: 48, " + image + init})
                .status,
            0);
  EXPECT_EQ(dime({"check", "toy.yaml", "models.student={type: fastvit, embed_dim: 48, " + image + init}).status, 1);
  expect_error(dime({"convert", "r", "x.safetensors", "--deploy"}),
               checkpoint_ + ": a model of type \"clip\" has one form only: leave --deploy out");
  expect_error(dime({"convert", "f", "x", "--deploy"}),
               "x: --deploy writes a file, so its name must end in .safetensors");
  write("odd.safetensors", {{"a", {1}}});
  expect_error(dime({"convert", "odd.safetensors", "x.safetensors", "--deploy"}),
               "odd.safetensors does not say which model it is of: --deploy takes checkpoints that dime wrote");
}

TEST_F(Convert, Usage) {
  const Outcome both = dime({"convert", "r", "x", "--to", "openai", "--deploy"});
  EXPECT_EQ(both.status, 2);
  EXPECT_EQ(both.err, "dime: --to excludes --deploy; see `dime convert --help`\n");
  const Outcome outcome = dime({"convert", "r", "x", "--to", "tensorflow"});
  EXPECT_EQ(outcome.status, 2);
  EXPECT_EQ(outcome.err, "dime: --to: tensorflow not in {openai,open_clip,huggingface}; see `dime convert --help`\n");
}

}  // namespace
}  // namespace dime::test
