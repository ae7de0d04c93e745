// SPDX-License-Identifier: Apache-2.0
// OpenAI's names of CLIP, which are dime's, and what open_clip makes of them where the text tower is a module.
#include "weights/schemes/schemes.hpp"

namespace dime::schemes {
namespace {

constexpr NameRule kImage[] = {{"visual.{*}", "visual.{*}"}};

// Numbers and a mask that OpenAI's archives keep beside the weights; open_clip's wide states may hold the mask.
constexpr NameRule kBeside[] = {
    {"input_resolution", "", Change::dropped},
    {"context_length", "", Change::dropped},
    {"vocab_size", "", Change::dropped},
    {"attn_mask", "", Change::dropped},
};

constexpr auto kOpenAi = joined(kBeside, kImage, kClipText);
constexpr auto kCustom = joined(kImage, kCustomText, {{"logit_scale", "logit_scale", Change::reshaped}});

constexpr NameScheme kSchemes[] = {
    {"clip", "openai", "OpenAI's names of CLIP", kOpenAi},
    {"clip", "open_clip_custom_text", "open_clip's names of CustomTextCLIP", kCustom},
};

}  // namespace

std::span<const NameScheme> clip_openai() { return kSchemes; }

}  // namespace dime::schemes
