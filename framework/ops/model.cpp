// SPDX-License-Identifier: Apache-2.0
#include <dime/model.hpp>

namespace dime {

Model::~Model() = default;

torch::Tensor Model::encode_image(const torch::Tensor&, ForwardContext&) {
  throw ArgumentError("encode_image(): the model has no image tower");
}

torch::Tensor Model::encode_text(const torch::Tensor&, ForwardContext&) {
  throw ArgumentError("encode_text(): the model has no text tower");
}

}  // namespace dime
