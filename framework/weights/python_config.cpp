// SPDX-License-Identifier: Apache-2.0
#include "weights/python_config.hpp"

#include <algorithm>

#include <dime/error.hpp>

namespace dime {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<double, 3> kClipMean{0.48145466, 0.4578275, 0.40821073};
constexpr std::array<double, 3> kClipStd{0.26862954, 0.26130258, 0.27577711};

/// Facts of one model, and what is taken where there are none.
class Filler {
 public:
  Filler(const ModelFacts& facts, std::vector<std::string>& assumed) : facts_(facts), assumed_(assumed) {}

  std::string text(const std::string& key, const std::string& rule) const {
    if (const auto known = facts_.text(key)) return *known;
    assumed_.push_back(key + " " + rule);
    return rule;
  }
  std::array<double, 3> triple(const std::string& key, const std::array<double, 3>& rule, const char* whose) const {
    if (const auto known = facts_.triple(key)) return *known;
    assumed_.push_back(key + " " + whose);
    return rule;
  }
  std::int64_t heads(const std::string& tower, std::int64_t asked, std::int64_t width) const {
    if (asked > 0) return asked;
    if (const auto known = facts_.number(tower + ".heads")) return static_cast<std::int64_t>(*known);
    const std::int64_t rule = std::max<std::int64_t>(1, width / 64);
    assumed_.push_back(tower + ".heads " + std::to_string(rule));
    return rule;
  }

 private:
  const ModelFacts& facts_;
  std::vector<std::string>& assumed_;
};

void check_heads(const std::string& what, const std::string& tower, std::int64_t heads, std::int64_t width) {
  if (heads >= 1 && width % heads == 0) return;
  throw WeightsError(what + ": " + std::to_string(heads) + " heads do not divide the " + tower + " tower's width of " +
                     std::to_string(width));
}

std::string transformers_activation(const std::string& ours) {
  return ours == "gelu_tanh" ? "gelu_pytorch_tanh" : ours;
}

Json common_tower(const TowerSizes& t, std::int64_t heads, const std::string& activation, double eps) {
  return {{"hidden_size", t.width},
          {"intermediate_size", t.hidden},
          {"num_hidden_layers", t.layers},
          {"num_attention_heads", heads},
          {"hidden_act", transformers_activation(activation)},
          {"layer_norm_eps", eps}};
}

Json vision_config(const ModelDescription& m) {
  Json c = common_tower(*m.sizes.image, m.image_heads, m.image_activation, m.image_eps);
  c["model_type"] = m.family + "_vision_model";
  c["image_size"] = m.sizes.image->image_size;
  c["patch_size"] = m.sizes.image->patch;
  c["num_channels"] = 3;
  if (m.family == "clip") c["projection_dim"] = m.sizes.image_dim;
  return c;
}

Json text_config(const ModelDescription& m) {
  const TowerSizes& t = *m.sizes.text;
  Json c = common_tower(t, m.text_heads, m.text_activation, m.text_eps);
  c["model_type"] = m.family + "_text_model";
  c["max_position_embeddings"] = t.context;
  c["vocab_size"] = t.vocabulary;
  if (m.family == "clip") {
    // The last two tokens are those that begin and end a text; texts are filled with the last one.
    c["projection_dim"] = m.sizes.text_dim;
    c["bos_token_id"] = t.vocabulary - 2;
    c["eos_token_id"] = t.vocabulary - 1;
    c["pad_token_id"] = t.vocabulary - 1;
  } else {
    c["projection_size"] = m.sizes.text_dim;
    c["bos_token_id"] = t.vocabulary - 2;
    c["eos_token_id"] = 1;
    c["pad_token_id"] = 1;
  }
  return c;
}

/// The name of timm's vision transformer of SigLIP.
std::string timm_siglip(const TowerSizes& t, const std::string& what) {
  const std::string size = "_patch" + std::to_string(t.patch) + "_siglip_" + std::to_string(t.image_size);
  if (t.width == 768 && t.layers == 12 && t.hidden == 3072) return "vit_base" + size;
  if (t.width == 1024 && t.layers == 24 && t.hidden == 4096) return "vit_large" + size;
  if (t.width == 1152 && t.layers == 27 && t.hidden == 4304) return "vit_so400m" + size;
  throw WeightsError(what + ": open_clip's configs name SigLIP's image towers by timm's sizes, and none is " +
                     std::to_string(t.width) + " wide with " + std::to_string(t.layers) +
                     " layers: write a .safetensors file, or take --to huggingface");
}

bool one_activation(const ModelDescription& m) { return m.image_activation == m.text_activation; }

Json open_clip_vision(const ModelDescription& m, const std::string& what) {
  const TowerSizes& t = *m.sizes.image;
  if (m.family == "siglip") {
    return {{"image_size", t.image_size},
            {"timm_model_name", timm_siglip(t, what)},
            {"timm_model_pretrained", false},
            {"timm_pool", "map"},
            {"timm_proj", "none"}};
  }
  if (!t.stages.empty()) {
    return {{"image_size", t.image_size},
            {"layers", t.stages},
            {"width", t.width},
            {"head_width", t.width * 32 / m.image_heads}};
  }
  Json c{{"image_size", t.image_size},
         {"layers", t.layers},
         {"width", t.width},
         {"head_width", t.width / m.image_heads},
         {"mlp_ratio", static_cast<double>(t.hidden) / static_cast<double>(t.width)},
         {"patch_size", t.patch}};
  if (m.image_eps != 1e-5) c["norm_kwargs"] = {{"eps", m.image_eps}};
  return c;
}

Json open_clip_text(const ModelDescription& m) {
  const TowerSizes& t = *m.sizes.text;
  Json c{{"context_length", t.context},
         {"vocab_size", t.vocabulary},
         {"width", t.width},
         {"heads", m.text_heads},
         {"layers", t.layers},
         {"mlp_ratio", static_cast<double>(t.hidden) / static_cast<double>(t.width)}};
  if (m.text_eps != 1e-5) c["norm_kwargs"] = {{"eps", m.text_eps}};
  if (m.text_activation == "gelu_tanh") c["act_kwargs"] = {{"approximate", "tanh"}};
  if (m.family == "siglip") {
    c["hf_tokenizer_name"] = "timm/ViT-B-16-SigLIP";
    c["tokenizer_kwargs"] = {{"clean", "canonicalize"}};
    c["no_causal_mask"] = true;
    c["proj_bias"] = true;
    c["pool_type"] = "last";
  }
  return c;
}

}  // namespace

