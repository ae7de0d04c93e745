// SPDX-License-Identifier: Apache-2.0
// Splits a text into the pieces of a unigram model whose scores have the largest sum (T. Kudo, "Subword
// Regularization", ACL 2018, by Viterbi's search), as sentencepiece 0.1.97 to 0.2.1 do, to the last tie. Torch-free.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "io/charsmap.hpp"
#include "io/piece_trie.hpp"
#include "io/spiece_model.hpp"

namespace dime::detail {

/// Immutable once made: safe from many threads at once.
class Unigram {
 public:
  struct Piece {
    std::string_view text;  ///< in the normalised text; with byte_fallback, one byte of what is unknown
    std::int32_t token = 0;
  };

  /// Throws DataError as CharsMap does.
  explicit Unigram(const SpieceModel& model);

  /// The text that `encode` splits: with the model's table put upon it, and its spaces written as U+2581.
  std::string normalize(std::string_view text) const;
  /// The pieces of a normalised text, in which unknown characters that follow each other are one. Valid UTF-8 is not
  /// asked for.
  std::vector<Piece> encode(std::string_view normalized) const;

  /// The token of a piece's name; -1 where there is no such piece.
  std::int32_t find(std::string_view name) const;
  std::int32_t size() const { return size_; }

 private:
  /// The best way to a place in a text: by this piece from that place.
  struct Step {
    float score = 0;
    std::int32_t piece = -1;  // -1: no way leads here
    std::size_t from = 0;
  };

  CharsMap::Match prefix(std::string_view text) const;
  double score_of(std::int32_t piece, std::size_t length) const;
  std::vector<Step> best_steps(std::string_view normalized) const;
  void add_unknown(std::string_view text, bool joined, std::vector<Piece>& pieces) const;
  std::int32_t token_of(std::string_view name) const;

  std::int32_t size_ = 0;
  SpieceNormalization how_;
  CharsMap charsmap_;
  PieceTrie symbols_;  // user-defined: no table changes them, and they are always taken
  PieceTrie trie_;
  std::vector<float> scores_;         // by piece
  std::vector<std::int32_t> tokens_;  // by piece
  std::vector<bool> is_symbol_;       // by piece
  std::unordered_map<std::string, std::int32_t> apart_, of_text_;
  std::array<std::int32_t, 256> bytes_{};  // with byte_fallback_
  bool byte_fallback_ = false;
  std::int32_t unknown_ = 0;
  float highest_ = 0, unknown_score_ = 0;
};

}  // namespace dime::detail
