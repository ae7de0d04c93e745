// SPDX-License-Identifier: Apache-2.0
// FastViT: dime's names are those that open_clip gives a timm trunk. Theirs are timm's of the trunk alone.
#include "weights/schemes/schemes.hpp"

namespace dime::schemes {
namespace {

// The text tower may be open_clip's module, or as in its plain CLIP, which is dime's own form.
constexpr auto kOpenClip = joined({{"visual.{*}", "visual.{*}"}}, kCustomText, kClipText);

constexpr NameRule kTimm[] = {
    {"stem.{*}", "visual.trunk.stem.{*}"},
    {"stages.{*}", "visual.trunk.stages.{*}"},
    {"final_conv.{*}", "visual.trunk.final_conv.{*}"},
    {"head.{*}", "visual.trunk.head.{*}"},
};

constexpr NameScheme kSchemes[] = {
    {"fastvit", "open_clip", "open_clip's names of a CLIP with a FastViT", kOpenClip},
    {"fastvit", "timm", "timm's names of a FastViT", kTimm},
};

}  // namespace

std::span<const NameScheme> fastvit() { return kSchemes; }

}  // namespace dime::schemes
