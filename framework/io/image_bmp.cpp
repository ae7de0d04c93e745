// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <bit>

#include "io/byte_reader.hpp"
#include "io/image_detail.hpp"

namespace dime::detail {
namespace {

constexpr std::size_t file_header = 14;
constexpr std::uint32_t core_header = 12;
enum Compression : std::uint32_t { none = 0, rle8 = 1, rle4 = 2, bitfields = 3 };

struct Header {
  std::uint32_t size = 0;
  std::int64_t width = 0;
  std::int64_t height = 0;
  bool top_down = false;
  std::uint32_t bits = 0;
  std::uint32_t compression = none;
  std::size_t colours = 0;
  std::size_t pixels_at = 0;

  std::size_t end() const { return file_header + size; }
  std::size_t colour_bytes() const { return size == core_header ? 3 : 4; }
  bool runs() const { return compression == rle8 || compression == rle4; }
};

void check_kind(const Header& header, const ByteReader& bytes) {
  const auto is_one_of = [](std::uint32_t n, std::initializer_list<std::uint32_t> known) {
    return std::find(known.begin(), known.end(), n) != known.end();
  };
  if (!is_one_of(header.bits, {1, 4, 8, 16, 24, 32})) {
    bytes.refuse("pixels of " + std::to_string(header.bits) + " bits, not 1, 4, 8, 16, 24 or 32");
  }
  if (header.compression > bitfields) {
    bytes.refuse("compression " + std::to_string(header.compression) +
                 ", not 0 (none), 1 (RLE8), 2 (RLE4) or 3 (masks)");
  }
  const bool fits = header.compression == none || (header.compression == rle8 && header.bits == 8) ||
                    (header.compression == rle4 && header.bits == 4) ||
                    (header.compression == bitfields && header.bits >= 16);
  if (!fits) {
    bytes.refuse("compression " + std::to_string(header.compression) + " of pixels of " + std::to_string(header.bits) +
                 " bits");
  }
}

Header read_size(const ByteReader& bytes) {
  Header header;
  header.size = bytes.little(file_header, 4);
  if (header.size == core_header) {
    header.width = bytes.little(18, 2);
    header.height = bytes.little(20, 2);
    return header;
  }
  constexpr std::array<std::uint32_t, 6> known{40, 52, 56, 64, 108, 124};
  if (std::find(known.begin(), known.end(), header.size) == known.end()) {
    bytes.refuse("a header of " + std::to_string(header.size) + " bytes, which no version has");
  }
  header.width = static_cast<std::int32_t>(bytes.little(18, 4));
  header.height = static_cast<std::int32_t>(bytes.little(22, 4));
  header.top_down = header.height < 0;
  if (header.top_down) header.height = -header.height;
  return header;
}

void read_rest(Header& header, const ByteReader& bytes) {
  bytes.part(file_header, header.size);
  header.pixels_at = bytes.little(10, 4);
  header.bits = bytes.little(header.size == core_header ? 24 : 28, 2);
  if (header.size != core_header) {
    header.compression = bytes.little(30, 4);
    header.colours = bytes.little(46, 4);
  }
  check_kind(header, bytes);
  if (header.bits > 8) {
    const bool masks_follow = header.compression == bitfields && header.size == 40;
    if (header.pixels_at == 0) header.pixels_at = header.end() + (masks_follow ? 12 : 0);
  } else {
    if (header.colours == 0) header.colours = std::size_t{1} << header.bits;
    if (header.colours > 65536) bytes.refuse("a palette of " + std::to_string(header.colours) + " colours");
    // Some writers forget the palette when they say where the pixels begin.
    const bool forgotten = header.pixels_at == 0 || header.pixels_at == header.end();
    if (forgotten) header.pixels_at = header.end() + header.colours * header.colour_bytes();
  }
  if (header.pixels_at < header.end()) bytes.refuse("its pixels begin inside its header");
}

Palette read_palette(const Header& header, const ByteReader& bytes) {
  const std::size_t step = header.colour_bytes();
  const std::size_t there = (bytes.size() - header.end()) / step;
  const std::size_t count = std::min({header.colours, there, std::size_t{256}});
  Palette palette{};
  for (std::size_t i = 0; i < count; ++i) {
    const auto bgr = bytes.part(header.end() + i * step, 3);
    palette[i] = {bgr[2], bgr[1], bgr[0]};
  }
  if (header.colours > 2) complete_grey(palette, count);
  return palette;
}

/// One colour's bits of a pixel.
struct Channel {
  int shift = 0;
  std::uint64_t largest = 255;

  std::uint8_t of(std::uint32_t pixel) const {
    const std::uint64_t value = pixel >> shift & largest;
    return static_cast<std::uint8_t>(largest == 255 ? value : value * 255 / largest);
  }
};

std::array<Channel, 3> channels_of(const Header& header, const ByteReader& bytes) {
  std::array<std::uint32_t, 3> masks{0xFF0000, 0xFF00, 0xFF};
  if (header.bits == 16) masks = {0x7C00, 0x3E0, 0x1F};
  if (header.compression == bitfields) {
    std::array<std::uint32_t, 3> stated{};
    for (std::size_t c = 0; c < 3; ++c) stated[c] = bytes.little(file_header + 40 + 4 * c, 4);
    const bool all_empty = stated == std::array<std::uint32_t, 3>{};
    if (!all_empty || header.bits != 32) masks = stated;
  }
  std::array<Channel, 3> channels{};
  std::uint32_t taken = 0;
  for (std::size_t c = 0; c < 3; ++c) {
    const std::uint32_t mask = masks[c];
    const std::uint64_t largest = mask == 0 ? 0 : mask >> std::countr_zero(mask);
    const bool whole = mask != 0 && (largest & (largest + 1)) == 0;
    if (!whole || (mask & taken) != 0 || (header.bits < 32 && mask >> header.bits != 0)) {
      bytes.refuse("colour masks that are empty, broken or overlap");
    }
    taken |= mask;
    channels[c] = {std::countr_zero(mask), largest};
  }
  return channels;
}

/// The pixels' palette indexes, run by run, in the file's order of rows.
class Runs {
 public:
  Runs(const Header& header, const ByteReader& bytes)
      : header_(header),
        bytes_(bytes),
        at_(header.pixels_at),
        width_(static_cast<std::size_t>(header.width)),
        height_(static_cast<std::size_t>(header.height)),
        indexes_(width_ * height_) {}

