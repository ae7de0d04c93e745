// SPDX-License-Identifier: Apache-2.0
#include <dime/loss.hpp>

namespace dime {

Loss::~Loss() = default;

void Loss::build(const Shapes&) {}

const torch::Tensor& need(const torch::Tensor& x, const std::string& loss, const std::string& what) {
  if (!x.defined()) throw ArgumentError("[loss/" + loss + "] needs " + what);
  return x;
}

}  // namespace dime
