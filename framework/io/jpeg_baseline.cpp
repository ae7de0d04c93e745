// SPDX-License-Identifier: Apache-2.0
#include "io/jpeg_baseline.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

namespace dime::detail {
namespace {

constexpr int kBlock = 8;
constexpr int kLast = 63;

// More than a minimum coded unit can take: six blocks of 64 values of at most 31 bits.
constexpr std::size_t kZeros = 2048;

// The place of each coefficient in the order of a scan.
constexpr std::array<std::uint8_t, 64> make_zigzag() {
  std::array<std::uint8_t, 64> order{};
  int row = 0, column = 0;
  for (std::size_t k = 0; k < order.size(); ++k) {
    order[k] = static_cast<std::uint8_t>(row * kBlock + column);
    const bool up = (row + column) % 2 == 0;
    int& towards = up ? row : column;
    int& away = up ? column : row;
    if (away == kBlock - 1) {
      ++towards;
    } else {
      ++away;
      if (towards > 0) --towards;
    }
  }
  return order;
}

constexpr std::array<std::uint8_t, 64> kZigzag = make_zigzag();

// Reads bits, the uppermost first; beyond the end there are zeros. It is to live in registers: all that takes it is
// inlined.
class Bits {
 public:
  explicit Bits(const std::uint8_t* from) : next_(from) {}

  // At least 56 bits can be taken before the next call.
  [[gnu::always_inline]] void fill() {
    std::uint64_t word = 0;
    std::memcpy(&word, next_, sizeof word);
    if constexpr (std::endian::native == std::endian::little) word = __builtin_bswap64(word);
    bits_ |= word >> count_;
    next_ += (63 - count_) >> 3;
    count_ |= 56;
  }
  [[gnu::always_inline]] HuffmanCode::Entry look_up(const HuffmanCode& code) const { return code.look_up(bits_); }
  [[gnu::always_inline]] void take(int number) {
    bits_ <<= number;
    count_ -= number;
  }
  // Any code after a fill; open where there is none.
  [[gnu::always_inline]] HuffmanCode::Entry next(const HuffmanCode& code) {
    HuffmanCode::Entry entry = code.look_up(bits_);
    if (entry.is_open()) [[unlikely]]
      entry = code.complete(bits_);
    take(entry.length & (HuffmanCode::Entry::kOpen - 1));
    return entry;
  }
  std::size_t taken(const std::uint8_t* from) const {
    return static_cast<std::size_t>(next_ - from) * 8 - static_cast<std::size_t>(count_);
  }

 private:
  const std::uint8_t* next_;
  std::uint64_t bits_ = 0;
  int count_ = 0;
};

struct Stored {
  JpegBlock& block;
  [[gnu::always_inline]] void operator()(int k, std::int16_t value) {
    block[kZigzag[static_cast<std::size_t>(k)]] = value;
  }
};

struct Skipped {
  [[gnu::always_inline]] void operator()(int, std::int16_t) {}
};

// The coefficients after the first: the place of the last that is not zero, or -1 where the bits are wrong.
template <class Take>
[[gnu::always_inline]] inline int read_ac(const HuffmanCode& code, Bits& bits, Take take) {
  int k = 0;
  while (k < kLast) {
    bits.fill();
    const HuffmanCode::Entry entry = bits.next(code);
    k += entry.step;
    if (k > kLast) return entry.step == HuffmanCode::kPastEnd ? k - HuffmanCode::kPastEnd : -1;
    if (entry.is_open()) return -1;
    take(k, entry.value);
  }
  return k;
}

[[gnu::always_inline]] inline bool read_dc(const HuffmanCode& code, Bits& bits, int& predicted) {
  bits.fill();
  const HuffmanCode::Entry entry = bits.next(code);
  if (entry.is_open()) return false;
  predicted += entry.value;
  return predicted >= std::numeric_limits<std::int16_t>::min() && predicted <= std::numeric_limits<std::int16_t>::max();
}

// By stores: a call, or the string instruction that stands for it, takes longer.
[[gnu::always_inline]] inline void clear(JpegBlock& block) {
  using Eight [[gnu::vector_size(16)]] = std::int16_t;
  const Eight zeros{};
  for (std::size_t i = 0; i < block.size(); i += 8) std::memcpy(block.data() + i, &zeros, sizeof zeros);
}

void fill_block(int dc, float scale, std::uint8_t* out, std::size_t stride) {
  const float value = static_cast<float>(dc) * scale + 128.5F;
  const auto pixel = static_cast<std::uint8_t>(std::clamp(value, 0.0F, 255.0F));
  for (std::size_t x = 0; x < kBlock; ++x) std::memset(out + x * stride, pixel, kBlock);
}

// A difference of DC values has at most 15 bits, and no run before it.
bool is_for_dc(const HuffmanSpec& spec) {
  std::size_t count = 0;
  for (const std::uint8_t of_length : spec.counts) count += of_length;
  constexpr std::uint8_t most = 15;
  return count <= spec.symbols.size() &&
         std::all_of(spec.symbols.begin(), spec.symbols.begin() + static_cast<std::ptrdiff_t>(count),
                     [](std::uint8_t symbol) { return symbol <= most; });
}

// Minimum coded units: [first, last) of them hold a region.
struct Units {
  int rows_first, rows_last, columns_first, columns_last, across;

