// SPDX-License-Identifier: Apache-2.0
// SigLIP's tokenizer: a sentencepiece unigram model, spiece.model. Torch-free.
//
// The tokens are those of SiglipTokenizer of `transformers` 5, with its defaults, on the same text: U+2581 becomes a
// space; "</s>" and "<unk>" in the text are the tokens of these names, and cut it into parts; each part is put into
// lower case, loses ASCII's punctuation, and has its white space collapsed and stripped; then sentencepiece encodes it,
// the first part as a word's beginning and the others as its continuation. The model is used as it lies in the file,
// with its dummy prefix (`legacy`, the default there). Where others differ, they are not followed: open_clip's
// HFTokenizer (clean="canonicalize") also makes `_` a space, where here it is removed, and sees no "</s>" in a text,
// as it cleans first; T5's fast tokenizer neither lowers nor removes anything, and so takes text that was cleaned
// before. SigLIP 2 reads tokens of another tokenizer (Gemma's), which is refused by its type.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "io/tokenizer_base.hpp"
#include "io/unigram.hpp"

namespace dime {

class DIME_API SiglipTokenizer final : public Tokenizer {
 public:
  /// Reads a spiece.model. Throws IoError when it cannot be read, DataError when it is no such file (see
  /// detail::parse_spiece), or has no "</s>".
  explicit SiglipTokenizer(const std::filesystem::path& model);

  /// The tokens of `text` (UTF-8; what is not becomes U+FFFD), without the end.
  std::vector<std::int32_t> encode(std::string_view text) const;

  /// Text, then "</s>" to the end. A longer text is cut; the last token is then "</s>".
  void encode_padded(std::string_view text, std::int64_t context, std::int64_t* out) const override;

  std::int32_t end_token() const { return end_; }               ///< of SigLIP 1
  std::int32_t size() const override { return model_.size(); }  ///< of SigLIP 32000

 private:
  // Appends the tokens of a part of a text. Whether they are that of a space alone.
  bool append(const std::u32string& part, std::vector<std::int32_t>& tokens) const;

  detail::Unigram model_;
  std::size_t unknown_pieces_ = 0;  // of "<unk>", put before each part, so that its own beginning is not a text's
  std::int32_t unknown_ = 0, end_ = 0;
};

}  // namespace dime
