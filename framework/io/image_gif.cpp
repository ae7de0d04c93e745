// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <gif_lib.h>

#include "io/image_detail.hpp"

namespace dime::detail {
namespace {

struct Source {
  std::span<const std::uint8_t> rest;
  bool truncated = false;
};

int take(GifFileType* gif, GifByteType* out, int count) {
  auto& source = *static_cast<Source*>(gif->UserData);
  const std::size_t there = std::min(source.rest.size(), static_cast<std::size_t>(count));
  source.truncated = source.truncated || there < static_cast<std::size_t>(count);
  std::copy_n(source.rest.data(), there, out);
  source.rest = source.rest.subspan(there);
  return static_cast<int>(there);
}

/// A GIF, read up to its first frame's pixels.
class FirstFrame {
 public:
  explicit FirstFrame(std::span<const std::uint8_t> bytes) : source_{bytes, false} {
    int error = 0;
    gif_ = DGifOpen(&source_, take, &error);
    if (gif_ == nullptr) fail(error);
    try {
      find();
    } catch (const RowError&) {
      close();
      throw;
    }
  }
  ~FirstFrame() { close(); }
  FirstFrame(const FirstFrame&) = delete;
  FirstFrame& operator=(const FirstFrame&) = delete;

  // A frame that lies beyond the screen makes it larger.
  std::int64_t height() const { return std::max(gif_->SHeight, gif_->Image.Top + gif_->Image.Height); }
  std::int64_t width() const { return std::max(gif_->SWidth, gif_->Image.Left + gif_->Image.Width); }

  void draw(Image& out) {
    const GifImageDesc& frame = gif_->Image;
    const Palette colours = palette();
    const std::size_t width = static_cast<std::size_t>(out.width);
    const auto& background = colours[transparent_];
    for (std::size_t i = 0; i < out.rgb.size(); i += 3) std::copy_n(background.data(), 3, out.rgb.data() + i);
    std::vector<GifPixelType> line(static_cast<std::size_t>(frame.Width));
    const auto draw_line = [&](int y) {
      expect(DGifGetLine(gif_, line.data(), frame.Width));
      std::uint8_t* rgb =
          out.rgb.data() + 3 * (static_cast<std::size_t>(frame.Top + y) * width + static_cast<std::size_t>(frame.Left));
      for (const GifPixelType index : line) rgb = std::copy_n(colours[index].data(), 3, rgb);
    };
    if (!frame.Interlace) {
      for (int y = 0; y < frame.Height; ++y) draw_line(y);
      return;
    }
    constexpr std::array<std::pair<int, int>, 4> passes{{{0, 8}, {4, 8}, {2, 4}, {1, 2}}};
    for (const auto& [first, step] : passes) {
      for (int y = first; y < frame.Height; y += step) draw_line(y);
    }
  }

 private:
  void find() {
    for (GifRecordType type = UNDEFINED_RECORD_TYPE; type != IMAGE_DESC_RECORD_TYPE;) {
      expect(DGifGetRecordType(gif_, &type));
      if (type == EXTENSION_RECORD_TYPE) pass_extension();
      if (type == TERMINATE_RECORD_TYPE) throw RowError("corrupt GIF: it has no frame");
    }
    expect(DGifGetImageDesc(gif_));
    if (gif_->Image.Width <= 0 || gif_->Image.Height <= 0) {
      throw RowError("corrupt GIF: its first frame has no pixels");
    }
  }

  void pass_extension() {
    int kind = 0;
    GifByteType* block = nullptr;
    expect(DGifGetExtension(gif_, &kind, &block));
    const bool names_transparent =
        kind == GRAPHICS_EXT_FUNC_CODE && block != nullptr && block[0] >= 4 && (block[1] & 1) != 0;
    if (names_transparent) transparent_ = block[4];
    while (block != nullptr) expect(DGifGetExtensionNext(gif_, &block));
  }

  // Without a palette an index is a grey.
  Palette palette() const {
    const ColorMapObject* map = gif_->Image.ColorMap != nullptr ? gif_->Image.ColorMap : gif_->SColorMap;
    Palette colours{};
    const std::size_t count = map == nullptr ? 0 : static_cast<std::size_t>(map->ColorCount);
    for (std::size_t i = 0; i < std::min(count, colours.size()); ++i) {
      colours[i] = {map->Colors[i].Red, map->Colors[i].Green, map->Colors[i].Blue};
    }
    complete_grey(colours, count);
    return colours;
  }

  void expect(int result) const {
    if (result != GIF_OK) fail(gif_->Error);
  }

  [[noreturn]] void fail(int error) const {
    if (source_.truncated) throw RowError("truncated GIF: the file ends too early");
    const char* reason = GifErrorString(error);
    throw RowError(std::string("corrupt GIF: ") + (reason == nullptr ? "it cannot be read" : reason));
  }

  void close() {
    int ignored = 0;
    if (gif_ != nullptr) DGifCloseFile(gif_, &ignored);
    gif_ = nullptr;
  }

  Source source_;
  GifFileType* gif_ = nullptr;
  std::size_t transparent_ = 0;  // what lies outside the frame has this index
};

}  // namespace

ImageInfo gif_info(std::span<const std::uint8_t> bytes) {
  const FirstFrame frame(bytes);
  return {"GIF", frame.height(), frame.width()};
}

void decode_gif(std::span<const std::uint8_t> bytes, Image& out, const ImageLimits& limits) {
  FirstFrame frame(bytes);
  check_size("GIF image", frame.height(), frame.width(), limits);
  set_size(out, frame.height(), frame.width());
  frame.draw(out);
}

}  // namespace dime::detail
