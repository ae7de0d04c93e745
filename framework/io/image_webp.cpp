// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include <webp/decode.h>
#include <webp/demux.h>

#include "io/byte_reader.hpp"
#include "io/image_detail.hpp"

namespace dime::detail {
namespace {

struct CloseDemuxer {
  void operator()(WebPDemuxer* demuxer) const { WebPDemuxDelete(demuxer); }
};

struct Frame : WebPIterator {
  Frame() : WebPIterator() {}
  ~Frame() { WebPDemuxReleaseIterator(this); }
  Frame(const Frame&) = delete;
  Frame& operator=(const Frame&) = delete;
};

[[noreturn]] void fail(VP8StatusCode status) {
  switch (status) {
    case VP8_STATUS_OUT_OF_MEMORY:
      throw RowError("WebP image: out of memory");
    case VP8_STATUS_NOT_ENOUGH_DATA:
    case VP8_STATUS_SUSPENDED:
      throw RowError("truncated WebP: its picture ends too early");
    default:
      throw RowError("corrupt WebP: its picture does not decode");
  }
}

/// Draws the frame where it lies in `out`; what is outside it is black.
void draw(const Frame& frame, Image& out) {
  const std::int64_t right = std::int64_t{frame.x_offset} + frame.width;
  const std::int64_t bottom = std::int64_t{frame.y_offset} + frame.height;
  if (frame.x_offset < 0 || frame.y_offset < 0 || frame.width <= 0 || frame.height <= 0 || right > out.width ||
      bottom > out.height) {
    throw RowError("corrupt WebP: its first frame leaves the picture");
  }
  WebPDecoderConfig config;
  if (WebPInitDecoderConfig(&config) == 0) throw RowError("WebP image: the library is of another version");
  if (frame.width != out.width || frame.height != out.height) std::fill(out.rgb.begin(), out.rgb.end(), 0);
  const std::size_t stride = 3 * static_cast<std::size_t>(out.width);
  const std::size_t start =
      stride * static_cast<std::size_t>(frame.y_offset) + 3 * static_cast<std::size_t>(frame.x_offset);
  config.output.colorspace = MODE_RGB;
  config.output.is_external_memory = 1;
  config.output.u.RGBA = {out.rgb.data() + start, static_cast<int>(stride), out.rgb.size() - start};
  const VP8StatusCode status = WebPDecode(frame.fragment.bytes, frame.fragment.size, &config);
  if (status != VP8_STATUS_OK) fail(status);
}

}  // namespace

ImageInfo webp_info(std::span<const std::uint8_t> encoded) {
  const ByteReader bytes(encoded, "WebP");
  bytes.part(12, 4);
  if (bytes.holds(12, "VP8X")) return {"WebP", bytes.little(27, 3) + std::int64_t{1}, bytes.little(24, 3) + 1};
  if (bytes.holds(12, "VP8L") && bytes.little(20, 1) == 0x2F) {
    const std::uint32_t sides = bytes.little(21, 4);
    return {"WebP", (sides >> 14 & 0x3FFF) + 1, (sides & 0x3FFF) + 1};
  }
  if (bytes.holds(12, "VP8 ") && bytes.little(23, 3) == 0x2A019D) {
    return {"WebP", bytes.little(28, 2) & 0x3FFF, bytes.little(26, 2) & 0x3FFF};
  }
  bytes.refuse("it does not begin with a picture");
}

void decode_webp(std::span<const std::uint8_t> bytes, Image& out, const ImageLimits& limits) {
  const ImageInfo info = webp_info(bytes);
  check_size("WebP image", info.height, info.width, limits);
  const WebPData data{bytes.data(), bytes.size()};
  WebPDemuxState state{};
  const std::unique_ptr<WebPDemuxer, CloseDemuxer> demuxer(WebPDemuxPartial(&data, &state));
  if (state == WEBP_DEMUX_PARSE_ERROR) throw RowError("corrupt WebP: its chunks do not fit together");
  if (state != WEBP_DEMUX_DONE) throw RowError("truncated WebP: the file ends too early");
  Frame frame;
  if (demuxer == nullptr || WebPDemuxGetFrame(demuxer.get(), 1, &frame) == 0) {
    throw RowError("corrupt WebP: it has no frame");
  }
  set_size(out, info.height, info.width);
  draw(frame, out);
}

}  // namespace dime::detail
