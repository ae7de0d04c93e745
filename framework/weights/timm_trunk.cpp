// SPDX-License-Identifier: Apache-2.0
#include "weights/timm_trunk.hpp"

#include <algorithm>
#include <array>

namespace dime {
namespace {

using Shape = std::vector<std::int64_t>;
using Depths = std::array<std::int64_t, 4>;

Shape shape_of(const ShapesByName& shapes, const std::string& name) {
  const auto at = shapes.find(name);
  return at == shapes.end() ? Shape{} : at->second;
}

/// The blocks of four stages; zeros where there are more or fewer stages.
Depths depths_of(const ShapesByName& shapes, const std::string& stages) {
  Depths depths{};
  if (count_after(shapes, stages) != 4) return depths;
  for (std::size_t s = 0; s < 4; ++s) depths[s] = count_after(shapes, stages + std::to_string(s) + ".blocks.");
  return depths;
}

struct Named {
  const char* name;
  std::int64_t width;  // of the first stage; each stage doubles it
  Depths depths;
  std::int64_t hidden;  // of the first block
  bool attention;       // in the last stage
};

constexpr Named kSwins[] = {{"swin_tiny_patch4_window7_224", 96, {2, 2, 6, 2}, 384, true},
                            {"swin_small_patch4_window7_224", 96, {2, 2, 18, 2}, 384, true},
                            {"swin_base_patch4_window7_224", 128, {2, 2, 18, 2}, 512, true}};
constexpr Named kFastVits[] = {
    {"fastvit_t8", 48, {2, 2, 4, 2}, 144, false},    {"fastvit_t12", 64, {2, 2, 6, 2}, 192, false},
    {"fastvit_s12", 64, {2, 2, 6, 2}, 256, false},   {"fastvit_sa12", 64, {2, 2, 6, 2}, 256, true},
    {"fastvit_mci0", 64, {2, 6, 10, 2}, 192, true},  {"fastvit_mci1", 64, {4, 12, 20, 4}, 192, true},
    {"fastvit_mci2", 80, {4, 12, 24, 4}, 240, true},
};

template <std::size_t N>
std::string named(const Named (&all)[N], const Depths& depths, const Shape& fc1, bool attention) {
  for (const auto& one : all) {
    const bool sizes = fc1.size() >= 2 && fc1[0] == one.hidden && fc1[1] == one.width;
    if (sizes && depths == one.depths && attention == one.attention) return one.name;
  }
  return "";
}

/// Seven positions on each side of every window, and heads that are 32 wide.
bool are_swins_windows(const ShapesByName& shapes, std::int64_t width) {
  for (int s = 0; s < 4; ++s) {
    const auto table = "visual.trunk.layers." + std::to_string(s) + ".blocks.0.attn.relative_position_bias_table";
    if (shape_of(shapes, table) != Shape{169, (width << s) / 32}) return false;
  }
  return true;
}

TimmTrunk swin(const ShapesByName& shapes) {
  const auto depths = depths_of(shapes, "visual.trunk.layers.");
  const auto patch = shape_of(shapes, "visual.trunk.patch_embed.proj.weight");
  if (patch.size() != 4 || patch[3] != 4 || !are_swins_windows(shapes, patch[0])) return {};
  const auto fc1 = shape_of(shapes, "visual.trunk.layers.0.blocks.0.mlp.fc1.weight");
  return {named(kSwins, depths, fc1, true), "", "linear", 224, false};
}

/// Branches that are merged already have other names than the trunk that timm builds.
bool is_merged(const ShapesByName& shapes) {
  return std::any_of(shapes.begin(), shapes.end(),
                     [](const auto& s) { return s.first.find(".reparam_conv.") != std::string::npos; });
}

TimmTrunk fastvit(const ShapesByName& shapes) {
  if (is_merged(shapes)) return {};
  const auto depths = depths_of(shapes, "visual.trunk.stages.");
  const auto fc1 = shape_of(shapes, "visual.trunk.stages.0.blocks.0.mlp.fc1.weight");
  const bool attention = has_prefix(shapes, "visual.trunk.stages.3.blocks.0.token_mixer.qkv.");
  const bool squeeze = has_prefix(shapes, "visual.trunk.stages.3.downsample.proj.0.se.");
  const std::string name = named(kFastVits, depths, fc1, attention);
  if (squeeze != (name.find("_mci") != std::string::npos)) return {};
  return {name, "avg", nullptr, 256, true};
}

}  // namespace

TimmTrunk timm_trunk(const ShapesByName& shapes) {
  return has_prefix(shapes, "visual.trunk.layers.") ? swin(shapes) : fastvit(shapes);
}

}  // namespace dime
