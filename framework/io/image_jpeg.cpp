// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>

#include <jpeglib.h>
// After jpeglib.h, which it needs.
#include <jerror.h>

#include "io/image_detail.hpp"
#include "io/jpeg_baseline.hpp"

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

// At a cut, a chroma sample of the next column is missing where chroma is interpolated.
constexpr int kMargin = 16;
// A progressive picture whose last scans are missing is smoothed by up to this many blocks to each side.
constexpr int kSmoothedBlocks = 2;

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
      start(is_cmyk() ? JCS_CMYK : JCS_RGB);
      while (codec_.output_scanline < codec_.output_height) {
        JSAMPROW row = pixels + stride * codec_.output_scanline;
        jpeg_read_scanlines(&codec_, &row, 1);
      }
      jpeg_finish_decompress(&codec_);
    });
  }

  // The same pixels as RGB at 1 / `factor` of the size, but only what holds `region` of them; the codec is of no use
  // afterwards.
  void read_part(const Box& region, int factor, PixelBuffer& out) {
    const int whole = (width() + factor - 1) / factor, extra = margin();
    JDIMENSION left = static_cast<JDIMENSION>(std::max(region.left - extra, 0));
    JDIMENSION width = static_cast<JDIMENSION>(std::min(region.left + region.width + extra, whole)) - left;
    run([&] {
      codec_.scale_denom = static_cast<unsigned>(factor);
      start(JCS_RGB);
      if (width < codec_.output_width && can_cut_columns()) {
        jpeg_crop_scanline(&codec_, &left, &width);
      } else {
        left = 0;
      }
    });
    out.shape({region.top, static_cast<int>(left), region.height, static_cast<int>(codec_.output_width)});
    run([&] {
      if (region.top > 0) jpeg_skip_scanlines(&codec_, static_cast<JDIMENSION>(region.top));
      for (int y = region.top; y < region.top + region.height; ++y) {
        JSAMPROW row = out.row(y);
        jpeg_read_scanlines(&codec_, &row, 1);
      }
    });
  }

  // Nothing where the image is of another kind than JpegBaseline reads.
  std::optional<JpegScan> baseline_scan() const {
    if (codec_.jpeg_color_space != JCS_YCbCr || codec_.num_components != 3 || codec_.comps_in_scan != 3 ||
        codec_.data_precision != 8 || codec_.progressive_mode || codec_.arith_code || codec_.restart_interval != 0 ||
        codec_.Ss != 0 || codec_.Se != 63 || codec_.Ah != 0 || codec_.Al != 0) {
      return {};
    }
    JpegScan scan;
    scan.height = height();
    scan.width = width();
    scan.rows = codec_.comp_info[0].v_samp_factor;
    scan.columns = codec_.comp_info[0].h_samp_factor;
    if (scan.rows > 2 || scan.columns > 2) return {};
    for (int c = 0; c < 3; ++c) {
      const jpeg_component_info& info = codec_.comp_info[c];
      if (codec_.cur_comp_info[c] != &info || (c > 0 && (info.h_samp_factor != 1 || info.v_samp_factor != 1)))
        return {};
      if (!add_component(info, scan.components[static_cast<std::size_t>(c)])) return {};
    }
    scan.data = {codec_.src->next_input_byte, codec_.src->bytes_in_buffer};
    return scan;
  }

 private:
  // libjpeg takes a table's number from the file as it is, and judges it when decoding begins.
  template <class T, std::size_t kTables>
  static const T* table(T* const (&tables)[kTables], int number) {
    return number >= 0 && static_cast<std::size_t>(number) < kTables ? tables[number] : nullptr;
  }

  bool add_component(const jpeg_component_info& info, JpegScan::Component& to) const {
    const JQUANT_TBL* steps = table(codec_.quant_tbl_ptrs, info.quant_tbl_no);
    const JHUFF_TBL* dc = table(codec_.dc_huff_tbl_ptrs, info.dc_tbl_no);
    const JHUFF_TBL* ac = table(codec_.ac_huff_tbl_ptrs, info.ac_tbl_no);
    if (steps == nullptr || dc == nullptr || ac == nullptr) return false;
    to.quantisation = steps->quantval;
    for (const auto& [spec, table] : {std::pair{&to.dc, dc}, std::pair{&to.ac, ac}}) {
      std::copy(std::begin(table->bits), std::end(table->bits), spec->counts.begin());
      std::copy(std::begin(table->huffval), std::end(table->huffval), spec->symbols.begin());
    }
    return true;
  }

  void start(J_COLOR_SPACE colours) {
    codec_.out_color_space = colours;
    jpeg_start_decompress(&codec_);
  }

  // Columns of the whole picture around a part of it.
  int margin() const {
    if (codec_.progressive_mode == FALSE) return kMargin;
    int blocks_across = 1;
    for (int c = 0; c < codec_.num_components; ++c) {
      blocks_across = std::max(blocks_across, codec_.comp_info[c].h_samp_factor);
    }
    return kMargin + kSmoothedBlocks * DCTSIZE * blocks_across;
  }

  // jpeg_crop_scanline takes a component to be as wide as its sampling says; of a picture that is decoded smaller, one
  // can be finer than that, and where it is still to be widened, a part of each row would stay unwritten.
  bool can_cut_columns() const {
    return std::all_of(codec_.comp_info, codec_.comp_info + codec_.num_components, [&](const jpeg_component_info& c) {
      const auto across = static_cast<JDIMENSION>(codec_.max_h_samp_factor);
      const JDIMENSION taken = (codec_.output_width * static_cast<JDIMENSION>(c.h_samp_factor) + across - 1) / across;
      return c.downsampled_width == taken || c.downsampled_width == codec_.output_width;
    });
  }

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

