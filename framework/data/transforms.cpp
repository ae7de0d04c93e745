// SPDX-License-Identifier: Apache-2.0
#include "data/transforms.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace dime {
namespace {

const std::vector<std::string> kFilters{"bilinear", "bicubic"};

Filter filter_of(const std::string& name) { return name == "bicubic" ? Filter::bicubic : Filter::bilinear; }

constexpr Range kSides{1, static_cast<double>(ImageLimits{}.side)};

void expect_ascending(const std::array<double, 2>& bounds, const std::string& option) {
  if (bounds[0] <= bounds[1]) return;
  throw ConfigError("option \"" + option + "\" of transform \"random_resized_crop\" takes [least, greatest], got [" +
                    detail::print_number(bounds[0]) + ", " + detail::print_number(bounds[1]) + "]");
}

void expect_at_least(const Size& image, int side) {
  if (image.height >= side && image.width >= side) return;
  throw RowError("the image is " + std::to_string(image.height) + "x" + std::to_string(image.width) +
                 ", smaller than the crop of " + std::to_string(side) + ": put a resize before it");
}

}  // namespace

void detail::OptionType<SideLengths>::read(const Value& v, SideLengths& out, const FieldRules& r,
                                           const std::string& what, Problems& p) {
  if (v.is_list() && v.items().size() == 2)
    return OptionType<std::vector<std::int64_t>>::read(v, out.sides, r, what, p);
  if (v.is_scalar()) return OptionType<std::int64_t>::read(v, out.sides.emplace_back(), r, what, p);
  p.add(v.mark(), what + " takes one number or [height, width], got " + v.describe());
}

Schema<Resize::Options> Resize::schema() {
  return Schema<Options>("Resizes with antialiasing: the shorter side becomes `size` and the ratio stays.")
      .option("size", &Options::size, "One number for the shorter side, or [height, width].", kSides, required)
      .option("interpolation", &Options::interpolation, "The filter.", one_of(kFilters));
}

Resize::Resize(Options options) : options_(std::move(options)), filter_(filter_of(options_.interpolation)) {}

void Resize::add(ImagePlan& plan, CounterRandom&) const {
  const auto& sides = options_.size.sides;
  plan.resize(sides.size() == 2 ? Size{static_cast<int>(sides[0]), static_cast<int>(sides[1])}
                                : short_side_size(plan.size(), static_cast<int>(sides[0])),
              filter_);
}

Schema<CenterCrop::Options> CenterCrop::schema() {
  return Schema<Options>("Cuts out the middle square.").option("size", &Options::size, "Its side.", kSides, required);
}

void CenterCrop::add(ImagePlan& plan, CounterRandom&) const {
  expect_at_least(plan.size(), options_.size);
  plan.crop(center_box(plan.size(), {options_.size, options_.size}));
}

Schema<Pad::Options> Pad::schema() {
  return Schema<Options>("Puts a frame of one colour around the image.")
      .option("size", &Options::size,
              "The frame's pixels: [all sides], [left and right, top and bottom], or [left, top, right, bottom].",
              between(0, kSides.high), required)
      .option("colour", &Options::colour, "Red, green and blue.", between(0, 255));
}

Pad::Pad(const Options& options) {
  const auto& size = options.size;
  if (size.size() != 1 && size.size() != 2 && size.size() != 4) {
    throw ConfigError("option \"size\" of transform \"pad\" takes one, two or four numbers, got " +
                      std::to_string(size.size()));
  }
  if (options.colour.size() != 3) {
    throw ConfigError("option \"colour\" of transform \"pad\" takes three numbers, got " +
                      std::to_string(options.colour.size()));
  }
  // Sides in turn from the left; those that are not given equal the ones opposite.
  const auto side = [&](std::size_t i) { return static_cast<int>(size[i % size.size()]); };
  sides_ = {side(1), side(0), side(3), side(2)};
  for (std::size_t c = 0; c < 3; ++c) colour_[c] = static_cast<std::uint8_t>(options.colour[c]);
}

void Pad::add(ImagePlan& plan, CounterRandom&) const { plan.pad(sides_[0], sides_[1], sides_[2], sides_[3], colour_); }

Schema<RandomCrop::Options> RandomCrop::schema() {
  return Schema<Options>("Cuts out a random square.")
      .option("size", &Options::size, "Its side.", kSides, required)
      .option("padding", &Options::padding, "Black pixels added on all sides first.", between(0, kSides.high));
}

