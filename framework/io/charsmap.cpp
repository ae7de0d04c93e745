// SPDX-License-Identifier: Apache-2.0
#include "io/charsmap.hpp"

#include <bit>
#include <cstring>

#include <dime/error.hpp>

namespace dime::detail {
namespace {

static_assert(std::endian::native == std::endian::little, "the units are little endian");

[[noreturn]] void refuse() { throw DataError("its table of normalisation is damaged"); }

}  // namespace

CharsMap::CharsMap(std::string_view table) {
  if (table.empty()) return;
  std::uint32_t size = 0;
  if (table.size() < sizeof size) refuse();
  std::memcpy(&size, table.data(), sizeof size);
  table.remove_prefix(sizeof size);
  if (size < sizeof size || size >= table.size() || table.back() != '\0') refuse();
  units_.resize(size / sizeof size);
  std::memcpy(units_.data(), table.data(), units_.size() * sizeof size);
  strings_ = table.substr(size);
  check();
}

std::size_t CharsMap::base_of(std::size_t unit) const {
  const std::uint32_t bits = units_[unit];
  return unit ^ (static_cast<std::size_t>(bits >> 10) << (bits >> 6 & 8));
}

std::size_t CharsMap::child(std::size_t unit, std::uint8_t byte) const {
  const std::size_t at = base_of(unit) ^ byte;
  return (units_[at] & 0x800000FF) == byte ? at : 0;
}

void CharsMap::check_unit(std::size_t unit) const {
  // The children of a node lie within 256 units.
  if ((base_of(unit) | 0xFF) >= units_.size()) refuse();
  if (has_value(unit) && value_of(unit) >= strings_.size()) refuse();
}

void CharsMap::check() const {
  std::vector<bool> seen(units_.size());
  std::vector<std::size_t> open{0};
  seen[0] = true;
  while (!open.empty()) {
    const std::size_t unit = open.back();
    open.pop_back();
    check_unit(unit);
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const std::size_t next = child(unit, static_cast<std::uint8_t>(byte));
      if (seen[next]) continue;
      seen[next] = true;
      open.push_back(next);
    }
  }
}

CharsMap::Match CharsMap::longest(std::string_view text) const {
  Match best;
  if (units_.empty()) return best;
  std::size_t unit = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unit = child(unit, static_cast<std::uint8_t>(text[i]));
    if (unit == 0) break;
    if (has_value(unit)) best = {i + 1, std::string_view(strings_.c_str() + value_of(unit))};
  }
  return best;
}

}  // namespace dime::detail
