// SPDX-License-Identifier: Apache-2.0
#include "train/token_problem.hpp"

#include <dime/printable.hpp>

namespace dime {

std::string token_problem(const TextSpec& spec, const std::string& without) {
  constexpr std::int64_t kTokens = 49408;
  if (spec.tokenizer != "clip") {
    return "reads tokens of the tokenizer \"" + printable(spec.tokenizer) + "\", which dime does not have: " + without;
  }
  // Every text begins with one of the tokenizer's last tokens.
  if (spec.vocabulary >= kTokens) return "";
  return "has a vocabulary of " + std::to_string(spec.vocabulary) + ", the tokenizer one of " +
         std::to_string(kTokens) + ": leave `vocabulary` out";
}

}  // namespace dime
