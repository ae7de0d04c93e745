// SPDX-License-Identifier: Apache-2.0
#include "io/proto_fields.hpp"

#include <bit>
#include <limits>

namespace dime::detail {
namespace {

constexpr std::uint64_t kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5;

// The lowest byte stands first.
std::uint64_t fixed(std::string_view bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) value = value << 8 | static_cast<std::uint8_t>(bytes[i]);
  return value;
}

}  // namespace

std::uint64_t ProtoField::integer() const {
  if (kind_ != kVarint) throw ProtoError();
  return value_;
}

float ProtoField::real() const {
  if (kind_ != kFixed32) throw ProtoError();
  return std::bit_cast<float>(static_cast<std::uint32_t>(value_));
}

std::string_view ProtoField::bytes() const {
  if (kind_ != kBytes) throw ProtoError();
  return bytes_;
}

bool ProtoFields::next(ProtoField& field) {
  if (rest_.empty()) return false;
  const std::uint64_t tag = varint();
  if (tag < 8 || tag > std::numeric_limits<std::uint32_t>::max()) throw ProtoError();
  field = {};
  field.number = static_cast<std::uint32_t>(tag >> 3);
  field.kind_ = tag & 7;
  switch (field.kind_) {
    case kVarint:
      field.value_ = varint();
      break;
    case kFixed64:
      field.value_ = fixed(take(8));
      break;
    case kBytes:
      field.bytes_ = take(varint());
      break;
    case kFixed32:
      field.value_ = fixed(take(4));
      break;
    default:
      throw ProtoError();
  }
  return true;
}

std::string_view ProtoFields::take(std::uint64_t size) {
  if (size > rest_.size()) throw ProtoError();
  const std::string_view taken = rest_.substr(0, static_cast<std::size_t>(size));
  rest_.remove_prefix(taken.size());
  return taken;
}

std::uint64_t ProtoFields::varint() {
  std::uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    const auto byte = static_cast<std::uint8_t>(take(1)[0]);
    value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
    if (byte < 0x80) return value;
  }
  throw ProtoError();
}

}  // namespace dime::detail
