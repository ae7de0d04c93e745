// SPDX-License-Identifier: Apache-2.0
#include <dime/error.hpp>

#include "weights/python_config.hpp"

namespace dime {
namespace {

using Json = nlohmann::ordered_json;

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

}  // namespace

Json huggingface_config(const ModelDescription& m, const std::string& what) {
  const bool clip = m.family == "clip";
  if (!clip && m.family != "siglip") {
    throw WeightsError(what + ": transformers has no class for a CLIP with this image tower: take --to open_clip");
  }
  if (m.sizes.image && !m.sizes.image->stages.empty()) {
    throw WeightsError(what + ": transformers has no class for a CLIP with a ResNet: take --to open_clip");
  }
  if (clip && m.sizes.text && !m.text_causal) {
    throw WeightsError(what +
                       ": the text tower of transformers' CLIPModel is causal, this one is not: take --to open_clip");
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
  // transformers' processor of either family does for both.
  const bool cut = m.resize_mode == "shortest";
  Json c{{"image_processor_type", cut ? "CLIPImageProcessor" : "SiglipImageProcessor"},
         {"do_resize", true},
         {"size", cut ? Json{{"shortest_edge", side}} : Json{{"height", side}, {"width", side}}},
         {"resample", m.interpolation == "bilinear" ? 2 : 3},
         {"do_rescale", true},
         {"rescale_factor", 1.0 / 255},
         {"do_normalize", true},
         {"image_mean", m.mean},
         {"image_std", m.std},
         {"do_convert_rgb", true}};
  if (cut) {
    c["do_center_crop"] = true;
    c["crop_size"] = {{"height", side}, {"width", side}};
  }
  return c;
}

}  // namespace dime
