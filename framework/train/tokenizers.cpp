// SPDX-License-Identifier: Apache-2.0
#include "train/tokenizers.hpp"

#include <dime/error.hpp>
#include <dime/printable.hpp>
#include <dime/read_file.hpp>

#include "io/file_descriptor.hpp"
#include "io/tokenizer_siglip.hpp"

namespace dime {
namespace fs = std::filesystem;
namespace {

/// What Hugging Face calls the file.
constexpr const char* kSiglipFile = "spiece.model";

std::string small_vocabulary(std::int64_t has, std::int64_t needs, const std::string& tokenizer) {
  return "has a vocabulary of " + std::to_string(has) + ", " + tokenizer + " one of " + std::to_string(needs) +
         ": leave `vocabulary` out";
}

std::string clip_problem(const TextSpec& spec) {
  constexpr std::int64_t kTokens = 49408;
  // Every text begins with one of the tokenizer's last tokens.
  return spec.vocabulary >= kTokens ? "" : small_vocabulary(spec.vocabulary, kTokens, "the tokenizer");
}

std::string siglip_problem(const TokenizerChoice& choice, const TextSpec& spec) {
  const std::string give = "give it `tokenizer: path/to/" + std::string(kSiglipFile) + "`";
  if (choice.file.empty()) return "has no tokenizer: " + give;
  try {
    if (!io::is_there(choice.file)) {
      return "has no tokenizer: there is no " + io::shown(choice.file) + "; " + give + ", or lay " + kSiglipFile +
             " beside its weights";
    }
    const SiglipTokenizer tokenizer(choice.file);
    if (spec.vocabulary >= tokenizer.size()) return "";
    return small_vocabulary(spec.vocabulary, tokenizer.size(), "the tokenizer " + io::shown(choice.file));
  } catch (const Error& e) {
    return std::string("cannot use its tokenizer: ") + e.what();
  }
}

}  // namespace

std::string TokenizerChoice::text() const {
  return "\"" + printable(name) + "\"" + (file.empty() ? "" : " (" + io::shown(file) + ")");
}

TokenizerChoice tokenizer_choice(const ModelEntry& entry, const TextSpec& spec) {
  TokenizerChoice choice{spec.tokenizer, {}};
  if (choice.name != siglip_tokenizer) return choice;
  if (entry.tokenizer) {
    choice.file = *entry.tokenizer;
  } else if (entry.init) {
    std::error_code error;
    const fs::path& weights = entry.init->path;
    choice.file = (fs::is_directory(weights, error) ? weights : weights.parent_path()) / kSiglipFile;
  }
  return choice;
}

bool same_tokens(const TokenizerChoice& a, const TokenizerChoice& b) {
  if (a.name != b.name) return false;
  if (a.file == b.file) return true;
  std::error_code error;
  const auto size = fs::file_size(a.file, error), other_size = fs::file_size(b.file, error);
  // A file that cannot be read is a problem of its own, and told as that.
  if (error) return true;
  return size == other_size && read_file(a.file) == read_file(b.file);
}

std::string token_problem(const ModelEntry& entry, const TextSpec& spec, const std::string& without) {
  const TokenizerChoice choice = tokenizer_choice(entry, spec);
  if (choice.name == clip_tokenizer) return clip_problem(spec);
  if (choice.name == siglip_tokenizer) return siglip_problem(choice, spec);
  return "reads tokens of the tokenizer \"" + printable(choice.name) + "\", which dime does not have: " + without;
}

void check_tokenizer_key(const ModelEntry& entry, const ModelSpec& spec, const std::string& what) {
  if (!entry.tokenizer || (spec.text && spec.text->tokenizer == siglip_tokenizer)) return;
  const std::string why =
      !spec.text ? "it has no text tower"
      : spec.text->tokenizer == clip_tokenizer
          ? "it reads CLIP's tokens"
          : "it reads tokens of \"" + printable(spec.text->tokenizer) + "\", which dime does not have";
  Problems problems;
  problems.add(entry.tokenizer_mark, what + " has no use for `tokenizer`: " + why + "; remove it");
  problems.raise();
}

}  // namespace dime
