// SPDX-License-Identifier: Apache-2.0
// OpenAI's names of CLIP, which are dime's, and what open_clip makes of them where the text tower is a module.
#include "weights/schemes/schemes.hpp"

namespace dime::schemes {
namespace {

// Numbers and a mask that OpenAI's archives keep beside the weights; open_clip's wide states may hold the mask.
constexpr NameRule kOpenAi[] = {
    {"input_resolution", "", Change::dropped},
    {"context_length", "", Change::dropped},
    {"vocab_size", "", Change::dropped},
    {"attn_mask", "", Change::dropped},
    {"visual.{*}", "visual.{*}"},
    {"transformer.{*}", "transformer.{*}"},
    {"token_embedding.weight", "token_embedding.weight"},
    {"positional_embedding", "positional_embedding"},
    {"ln_final.{}", "ln_final.{}"},
    {"text_projection", "text_projection"},
    {"logit_scale", "logit_scale", Change::reshaped},
};

constexpr NameRule kCustomText[] = {
    {"text.attn_mask", "", Change::dropped},
    {"visual.{*}", "visual.{*}"},
    {"text.transformer.{*}", "transformer.{*}"},
    {"text.token_embedding.weight", "token_embedding.weight"},
    {"text.positional_embedding", "positional_embedding"},
    {"text.ln_final.{}", "ln_final.{}"},
    {"text.text_projection", "text_projection"},
    {"logit_scale", "logit_scale", Change::reshaped},
};

constexpr NameScheme kSchemes[] = {
    {"clip", "openai", "OpenAI's names of CLIP", kOpenAi},
    {"clip", "open_clip_custom_text", "open_clip's names of CustomTextCLIP", kCustomText},
};

}  // namespace

std::span<const NameScheme> clip_openai() { return kSchemes; }

}  // namespace dime::schemes
