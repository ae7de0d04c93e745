// SPDX-License-Identifier: Apache-2.0
// FastViT: dime's names are those that open_clip gives a timm trunk. Theirs are timm's of the trunk alone.
#include "weights/schemes/schemes.hpp"

namespace dime::schemes {
namespace {

constexpr NameRule kOpenClip[] = {
    {"text.attn_mask", "", Change::dropped},
    {"visual.{*}", "visual.{*}"},
    {"text.transformer.{*}", "transformer.{*}"},
    {"text.token_embedding.weight", "token_embedding.weight"},
    {"text.positional_embedding", "positional_embedding"},
    {"text.ln_final.{}", "ln_final.{}"},
    {"text.text_projection", "text_projection"},
    // The text tower of open_clip's plain CLIP, which is dime's own form.
    {"transformer.{*}", "transformer.{*}"},
    {"token_embedding.weight", "token_embedding.weight"},
    {"positional_embedding", "positional_embedding"},
    {"ln_final.{}", "ln_final.{}"},
    {"text_projection", "text_projection"},
    {"logit_scale", "logit_scale", Change::reshaped},
};

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
