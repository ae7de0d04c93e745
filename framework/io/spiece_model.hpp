// SPDX-License-Identifier: Apache-2.0
// What stands in a sentencepiece model, spiece.model: a ModelProto (sentencepiece_model.proto). Torch-free.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dime::detail {

/// SentencePiece.Type, by its numbers.
enum class SpieceKind : std::uint8_t { normal = 1, unknown, control, user_defined, unused, byte };

struct SpiecePiece {
  std::string text;
  float score = 0;  ///< a log probability
  SpieceKind kind = SpieceKind::normal;

  /// Whether a text is split into such pieces; the others' names are kept apart, and may be those of such pieces.
  bool is_of_text() const {
    return kind == SpieceKind::normal || kind == SpieceKind::user_defined || kind == SpieceKind::unused;
  }
};

/// How a text is prepared: NormalizerSpec, and what TrainerSpec says of spaces.
struct SpieceNormalization {
  bool add_dummy_prefix = true;
  bool remove_extra_whitespaces = true;
  bool escape_whitespaces = true;
  bool treat_whitespace_as_suffix = false;
};

struct SpieceModel {
  std::vector<SpiecePiece> pieces;  ///< by their token
  SpieceNormalization normalization;
  std::string charsmap;  ///< precompiled; see CharsMap
  bool byte_fallback = false;
};

/// Throws DataError, `name` first, unless `bytes` are a whole model of type unigram, whose pieces can be told apart:
/// none is empty or stands twice, one is that of what is unknown, and with `byte_fallback` all 256 bytes are there.
SpieceModel parse_spiece(std::string_view bytes, const std::string& name);

}  // namespace dime::detail
