// SPDX-License-Identifier: Apache-2.0
#include "io/pixel_source.hpp"

#include <cstring>
#include <utility>

#include "io/image_detail.hpp"

namespace dime {
namespace {

class WholeImage final : public PixelSource {
 public:
  explicit WholeImage(const Image& image) : image_(&image) {}
  explicit WholeImage(Image&& image) : own_(std::move(image)), image_(&own_) {}

  Size size() const override { return {image_->height, image_->width}; }
  void read(const Box& region, PixelBuffer& out) override {
    out.shape(region);
    const std::size_t stride = static_cast<std::size_t>(image_->width) * 3;
    for (int y = region.top; y < region.top + region.height; ++y) {
      const std::uint8_t* from =
          image_->rgb.data() + static_cast<std::size_t>(y) * stride + static_cast<std::size_t>(region.left) * 3;
      std::memcpy(out.row(y), from, static_cast<std::size_t>(region.width) * 3);
    }
  }

 private:
  Image own_;
  const Image* image_;
};

}  // namespace

std::unique_ptr<PixelSource> open_image(std::span<const std::uint8_t> bytes, const ImageLimits& limits) {
  if (detail::format_of(bytes) == detail::Format::jpeg) return detail::open_jpeg(bytes, limits);
  Image image;
  decode_image(bytes, image, limits);
  return std::make_unique<WholeImage>(std::move(image));
}

std::unique_ptr<PixelSource> pixels_of(const Image& image) { return std::make_unique<WholeImage>(image); }

}  // namespace dime
