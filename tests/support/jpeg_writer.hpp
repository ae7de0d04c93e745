// SPDX-License-Identifier: Apache-2.0
// JPEG files of every kind that libjpeg writes.
#pragma once

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include <dime/random.hpp>

#include <jpeglib.h>

#include "io/image_detail.hpp"

namespace dime::test {

/// What a file is to be.
struct JpegKind {
  std::string name;
  J_COLOR_SPACE stored = JCS_YCbCr;
  std::vector<std::pair<int, int>> sampling{};  ///< of each component: across, down; empty: all 1
  bool progressive = false;
  bool arithmetic = false;
  int restart = 0;                      ///< blocks between restart markers; 0: none
  std::vector<jpeg_scan_info> scans{};  ///< over `progressive`; they need not complete the image
};

namespace detail {

struct JpegErrors {
  jpeg_error_mgr base;
  dime::detail::Landing landing;
};

[[noreturn]] inline void jpeg_failed(j_common_ptr codec) {
  auto& landing = reinterpret_cast<JpegErrors*>(codec->err)->landing;
  char text[JMSG_LENGTH_MAX];
  codec->err->format_message(codec, text);
  std::snprintf(landing.message, sizeof landing.message, "%s", text);
  std::longjmp(landing.jump, 1);
}

inline J_COLOR_SPACE given_colours(J_COLOR_SPACE stored) {
  if (stored == JCS_YCbCr) return JCS_RGB;
  return stored == JCS_YCCK ? JCS_CMYK : stored;
}

inline void set_kind(jpeg_compress_struct& codec, const JpegKind& kind) {
  jpeg_set_defaults(&codec);
  jpeg_set_colorspace(&codec, kind.stored);
  jpeg_set_quality(&codec, 85, TRUE);
  for (int c = 0; c < codec.num_components; ++c) {
    const auto i = static_cast<std::size_t>(c);
    const auto [across, down] = i < kind.sampling.size() ? kind.sampling[i] : std::pair{1, 1};
    codec.comp_info[c].h_samp_factor = across;
    codec.comp_info[c].v_samp_factor = down;
  }
  if (kind.progressive) jpeg_simple_progression(&codec);
  if (!kind.scans.empty()) {
    codec.scan_info = kind.scans.data();
    codec.num_scans = static_cast<int>(kind.scans.size());
  }
  codec.arith_code = kind.arithmetic ? TRUE : FALSE;
  codec.restart_interval = static_cast<unsigned>(kind.restart);
}

}  // namespace detail

/// A picture of smooth waves and noise, as a JPEG. Empty, and `reason` says why, where this libjpeg does not write the
/// kind.
inline std::vector<std::uint8_t> encode_jpeg(const JpegKind& kind, int height, int width, std::string& reason) {
  jpeg_compress_struct codec{};
  detail::JpegErrors errors{};
  unsigned char* memory = nullptr;
  unsigned long size = 0;
  CounterRandom random(random_key({static_cast<std::uint64_t>(height), static_cast<std::uint64_t>(width)}));
  std::vector<std::uint8_t> row;
  codec.err = jpeg_std_error(&errors.base);
  errors.base.error_exit = detail::jpeg_failed;
  const bool done = dime::detail::guarded(errors.landing, [&] {
    jpeg_create_compress(&codec);
    jpeg_mem_dest(&codec, &memory, &size);
    codec.image_height = static_cast<JDIMENSION>(height);
    codec.image_width = static_cast<JDIMENSION>(width);
    codec.in_color_space = detail::given_colours(kind.stored);
    codec.input_components = kind.stored == JCS_GRAYSCALE ? 1 : codec.in_color_space == JCS_RGB ? 3 : 4;
    detail::set_kind(codec, kind);
    jpeg_start_compress(&codec, TRUE);
    row.resize(static_cast<std::size_t>(width * codec.input_components));
    while (codec.next_scanline < codec.image_height) {
      for (std::size_t i = 0; i < row.size(); ++i) {
        const std::size_t wave = 3 * i + 2 * codec.next_scanline;
        row[i] = static_cast<std::uint8_t>((wave % 256 + random.below(64)) % 256);
      }
      JSAMPROW line = row.data();
      jpeg_write_scanlines(&codec, &line, 1);
    }
    jpeg_finish_compress(&codec);
  });
  std::vector<std::uint8_t> bytes;
  if (done) bytes.assign(memory, memory + size);
  reason = errors.landing.message;
  jpeg_destroy_compress(&codec);
  std::free(memory);
  return bytes;
}

/// As above; a failure of the test where the kind is not written.
inline std::vector<std::uint8_t> encode_jpeg(const JpegKind& kind, int height, int width) {
  std::string reason;
  auto bytes = encode_jpeg(kind, height, width, reason);
  EXPECT_FALSE(bytes.empty()) << kind.name << ": " << reason;
  return bytes;
}

}  // namespace dime::test
