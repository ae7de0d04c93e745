// SPDX-License-Identifier: Apache-2.0
// UniCL: dime's names are those that open_clip gives a timm Swin trunk, the text tower as CLIP's. Theirs are UniCL's
// own (also DIME-FM's), and of the Swin alone those of its own code and timm's. Downsampling ends a stage in UniCL's
// and the Swin's own, and begins the next one in timm's, where the first stage has none: that tells them apart.
#include "weights/schemes/schemes.hpp"

namespace dime::schemes {
namespace {

// Buffers that are computed from the sizes.
constexpr NameRule kUniCl[] = {
    {"image_encoder.layers.{}.blocks.{}.attn.relative_position_index", "", Change::dropped},
    {"image_encoder.layers.{}.blocks.{}.attn_mask", "", Change::dropped},
    {"image_encoder.patch_embed.{*}", "visual.trunk.patch_embed.{*}"},
    {"image_encoder.layers.{}.blocks.{*}", "visual.trunk.layers.{}.blocks.{*}"},
    {"image_encoder.layers.{}.downsample.{*}", "visual.trunk.layers.{+1}.downsample.{*}"},
    {"image_encoder.norm.{}", "visual.trunk.norm.{}"},
    {"image_projection", "visual.head.proj.weight", Change::transposed},
    {"text_encoder.token_embedding.weight", "token_embedding.weight"},
    {"text_encoder.positional_embedding", "positional_embedding"},
    {"text_encoder.resblocks.{*}", "transformer.resblocks.{*}"},
    {"text_encoder.ln_final.{}", "ln_final.{}"},
    {"text_projection", "text_projection"},
    {"logit_scale", "logit_scale", Change::reshaped},
};

// The text tower may be open_clip's module, or as in its plain CLIP, which is dime's own form.
constexpr auto kOpenClip =
    joined({{"visual.trunk.layers.{}.blocks.{}.attn.relative_position_index", "", Change::dropped},
            {"visual.trunk.layers.{}.blocks.{}.attn_mask", "", Change::dropped},
            {"visual.{*}", "visual.{*}"}},
           kCustomText, kClipText);

constexpr NameRule kSwin[] = {
    {"layers.{}.blocks.{}.attn.relative_position_index", "", Change::dropped},
    {"layers.{}.blocks.{}.attn_mask", "", Change::dropped},
    {"patch_embed.{*}", "visual.trunk.patch_embed.{*}"},
    {"layers.{}.blocks.{*}", "visual.trunk.layers.{}.blocks.{*}"},
    {"norm.{}", "visual.trunk.norm.{}"},
};

constexpr auto kTimm = joined(kSwin, {{"layers.{+1}.downsample.{*}", "visual.trunk.layers.{+1}.downsample.{*}"}});
constexpr auto kOwn = joined(kSwin, {{"layers.{}.downsample.{*}", "visual.trunk.layers.{+1}.downsample.{*}"}});

constexpr NameScheme kSchemes[] = {
    {"unicl", "open_clip", "open_clip's names of a CLIP with a Swin", kOpenClip},
    {"unicl", "dime_fm", "UniCL's names", kUniCl},
    {"unicl", "timm", "timm's names of a Swin", kTimm},
    {"unicl", "swin", "the names of Swin's own code", kOwn},
};

}  // namespace

std::span<const NameScheme> unicl() { return kSchemes; }

}  // namespace dime::schemes