  Units(const JpegScan& scan, const Box& region) {
    const int height = kBlock * scan.rows, width = kBlock * scan.columns;
    rows_first = region.top / height;
    rows_last = (region.top + region.height + height - 1) / height;
    columns_first = region.left / width;
    columns_last = (region.left + region.width + width - 1) / width;
    across = (scan.width + width - 1) / width;
  }
  Box box(int rows, int columns) const {
    return {rows_first * kBlock * rows, columns_first * kBlock * columns, (rows_last - rows_first) * kBlock * rows,
            (columns_last - columns_first) * kBlock * columns};
  }
};

}  // namespace

bool JpegBaseline::prepare(const JpegScan& scan) {
  for (std::size_t c = 0; c < components_.size(); ++c) {
    const JpegScan::Component& from = scan.components[c];
    if (!is_for_dc(from.dc) || !components_[c].dc.set(from.dc) || !components_[c].ac.set(from.ac)) return false;
    components_[c].scales = jpeg_scales(from.quantisation);
    components_[c].predicted = 0;
  }
  unstuff(scan.data);
  return true;
}

// A marker ends the bits, whatever it is.
void JpegBaseline::unstuff(std::span<const std::uint8_t> data) {
  bits_.resize(std::max(bits_.size(), data.size() + kZeros));
  bytes_ = 0;
  while (!data.empty()) {
    const void* found = std::memchr(data.data(), 0xFF, data.size());
    const std::size_t plain = found == nullptr
                                  ? data.size()
                                  : static_cast<std::size_t>(static_cast<const std::uint8_t*>(found) - data.data());
    const bool is_stuffed = plain + 1 < data.size() && data[plain + 1] == 0;
    const std::size_t size = plain + (is_stuffed ? 1 : 0);
    std::memcpy(bits_.data() + bytes_, data.data(), size);
    bytes_ += size;
    if (!is_stuffed) break;
    data = data.subspan(plain + 2);
  }
  std::memset(bits_.data() + bytes_, 0, kZeros);
}

bool JpegBaseline::read(const JpegScan& scan, const Box& region, PlanarImage& out) {
  if (!prepare(scan)) return false;
  const Units units(scan, region);
  out.rows = scan.rows;
  out.columns = scan.columns;
  for (std::size_t c = 0; c < components_.size(); ++c) {
    components_[c].plane = &out.planes[c];
    out.planes[c].shape(c == 0 ? units.box(scan.rows, scan.columns) : units.box(1, 1));
  }
  const JpegIdct transform = jpeg_idct();
  Bits bits(bits_.data());
  JpegBlock block;
  const auto read_block = [&](Component & c, bool is_needed, int y, int x) __attribute__((always_inline)) {
    if (!read_dc(c.dc, bits, c.predicted)) return false;
    if (!is_needed) return read_ac(c.ac, bits, Skipped{}) >= 0;
    clear(block);
    const int last = read_ac(c.ac, bits, Stored{block});
    std::uint8_t* pixels = c.plane->at(y * kBlock, x * kBlock);
    if (last == 0) {
      fill_block(c.predicted, c.scales[0], pixels, c.plane->columns.stride());
    } else if (last > 0) {
      block[0] = static_cast<std::int16_t>(c.predicted);
      transform(block, c.scales, pixels, c.plane->columns.stride());
    }
    return last >= 0;
  };
  const auto read_unit = [&](int y, int x) __attribute__((always_inline)) {
    const bool is_needed = y >= units.rows_first && x >= units.columns_first && x < units.columns_last;
    for (int i = 0; i < scan.rows * scan.columns; ++i) {
      const int row = y * scan.rows + i / scan.columns, column = x * scan.columns + i % scan.columns;
      if (!read_block(components_[0], is_needed, row, column)) return false;
    }
    return read_block(components_[1], is_needed, y, x) && read_block(components_[2], is_needed, y, x) &&
           bits.taken(bits_.data()) <= bytes_ * 8;
  };
  for (int y = 0; y < units.rows_last; ++y) {
    for (int x = 0; x < units.across; ++x) {
      if (!read_unit(y, x)) return false;
    }
  }
  return true;
}

}  // namespace dime::detail
