// SPDX-License-Identifier: Apache-2.0
#include <dime/error.hpp>

#include "weights/python_config.hpp"

namespace dime {
namespace {

using Json = nlohmann::ordered_json;

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

Json open_clip_trunk(const ModelDescription& m, const std::string& what) {
  const TimmTrunk& trunk = m.sizes.trunk;
  if (trunk.name.empty()) {
    throw WeightsError(what +
                       ": open_clip's configs name this image tower by timm's sizes, and none has these: write " +
                       "a .safetensors file");
  }
  const std::int64_t size = m.image_size > 0 ? m.image_size : trunk.image_size;
  if (!trunk.any_size && size != trunk.image_size) {
    throw WeightsError(what + ": timm's " + trunk.name + " takes images of " + std::to_string(trunk.image_size) +
                       " pixels, this model of " + std::to_string(size) + ": write a .safetensors file");
  }
  constexpr double kEps = 1e-5;
  if (m.image_eps != 0 && m.image_eps != kEps) {
    throw WeightsError(what + ": timm's " + trunk.name +
                       " adds 1e-05 to the variances of its layer norms, this model " +
                       "another number: write a .safetensors file");
  }
  Json c{{"image_size", size},
         {"timm_model_name", trunk.name},
         {"timm_model_pretrained", false},
         {"timm_pool", trunk.pool}};
  c["timm_proj"] = trunk.proj == nullptr ? Json() : Json(trunk.proj);
  return c;
}

bool one_activation(const ModelDescription& m) { return m.image_activation == m.text_activation; }

Json open_clip_vision(const ModelDescription& m, const std::string& what) {
  if (!m.sizes.image) return open_clip_trunk(m, what);
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
  if (!m.text_causal) c["no_causal_mask"] = true;
  if (m.text_activation == "gelu_tanh") c["act_kwargs"] = {{"approximate", "tanh"}};
  if (m.family == "siglip") {
    c["hf_tokenizer_name"] = "timm/ViT-B-16-SigLIP";
    c["tokenizer_kwargs"] = {{"clean", "canonicalize"}};
    c["proj_bias"] = true;
    c["pool_type"] = "last";
  }
  return c;
}

}  // namespace

Json open_clip_config(const ModelDescription& m, const std::string& what) {
  if (m.sizes.image_dim == 0 || !m.sizes.text) {
    throw WeightsError(what +
                       ": open_clip has no model of one tower: add the other with --with-text TEACHER, or write a "
                       ".safetensors file");
  }
  if (m.family == "clip" && !m.image_activation.empty() && !one_activation(m)) {
    throw WeightsError(what + ": open_clip's config has one activation for both towers, but the image tower has " +
                       m.image_activation + ", the text tower " + m.text_activation + ": take --to huggingface");
  }
  Json model{{"embed_dim", m.sizes.image_dim}};
  if (m.text_activation == "quick_gelu") model["quick_gelu"] = true;
  model["vision_cfg"] = open_clip_vision(m, what);
  model["text_cfg"] = open_clip_text(m);
  if (m.family == "siglip") model["init_logit_bias"] = -10;
  if (m.family != "clip") model["custom_text"] = true;
  Json preprocess{{"mean", m.mean}, {"std", m.std}, {"interpolation", m.interpolation}, {"resize_mode", m.resize_mode}};
  return {{"model_cfg", std::move(model)}, {"preprocess_cfg", std::move(preprocess)}};
}

}  // namespace dime
