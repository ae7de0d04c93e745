// SPDX-License-Identifier: Apache-2.0
// Apart from loader.cpp, as `Needs` stands beside classes of LibTorch.
#include <dime/loss.hpp>

#include "plugin/loader.hpp"
#include "plugin/placed_error.hpp"

namespace dime {

Needs Plugins::needs(const Component& component) const {
  Needs out;
  try {
    const PluginDescriptor& descriptor = ready("loss", component);
    if (descriptor.needs != nullptr) descriptor.needs(component.options, out);
  } catch (...) {
    rethrow_placed("loss", component);
  }
  return out;
}

}  // namespace dime