  std::vector<std::uint8_t> read() {
    while (y_ < height_ && !(y_ + 1 == height_ && x_ == width_)) {
      const std::size_t count = take();
      const std::size_t value = take();
      if (count > 0) {
        repeat(count, value);
      } else if (value > 2) {
        copy(value);
      } else if (!control(value)) {
        bytes_.refuse("its runs end before its last row");
      }
    }
    return std::move(indexes_);
  }

 private:
  std::size_t take() { return bytes_.little(at_++, 1); }
  void put(std::size_t index) { indexes_[y_ * width_ + x_++] = static_cast<std::uint8_t>(index); }

  // What a run has beyond its row is dropped: writers round the last run of a row up.
  void repeat(std::size_t count, std::size_t value) {
    count = std::min(count, width_ - x_);
    for (std::size_t i = 0; i < count; ++i) put(header_.bits == 8 ? value : i % 2 == 0 ? value >> 4 : value & 15);
  }

  void copy(std::size_t count) {
    if (count > width_ - x_) bytes_.refuse("a run leaves its row");
    const std::size_t stored = (count * header_.bits + 7) / 8;
    const auto from = bytes_.part(at_, stored);
    for (std::size_t i = 0; i < count; ++i) {
      put(header_.bits == 8 ? from[i] : i % 2 == 0 ? from[i / 2] >> 4 : from[i / 2] & 15);
    }
    at_ += stored + stored % 2;
  }

  bool control(std::size_t code) {
    if (code == 1) return false;
    if (code == 0) {
      x_ = 0;
      ++y_;
      return true;
    }
    x_ += take();
    y_ += take();
    if (x_ > width_ || y_ >= height_) bytes_.refuse("a jump leaves the picture");
    return true;
  }

  const Header& header_;
  const ByteReader& bytes_;
  std::size_t at_;
  std::size_t width_;
  std::size_t height_;
  std::size_t x_ = 0;
  std::size_t y_ = 0;
  std::vector<std::uint8_t> indexes_;
};

void indexed_row(const std::uint8_t* row, const Header& header, const Palette& palette, std::uint8_t* rgb) {
  const std::size_t bits = header.runs() ? 8 : header.bits;
  const std::uint32_t mask = (1U << bits) - 1;
  for (std::size_t x = 0; x < static_cast<std::size_t>(header.width); ++x) {
    const std::size_t bit = x * bits;
    const auto& colour = palette[row[bit / 8] >> (8 - bits - bit % 8) & mask];
    std::copy(colour.begin(), colour.end(), rgb + 3 * x);
  }
}

void masked_row(const std::uint8_t* row, const Header& header, const std::array<Channel, 3>& channels,
                std::uint8_t* rgb) {
  const std::size_t step = header.bits / 8;
  for (std::size_t x = 0; x < static_cast<std::size_t>(header.width); ++x) {
    std::uint32_t pixel = 0;
    for (std::size_t i = step; i-- > 0;) pixel = pixel << 8 | row[x * step + i];
    for (std::size_t c = 0; c < 3; ++c) rgb[3 * x + c] = channels[c].of(pixel);
  }
}

}  // namespace

ImageInfo bmp_info(std::span<const std::uint8_t> encoded) {
  const Header header = read_size(ByteReader(encoded, "BMP"));
  return {"BMP", header.height, header.width};
}

void decode_bmp(std::span<const std::uint8_t> encoded, Image& out, const ImageLimits& limits) {
  const ByteReader bytes(encoded, "BMP");
  Header header = read_size(bytes);
  check_size("BMP image", header.height, header.width, limits);
  read_rest(header, bytes);
  const auto width = static_cast<std::size_t>(header.width);
  const auto height = static_cast<std::size_t>(header.height);
  const Palette palette = header.bits <= 8 ? read_palette(header, bytes) : Palette{};
  const auto channels = header.bits > 8 ? channels_of(header, bytes) : std::array<Channel, 3>{};

  std::vector<std::uint8_t> indexes;
  std::span<const std::uint8_t> rows;
  std::size_t stride = width;
  if (header.runs()) {
    indexes = Runs(header, bytes).read();
    rows = indexes;
  } else {
    stride = (width * header.bits + 31) / 32 * 4;
    // Nothing is lost where the last row's padding is missing.
    rows = bytes.part(header.pixels_at, stride * (height - 1) + (width * header.bits + 7) / 8);
  }
  set_size(out, header.height, header.width);
  for (std::size_t y = 0; y < height; ++y) {
    const std::uint8_t* row = rows.data() + stride * (header.top_down ? y : height - 1 - y);
    std::uint8_t* rgb = out.rgb.data() + 3 * width * y;
    if (header.bits <= 8) {
      indexed_row(row, header, palette, rgb);
    } else {
      masked_row(row, header, channels, rgb);
    }
  }
}

}  // namespace dime::detail
