// SPDX-License-Identifier: Apache-2.0
// The tables of each family, in the order in which they are tried.
#pragma once

#include <span>

#include "weights/name_table.hpp"

namespace dime::schemes {

std::span<const NameScheme> clip_openai();
std::span<const NameScheme> clip_huggingface();
std::span<const NameScheme> clip_dime_fm();
std::span<const NameScheme> siglip();
std::span<const NameScheme> unicl();
std::span<const NameScheme> fastvit();

}  // namespace dime::schemes
