// SPDX-License-Identifier: Apache-2.0
// From a row's image to the numbers that a model takes: open, plan, decode what is needed, resample, normalise.
// Torch-free.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include <dime/dataset.hpp>
#include <dime/random.hpp>

#include "data/stage_times.hpp"
#include "data/transform.hpp"
#include "io/fused_planes.hpp"
#include "io/image_pipeline.hpp"

namespace dime {

/// Where the numbers of a pixel lie.
enum class PixelLayout { planes, channels_last };

/// What one run borrows.
struct ImagePathWorkspace : ImageWorkspace {
  PlanarWorkspace planar;
  std::vector<float> planes;  ///< a result before its channels are put together

  /// What the buffers take of memory.
  std::size_t bytes() const { return ImageWorkspace::bytes() + planar.bytes() + planes.capacity() * sizeof(float); }
};

/// Safe from many threads; each run borrows a workspace, and there are as many as ever ran at once.
class ImagePath {
 public:
  /// A workspace that grew past this, by an image much larger than photographs are, is not kept.
  static constexpr std::size_t kMostKept = std::size_t{128} << 20;

  /// `is_upright`: an image is turned as its EXIF orientation says.
  explicit ImagePath(bool is_upright = false, PixelLayout layout = PixelLayout::planes)
      : is_upright_(is_upright), layout_(layout) {}

  /// Writes [3, side, side] float32 to `out`, or [side, side, 3] where channels are last. Throws RowError when the
  /// image does not decode or has another size after its transforms. `times`, where given, gets what decoding, resizing
  /// and normalising took.
  void run(const Row& row, const TransformList& transforms, CounterRandom& random, int side, float* out,
           StageTimes* times = nullptr);

  /// What the workspaces that wait for a run take of memory.
  std::size_t kept_bytes() const;

 private:
  /// Borrows a workspace for as long as it lives.
  class Lease {
   public:
    explicit Lease(ImagePath& owner) : owner_(owner), workspace_(owner.take()) {}
    ~Lease() { owner_.give_back(std::move(workspace_)); }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    ImagePathWorkspace& operator*() { return *workspace_; }

   private:
    ImagePath& owner_;
    std::unique_ptr<ImagePathWorkspace> workspace_;
  };

  void run_planes(const Row& row, const TransformList& transforms, CounterRandom& random, int side,
                  ImagePathWorkspace& workspace, float* out, StageTimes* times) const;
  /// The row's pixels; `whole` holds them where they are not decoded by part.
  std::unique_ptr<PixelSource> open(const Row& row, Image& whole) const;
  std::unique_ptr<ImagePathWorkspace> take();
  void give_back(std::unique_ptr<ImagePathWorkspace> workspace);

  bool is_upright_;
  PixelLayout layout_;
  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<ImagePathWorkspace>> free_;
};

}  // namespace dime
