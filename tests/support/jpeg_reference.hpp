// SPDX-License-Identifier: Apache-2.0
// Blocks of a JPEG from the coefficients that libjpeg reads and the plain cosine formula in double precision.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <numbers>
#include <span>

#include <jpeglib.h>

#include "io/image_detail.hpp"

namespace dime::test {

/// The pixels of a block, not rounded and not cut, and the sum of what they are made of.
struct ReferenceBlock {
  std::array<double, 64> pixels{};
  double magnitude = 0;

  /// Whether a byte is the pixel i as float32 arithmetic finds it.
  bool agrees(std::size_t i, std::uint8_t byte) const {
    return std::abs(byte - std::clamp(pixels[i], 0.0, 255.0)) <= 0.501 + 1e-6 * magnitude;
  }
};

/// The inverse transform of coefficients times steps, row by row.
template <class Coefficients, class Steps>
ReferenceBlock reference_block(const Coefficients& coefficients, const Steps& steps) {
  static const auto cosines = [] {
    std::array<std::array<double, 8>, 8> table{};
    for (std::size_t x = 0; x < 8; ++x) {
      for (std::size_t u = 0; u < 8; ++u) {
        const double angle = static_cast<double>((2 * x + 1) * u) * std::numbers::pi / 16;
        table[x][u] = (u == 0 ? std::sqrt(0.125) : 0.5) * std::cos(angle);
      }
    }
    return table;
  }();
  ReferenceBlock block;
  std::array<double, 64> half{};
  for (std::size_t i = 0; i < 64; ++i) {
    const double value = static_cast<double>(coefficients[i]) * static_cast<double>(steps[i]);
    if (value == 0) continue;
    block.magnitude += std::abs(value);
    for (std::size_t x = 0; x < 8; ++x) half[i / 8 * 8 + x] += value * cosines[x][i % 8];
  }
  for (std::size_t i = 0; i < 64; ++i) {
    block.pixels[i] = 128;
    for (std::size_t v = 0; v < 8; ++v) block.pixels[i] += half[v * 8 + i % 8] * cosines[i / 8][v];
  }
  return block;
}

/// The coefficients of a file's only scan. Damage within it goes unnoticed: ask decode_image.
class JpegReference {
 public:
  explicit JpegReference(std::span<const std::uint8_t> bytes) {
    codec_.err = jpeg_std_error(&errors_.base);
    errors_.base.error_exit = [](j_common_ptr codec) {
      std::longjmp(reinterpret_cast<Errors*>(codec->err)->landing.jump, 1);
    };
    errors_.base.emit_message = [](j_common_ptr, int) {};
    is_good_ = detail::guarded(errors_.landing, [&] {
      jpeg_create_decompress(&codec_);
      jpeg_mem_src(&codec_, bytes.data(), static_cast<unsigned long>(bytes.size()));
      jpeg_read_header(&codec_, TRUE);
      arrays_ = jpeg_read_coefficients(&codec_);
    });
    is_good_ = is_good_ && arrays_ != nullptr && codec_.input_scan_number == 1;
  }
  ~JpegReference() { jpeg_destroy_decompress(&codec_); }
  JpegReference(const JpegReference&) = delete;
  JpegReference& operator=(const JpegReference&) = delete;

  /// Whether there is one scan, and it was read.
  bool is_good() const { return is_good_; }

  /// The block of component c that begins at (8 * row, 8 * column).
  ReferenceBlock block(std::size_t c, int row, int column) {
    const jpeg_component_info& info = codec_.comp_info[c];
    const JBLOCKARRAY rows = codec_.mem->access_virt_barray(reinterpret_cast<j_common_ptr>(&codec_), arrays_[c],
                                                            static_cast<JDIMENSION>(row), 1, FALSE);
    return reference_block(rows[0][column], info.quant_table->quantval);
  }

 private:
  struct Errors {
    jpeg_error_mgr base{};  // first: libjpeg hands back a pointer to it
    detail::Landing landing;
  };

  jpeg_decompress_struct codec_{};
  Errors errors_;
  jvirt_barray_ptr* arrays_ = nullptr;
  bool is_good_ = false;
};

}  // namespace dime::test
