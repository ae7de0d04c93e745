// SPDX-License-Identifier: Apache-2.0
// Which tokenizer makes the tokens of a text tower, and where its file lies.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include <dime/model.hpp>

#include "config/experiment.hpp"
#include "io/tokenizer_base.hpp"

namespace dime {

/// What TextSpec::tokenizer calls the tokenizers that dime has.
inline constexpr const char* clip_tokenizer = "clip";
inline constexpr const char* siglip_tokenizer = "siglip";

/// The tokenizer that a text tower reads.
struct TokenizerChoice {
  std::string name;            ///< empty where nothing is tokenised
  std::filesystem::path file;  ///< of siglip_tokenizer: its spiece.model; empty where nothing tells where it lies
  std::string text() const;    ///< for messages: "clip", or "siglip" with its file
};

/// The tokenizer of the text tower `spec` of the model that is written as `entry`: the file of `siglip` is the entry's
/// `tokenizer`, else spiece.model beside its `init`. Reads nothing.
TokenizerChoice tokenizer_choice(const ModelEntry& entry, const TextSpec& spec);

/// Whether both make the same tokens: the same tokenizer, by files of the same content. Files that cannot be
/// told apart, as one is not there, count as one.
bool same_tokens(const TokenizerChoice& a, const TokenizerChoice& b);

/// Why dime cannot make the tokens of a text tower, said of it ("has a vocabulary of …"), and what to do; empty where
/// it can. Reads the file of `siglip`. `without` says how to do without the tokens of a tokenizer that dime does not
/// have.
std::string token_problem(const ModelEntry& entry, const TextSpec& spec, const std::string& without);

/// Throws ConfigError, at its place, where the model named `what` is given a `tokenizer` that it has no use for.
void check_tokenizer_key(const ModelEntry& entry, const ModelSpec& spec, const std::string& what);

}  // namespace dime