void read_whole(Decoder& decoder, Image& out) {
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

bool ends_with_marker(std::span<const std::uint8_t> bytes) {
  return bytes.size() >= 2 && bytes[bytes.size() - 2] == 0xFF && bytes.back() == JPEG_EOI;
}

class JpegSource final : public PixelSource {
 public:
  JpegSource(std::span<const std::uint8_t> bytes, const ImageLimits& limits)
      : decoder_(bytes), is_partial_(ends_with_marker(bytes) && !decoder_.is_cmyk()) {
    check_size("JPEG image", decoder_.height(), decoder_.width(), limits);
  }

  Size size() const override { return {decoder_.height(), decoder_.width()}; }
  void read(const Box& region, PixelBuffer& out) override {
    if (is_partial_) return decoder_.read_part(region, 1, out);
    Image image;
    read_whole(decoder_, image);
    pixels_of(image)->read(region, out);
  }
  // libjpeg-turbo is fast at these alone.
  int factor(double shrink) const override {
    if (!is_partial_) return 1;
    return shrink >= 8 ? 8 : shrink >= 4 ? 4 : shrink >= 2 ? 2 : 1;
  }
  void read_scaled(const Box& region, int factor, PixelBuffer& out) override {
    if (factor == 1) return read(region, out);
    decoder_.read_part(region, factor, out);
  }
  bool read_planes(const Box& region, JpegBaseline& baseline, PlanarImage& out) override {
    const std::optional<JpegScan> scan = is_partial_ ? decoder_.baseline_scan() : std::nullopt;
    return scan && baseline.read(*scan, region, out);
  }

 private:
  Decoder decoder_;
  bool is_partial_;
};

}  // namespace

void decode_jpeg(std::span<const std::uint8_t> bytes, Image& out, const ImageLimits& limits) {
  Decoder decoder(bytes);
  check_size("JPEG image", decoder.height(), decoder.width(), limits);
  read_whole(decoder, out);
}

std::unique_ptr<PixelSource> open_jpeg(std::span<const std::uint8_t> bytes, const ImageLimits& limits) {
  return std::make_unique<JpegSource>(bytes, limits);
}

}  // namespace dime::detail
