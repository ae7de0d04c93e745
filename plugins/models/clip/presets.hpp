// SPDX-License-Identifier: Apache-2.0
// The sizes of the models that OpenAI published.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dime::plugins::clip {

/// The text tower has 12 layers and a head for each 64 of its width.
struct Preset {
  std::string_view name;
  std::int64_t embed_dim;
  std::int64_t image_size;
  std::int64_t patch_size;  ///< 0: a residual network
  std::int64_t width;
  std::array<std::int64_t, 4> layers;  ///< of a vision transformer the first
  std::int64_t heads;
  std::int64_t text_width;

  bool residual() const { return patch_size == 0; }
};

inline constexpr std::array presets{
    Preset{"ViT-B-32", 512, 224, 32, 768, {12}, 12, 512},
    Preset{"ViT-B-16", 512, 224, 16, 768, {12}, 12, 512},
    Preset{"ViT-L-14", 768, 224, 14, 1024, {24}, 16, 768},
    Preset{"ViT-L-14-336", 768, 336, 14, 1024, {24}, 16, 768},
    Preset{"RN50", 1024, 224, 0, 64, {3, 4, 6, 3}, 32, 512},
    Preset{"RN101", 512, 224, 0, 64, {3, 4, 23, 3}, 32, 512},
    Preset{"RN50x4", 640, 288, 0, 80, {4, 6, 10, 6}, 40, 640},
    Preset{"RN50x16", 768, 384, 0, 96, {6, 8, 18, 8}, 48, 768},
    Preset{"RN50x64", 1024, 448, 0, 128, {3, 15, 36, 10}, 64, 1024},
};

inline std::vector<std::string> preset_names() {
  std::vector<std::string> names;
  for (const auto& preset : presets) names.emplace_back(preset.name);
  return names;
}

/// The preset of a name that the schema has let through.
inline const Preset& preset_of(std::string_view name) {
  std::size_t at = 0;
  while (at + 1 < presets.size() && presets[at].name != name) ++at;
  return presets[at];
}

}  // namespace dime::plugins::clip
