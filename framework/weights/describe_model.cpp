// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <dime/error.hpp>

#include "weights/python_config.hpp"

namespace dime {
namespace {

/// How the images of a family are made where nothing says it.
struct Pixels {
  const char* whose;
  std::array<double, 3> mean, std;
  const char* interpolation;
  const char* resize_mode;
};
constexpr Pixels kClipPixels{
    "of CLIP", {0.48145466, 0.4578275, 0.40821073}, {0.26862954, 0.26130258, 0.27577711}, "bicubic", "shortest"};
constexpr Pixels kSiglipPixels{"of SigLIP", {0.5, 0.5, 0.5}, {0.5, 0.5, 0.5}, "bicubic", "squash"};
constexpr Pixels kMobileClipPixels{"of MobileCLIP", {0, 0, 0}, {1, 1, 1}, "bilinear", "shortest"};

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

void describe_pixels(const ModelFacts& facts, const Filler& fill, const Pixels& rule, ModelDescription& m) {
  m.mean = fill.triple("image.mean", rule.mean, rule.whose);
  m.std = fill.triple("image.std", rule.std, rule.whose);
  m.interpolation = facts.text("image.interpolation").value_or(rule.interpolation);
  m.resize_mode = facts.text("image.resize_mode").value_or(rule.resize_mode);
}

/// Of a Swin or FastViT, whose heads timm's name implies.
void describe_trunk(const ModelFacts& facts, const Filler& fill, ModelDescription& m) {
  const bool swin = m.family == "unicl";
  m.image_activation = "gelu";
  m.image_eps = swin ? facts.number("image.eps").value_or(1e-5) : 0;
  m.image_size = static_cast<std::int64_t>(facts.number("image.size").value_or(0));
  describe_pixels(facts, fill, swin ? kClipPixels : kMobileClipPixels, m);
}

}  // namespace

std::string ModelDescription::metadata() const {
  nlohmann::ordered_json json{{"type", family}, {"embed_dim", sizes.image_dim > 0 ? sizes.image_dim : sizes.text_dim}};
  // What was taken by rule is not written down as known: a Swin fits images of many sizes.
  if (image_size > 0) {
    json["image"] = {{"size", image_size},
                     {"mean", mean},
                     {"std", std},
                     {"interpolation", interpolation},
                     {"resize_mode", resize_mode},
                     {"activation", image_activation},
                     {"heads", image_heads},
                     {"layer_norm_eps", image_eps}};
  }
  if (sizes.text) {
    json["text"] = {{"context", sizes.text->context},
                    {"vocabulary", sizes.text->vocabulary},
                    {"tokenizer", family == "siglip" ? "siglip" : "clip"},
                    {"activation", text_activation},
                    {"heads", text_heads},
                    {"layer_norm_eps", text_eps},
                    {"causal", text_causal}};
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
    m.image_eps = resnet ? 0 : facts.number("image.eps").value_or(eps);
    m.image_size = sizes.image->image_size;
    describe_pixels(facts, fill, siglip ? kSiglipPixels : kClipPixels, m);
  } else if (sizes.image_dim > 0) {
    describe_trunk(facts, fill, m);
  }
  if (sizes.text) {
    m.text_heads = fill.heads("text", heads.text, sizes.text->width);
    check_heads(what, "text", m.text_heads, sizes.text->width);
    m.text_activation = fill.text("text.activation", activation);
    m.text_eps = facts.number("text.eps").value_or(eps);
    const std::string causal = siglip ? "false" : "true";
    // MobileCLIP's are of both kinds.
    m.text_causal =
        (family == "fastvit" ? fill.text("text.causal", causal) : facts.text("text.causal").value_or(causal)) == "true";
  }
  return m;
}

}  // namespace dime
