// SPDX-License-Identifier: Apache-2.0
#include <array>

#include <dime/base64.hpp>
#include <dime/error.hpp>

#include "io/base64_kernels.hpp"

namespace dime {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint32_t kForeign = 1u << 24;  // above the 24 bits that four characters carry

using Table = std::array<std::uint32_t, 256>;

// One table for each place in a group of four, so that a group is four look-ups and three ors.
constexpr Table make_table(int shift) {
  Table table{};
  table.fill(kForeign);
  for (std::uint32_t i = 0; i < 64; ++i) table[static_cast<unsigned char>(kAlphabet[i])] = i << shift;
  return table;
}

constexpr std::array<Table, 4> kTables = {make_table(18), make_table(12), make_table(6), make_table(0)};

std::string printed(unsigned char c) {
  if (c >= 0x20 && c < 0x7f) return {'\'', static_cast<char>(c), '\''};
  constexpr std::string_view hex = "0123456789abcdef";
  return {'0', 'x', hex[c >> 4], hex[c & 15]};
}

[[noreturn]] void throw_foreign(std::string_view text, std::size_t from) {
  while (kTables[3][static_cast<unsigned char>(text[from])] != kForeign) ++from;
  throw DataError("byte " + std::to_string(from) +
                  " is not base64: " + printed(static_cast<unsigned char>(text[from])));
}

std::size_t padding(std::string_view text) {
  if (text.empty() || text.back() != '=') return 0;
  return text[text.size() - 2] == '=' ? 2 : 1;
}

std::uint32_t group(const unsigned char* in) {
  return kTables[0][in[0]] | kTables[1][in[1]] | kTables[2][in[2]] | kTables[3][in[3]];
}

// The last group holds the padding; its other characters are decoded as if it were 'A's.
void decode_padded(std::string_view text, std::size_t pad, std::uint8_t* out) {
  const auto* last = reinterpret_cast<const unsigned char*>(text.data()) + text.size() - 4;
  const std::array<unsigned char, 4> in = {last[0], last[1], pad == 2 ? static_cast<unsigned char>('A') : last[2], 'A'};
  const std::uint32_t bits = group(in.data());
  if (bits & kForeign) throw_foreign(text, text.size() - 4);
  out[0] = static_cast<std::uint8_t>(bits >> 16);
  if (pad == 1) out[1] = static_cast<std::uint8_t>(bits >> 8);
}

}  // namespace

std::size_t base64_decoded_size(std::string_view text) {
  if (text.size() % 4 != 0) {
    throw DataError("not base64: " + std::to_string(text.size()) +
                    " characters are no multiple of 4 (cut short, or without padding)");
  }
  return text.size() / 4 * 3 - padding(text);
}

void base64_decode(std::string_view text, std::uint8_t* out) {
  base64_decoded_size(text);
  const std::size_t pad = padding(text);
  const auto* in = reinterpret_cast<const unsigned char*>(text.data());
  const std::size_t whole = text.size() / 4 - (pad != 0 ? 1 : 0);
  const detail::Base64Kernel kernel = detail::base64_kernel();
  const std::size_t done = kernel != nullptr ? kernel(in, whole, out) : 0;
  in += 4 * done;
  out += 3 * done;
  for (std::size_t i = done; i < whole; ++i, in += 4, out += 3) {
    const std::uint32_t bits = group(in);
    if (bits & kForeign) throw_foreign(text, 4 * i);
    out[0] = static_cast<std::uint8_t>(bits >> 16);
    out[1] = static_cast<std::uint8_t>(bits >> 8);
    out[2] = static_cast<std::uint8_t>(bits);
  }
  if (pad != 0) decode_padded(text, pad, out);
}

std::size_t base64_decode(std::string_view text, std::vector<std::uint8_t>& out) {
  out.resize(base64_decoded_size(text));
  base64_decode(text, out.data());
  return out.size();
}

void base64_encode(std::span<const std::uint8_t> bytes, std::string& out) {
  out.reserve(out.size() + (bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t left = bytes.size() - i;
    std::uint32_t bits = static_cast<std::uint32_t>(bytes[i]) << 16;
    if (left > 1) bits |= static_cast<std::uint32_t>(bytes[i + 1]) << 8;
    if (left > 2) bits |= bytes[i + 2];
    out.push_back(kAlphabet[bits >> 18]);
    out.push_back(kAlphabet[bits >> 12 & 63]);
    out.push_back(left > 1 ? kAlphabet[bits >> 6 & 63] : '=');
    out.push_back(left > 2 ? kAlphabet[bits & 63] : '=');
  }
}

}  // namespace dime
