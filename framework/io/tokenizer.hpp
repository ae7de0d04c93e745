// SPDX-License-Identifier: Apache-2.0
// CLIP's tokenizer. Torch-free.
//
// The tokens are those of open_clip's SimpleTokenizer (clean="lower") on the same text. Before the split it cleans as
// that does: ftfy.fix_text, html.unescape twice, white space collapsed, lower case. Of ftfy's repairs these are done,
// line by line and until nothing changes, as ftfy does: HTML references that end in `;` (not in texts with a `<`, nor
// in the lines after), C1 controls as Windows-1252, Latin ligatures, full-width and half-width forms, curly quotes,
// line breaks, terminal escapes, control characters, NFC. Of ftfy's mojibake repair only the plain case is done: a line
// that is, as a whole, UTF-8 read as Latin-1 or Windows-1252 ("cafÃ©"), and that ftfy's own pattern of unlikely
// neighbours finds bad, so that what ftfy leaves alone ("NESTLÉ®") is left alone here. Not done: other code pages,
// sequences that lost bytes, and mojibake in part of a line; such text is tokenized as it stands. References that are
// nested more than eight deep are resolved in one pass.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>
#include <vector>

#include "io/bpe.hpp"
#include "io/tokenizer_base.hpp"
#include "io/tokenizer_clean.hpp"

namespace dime {

class DIME_API ClipTokenizer final : public Tokenizer {
 public:
  /// Reads bpe_simple_vocab_16e6.txt.gz (or unpacked), and html_entities.txt (see HtmlReferences) and mojibake.txt (see
  /// Mojibake) beside it.
  /// Throws IoError when one cannot be read, DataError when it is no such file.
  explicit ClipTokenizer(const std::filesystem::path& vocabulary);

  /// The tokens of `text` (UTF-8; what is not becomes U+FFFD), without start and end.
  std::vector<std::int32_t> encode(std::string_view text) const;

  /// Start, text, end, zeros. A longer text is cut; the last token is then end.
  void encode_padded(std::string_view text, std::int64_t context, std::int64_t* out) const override;

  std::int32_t start_token() const { return vocabulary_.start_token(); }      ///< 49406
  std::int32_t end_token() const { return vocabulary_.end_token(); }          ///< 49407
  std::int32_t size() const override { return vocabulary_.end_token() + 1; }  ///< 49408

 private:
  // Appends the tokens of `text`, and may leave out those of the words after the first `enough` tokens.
  void append(std::string_view text, std::size_t enough, std::vector<std::int32_t>& tokens) const;

  BpeVocabulary vocabulary_;
  detail::TextCleaner cleaner_;
};

}  // namespace dime
