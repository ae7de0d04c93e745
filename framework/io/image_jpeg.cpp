// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <cstring>
#include <memory>

#include <jpeglib.h>
// After jpeglib.h, which it needs.
#include <jerror.h>

#include "io/image_detail.hpp"

namespace dime::detail {
namespace {

// A tiny progressive file may name thousands of scans of a large image: hours of work for a few kilobytes.
constexpr int max_scans = 500;

struct Errors {
  jpeg_error_mgr base;  // first: libjpeg hands back a pointer to it
  Landing landing;
  bool truncated = false;
};

Errors& errors_of(j_common_ptr codec) { return *reinterpret_cast<Errors*>(codec->err); }

bool means_truncated(int code) { return code == JWRN_JPEG_EOF || code == JERR_INPUT_EOF || code == JERR_INPUT_EMPTY; }

[[noreturn]] void fail(j_common_ptr codec) {
  Errors& errors = errors_of(codec);
  char text[JMSG_LENGTH_MAX];
  codec->err->format_message(codec, text);
  std::snprintf(errors.landing.message, sizeof errors.landing.message, "%s", text);
  errors.truncated = means_truncated(codec->err->msg_code);
  std::longjmp(errors.landing.jump, 1);
}

// The warnings after which pixels are invented; all others (stray bytes between markers, odd versions,
// a sequential scan that names progressive fields, which nothing reads) cost nothing.
void judge(j_common_ptr codec, int level) {
  if (level >= 0) return;
  switch (codec->err->msg_code) {
    case JWRN_JPEG_EOF:
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_MUST_RESYNC:
    case JWRN_ARITH_BAD_CODE:
      fail(codec);
    default:
      return;
  }
}

void count_scans(j_common_ptr codec) {
  const auto* decoder = reinterpret_cast<j_decompress_ptr>(codec);
  if (decoder->input_scan_number <= max_scans) return;
  Errors& errors = errors_of(codec);
  std::snprintf(errors.landing.message, sizeof errors.landing.message, "more than %d scans", max_scans);
  std::longjmp(errors.landing.jump, 1);
}

class Decoder {
 public:
  explicit Decoder(std::span<const std::uint8_t> bytes) {
    codec_.err = jpeg_std_error(&errors_.base);
    errors_.base.error_exit = fail;
    errors_.base.emit_message = judge;
    progress_.progress_monitor = count_scans;
    run([&] {
      jpeg_create_decompress(&codec_);
      codec_.progress = &progress_;
      jpeg_mem_src(&codec_, bytes.data(), static_cast<unsigned long>(bytes.size()));
      jpeg_read_header(&codec_, TRUE);
    });
  }
  ~Decoder() { jpeg_destroy_decompress(&codec_); }
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  // A JPEG of four components is CMYK; libjpeg turns YCCK into CMYK, no further.
  bool is_cmyk() const { return codec_.jpeg_color_space == JCS_CMYK || codec_.jpeg_color_space == JCS_YCCK; }
  int height() const { return static_cast<int>(codec_.image_height); }
  int width() const { return static_cast<int>(codec_.image_width); }

  // Rows of `stride` bytes to `pixels`: RGB, or CMYK when is_cmyk().
  void read(std::uint8_t* pixels, std::size_t stride) {
    run([&] {
      codec_.out_color_space = is_cmyk() ? JCS_CMYK : JCS_RGB;
      jpeg_start_decompress(&codec_);
      while (codec_.output_scanline < codec_.output_height) {
        JSAMPROW row = pixels + stride * codec_.output_scanline;
        jpeg_read_scanlines(&codec_, &row, 1);
      }
      jpeg_finish_decompress(&codec_);
    });
  }

 private:
  template <class F>
  void run(F&& f) {
    if (guarded(errors_.landing, f)) return;
    const std::string reason = errors_.landing.message;
    const bool truncated = errors_.truncated;
    // The destructor does not run for a constructor that throws; destroying twice is allowed.
    jpeg_destroy_decompress(&codec_);
    throw RowError((truncated ? "truncated JPEG: " : "corrupt JPEG: ") + reason);
  }

  jpeg_decompress_struct codec_{};
  jpeg_progress_mgr progress_{};
  Errors errors_{};
};

// a * b / 255, rounded, as Pillow and torchvision compute it.
int scaled(int a, int b) {
  const int product = a * b + 128;
  return ((product >> 8) + product) >> 8;
}

// CMYK is stored inverted, as Adobe began it: 255 is no ink.
void rgb_from_cmyk(const std::uint8_t* cmyk, std::size_t pixels, std::uint8_t* rgb) {
  for (std::size_t i = 0; i < pixels; ++i) {
    const int light = cmyk[4 * i + 3];
    for (std::size_t c = 0; c < 3; ++c) {
      rgb[3 * i + c] = static_cast<std::uint8_t>(light - scaled(255 - cmyk[4 * i + c], light));
    }
  }
}

}  // namespace

void decode_jpeg(std::span<const std::uint8_t> bytes, Image& out, const ImageLimits& limits) {
  Decoder decoder(bytes);
  check_size("JPEG image", decoder.height(), decoder.width(), limits);
  out.height = decoder.height();
  out.width = decoder.width();
  const std::size_t pixels = static_cast<std::size_t>(out.height) * static_cast<std::size_t>(out.width);
  const std::size_t width = static_cast<std::size_t>(out.width);
  out.rgb.resize(pixels * 3);
  if (!decoder.is_cmyk()) return decoder.read(out.rgb.data(), width * 3);
  std::vector<std::uint8_t> cmyk(pixels * 4);
  decoder.read(cmyk.data(), width * 4);
  rgb_from_cmyk(cmyk.data(), pixels, out.rgb.data());
}

}  // namespace dime::detail
