// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <bit>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include <dime/error.hpp>
#include <dime/npy.hpp>
#include <dime/printable.hpp>

#include "io/byte_reader.hpp"

namespace dime {
namespace {

static_assert(std::endian::native == std::endian::little, "stored vectors are little endian");

struct Header {
  std::optional<std::string> descr;
  std::optional<std::string> order;
  std::optional<std::vector<std::uint64_t>> shape;
};

// The dictionary that NumPy writes: one of Python, with three keys.
class HeaderReader {
 public:
  explicit HeaderReader(std::string_view text) : text_(text) {}

  Header read() {
    Header header;
    expect('{');
    while (!take('}')) {
      const std::string key = string();
      expect(':');
      if (key == "descr" && !header.descr) {
        header.descr = descr();
      } else if (key == "fortran_order" && !header.order) {
        header.order = word();
      } else if (key == "shape" && !header.shape) {
        header.shape = tuple();
      } else {
        refuse();
      }
      if (take('}')) break;
      expect(',');
    }
    space();
    const bool whole = header.descr && header.shape && (header.order == "False" || header.order == "True");
    if (!text_.empty() || !whole) refuse();
    return header;
  }

 private:
  [[noreturn]] static void refuse() { throw RowError("the .npy file's header is none that NumPy writes"); }

  void space() { text_.remove_prefix(std::min(text_.find_first_not_of(" \n"), text_.size())); }

  bool take(char c) {
    space();
    if (!text_.starts_with(c)) return false;
    text_.remove_prefix(1);
    return true;
  }

  void expect(char c) {
    if (!take(c)) refuse();
  }

  std::string_view until(std::size_t end) {
    if (end == std::string_view::npos) refuse();
    const std::string_view part = text_.substr(0, end);
    text_.remove_prefix(end);
    return part;
  }

  std::string string() {
    expect('\'');
    const std::string text(until(text_.find('\'')));
    expect('\'');
    return text;
  }

  // A list of fields stands for a structure.
  std::string descr() {
    space();
    if (text_.starts_with('\'')) return string();
    if (!text_.starts_with('[')) refuse();
    throw RowError("the .npy file holds structures, not float32 (<f4) or float16 (<f2)");
  }

  std::string word() {
    space();
    return std::string(until(text_.find_first_of(",} ")));
  }

  std::uint64_t number() {
    space();
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), value);
    if (error != std::errc{}) refuse();
    text_.remove_prefix(static_cast<std::size_t>(end - text_.data()));
    return value;
  }

  std::vector<std::uint64_t> tuple() {
    expect('(');
    std::vector<std::uint64_t> numbers;
    while (!take(')')) {
      numbers.push_back(number());
      if (take(')')) break;
      expect(',');
    }
    return numbers;
  }

  std::string_view text_;
};

// Where the header begins, and its bytes.
std::span<const std::uint8_t> header_part(const detail::ByteReader& reader) {
  constexpr std::size_t magic_size = 6, short_at = 10, long_at = 12;
  if (!reader.holds(0, "\x93NUMPY")) throw RowError("the file is no .npy file");
  const std::uint32_t major = reader.little(magic_size, 1), minor = reader.little(magic_size + 1, 1);
  if (major < 1 || major > 3 || minor != 0) {
    throw RowError("the .npy file is of version " + std::to_string(major) + "." + std::to_string(minor) +
                   ", not 1.0, 2.0 or 3.0");
  }
  if (major == 1) return reader.part(short_at, reader.little(magic_size + 2, 2));
  return reader.part(long_at, reader.little(magic_size + 2, 4));
}

std::uint64_t width_of(const std::vector<std::uint64_t>& shape) {
  if (shape.size() == 1) return shape[0];
  if (shape.size() == 2 && shape[0] == 1) return shape[1];
  std::string text;
  for (const std::uint64_t size : shape) text += (text.empty() ? "" : ", ") + std::to_string(size);
  if (shape.size() == 1) text += ",";
  throw RowError("the .npy file's shape is (" + text + "), not (d,) or (1, d)");
}

float half_to_float(std::uint16_t half) {
  constexpr std::uint32_t exponent_mask = 0x1f, mantissa_mask = 0x3ff;
  const std::uint32_t sign = static_cast<std::uint32_t>(half >> 15) << 31;
  const std::uint32_t exponent = half >> 10 & exponent_mask, mantissa = half & mantissa_mask;
  if (exponent == 0) {
    // Below the normal numbers: the mantissa counts steps of 2^-24.
    const float value = static_cast<float>(mantissa) * 0x1p-24F;
    return sign != 0 ? -value : value;
  }
  const std::uint32_t wide = exponent == exponent_mask ? 255 : exponent + 112;
  return std::bit_cast<float>(sign | wide << 23 | mantissa << 13);
}

}  // namespace

std::vector<float> read_npy_vector(std::span<const std::uint8_t> bytes) {
  const detail::ByteReader reader(bytes, ".npy file");
  const auto part = header_part(reader);
  const Header header = HeaderReader({reinterpret_cast<const char*>(part.data()), part.size()}).read();
  if (*header.descr != "<f4" && *header.descr != "<f2") {
    throw RowError("the .npy file holds \"" + printable(*header.descr, longest_shown) +
                   "\", not float32 (<f4) or float16 (<f2)");
  }
  const std::uint64_t width = width_of(*header.shape), item = *header.descr == "<f4" ? 4 : 2;
  const auto data = bytes.subspan(static_cast<std::size_t>(part.data() - bytes.data()) + part.size());
  if (data.size() % item != 0 || data.size() / item != width) {
    throw RowError("the .npy file holds " + std::to_string(data.size()) + " bytes for " + std::to_string(width) +
                   " numbers of " + std::to_string(item) + " bytes");
  }
  std::vector<float> vector(static_cast<std::size_t>(width));
  if (item == sizeof(float)) {
    if (!data.empty()) std::memcpy(vector.data(), data.data(), data.size());
    return vector;
  }
  for (std::size_t i = 0; i < vector.size(); ++i) {
    vector[i] = half_to_float(static_cast<std::uint16_t>(data[2 * i] | data[2 * i + 1] << 8));
  }
  return vector;
}

}  // namespace dime
