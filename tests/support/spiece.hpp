// SPDX-License-Identifier: Apache-2.0
// A small spiece.model, made when it is asked for.
#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "support/charsmap.hpp"

namespace dime::test {

/// Messages in protobuf's wire format.
inline std::string proto_varint(std::uint64_t value) {
  std::string out;
  for (; value > 0x7F; value >>= 7) out += static_cast<char>((value & 0x7F) | 0x80);
  return out + static_cast<char>(value);
}
inline std::string proto_integer(std::uint64_t number, std::uint64_t value) {
  return proto_varint(number << 3) + proto_varint(value);
}
inline std::string proto_bytes(std::uint64_t number, std::string_view bytes) {
  return proto_varint(number << 3 | 2) + proto_varint(bytes.size()) + std::string(bytes);
}
inline std::string proto_float(std::uint64_t number, float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  std::string out = proto_varint(number << 3 | 5);
  for (int shift = 0; shift < 32; shift += 8) out += static_cast<char>(bits >> shift);
  return out;
}

/// A piece of ModelProto; `kind` is a number of SentencePiece.Type.
struct TestPiece {
  std::string text;
  float score = 0;
  std::uint64_t kind = 1;
};

inline std::string spiece_piece(const TestPiece& piece) {
  return proto_bytes(1, proto_bytes(1, piece.text) + proto_float(2, piece.score) + proto_integer(3, piece.kind));
}

/// What a model is made of: its pieces by their tokens, and the fields of TrainerSpec and NormalizerSpec.
struct TestSpiece {
  std::vector<TestPiece> pieces;
  std::string trainer = proto_integer(3, 1);
  std::string normalizer = proto_bytes(1, "identity");

  std::string bytes() const {
    std::string out;
    for (const TestPiece& piece : pieces) out += spiece_piece(piece);
    return out + proto_bytes(2, trainer) + proto_bytes(3, normalizer);
  }
};

/// SigLIP's tokens for <pad>, </s> and <unk>, 0, 1 and 2, then words and parts of words, then letters: 73 pieces. Its
/// table makes the mark of spaces a space, as that of NFKC does.
inline TestSpiece spiece_parts() {
  TestSpiece model;
  model.pieces = {{"<pad>", 0, 3}, {"</s>", 0, 3}, {"<unk>", 0, 2}};
  const char* const words[] = {"▁",      "▁a",       "▁photo", "▁of",   "▁the",   "▁painting", "▁my",
                               "▁one",   "▁picture", "▁with",  "▁two",  "▁cat",   "▁dog",      "▁red",
                               "▁house", "▁small",   "▁boat",  "▁café", "▁train", "▁station",  "▁bird",
                               "▁in",    "▁tree",    "▁t",     "▁b",    "in",     "th",        "er",
                               "ing",    "ou",       "at",     "ir",    "s",      "bird"};
  float score = -2;
  for (const char* word : words) model.pieces.push_back({word, score -= 0.11F, 1});
  for (const char* letter :
       {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m",      "n",  "o", "p", "q", "r",
        "t", "u", "v", "w", "x", "y", "z", "é", "1", "2", "'", "—", "\uFFFD", "あ", "Ω", "ß", "<", ">"}) {
    model.pieces.push_back({letter, score -= 0.13F, 1});
  }
  model.normalizer = proto_bytes(2, charsmap({{"▁", " "}}));
  return model;
}

/// The first `pieces` of them.
inline std::string spiece_model(std::size_t pieces = 73) {
  TestSpiece model = spiece_parts();
  model.pieces.resize(pieces);
  return model.bytes();
}

}  // namespace dime::test
