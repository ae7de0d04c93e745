// SPDX-License-Identifier: Apache-2.0
// The names of DIME-FM's CLIP students. Its trainer writes OpenAI's; its released students and its evaluation keep the
// image tower's projection apart, and the text tower, where there is one, is the teacher's under OpenAI's names.
#include "weights/schemes/schemes.hpp"

namespace dime::schemes {
namespace {

constexpr auto kTrained = joined({{"image_projection", "visual.proj"}, {"image_encoder.{*}", "visual.{*}"}}, kClipText);
constexpr auto kEvaluated = joined({{"vision_projection", "visual.proj"}, {"visual.{*}", "visual.{*}"}}, kClipText);

constexpr NameScheme kSchemes[] = {
    {"clip", "dime_fm", "DIME-FM's names of a CLIP student", kTrained},
    {"clip", "dime_fm_evaluation", "DIME-FM's names of a CLIP student for evaluation", kEvaluated},
};

}  // namespace

std::span<const NameScheme> clip_dime_fm() { return kSchemes; }

}  // namespace dime::schemes
