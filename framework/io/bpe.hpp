// SPDX-License-Identifier: Apache-2.0
// Byte-pair encoding with CLIP's vocabulary file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <dime/api.hpp>

#include "io/bpe_merge.hpp"

namespace dime {

/// The merges of bpe_simple_vocab_16e6.txt and the numbers of the symbols; immutable once made.
class DIME_API BpeVocabulary {
 public:
  /// Reads the file, gzip or plain. Throws IoError when it cannot be read, DataError when it is no such file.
  explicit BpeVocabulary(const std::filesystem::path& path);

  /// Appends the tokens of one word (bytes) to `out`; an empty word has none.
  void encode_word(std::string_view word, std::vector<std::int32_t>& out) const;

  std::int32_t start_token() const { return start_; }
  std::int32_t end_token() const { return start_ + 1; }

 private:
  using SymbolPair = std::pair<std::string_view, std::string_view>;
  using Tokens = std::unordered_map<std::string, std::int32_t>;
  // Numbers the symbols of single bytes, inside and at the end of a word.
  Tokens byte_symbol_tokens();
  void add_merge(const SymbolPair& pair, std::size_t rank, const Tokens& tokens, const std::string& name);

  std::uint16_t byte_tokens_[256] = {};
  detail::MergeTable merges_;
  std::int32_t start_ = 0;
};

}  // namespace dime