std::string ModelDescription::metadata() const {
  Json json{{"type", family}, {"embed_dim", sizes.image ? sizes.image_dim : sizes.text_dim}};
  if (sizes.image) {
    json["image"] = {
        {"size", sizes.image->image_size}, {"mean", mean},        {"std", std}, {"interpolation", interpolation},
        {"activation", image_activation},  {"heads", image_heads}};
  }
  if (sizes.text) {
    json["text"] = {{"context", sizes.text->context},
                    {"vocabulary", sizes.text->vocabulary},
                    {"tokenizer", family == "siglip" ? "siglip" : "clip"},
                    {"activation", text_activation},
                    {"heads", text_heads}};
  }
  return json.dump();
}

ModelDescription describe_model(const std::string& family, const ModelSizes& sizes, const ModelFacts& facts,
                                const AskedHeads& heads, const std::string& what, std::vector<std::string>& assumed) {
  const Filler fill(facts, assumed);
  const bool siglip = family == "siglip";
  const std::string activation = siglip ? "gelu_tanh" : "quick_gelu";
  const double eps = siglip ? 1e-6 : 1e-5;
  ModelDescription m;
  m.family = family;
  m.sizes = sizes;
  if (sizes.image) {
    const bool resnet = !sizes.image->stages.empty();
    const std::int64_t width = sizes.image->width * (resnet ? 32 : 1);
    m.image_heads = fill.heads("image", heads.image, width);
    check_heads(what, "image", m.image_heads, width);
    m.image_activation = resnet ? "" : fill.text("image.activation", activation);
    m.image_eps = facts.number("image.eps").value_or(eps);
    m.mean =
        fill.triple("image.mean", siglip ? std::array{0.5, 0.5, 0.5} : kClipMean, siglip ? "of SigLIP" : "of CLIP");
    m.std = fill.triple("image.std", siglip ? std::array{0.5, 0.5, 0.5} : kClipStd, siglip ? "of SigLIP" : "of CLIP");
    m.interpolation = facts.text("image.interpolation").value_or("bicubic");
  }
  if (sizes.text) {
    m.text_heads = fill.heads("text", heads.text, sizes.text->width);
    check_heads(what, "text", m.text_heads, sizes.text->width);
    m.text_activation = fill.text("text.activation", activation);
    m.text_eps = facts.number("text.eps").value_or(eps);
  }
  return m;
}

