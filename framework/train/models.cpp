// SPDX-License-Identifier: Apache-2.0
#include "train/models.hpp"

#include <ATen/Context.h>
#include <dime/random.hpp>

#include "train/weights.hpp"

namespace dime {

std::shared_ptr<Model> make_model(const ModelEntry& entry, const Plugins& plugins, std::int64_t seed,
                                  const torch::Device& device, const std::string& what) {
  at::manual_seed(random_key({static_cast<std::uint64_t>(seed), 21}));
  auto model = plugins.make_model(entry.component);
  model->initialise();
  if (entry.init) load_tensors(*entry.init, named_tensors(*model), what);
  model->to(device);
  return model;
}

std::shared_ptr<Model> make_frozen_model(const ModelEntry& entry, const Plugins& plugins, std::int64_t seed,
                                         const torch::Device& device, const std::string& what) {
  auto model = make_model(entry, plugins, seed, device, what);
  model->eval();
  for (auto& parameter : model->parameters()) parameter.set_requires_grad(false);
  return model;
}

Normalisation normalisation_of(const ModelSpec& spec) {
  if (!spec.image) return {};
  return {spec.image->mean, spec.image->std};
}

}  // namespace dime
