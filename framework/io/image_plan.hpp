// SPDX-License-Identifier: Apache-2.0
// What is done to the shape of one image, step by step, known before a pixel is decoded. Torch-free.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "io/resample.hpp"

namespace dime {

/// One step of a plan.
struct ImageStep {
  enum class Kind { resize, crop, flip, pad };
  Kind kind = Kind::resize;
  Size before;                           ///< the image's size before the step
  Size after;                            ///< and after it
  Filter filter = Filter::bilinear;      ///< of a resize
  Box box;                               ///< crop: what is kept; pad: where the image lies in the larger one
  std::array<std::uint8_t, 3> colour{};  ///< of the padding

  /// What the step needs of the image before it to make `part` of the image after it; never empty.
  Box needed(const Box& part) const;
};

/// The steps in order. Each is added for the size that the ones before it leave.
class DIME_API ImagePlan {
 public:
  explicit ImagePlan(const Size& source) : source_(source) {}

  const Size& source() const { return source_; }
  /// The size after the steps so far.
  const Size& size() const { return steps_.empty() ? source_ : steps_.back().after; }
  const std::vector<ImageStep>& steps() const { return steps_; }
  /// What each step needs of the image before it to make the whole result, and the whole result.
  std::vector<Box> regions() const;
  /// What is needed of the source.
  Box needed() const { return regions().front(); }

  /// Throws RowError when the result would be too large (see ImageLimits), ArgumentError for an empty size.
  void resize(const Size& to, Filter filter);
  /// Throws ArgumentError when the box does not lie in the image.
  void crop(const Box& box);
  /// Mirrors left and right.
  void flip();
  /// Adds `top`, `left`, `bottom`, `right` pixels (none negative) of one colour around the image. Throws as resize.
  void pad(int top, int left, int bottom, int right, const std::array<std::uint8_t, 3>& colour);

 private:
  Size source_;
  std::vector<ImageStep> steps_;
};

}  // namespace dime
