// SPDX-License-Identifier: Apache-2.0
// The tables of each family, in the order in which they are tried.
#pragma once

#include <span>

#include "weights/name_table.hpp"

namespace dime::schemes {

/// CLIP's text tower under OpenAI's names, and its scale.
inline constexpr NameRule kClipText[] = {
    {"transformer.{*}", "transformer.{*}"},           {"token_embedding.weight", "token_embedding.weight"},
    {"positional_embedding", "positional_embedding"}, {"ln_final.{}", "ln_final.{}"},
    {"text_projection", "text_projection"},           {"logit_scale", "logit_scale", Change::reshaped},
};

/// The same tower where open_clip makes a module of it, with its mask; without the scale.
inline constexpr NameRule kCustomText[] = {
    {"text.attn_mask", "", Change::dropped},
    {"text.transformer.{*}", "transformer.{*}"},
    {"text.token_embedding.weight", "token_embedding.weight"},
    {"text.positional_embedding", "positional_embedding"},
    {"text.ln_final.{}", "ln_final.{}"},
    {"text.text_projection", "text_projection"},
};

std::span<const NameScheme> clip_openai();
std::span<const NameScheme> clip_huggingface();
std::span<const NameScheme> clip_dime_fm();
std::span<const NameScheme> siglip();
std::span<const NameScheme> unicl();
std::span<const NameScheme> fastvit();

}  // namespace dime::schemes
