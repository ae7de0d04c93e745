// SPDX-License-Identifier: Apache-2.0
#include "weights/model_sizes.hpp"

#include <cmath>

#include <dime/error.hpp>

namespace dime {
namespace {

class Reader {
 public:
  Reader(const ShapesByName& shapes, const std::string& what) : shapes_(shapes), what_(what) {}

  bool has(const std::string& name) const { return shapes_.count(name) != 0; }
  bool has_prefix(const std::string& prefix) const { return dime::has_prefix(shapes_, prefix); }
  std::int64_t size(const std::string& name, std::size_t dimension) const {
    const auto at = shapes_.find(name);
    if (at == shapes_.end()) throw WeightsError(what_ + ": there is no " + name);
    if (at->second.size() <= dimension || at->second[dimension] < 1)
      throw WeightsError(what_ + ": " + name + " has a shape of no such model");
    return at->second[dimension];
  }
  std::int64_t count(const std::string& prefix) const { return count_after(shapes_, prefix); }
  std::int64_t side(const std::string& name, std::int64_t positions) const {
    const auto side = static_cast<std::int64_t>(std::llround(std::sqrt(static_cast<double>(positions))));
    if (side < 1 || side * side != positions) throw WeightsError(what_ + ": the grid of " + name + " is no square");
    return side;
  }

 private:
  const ShapesByName& shapes_;
  const std::string& what_;
};

void read_vit(const Reader& r, ModelSizes& out) {
  TowerSizes t;
  t.width = r.size("visual.class_embedding", 0);
  t.patch = r.size("visual.conv1.weight", 3);
  t.layers = r.count("visual.transformer.resblocks.");
  t.hidden = r.size("visual.transformer.resblocks.0.mlp.c_fc.weight", 0);
  t.image_size = t.patch * r.side("visual.positional_embedding", r.size("visual.positional_embedding", 0) - 1);
  out.image_dim = r.size("visual.proj", 1);
  out.image = t;
}

void read_resnet(const Reader& r, ModelSizes& out) {
  TowerSizes t;
  t.width = r.size("visual.layer1.0.conv1.weight", 0);
  for (int stage = 1; stage <= 4; ++stage) t.stages.push_back(r.count("visual.layer" + std::to_string(stage) + "."));
  const std::string table = "visual.attnpool.positional_embedding";
  t.image_size = 32 * r.side(table, r.size(table, 0) - 1);
  out.image_dim = r.size("visual.attnpool.c_proj.weight", 0);
  out.image = t;
}

void read_siglip(const Reader& r, ModelSizes& out) {
  const std::string trunk = "visual.trunk.";
  TowerSizes t;
  t.width = r.size(trunk + "pos_embed", 2);
  t.patch = r.size(trunk + "patch_embed.proj.weight", 3);
  t.layers = r.count(trunk + "blocks.");
  t.hidden = r.size(trunk + "blocks.0.mlp.fc1.weight", 0);
  t.image_size = t.patch * r.side(trunk + "pos_embed", r.size(trunk + "pos_embed", 1));
  out.image_dim = t.width;
  out.image = t;
}

void read_text(const Reader& r, const std::string& at, ModelSizes& out) {
  TowerSizes t;
  t.width = r.size(at + "ln_final.weight", 0);
  t.layers = r.count(at + "transformer.resblocks.");
  t.hidden = r.size(at + "transformer.resblocks.0.mlp.c_fc.weight", 0);
  t.context = r.size(at + "positional_embedding", 0);
  t.vocabulary = r.size(at + "token_embedding.weight", 0);
  const bool linear = r.has(at + "text_projection.weight");
  out.text_dim = linear ? r.size(at + "text_projection.weight", 0) : r.size(at + "text_projection", 1);
  out.text = t;
}

}  // namespace

ModelSizes sizes_of(const ShapesByName& shapes, const std::string& what) {
  const Reader r(shapes, what);
  ModelSizes out;
  if (r.has("visual.class_embedding")) read_vit(r, out);
  if (r.has_prefix("visual.attnpool.")) read_resnet(r, out);
  if (r.has_prefix("visual.trunk.attn_pool.")) read_siglip(r, out);
  if (r.has_prefix("visual.trunk.layers.") || r.has_prefix("visual.trunk.stages.")) out.trunk = timm_trunk(shapes);
  if (r.has("visual.head.proj.weight")) out.image_dim = r.size("visual.head.proj.weight", 0);
  if (r.has("visual.trunk.head.fc.weight")) out.image_dim = r.size("visual.trunk.head.fc.weight", 0);
  if (r.has("token_embedding.weight")) read_text(r, "", out);
  if (r.has("text.token_embedding.weight")) read_text(r, "text.", out);
  return out;
}

}  // namespace dime
