// SPDX-License-Identifier: Apache-2.0
#include "train/freeze.hpp"

#include <algorithm>
#include <numeric>

#include <dime/printable.hpp>

#include "weights/wildcard.hpp"

namespace dime {
namespace {

/// The least number of letters to change, add or take away so that `name` fits `pattern`.
std::size_t distance(std::string_view pattern, std::string_view name) {
  std::vector<std::size_t> before(name.size() + 1), now(name.size() + 1);
  std::iota(before.begin(), before.end(), 0);
  for (const char p : pattern) {
    const bool any = p == '*';
    now[0] = before[0] + (any ? 0 : 1);
    for (std::size_t i = 1; i <= name.size(); ++i) {
      now[i] = any ? std::min(before[i], now[i - 1])
                   : std::min({before[i - 1] + (p == name[i - 1] ? 0 : 1), before[i] + 1, now[i - 1] + 1});
    }
    before.swap(now);
  }
  return before.back();
}

std::string nearest_parameter(std::string_view pattern, const std::vector<std::string>& names) {
  constexpr std::size_t kLongest = 200;  // the cost grows with the product of the lengths
  const std::string_view shown = pattern.substr(0, kLongest);
  const auto nearer = [&](const std::string& a, const std::string& b) {
    return distance(shown, a) < distance(shown, b);
  };
  const auto nearest = std::min_element(names.begin(), names.end(), nearer);
  return nearest == names.end() ? "there are none" : "the nearest is \"" + *nearest + "\"";
}

/// All of its parameters, and it has some.
bool is_frozen(const torch::nn::Module& module) {
  const auto parameters = module.parameters();
  return !parameters.empty() &&
         std::none_of(parameters.begin(), parameters.end(), [](const torch::Tensor& p) { return p.requires_grad(); });
}

/// The nearest module to `name`, itself or one around it, that has parameters.
const torch::nn::Module& owner_of(const torch::OrderedDict<std::string, std::shared_ptr<torch::nn::Module>>& modules,
                                  std::string name, const Model& model) {
  while (!name.empty()) {
    const torch::nn::Module& module = *modules[name];
    if (!module.parameters().empty()) return module;
    const auto dot = name.rfind('.');
    name = dot == std::string::npos ? "" : name.substr(0, dot);
  }
  return model;
}

}  // namespace

void freeze_parameters(Model& model, const std::vector<NamePattern>& patterns, const std::string& what) {
  if (patterns.empty()) return;
  std::vector<std::string> names;
  for (const auto& p : model.named_parameters()) names.push_back(p.key());
  Problems problems;
  for (const auto& pattern : patterns) {
    const auto fits = [&](const std::string& name) { return fits_pattern(pattern.text, name); };
    if (std::any_of(names.begin(), names.end(), fits)) continue;
    problems.add(pattern.mark, what + ": `freeze` has \"" + printable(pattern.text) +
                                   "\", which the name of no parameter fits; " +
                                   nearest_parameter(pattern.text, names));
  }
  problems.raise();
  for (auto& p : model.named_parameters()) {
    const auto fits = [&](const NamePattern& pattern) { return fits_pattern(pattern.text, p.key()); };
    if (std::any_of(patterns.begin(), patterns.end(), fits)) p.value().set_requires_grad(false);
  }
  if (!is_frozen(model)) return;
  problems.add(patterns.front().mark, what + ": `freeze` leaves no parameter to train; take a pattern out");
  problems.raise();
}

void set_training(Model& model, bool on) {
  model.train(on);
  if (!on) return;
  const auto modules = model.named_modules("", false);
  for (const auto& module : modules) {
    if (!module.value()->named_buffers(false).contains("running_mean")) continue;
    if (is_frozen(owner_of(modules, module.key(), model))) module.value()->eval();
  }
}

std::string batch_statistics(Model& model) {
  const bool training = model.is_training();
  set_training(model, true);
  std::string found;
  for (const auto& module : model.named_modules("", false)) {
    const bool statistics = module.value()->named_buffers(false).contains("running_mean");
    if (statistics && module.value()->is_training()) found = module.key();
  }
  set_training(model, training);
  return found;
}

}  // namespace dime
