// SPDX-License-Identifier: Apache-2.0
#include "io/unigram.hpp"

#include <algorithm>
#include <limits>

namespace dime::detail {
namespace {

constexpr std::string_view space_mark = "\u2581";

/// How many bytes the character has that `text` begins with, by its first byte alone.
std::size_t character_size(std::string_view text) {
  const auto byte = static_cast<std::uint8_t>(text.front());
  const std::size_t size = byte < 0xC0 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
  return std::min(size, text.size());
}

template <class Wanted>
PieceTrie trie_of(const SpieceModel& model, Wanted wanted) {
  std::vector<std::pair<std::string_view, std::int32_t>> values;
  for (std::size_t i = 0; i < model.pieces.size(); ++i) {
    if (wanted(model.pieces[i].kind)) values.emplace_back(model.pieces[i].text, static_cast<std::int32_t>(i));
  }
  return PieceTrie(std::move(values));
}

/// "<0x0A>"
std::string name_of_byte(std::uint8_t byte) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  return std::string("<0x") + digits[byte >> 4] + digits[byte & 15] + '>';
}

bool is_symbol(SpieceKind kind) { return kind == SpieceKind::user_defined; }
bool splits_texts(SpieceKind kind) { return kind == SpieceKind::normal || is_symbol(kind); }

}  // namespace

Unigram::Unigram(const SpieceModel& model)
    : size_(static_cast<std::int32_t>(model.pieces.size())),
      how_(model.normalization),
      charsmap_(model.charsmap),
      symbols_(trie_of(model, is_symbol)),
      trie_(trie_of(model, splits_texts)),
      byte_fallback_(model.byte_fallback) {
  float lowest = std::numeric_limits<float>::max();
  highest_ = std::numeric_limits<float>::min();
  for (const SpiecePiece& piece : model.pieces) {
    const auto token = static_cast<std::int32_t>(scores_.size());
    (piece.is_of_text() ? of_text_ : apart_).emplace(piece.text, token);
    if (piece.kind == SpieceKind::unknown) unknown_ = token;
    scores_.push_back(piece.score);
    is_symbol_.push_back(is_symbol(piece.kind));
    if (piece.kind != SpieceKind::normal) continue;
    lowest = std::min(lowest, piece.score);
    highest_ = std::max(highest_, piece.score);
  }
  constexpr float kUnknownPenalty = 10;
  unknown_score_ = lowest - kUnknownPenalty;
  for (const SpiecePiece& piece : model.pieces) tokens_.push_back(token_of(piece.text));
  for (std::size_t i = 0; i < bytes_.size(); ++i) bytes_[i] = token_of(name_of_byte(static_cast<std::uint8_t>(i)));
}

std::int32_t Unigram::find(std::string_view name) const {
  const std::string key(name);
  if (const auto at = apart_.find(key); at != apart_.end()) return at->second;
  const auto at = of_text_.find(key);
  return at == of_text_.end() ? -1 : at->second;
}

std::int32_t Unigram::token_of(std::string_view name) const {
  const std::int32_t token = find(name);
  return token < 0 ? unknown_ : token;
}

CharsMap::Match Unigram::prefix(std::string_view text) const {
  std::size_t symbol = 0;
  symbols_.prefixes(text, [&](std::size_t length, std::int32_t) { symbol = length; });
  if (symbol > 0) return {symbol, text.substr(0, symbol)};
  if (const auto match = charsmap_.longest(text); match.length > 0) return match;
  const std::size_t size = character_size(text);
  return {size, text.substr(0, size)};
}

std::string Unigram::normalize(std::string_view text) const {
  const bool strip = how_.remove_extra_whitespaces;
  const std::string_view space = how_.escape_whitespaces ? space_mark : " ";
  CharsMap::Match next;
  const auto more = [&] { return !text.empty() && (next = prefix(text), true); };
  while (strip && more() && next.to == " ") text.remove_prefix(next.length);
  if (text.empty()) return {};

  std::string out(how_.add_dummy_prefix && !how_.treat_whitespace_as_suffix ? space : "");
  for (bool after_space = strip; more(); text.remove_prefix(next.length)) {
    std::string_view to = next.to;
    while (after_space && to.starts_with(' ')) to.remove_prefix(1);
    for (const char c : to) c == ' ' ? out += space : out += c;
    if (!to.empty()) after_space = strip && to.ends_with(' ');
  }
  while (strip && out.ends_with(space)) out.resize(out.size() - space.size());
  if (how_.add_dummy_prefix && how_.treat_whitespace_as_suffix) out += space;
  return out;
}

double Unigram::score_of(std::int32_t piece, std::size_t length) const {
  const auto at = static_cast<std::size_t>(piece);
  return is_symbol_[at] ? static_cast<float>(length) * highest_ - 0.1 : static_cast<double>(scores_[at]);
}

// Which of two ways with the same score is taken depends on what is rounded, and when: a known piece's sum is compared
// in double precision with a score that was stored in single, an unknown one's is rounded first.
std::vector<Unigram::Step> Unigram::best_steps(std::string_view text) const {
  std::vector<Step> steps(text.size() + 1);
  for (std::size_t from = 0; from < text.size();) {
    const std::string_view rest = text.substr(from);
    const std::size_t character = character_size(rest);
    const float before = steps[from].score;
    bool single = false;
    const auto offer = [&](std::size_t length, std::int32_t piece, double sum) {
      Step& step = steps[from + length];
      if (step.piece < 0 || sum > static_cast<double>(step.score)) step = {static_cast<float>(sum), piece, from};
      single |= length == character;
    };
    trie_.prefixes(rest, [&](std::size_t length, std::int32_t piece) {
      offer(length, piece, score_of(piece, length) + static_cast<double>(before));
    });
    if (!single) offer(character, unknown_, static_cast<double>(unknown_score_ + before));
    from += character;
  }
  return steps;
}

void Unigram::add_unknown(std::string_view text, bool joined, std::vector<Piece>& pieces) const {
  if (byte_fallback_) {
    for (std::size_t i = 0; i < text.size(); ++i) {
      pieces.push_back({text.substr(i, 1), bytes_[static_cast<std::uint8_t>(text[i])]});
    }
    return;
  }
  if (joined) {
    std::string_view& before = pieces.back().text;
    before = {before.data(), before.size() + text.size()};
  } else {
    pieces.push_back({text, unknown_});
  }
}

std::vector<Unigram::Piece> Unigram::encode(std::string_view text) const {
  const std::vector<Step> steps = best_steps(text);
  std::vector<std::size_t> ends;
  for (std::size_t end = text.size(); end > 0; end = steps[end].from) ends.push_back(end);
  std::reverse(ends.begin(), ends.end());
  std::vector<Piece> pieces;
  bool after_unknown = false;
  for (const std::size_t end : ends) {
    const auto [score, piece, from] = steps[end];
    const bool unknown = piece == unknown_;
    if (unknown) {
      add_unknown(text.substr(from, end - from), after_unknown, pieces);
    } else {
      pieces.push_back({text.substr(from, end - from), tokens_[static_cast<std::size_t>(piece)]});
    }
    after_unknown = unknown;
  }
  // A row of unknown characters may have the name of a piece that no text is split into, such as "<pad>".
  for (Piece& piece : pieces) {
    if (piece.token == unknown_) piece.token = token_of(piece.text);
  }
  return pieces;
}

}  // namespace dime::detail
