// SPDX-License-Identifier: Apache-2.0
// JPEG files of every form that libjpeg writes, and what it reads of them.
#pragma once

#include <array>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <vector>

#include <jpeglib.h>

#include "io/image.hpp"

namespace dime::test {

/// How a file is written; the samplings are those of the first component and of the others.
struct JpegForm {
  int quality = 75;
  int rows = 1;
  int columns = 1;
  int other_rows = 1;
  int other_columns = 1;
  J_COLOR_SPACE colours = JCS_YCbCr;
  bool is_optimised = false;
  bool is_progressive = false;
  bool is_arithmetic = false;
  unsigned restart_interval = 0;
};

/// Sets what is written from `form`; the size and the input's colours are set.
inline void apply_form(jpeg_compress_struct& codec, const JpegForm& form) {
  jpeg_set_defaults(&codec);
  jpeg_set_colorspace(&codec, form.colours);
  jpeg_set_quality(&codec, form.quality, TRUE);
  for (int c = 0; c < codec.num_components; ++c) {
    codec.comp_info[c].v_samp_factor = c == 0 ? form.rows : form.other_rows;
    codec.comp_info[c].h_samp_factor = c == 0 ? form.columns : form.other_columns;
  }
  codec.optimize_coding = form.is_optimised ? TRUE : FALSE;
  codec.arith_code = form.is_arithmetic ? TRUE : FALSE;
  codec.restart_interval = form.restart_interval;
  if (form.is_progressive) jpeg_simple_progression(&codec);
}

/// `image` as a JPEG; as CMYK and YCCK its black is 200 everywhere.
inline std::vector<std::uint8_t> encode_jpeg(const Image& image, const JpegForm& form = {}) {
  const bool has_black = form.colours == JCS_CMYK || form.colours == JCS_YCCK;
  const std::size_t channels = has_black ? 4 : 3, width = static_cast<std::size_t>(image.width);
  jpeg_compress_struct codec{};
  jpeg_error_mgr errors{};
  codec.err = jpeg_std_error(&errors);
  jpeg_create_compress(&codec);
  unsigned char* written = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&codec, &written, &size);
  codec.image_height = static_cast<JDIMENSION>(image.height);
  codec.image_width = static_cast<JDIMENSION>(image.width);
  codec.input_components = static_cast<int>(channels);
  codec.in_color_space = has_black ? JCS_CMYK : JCS_RGB;
  apply_form(codec, form);
  jpeg_start_compress(&codec, TRUE);
  std::vector<std::uint8_t> row(width * channels, 200);
  for (std::size_t y = 0; y < static_cast<std::size_t>(image.height); ++y) {
    for (std::size_t i = 0; i < width * 3; ++i) row[i / 3 * channels + i % 3] = image.rgb[y * width * 3 + i];
    JSAMPROW at = row.data();
    jpeg_write_scanlines(&codec, &at, 1);
  }
  jpeg_finish_compress(&codec);
  jpeg_destroy_compress(&codec);
  std::vector<std::uint8_t> bytes(written, written + size);
  std::free(written);
  return bytes;
}

/// Rows of one channel.
struct SamplePlane {
  std::size_t stride = 0;
  std::vector<std::uint8_t> samples;

  std::uint8_t at(int y, int x) const {
    return samples.at(static_cast<std::size_t>(y) * stride + static_cast<std::size_t>(x));
  }
};

/// Y as libjpeg's output in grey.
inline SamplePlane grey_plane(std::span<const std::uint8_t> bytes) {
  jpeg_decompress_struct codec{};
  jpeg_error_mgr errors{};
  codec.err = jpeg_std_error(&errors);
  jpeg_create_decompress(&codec);
  jpeg_mem_src(&codec, bytes.data(), static_cast<unsigned long>(bytes.size()));
  jpeg_read_header(&codec, TRUE);
  codec.out_color_space = JCS_GRAYSCALE;
  jpeg_start_decompress(&codec);
  SamplePlane plane{codec.output_width,
                    std::vector<std::uint8_t>(std::size_t{codec.output_width} * codec.output_height)};
  while (codec.output_scanline < codec.output_height) {
    JSAMPROW at = plane.samples.data() + plane.stride * codec.output_scanline;
    jpeg_read_scanlines(&codec, &at, 1);
  }
  jpeg_destroy_decompress(&codec);
  return plane;
}

/// The three channels of a YCbCr file as they are stored, with whole units at the right and at the bottom.
inline std::array<SamplePlane, 3> stored_planes(std::span<const std::uint8_t> bytes) {
  jpeg_decompress_struct codec{};
  jpeg_error_mgr errors{};
  codec.err = jpeg_std_error(&errors);
  jpeg_create_decompress(&codec);
  jpeg_mem_src(&codec, bytes.data(), static_cast<unsigned long>(bytes.size()));
  jpeg_read_header(&codec, TRUE);
  codec.raw_data_out = TRUE;
  jpeg_start_decompress(&codec);
  constexpr std::size_t most_rows = 2 * DCTSIZE;
  std::array<SamplePlane, 3> planes;
  for (std::size_t c = 0; c < 3; ++c)
    planes[c].stride = (codec.comp_info[c].width_in_blocks + 2) * std::size_t{DCTSIZE};
  while (codec.output_scanline < codec.output_height) {
    std::array<std::array<JSAMPROW, most_rows>, 3> rows{};
    std::array<JSAMPARRAY, 3> all{};
    for (std::size_t c = 0; c < 3; ++c) {
      const std::size_t count = static_cast<std::size_t>(codec.comp_info[c].v_samp_factor) * DCTSIZE;
      const std::size_t begin = planes[c].samples.size();
      planes[c].samples.resize(begin + count * planes[c].stride);
      for (std::size_t i = 0; i < count; ++i) rows[c][i] = planes[c].samples.data() + begin + i * planes[c].stride;
      all[c] = rows[c].data();
    }
    jpeg_read_raw_data(&codec, all.data(), static_cast<JDIMENSION>(codec.max_v_samp_factor * DCTSIZE));
  }
  jpeg_destroy_decompress(&codec);
  return planes;
}

}  // namespace dime::test
