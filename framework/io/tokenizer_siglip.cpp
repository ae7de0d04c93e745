// SPDX-License-Identifier: Apache-2.0
#include "io/tokenizer_siglip.hpp"

#include <algorithm>

#include <dime/error.hpp>
#include <dime/read_file.hpp>

#include "io/file_descriptor.hpp"
#include "io/spiece_model.hpp"
#include "io/tokenizer_unicode.hpp"

namespace dime {
namespace {

// SigLIP's has 0.8 MB, the largest public ones 5; weights that were named by mistake are not read whole.
constexpr std::size_t largest_file = std::size_t{64} << 20;
constexpr char32_t space_mark = 0x2581;
constexpr std::string_view space_piece = "\u2581";
constexpr std::string_view unknown_text = "<unk>";
constexpr std::string_view end_text = "</s>";

detail::Unigram load(const std::filesystem::path& path, const std::string& name) {
  if (!io::is_there(path)) throw IoError("the tokenizer's model " + name + " is missing");
  std::size_t size = 0;
  io::open_regular(path, &size);
  if (size > largest_file) throw DataError(name + ": not a sentencepiece model: it is too large");
  const std::vector<std::uint8_t> bytes = read_file(path);
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const detail::SpieceModel model = detail::parse_spiece(text, name);
  try {
    return detail::Unigram(model);
  } catch (const DataError& e) {
    throw DataError(name + ": not a sentencepiece model: " + e.what());
  }
}

bool is_punctuation(char32_t c) {
  return (c > 0x20 && c < U'0') || (c > U'9' && c < U'A') || (c > U'Z' && c < U'a') || (c > U'z' && c < 0x7F);
}

// What transformers calls canonicalize_text.
std::string canonical(const std::u32string& part) {
  std::string out;
  bool gap = false;
  for (const char32_t c : detail::lower(part)) {
    if (is_punctuation(c)) continue;
    if (detail::is_space(c)) {
      gap = !out.empty();
      continue;
    }
    if (gap) out += ' ';
    gap = false;
    detail::append_utf8(c, out);
  }
  return out;
}

std::u32string marked(std::string_view text) {
  std::u32string out(1, space_mark);
  for (const char32_t c : detail::from_utf8(text)) out.push_back(c == space_mark ? U' ' : c);
  return out;
}

}  // namespace

SiglipTokenizer::SiglipTokenizer(const std::filesystem::path& model) : model_(load(model, io::shown(model))) {
  const auto token_of = [&](std::string_view piece) {
    const std::int32_t token = model_.find(piece);
    if (token >= 0) return token;
    throw DataError(io::shown(model) + ": not SigLIP's tokenizer: it has no piece \"" + std::string(piece) + "\"");
  };
  unknown_ = token_of(unknown_text);
  end_ = token_of(end_text);
  unknown_pieces_ = model_.encode(model_.normalize(unknown_text)).size();
}

bool SiglipTokenizer::append(const std::u32string& part, std::vector<std::int32_t>& tokens) const {
  const std::string text = model_.normalize(std::string(unknown_text) + canonical(part));
  const auto pieces = model_.encode(text);
  const std::size_t before = pieces.size() >= unknown_pieces_ ? unknown_pieces_ : 0;
  for (std::size_t i = before; i < pieces.size(); ++i) tokens.push_back(pieces[i].token);
  return pieces.size() == before + 1 && pieces.back().text == space_piece;
}

std::vector<std::int32_t> SiglipTokenizer::encode(std::string_view text) const {
  const std::u32string all = marked(text);
  std::vector<std::int32_t> tokens;
  bool space_alone = false;
  for (std::size_t from = 0; from < all.size();) {
    const std::size_t end = all.find(U"</s>", from), unknown = all.find(U"<unk>", from);
    const std::size_t cut = std::min(end, unknown);
    if (cut > from) space_alone = append(all.substr(from, cut - from), tokens);
    if (cut == std::u32string::npos) break;
    // The mark that stands before every text is no word of its own.
    if (tokens.size() == 1 && space_alone) tokens.clear();
    tokens.push_back(cut == end ? end_ : unknown_);
    space_alone = false;
    from = cut + (cut == end ? end_text : unknown_text).size();
  }
  return tokens;
}

void SiglipTokenizer::encode_padded(std::string_view text, std::int64_t context, std::int64_t* out) const {
  if (context <= 0) throw ArgumentError("a context of " + std::to_string(context) + " tokens: it must be positive");
  std::vector<std::int32_t> tokens = encode(text);
  tokens.resize(std::min(tokens.size(), static_cast<std::size_t>(context) - 1));
  std::fill(std::copy(tokens.begin(), tokens.end(), out), out + context, end_);
}

}  // namespace dime
