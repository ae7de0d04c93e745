// SPDX-License-Identifier: Apache-2.0
#include "train/weights.hpp"

#include <algorithm>

#include <dime/error.hpp>

#include "weights/positions.hpp"
#include "weights/tensors.hpp"

namespace dime {
namespace {

/// A file of weights held against a model.
class Source {
 public:
  Source(const InitOptions& from, const NamedTensors& into, const std::string& what,
         const std::vector<PositionTable>& tables)
      : file_(from.path), tables_(tables) {
    std::vector<WantedTensor> wanted;
    for (const auto& [name, tensor] : into) wanted.push_back({name, dtype_of(tensor), tensor.sizes().vec()});
    weights_ = recognise(file_, wanted, from, what);
    fitted_ = settle_positions(weights_, tables, wanted, from);
    require_fit(file_, weights_, from, what);
  }

  void copy(const NamedTensors& into) const {
    std::map<std::string_view, const MappedTensor*> held;
    for (const auto& tensor : weights_.map.tensors) held[tensor.name] = &tensor;
    const torch::NoGradGuard guard;
    for (const auto& [name, tensor] : into) {
      const auto at = held.find(name);
      if (at == held.end()) continue;
      if (std::find(fitted_.begin(), fitted_.end(), name) == fitted_.end()) {
        copy_parts(*at->second, tensor);
      } else {
        tensor.copy_(fitted_positions(assembled(*at->second), table(name)).reshape(tensor.sizes()));
      }
    }
  }

  WeightsReport report() const {
    std::string text = "weights from " + file_.path().string() + ": " + weights_.text(file_);
    for (const auto& name : fitted_) {
      const PositionTable& t = table(name);
      text += "; " + name + " fitted to " + std::to_string(t.height) + " x " + std::to_string(t.width) + " positions";
    }
    return {std::move(text), fitted_, read_model_facts(file_)};
  }

 private:
  const PositionTable& table(const std::string& name) const {
    return *std::find_if(tables_.begin(), tables_.end(), [&](const PositionTable& t) { return t.name == name; });
  }

  io::WeightsFile file_;
  const std::vector<PositionTable>& tables_;
  RecognisedWeights weights_;
  std::vector<std::string> fitted_;
};

}  // namespace

NamedTensors named_tensors(const torch::nn::Module& module) {
  NamedTensors all;
  for (const auto& p : module.named_parameters()) all.emplace_back(p.key(), p.value());
  for (const auto& b : module.named_buffers()) all.emplace_back(b.key(), b.value());
  return all;
}

std::int64_t count_parameters(const torch::nn::Module& module, const std::string& prefix) {
  std::int64_t count = 0;
  for (const auto& p : module.named_parameters()) {
    if (p.key().starts_with(prefix)) count += p.value().numel();
  }
  return count;
}

void save_tensors(const std::filesystem::path& path, const NamedTensors& tensors,
                  const std::map<std::string, std::string>& metadata) {
  const torch::NoGradGuard guard;
  std::vector<torch::Tensor> kept;
  std::vector<io::TensorView> views;
  for (const auto& [name, tensor] : tensors) {
    const auto& t = kept.emplace_back(tensor.detach().cpu().contiguous());
    views.push_back(
        {name, dtype_of(t), t.sizes().vec(), static_cast<const std::uint8_t*>(t.const_data_ptr()), t.nbytes()});
  }
  io::write_safetensors(path, std::move(views), metadata);
}

WeightsReport check_tensors(const InitOptions& from, const NamedTensors& into, const std::string& what,
                            const std::vector<PositionTable>& tables) {
  return Source(from, into, what, tables).report();
}

WeightsReport load_tensors(const InitOptions& from, const NamedTensors& into, const std::string& what,
                           const std::vector<PositionTable>& tables) {
  const Source source(from, into, what, tables);
  source.copy(into);
  return source.report();
}

}  // namespace dime
