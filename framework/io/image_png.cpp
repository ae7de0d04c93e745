// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>
#include <cstring>

#include <png.h>

#include "io/image_detail.hpp"

namespace dime::detail {
namespace {

struct Source {
  std::span<const std::uint8_t> rest;
  Landing landing;
  bool truncated = false;
};

[[noreturn]] void fail(png_structp png, png_const_charp message) {
  auto& source = *static_cast<Source*>(png_get_error_ptr(png));
  std::snprintf(source.landing.message, sizeof source.landing.message, "%s", message);
  std::longjmp(source.landing.jump, 1);
}

// libpng warns of ancillary chunks (colour profiles, dates), which are not used here.
void ignore(png_structp, png_const_charp) {}

void take(png_structp png, png_bytep out, png_size_t count) {
  auto& source = *static_cast<Source*>(png_get_io_ptr(png));
  if (source.rest.size() < count) {
    source.truncated = true;
    fail(png, "the file ends too early");
  }
  std::copy_n(source.rest.data(), count, out);
  source.rest = source.rest.subspan(count);
}

class Decoder {
 public:
  Decoder(std::span<const std::uint8_t> bytes, const ImageLimits& limits) : source_{bytes, {}, false} {
    png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, &source_, fail, ignore);
    if (png_ != nullptr) info_ = png_create_info_struct(png_);
    if (info_ == nullptr) {
      close();
      throw RowError("PNG image: out of memory");
    }
    run([&] { read_header(limits); });
  }
  ~Decoder() { close(); }
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  std::int64_t height() const { return png_get_image_height(png_, info_); }
  std::int64_t width() const { return png_get_image_width(png_, info_); }

  void read(std::uint8_t* rgb, std::size_t stride) {
    run([&] { read_rows(rgb, stride); });
  }

 private:
  template <class F>
  void run(F&& f) {
    if (guarded(source_.landing, f)) return;
    const std::string reason = source_.landing.message;
    close();
    throw RowError((source_.truncated ? "truncated PNG: " : "corrupt PNG: ") + reason);
  }

  void read_header(const ImageLimits& limits) {
    // The size itself is judged by check_size, whose message says more than libpng's.
    png_set_user_limits(png_, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_set_chunk_malloc_max(png_, static_cast<png_alloc_size_t>(std::max<std::int64_t>(limits.pixels / 8, 1 << 16)));
    // What is not needed is not kept: texts and profiles would inflate to any size, thousands of them.
    png_set_keep_unknown_chunks(png_, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
    png_set_read_fn(png_, &source_, take);
    png_read_info(png_, info_);
  }

  void read_rows(std::uint8_t* rgb, std::size_t stride) {
    const int color = png_get_color_type(png_, info_);
    if (color == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(png_);
    if (color == PNG_COLOR_TYPE_GRAY && png_get_bit_depth(png_, info_) < 8) png_set_expand_gray_1_2_4_to_8(png_);
    if ((color & PNG_COLOR_MASK_COLOR) == 0) png_set_gray_to_rgb(png_);
    png_set_strip_16(png_);
    png_set_strip_alpha(png_);
    const int passes = png_set_interlace_handling(png_);
    png_read_update_info(png_, info_);
    if (png_get_rowbytes(png_, info_) != stride) fail(png_, "rows of an unexpected length");
    for (int pass = 0; pass < passes; ++pass) {
      for (std::int64_t y = 0; y < height(); ++y)
        png_read_row(png_, rgb + stride * static_cast<std::size_t>(y), nullptr);
    }
    png_read_end(png_, nullptr);
  }

  void close() { png_destroy_read_struct(&png_, &info_, nullptr); }

  Source source_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
};

}  // namespace

void decode_png(std::span<const std::uint8_t> bytes, Image& out, const ImageLimits& limits) {
  Decoder decoder(bytes, limits);
  check_size("PNG image", decoder.height(), decoder.width(), limits);
  set_size(out, decoder.height(), decoder.width());
  decoder.read(out.rgb.data(), static_cast<std::size_t>(out.width) * 3);
}

}  // namespace dime::detail
