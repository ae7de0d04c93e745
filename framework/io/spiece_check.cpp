// SPDX-License-Identifier: Apache-2.0
#include "io/spiece_check.hpp"

#include <array>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <vector>

#include <dime/error.hpp>

namespace dime::detail {
namespace {

/// What is wrong, told by check_spiece with the file's name.
class Broken : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

[[noreturn]] void damaged() { throw Broken("not a sentencepiece model: it is damaged or cut short"); }

/// One field of a protobuf message: a number, or the bytes of a string or of a message.
struct ProtoField {
  std::uint32_t number = 0;
  std::optional<std::uint64_t> value;
  std::optional<std::string_view> bytes;
};

/// The fields of a message in their order (protobuf's wire format), never from past its end.
class ProtoFields {
 public:
  explicit ProtoFields(std::string_view message) : rest_(message) {}

  bool next(ProtoField& field) {
    if (rest_.empty()) return false;
    const std::uint64_t tag = varint();
    if (tag < 8 || tag > std::numeric_limits<std::uint32_t>::max()) damaged();
    field = {static_cast<std::uint32_t>(tag >> 3), {}, {}};
    switch (tag & 7) {
      case 0:
        field.value = varint();
        break;
      case 1:
        take(8);
        break;
      case 2:
        field.bytes = take(varint());
        break;
      case 5:
        take(4);
        break;
      default:
        damaged();
    }
    return true;
  }

 private:
  std::string_view take(std::uint64_t size) {
    if (size > rest_.size()) damaged();
    const std::string_view taken = rest_.substr(0, static_cast<std::size_t>(size));
    rest_.remove_prefix(taken.size());
    return taken;
  }

  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<std::uint8_t>(take(1)[0]);
      value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return value;
    }
    damaged();
  }

  std::string_view rest_;
};

/// The double array of Darts-clone: a node's children lie at its base xor their byte, a leaf's value at the base. Nodes
/// may share what follows them.
class Trie {
 public:
  explicit Trie(std::string_view blob) : units_(blob.size() / 4) {
    if (!units_.empty()) std::memcpy(units_.data(), blob.data(), units_.size() * 4);
  }

  /// Whether a search stays inside, meets no more leaves than the library keeps, and finds values below `values`.
  bool is_sound(std::size_t values) const {
    // That of NFKC has 60,000 units.
    constexpr std::size_t kMostUnits = std::size_t{1} << 20;
    if (units_.empty() || units_.size() > kMostUnits) return false;
    // The most leaves on a way to a unit; the root is no way to itself.
    std::vector<int> leaves(units_.size(), -1);
    std::vector<std::size_t> open{0};
    leaves[0] = 0;
    while (!open.empty()) {
      const std::size_t at = open.back();
      open.pop_back();
      const std::size_t base = base_of(at);
      if ((base | 0xFF) >= units_.size()) return false;
      for (std::size_t byte = 0; byte < 256; ++byte) {
        const std::size_t child = base ^ byte;
        if ((units_[child] & 0x800000FF) != byte) continue;
        const int here = leaves[at] + (has_leaf(child) ? 1 : 0);
        if (here <= leaves[child]) continue;
        if (has_leaf(child) && (here > kMostLeaves || !has_value_below(child, values))) return false;
        leaves[child] = here;
        open.push_back(child);
      }
    }
    return true;
  }

 private:
  static constexpr int kMostLeaves = 32;

  bool has_leaf(std::size_t at) const { return (units_[at] >> 8 & 1) != 0; }
  bool has_value_below(std::size_t at, std::size_t values) const {
    return base_of(at) < units_.size() && (units_[base_of(at)] & 0x7FFFFFFF) < values;
  }
  std::size_t base_of(std::size_t at) const {
    const std::uint32_t unit = units_[at];
    return at ^ (static_cast<std::size_t>(unit >> 10) << (unit >> 6 & 8));
  }

  std::vector<std::uint32_t> units_;
};

/// The size of the trie, the trie, and the strings that its values point at, each ended by a zero.
void check_charsmap(std::string_view blob) {
  const auto refuse = [] { throw Broken("not a sentencepiece model: its table of normalisation is damaged"); };
  if (blob.empty()) return;
  if (blob.size() < 4) refuse();
  std::uint32_t size = 0;
  for (std::size_t i = 4; i-- > 0;) size = size << 8 | static_cast<std::uint8_t>(blob[i]);
  blob.remove_prefix(4);
  if (size >= blob.size() || blob.back() != '\0') refuse();
  if (!Trie(blob.substr(0, size)).is_sound(blob.size() - size)) refuse();
}

void check_normalizer(std::string_view spec) {
  ProtoFields fields(spec);
  for (ProtoField field; fields.next(field);) {
    if (field.number == 2 && field.bytes) check_charsmap(*field.bytes);
  }
}

void check_trainer(std::string_view spec) {
  constexpr std::array<const char*, 5> kTypes = {"0", "unigram", "bpe", "word", "char"};
  ProtoFields fields(spec);
  for (ProtoField field; fields.next(field);) {
    if (field.number != 3 || !field.value || *field.value == 1) continue;
    const std::string type = *field.value < kTypes.size() ? kTypes[*field.value] : std::to_string(*field.value);
    throw Broken("a sentencepiece model of type " + type + ", where SigLIP's is unigram");
  }
}

void check_piece(std::string_view piece) {
  // The library keeps so many symbols that begin alike.
  constexpr std::size_t kLongestSymbol = 64;
  constexpr std::uint64_t kUserDefined = 4;
  bool is_long = false, is_user_defined = false;
  ProtoFields fields(piece);
  for (ProtoField field; fields.next(field);) {
    if (field.number == 1 && field.bytes && field.bytes->size() > kLongestSymbol) is_long = true;
    if (field.number == 3 && field.value == kUserDefined) is_user_defined = true;
  }
  if (is_long && is_user_defined) throw Broken("a sentencepiece model with a symbol of more than 64 bytes");
}

void check_model(std::string_view model) {
  bool pieces = false, trainer = false, normalizer = false;
  ProtoFields fields(model);
  for (ProtoField field; fields.next(field);) {
    if (!field.bytes) continue;
    if (field.number == 1) check_piece(*field.bytes);
    if (field.number == 2) check_trainer(*field.bytes);
    if (field.number == 3) check_normalizer(*field.bytes);
    pieces |= field.number == 1;
    trainer |= field.number == 2;
    normalizer |= field.number == 3;
  }
  if (!pieces || !trainer || !normalizer) damaged();
}

}  // namespace

void check_spiece(std::string_view model, const std::string& name) {
  try {
    check_model(model);
  } catch (const Broken& e) {
    throw DataError(name + ": " + e.what());
  }
}

}  // namespace dime::detail