Json huggingface_config(const ModelDescription& m, const std::string& what) {
  const bool clip = m.family == "clip";
  if (!clip && m.family != "siglip") {
    throw WeightsError(what + ": transformers has no class for a CLIP with this image tower: take --to open_clip");
  }
  if (m.sizes.image && !m.sizes.image->stages.empty()) {
    throw WeightsError(what + ": transformers has no class for a CLIP with a ResNet: take --to open_clip");
  }
  Json c;
  if (m.sizes.image && m.sizes.text) {
    c["architectures"] = Json::array({clip ? "CLIPModel" : "SiglipModel"});
    c["model_type"] = m.family;
    if (clip) c["projection_dim"] = m.sizes.image_dim;
    c["vision_config"] = vision_config(m);
    c["text_config"] = text_config(m);
  } else if (m.sizes.image) {
    c = vision_config(m);
    c["architectures"] = Json::array({clip ? "CLIPVisionModelWithProjection" : "SiglipVisionModel"});
  } else {
    c = text_config(m);
    c["architectures"] = Json::array({clip ? "CLIPTextModelWithProjection" : "SiglipTextModel"});
  }
  c["dtype"] = m.dtype;
  return c;
}

Json huggingface_preprocessor(const ModelDescription& m) {
  const std::int64_t side = m.sizes.image->image_size;
  const bool clip = m.family == "clip";
  Json c{{"image_processor_type", clip ? "CLIPImageProcessor" : "SiglipImageProcessor"},
         {"do_resize", true},
         {"size", clip ? Json{{"shortest_edge", side}} : Json{{"height", side}, {"width", side}}},
         {"resample", m.interpolation == "bilinear" ? 2 : 3},
         {"do_rescale", true},
         {"rescale_factor", 1.0 / 255},
         {"do_normalize", true},
         {"image_mean", m.mean},
         {"image_std", m.std},
         {"do_convert_rgb", true}};
  if (clip) {
    c["do_center_crop"] = true;
    c["crop_size"] = {{"height", side}, {"width", side}};
  }
  return c;
}

Json open_clip_config(const ModelDescription& m, const std::string& what) {
  if (!m.sizes.image || !m.sizes.text) {
    throw WeightsError(what +
                       ": open_clip has no model of one tower: add the other with --with-text TEACHER, or write a "
                       ".safetensors file");
  }
  if (m.family != "clip" && m.family != "siglip") {
    throw WeightsError(what + ": dime writes open_clip's config of CLIP and SigLIP only: write a .safetensors file");
  }
  if (m.family == "clip" && !m.image_activation.empty() && !one_activation(m)) {
    throw WeightsError(what + ": open_clip's config has one activation for both towers, but the image tower has " +
                       m.image_activation + ", the text tower " + m.text_activation + ": take --to huggingface");
  }
  Json model{{"embed_dim", m.sizes.image_dim}};
  if (m.text_activation == "quick_gelu") model["quick_gelu"] = true;
  model["vision_cfg"] = open_clip_vision(m, what);
  model["text_cfg"] = open_clip_text(m);
  if (m.family == "siglip") {
    model["init_logit_bias"] = -10;
    model["custom_text"] = true;
  }
  Json preprocess{{"mean", m.mean},
                  {"std", m.std},
                  {"interpolation", m.interpolation},
                  {"resize_mode", m.family == "siglip" ? "squash" : "shortest"}};
  return {{"model_cfg", std::move(model)}, {"preprocess_cfg", std::move(preprocess)}};
}

}  // namespace dime
