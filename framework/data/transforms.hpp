// SPDX-License-Identifier: Apache-2.0
// The transforms that an experiment can name. Torch-free.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "data/transform.hpp"
#include "io/resample.hpp"

namespace dime {

/// `size:` of a resize: one number, or [height, width].
struct SideLengths {
  std::vector<std::int64_t> sides;
};

template <>
struct detail::OptionType<SideLengths> {
  static std::string type() { return "integer or list of 2 integers"; }
  static std::string print(const SideLengths&) { return ""; }
  static void read(const Value& v, SideLengths& out, const FieldRules& r, const std::string& what, Problems& p);
};

/// The shorter side becomes `size`, the ratio stays; or both sides with two numbers.
class Resize final : public Transform {
 public:
  struct Options {
    SideLengths size;
    std::string interpolation = "bicubic";
  };
  static Schema<Options> schema();
  explicit Resize(Options options);
  void add(ImagePlan& plan, CounterRandom& random) const override;

 private:
  Options options_;
  Filter filter_;
};

/// The middle square.
class CenterCrop final : public Transform {
 public:
  struct Options {
    int size = 0;
  };
  static Schema<Options> schema();
  explicit CenterCrop(Options options) : options_(options) {}
  void add(ImagePlan& plan, CounterRandom& random) const override;

 private:
  Options options_;
};

/// A frame of one colour.
class Pad final : public Transform {
 public:
  struct Options {
    std::vector<std::int64_t> size;
    std::vector<std::int64_t> colour{0, 0, 0};
  };
  static Schema<Options> schema();
  /// Throws ConfigError unless `size` has one, two or four numbers and `colour` three.
  explicit Pad(const Options& options);
  void add(ImagePlan& plan, CounterRandom& random) const override;

 private:
  std::array<int, 4> sides_;  // top, left, bottom, right
  std::array<std::uint8_t, 3> colour_;
};

/// A random square, after padding all sides with `padding` black pixels.
class RandomCrop final : public Transform {
 public:
  struct Options {
    int size = 0;
    int padding = 0;
  };
  static Schema<Options> schema();
  explicit RandomCrop(Options options) : options_(options) {}
  void add(ImagePlan& plan, CounterRandom& random) const override;

 private:
  Options options_;
};

/// A region of random area and ratio, resized to a square (Inception's augmentation, as torchvision draws it).
class RandomResizedCrop final : public Transform {
 public:
  struct Options {
    int size = 0;
    std::array<double, 2> area{0.08, 1.0};
    std::array<double, 2> ratio{3.0 / 4.0, 4.0 / 3.0};
    std::string interpolation = "bilinear";
  };
  static Schema<Options> schema();
  /// Throws ConfigError when the least area or ratio is more than the greatest.
  explicit RandomResizedCrop(Options options);
  void add(ImagePlan& plan, CounterRandom& random) const override;
  /// The region that is cut from an image of `image`'s size.
  Box draw(const Size& image, CounterRandom& random) const;

 private:
  Options options_;
  Filter filter_;
};

/// Mirrors left and right with a probability.
class HorizontalFlip final : public Transform {
 public:
  struct Options {
    double probability = 0.5;
  };
  static Schema<Options> schema();
  explicit HorizontalFlip(Options options) : options_(options) {}
  void add(ImagePlan& plan, CounterRandom& random) const override;

 private:
  Options options_;
};

/// `normalize`: the last of a list. Not a Transform: it makes the floats.
struct NormalizeOptions {
  std::string preset = "model";
  std::vector<double> mean;
  std::vector<double> std;
  static Schema<NormalizeOptions> schema();
  /// `model` is that of the model whose pixels these are. Throws ConfigError unless mean and std have three numbers
  /// each, or none.
  Normalisation normalisation(const Normalisation& model) const;
};

}  // namespace dime
