// SPDX-License-Identifier: Apache-2.0
#include "io/spiece_model.hpp"

#include <array>
#include <cmath>
#include <unordered_set>

#include <dime/error.hpp>
#include <dime/printable.hpp>

#include "io/proto_fields.hpp"

namespace dime::detail {
namespace {

/// What is wrong, told by parse_spiece with the file's name.
class Broken : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

std::string quoted(const SpiecePiece& piece) { return '"' + printable(piece.text) + '"'; }

SpiecePiece parse_piece(std::string_view message) {
  SpiecePiece piece;
  ProtoFields fields(message);
  for (ProtoField field; fields.next(field);) {
    if (field.number == 1) piece.text = field.bytes();
    if (field.number == 2) piece.score = field.real();
    if (field.number != 3) continue;
    if (field.integer() < 1 || field.integer() > 6) throw ProtoError();
    piece.kind = static_cast<SpieceKind>(field.integer());
  }
  return piece;
}

void check_type(std::uint64_t type) {
  constexpr std::array<const char*, 5> kTypes = {"0", "unigram", "bpe", "word", "char"};
  if (type == 1) return;
  const std::string name = type < kTypes.size() ? kTypes[type] : std::to_string(type);
  throw Broken("a sentencepiece model of type " + name + ", where SigLIP's is unigram");
}

void parse_trainer(std::string_view message, SpieceModel& model) {
  ProtoFields fields(message);
  for (ProtoField field; fields.next(field);) {
    if (field.number == 3) check_type(field.integer());
    if (field.number == 24) model.normalization.treat_whitespace_as_suffix = field.integer() != 0;
    if (field.number == 35) model.byte_fallback = field.integer() != 0;
  }
}

void parse_normalizer(std::string_view message, SpieceModel& model) {
  SpieceNormalization& normalization = model.normalization;
  ProtoFields fields(message);
  for (ProtoField field; fields.next(field);) {
    if (field.number == 2) model.charsmap = field.bytes();
    if (field.number == 3) normalization.add_dummy_prefix = field.integer() != 0;
    if (field.number == 4) normalization.remove_extra_whitespaces = field.integer() != 0;
    if (field.number == 5) normalization.escape_whitespaces = field.integer() != 0;
  }
}

SpieceModel parse_model(std::string_view message) {
  SpieceModel model;
  bool trainer = false, normalizer = false;
  ProtoFields fields(message);
  for (ProtoField field; fields.next(field);) {
    if (field.number == 1) model.pieces.push_back(parse_piece(field.bytes()));
    if (field.number == 2) parse_trainer(field.bytes(), model);
    if (field.number == 3) parse_normalizer(field.bytes(), model);
    trainer |= field.number == 2;
    normalizer |= field.number == 3;
  }
  // A file that was cut between two fields looks whole.
  if (model.pieces.empty() || !trainer || !normalizer) throw ProtoError();
  return model;
}

void check_pieces(const SpieceModel& model) {
  std::unordered_set<std::string_view> of_text, apart;
  int unknown = 0;
  for (const SpiecePiece& piece : model.pieces) {
    if (piece.text.empty()) throw Broken("not a sentencepiece model: a piece is empty");
    if (!std::isfinite(piece.score))
      throw Broken("not a sentencepiece model: the score of " + quoted(piece) + " is not finite");
    if (!(piece.is_of_text() ? of_text : apart).insert(piece.text).second) {
      throw Broken("not a sentencepiece model: the piece " + quoted(piece) + " stands twice");
    }
    unknown += piece.kind == SpieceKind::unknown ? 1 : 0;
  }
  if (unknown != 1) {
    throw Broken("not a sentencepiece model: it has " + std::to_string(unknown) +
                 " pieces of type unknown, where one is needed");
  }
}

void check_bytes(const SpieceModel& model) {
  std::size_t bytes = 0;
  for (const SpiecePiece& piece : model.pieces) bytes += piece.kind == SpieceKind::byte ? 1 : 0;
  const std::size_t needed = model.byte_fallback ? 256 : 0;
  if (bytes == needed) return;
  throw Broken("not a sentencepiece model: it has " + std::to_string(bytes) + " pieces of type byte, where " +
               std::to_string(needed) + " are needed");
}

}  // namespace

SpieceModel parse_spiece(std::string_view bytes, const std::string& name) {
  try {
    SpieceModel model = parse_model(bytes);
    check_pieces(model);
    check_bytes(model);
    return model;
  } catch (const ProtoError& e) {
    throw DataError(name + ": not a sentencepiece model: " + e.what());
  } catch (const Broken& e) {
    throw DataError(name + ": " + e.what());
  }
}

}  // namespace dime::detail
