// SPDX-License-Identifier: Apache-2.0
// Reads protobuf's wire format (https://protobuf.dev/programming-guides/encoding/). Torch-free.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string_view>

namespace dime::detail {

/// A message that ends inside a field, or a field that is of another kind than asked for. What it says names neither
/// the file nor the message: who reads one does.
class ProtoError : public std::runtime_error {
 public:
  ProtoError() : std::runtime_error("it is damaged or cut short") {}
};

/// One field of a message, as it is written.
class ProtoField {
 public:
  std::uint32_t number = 0;

  /// The value of an integer, a bool or an enum. This and the next two throw ProtoError on a field of another kind.
  std::uint64_t integer() const;
  float real() const;
  /// The bytes of a string, of bytes or of a message, as long as the message that they lie in.
  std::string_view bytes() const;

 private:
  friend class ProtoFields;
  std::uint64_t kind_ = 0;
  std::uint64_t value_ = 0;
  std::string_view bytes_;
};

/// The fields of a message in their order, never from past its end. Groups are refused.
class ProtoFields {
 public:
  explicit ProtoFields(std::string_view message) : rest_(message) {}

  /// False at the end. Throws ProtoError.
  bool next(ProtoField& field);

 private:
  std::string_view take(std::uint64_t size);
  std::uint64_t varint();

  std::string_view rest_;
};

}  // namespace dime::detail
