// SPDX-License-Identifier: Apache-2.0
#include "io/tokenizer_siglip.hpp"

#include <sentencepiece_processor.h>

#include <algorithm>

#include <dime/error.hpp>
#include <dime/printable.hpp>
#include <dime/read_file.hpp>

#include "io/file_descriptor.hpp"
#include "io/spiece_check.hpp"
#include "io/tokenizer_unicode.hpp"

namespace dime {
namespace {

// SigLIP's has 0.8 MB, the largest public ones 5; weights that were named by mistake are not read whole.
constexpr std::size_t largest_file = std::size_t{64} << 20;
constexpr char32_t space_mark = 0x2581;
constexpr std::string_view space_piece = "\u2581";
constexpr std::string_view unknown_text = "<unk>";
constexpr std::string_view end_text = "</s>";

std::unique_ptr<const sentencepiece::SentencePieceProcessor> load(const std::filesystem::path& path,
                                                                  const std::string& name) {
  if (!io::is_there(path)) throw IoError("the tokenizer's model " + name + " is missing");
  std::size_t size = 0;
  io::open_regular(path, &size);
  if (size > largest_file) throw DataError(name + ": not a sentencepiece model: it is too large");
  const std::vector<std::uint8_t> bytes = read_file(path);
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  detail::check_spiece(text, name);
  auto model = std::make_unique<sentencepiece::SentencePieceProcessor>();
  std::string why;
  try {
    const auto status = model->LoadFromSerializedProto(text);
    if (!status.ok()) why = status.message();
  } catch (const std::exception& e) {
    why = e.what();
  }
  if (!why.empty()) throw DataError(name + ": not a sentencepiece model that can be used: " + printable(why));
  return model;
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
  for (const std::string_view piece : {unknown_text, end_text}) {
    if (model_->IdToPiece(model_->PieceToId(piece)) == piece) continue;
    throw DataError(io::shown(model) + ": not SigLIP's tokenizer: it has no piece \"" + std::string(piece) + "\"");
  }
  unknown_pieces_ = pieces_of(std::string(unknown_text)).size();
  end_ = model_->PieceToId(end_text);
  size_ = model_->GetPieceSize();
}

SiglipTokenizer::~SiglipTokenizer() = default;

std::vector<std::string> SiglipTokenizer::pieces_of(const std::string& text) const {
  std::vector<std::string> all;
  const auto status = model_->Encode(text, &all);
  if (!status.ok()) throw DataError("sentencepiece cannot encode a text: " + printable(status.message()));
  return all;
}

void SiglipTokenizer::append(const std::u32string& part, std::vector<std::string>& pieces) const {
  const auto all = pieces_of(std::string(unknown_text) + canonical(part));
  const std::size_t before = all.size() >= unknown_pieces_ ? unknown_pieces_ : 0;
  pieces.insert(pieces.end(), all.begin() + static_cast<std::ptrdiff_t>(before), all.end());
}

std::vector<std::int32_t> SiglipTokenizer::encode(std::string_view text) const {
  const std::u32string all = marked(text);
  std::vector<std::string> pieces;
  for (std::size_t from = 0; from < all.size();) {
    const std::size_t end = all.find(U"</s>", from), unknown = all.find(U"<unk>", from);
    const std::size_t cut = std::min(end, unknown);
    if (cut > from) append(all.substr(from, cut - from), pieces);
    if (cut == std::u32string::npos) break;
    // The mark that stands before every text is no word of its own.
    if (pieces.size() == 1 && pieces.front() == space_piece) pieces.clear();
    pieces.emplace_back(cut == end ? end_text : unknown_text);
    from = cut + pieces.back().size();
  }
  std::vector<std::int32_t> tokens;
  tokens.reserve(pieces.size());
  for (const auto& piece : pieces) tokens.push_back(model_->PieceToId(piece));
  return tokens;
}

void SiglipTokenizer::encode_padded(std::string_view text, std::int64_t context, std::int64_t* out) const {
  if (context <= 0) throw ArgumentError("a context of " + std::to_string(context) + " tokens: it must be positive");
  std::vector<std::int32_t> tokens = encode(text);
  tokens.resize(std::min(tokens.size(), static_cast<std::size_t>(context) - 1));
  std::fill(std::copy(tokens.begin(), tokens.end(), out), out + context, end_);
}

}  // namespace dime
