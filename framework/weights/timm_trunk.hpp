// SPDX-License-Identifier: Apache-2.0
// The image towers that open_clip's configs name by timm's names.
#pragma once

#include <cstdint>
#include <string>

#include "weights/shapes.hpp"

namespace dime {

/// How open_clip builds such a tower; timm's names stand for all of its sizes.
struct TimmTrunk {
  std::string name;             ///< "swin_tiny_patch4_window7_224"; "": timm has none of these sizes
  const char* pool = "";        ///< timm_pool
  const char* proj = nullptr;   ///< timm_proj; nullptr: the trunk's own head projects
  std::int64_t image_size = 0;  ///< what it is made for
  bool any_size = false;        ///< whether it takes other sizes too
};

/// The Swin of UniCL or the FastViT in the form to train that has these shapes, under dime's names.
TimmTrunk timm_trunk(const ShapesByName& shapes);

}  // namespace dime