void RandomCrop::add(ImagePlan& plan, CounterRandom& random) const {
  const int side = options_.size, margin = options_.padding;
  if (margin > 0) plan.pad(margin, margin, margin, margin, {0, 0, 0});
  expect_at_least(plan.size(), side);
  const auto top = static_cast<int>(random.below(static_cast<std::uint64_t>(plan.size().height - side) + 1));
  const auto left = static_cast<int>(random.below(static_cast<std::uint64_t>(plan.size().width - side) + 1));
  plan.crop({top, left, side, side});
}

Schema<RandomResizedCrop::Options> RandomResizedCrop::schema() {
  return Schema<Options>("Cuts out a region of random area and ratio and resizes it to a square.")
      .option("size", &Options::size, "The side of the result.", kSides, required)
      .option("area", &Options::area, "Least and greatest share of the image's area.", between(0, 1))
      .option("ratio", &Options::ratio, "Least and greatest width by height.", positive)
      .option("interpolation", &Options::interpolation, "The filter.", one_of(kFilters));
}

RandomResizedCrop::RandomResizedCrop(Options options)
    : options_(std::move(options)), filter_(filter_of(options_.interpolation)) {
  expect_ascending(options_.area, "area");
  expect_ascending(options_.ratio, "ratio");
}

Box RandomResizedCrop::draw(const Size& image, CounterRandom& random) const {
  const double whole = static_cast<double>(image.height) * image.width;
  for (int attempt = 0; attempt < 10; ++attempt) {
    const double area = whole * random.uniform(options_.area[0], options_.area[1]);
    const double ratio = std::exp(random.uniform(std::log(options_.ratio[0]), std::log(options_.ratio[1])));
    const auto width = static_cast<int>(std::lround(std::sqrt(area * ratio)));
    const auto height = static_cast<int>(std::lround(std::sqrt(area / ratio)));
    if (width <= 0 || width > image.width || height <= 0 || height > image.height) continue;
    const auto top = static_cast<int>(random.below(static_cast<std::uint64_t>(image.height - height) + 1));
    const auto left = static_cast<int>(random.below(static_cast<std::uint64_t>(image.width - width) + 1));
    return {top, left, height, width};
  }
  const double ratio = static_cast<double>(image.width) / image.height;
  Size size = image;
  if (ratio < options_.ratio[0]) size.height = static_cast<int>(std::lround(image.width / options_.ratio[0]));
  if (ratio > options_.ratio[1]) size.width = static_cast<int>(std::lround(image.height * options_.ratio[1]));
  size = {std::clamp(size.height, 1, image.height), std::clamp(size.width, 1, image.width)};
  return {(image.height - size.height) / 2, (image.width - size.width) / 2, size.height, size.width};
}

void RandomResizedCrop::add(ImagePlan& plan, CounterRandom& random) const {
  plan.crop(draw(plan.size(), random));
  plan.resize({options_.size, options_.size}, filter_);
}

Schema<HorizontalFlip::Options> HorizontalFlip::schema() {
  return Schema<Options>("Mirrors left and right.")
      .option("probability", &Options::probability, "How often.", between(0, 1));
}

void HorizontalFlip::add(ImagePlan& plan, CounterRandom& random) const {
  if (random.uniform() < options_.probability) plan.flip();
}

Schema<NormalizeOptions> NormalizeOptions::schema() {
  return Schema<NormalizeOptions>("Turns 0..255 into (x / 255 - mean) / std; the last of a list.")
      .option("preset", &NormalizeOptions::preset,
              "Whose mean and std; model: those of the model that encodes the images.",
              one_of({"model", "clip", "imagenet", "half", "none"}))
      .option("mean", &NormalizeOptions::mean, "Three means instead of the preset's.")
      .option("std", &NormalizeOptions::std, "Three standard deviations instead of the preset's.", positive);
}

Normalisation NormalizeOptions::normalisation(const Normalisation& model) const {
  Normalisation out;
  if (preset == "model") out = model;
  if (preset == "clip") out = {{0.48145466, 0.4578275, 0.40821073}, {0.26862954, 0.26130258, 0.27577711}};
  if (preset == "imagenet") out = {{0.485, 0.456, 0.406}, {0.229, 0.224, 0.225}};
  if (preset == "half") out = {{0.5, 0.5, 0.5}, {0.5, 0.5, 0.5}};
  for (const auto& [given, into] : {std::pair{&mean, &out.mean}, std::pair{&std, &out.std}}) {
    if (given->empty()) continue;
    if (given->size() != 3)
      throw ConfigError("transform \"normalize\" takes three numbers for mean and std, got " +
                        std::to_string(given->size()));
    std::copy(given->begin(), given->end(), into->begin());
  }
  return out;
}

}  // namespace dime
