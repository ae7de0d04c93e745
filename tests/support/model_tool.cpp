// SPDX-License-Identifier: Apache-2.0
// Holds a model plugin against what its public implementation gave, for the parity scripts:
//   model_tool REQUEST.json
//   {"model": {"type": "clip", ...}, "weights": PATH, "init": {..}, "inputs": PATH, "gradients": PATH}
// `weights` are loaded as `init:` does, whatever their names. The safetensors file `inputs` holds pixels and/or tokens,
// the vectors `image` and/or `text` that they must give, and `to_image`, `to_text`, the gradients of these vectors.
// `gradients`, optional, is a file of the parameters' gradients, named as the weights are. Prints one line of JSON:
//   {"image": E, "text": E, "gradients": E, "worst": NAME, "compared": N}, each E relative to the norm of what was
//   given;
// `dtype` "f64" computes in double precision; `training` true trains (drop path is drawn), and holds the buffers that
// this changes against the file `buffers`; `taps` (a list of names) adds their shapes. Without `inputs`, or beside
// them, `shapes` true adds those of all tensors by name, and `deployed` is a file to write the tensors of that form to.
#include <fstream>
#include <iostream>

#include <nlohmann/json.hpp>

#include "config/experiment.hpp"
#include "config/yaml.hpp"
#include "io/safetensors.hpp"
#include "support/plugins.hpp"
#include "support/tensors.hpp"
#include "train/models.hpp"
#include "train/weights.hpp"

namespace {

using nlohmann::json;
using Tensors = std::map<std::string, torch::Tensor>;

Tensors read_tensors(const std::string& path) {
  const dime::io::SafetensorsFile file(path);
  Tensors all;
  for (const auto& view : file.tensors()) all[view.name] = dime::test::to_tensor(view);
  return all;
}

/// JSON is YAML.
std::shared_ptr<dime::Model> make_model(const json& request) {
  json entry = request.at("model");
  if (request.contains("weights")) {
    json init = request.value("init", json::object());
    init["path"] = request.at("weights");
    entry["init"] = init;
  }
  dime::Problems problems;
  dime::ModelEntry read;
  dime::read_model_entry(dime::parse_yaml(entry.dump(), std::make_shared<dime::Origin>()), read, "model", problems);
  problems.raise();
  dime::test::plugins().check("model", read.component, problems);
  problems.raise();
  const bool computes = request.contains("inputs") || request.contains("deployed");
  return dime::make_model(read, dime::test::plugins(), 0, torch::kCPU, "model",
                          computes ? dime::Weights::ready : dime::Weights::only_checked);
}

/// `got` against the file of the same names.
void compare_tensors(const dime::NamedTensors& got, const std::string& path, const std::string& what, json& answer) {
  dime::NamedTensors given;
  for (const auto& [name, tensor] : got) given.emplace_back(name, torch::zeros_like(tensor));
  dime::InitOptions from;
  from.path = dime::Path(path);
  dime::load_tensors(from, given, what);
  double worst = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double norm = given[i].second.to(torch::kDouble).norm().item<double>();
    const double far = dime::test::distance(got[i].second, given[i].second) / (norm > 0 ? norm : 1);
    if (far >= worst) answer["worst"] = got[i].first;
    worst = std::max(worst, far);
  }
  answer[what] = worst;
  answer["compared"] = got.size();
}

/// What a forward left in the buffers.
void compare_buffers(const dime::Model& model, const std::string& path, json& answer) {
  dime::NamedTensors got;
  for (const auto& b : model.named_buffers()) got.emplace_back(b.key(), b.value());
  compare_tensors(got, path, "buffers", answer);
}

/// What backward left in the parameters.
void compare_gradients(const dime::Model& model, const std::string& path, json& answer) {
  dime::NamedTensors got;
  for (const auto& p : model.named_parameters()) {
    if (p.value().grad().defined()) got.emplace_back(p.key(), p.value().grad());
  }
  compare_tensors(got, path, "gradients", answer);
}

/// Answers that need no input.
void describe(const dime::Model& model, const json& request, json& answer) {
  if (request.value("shapes", false)) {
    for (const auto& [name, tensor] : dime::named_tensors(model)) answer["shapes"][name] = tensor.sizes().vec();
  }
  if (!request.contains("deployed")) return;
  const auto deployed = model.deployed();
  dime::save_tensors(request.at("deployed").get<std::string>(), {deployed.begin(), deployed.end()}, {});
}

/// Whole numbers stay what they are.
void widen(const dime::Model& model) {
  for (auto& [name, tensor] : dime::named_tensors(model)) {
    if (tensor.is_floating_point()) torch::Tensor(tensor).set_data(tensor.detach().to(torch::kDouble));
  }
}

json run(const json& request) {
  const auto model = make_model(request);
  const bool training = request.value("training", false);
  model->train(training);
  json answer = json::object();
  describe(*model, request, answer);
  if (!request.contains("inputs")) return answer;
  Tensors in = read_tensors(request.at("inputs"));
  const bool wide = request.value("dtype", "f32") == "f64";
  if (wide) widen(*model);
  torch::Tensor total = torch::zeros({}, wide ? torch::kDouble : torch::kFloat);
  dime::ForwardContext image_context, text_context;
  image_context.training = text_context.training = training;
  for (const auto& tap : request.value("taps", std::vector<std::string>{})) {
    image_context.wanted_taps.insert(tap);
  }
  const auto compare = [&](const char* name, const torch::Tensor& vectors) {
    answer[name] = dime::test::relative_distance(vectors, in.at(name));
    if (in.count(std::string("to_") + name) != 0) total = total + (vectors * in.at(std::string("to_") + name)).sum();
  };
  if (in.count("pixels") != 0) {
    compare("image", model->encode_image(wide ? in["pixels"].to(torch::kDouble) : in["pixels"], image_context));
  }
  if (in.count("tokens") != 0) compare("text", model->encode_text(in["tokens"], text_context));
  for (const auto& [name, tap] : image_context.taps) answer["taps"][name] = tap.sizes().vec();
  if (request.contains("buffers")) compare_buffers(*model, request.at("buffers"), answer);
  if (request.contains("gradients")) {
    total.backward();
    compare_gradients(*model, request.at("gradients"), answer);
  }
  return answer;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 2) throw std::runtime_error("usage: model_tool REQUEST.json");
  std::ifstream file(argv[1]);
  std::cout << run(json::parse(file)).dump() << "\n";
  return 0;
} catch (const std::exception& error) {
  const std::string text = error.what();
  std::cerr << text.substr(0, text.find('\n')) << "\n";
  return 1;
}
