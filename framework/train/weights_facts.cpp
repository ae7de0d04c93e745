// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <string_view>

#include <dime/error.hpp>

#include "train/weights.hpp"

namespace dime {
namespace {

/// What plugins call the option that a fact is of.
std::vector<std::string> option_names(const std::string& key) {
  if (key == "image.size") return {"image.image_size", "image_size"};
  const auto dot = key.find('.');
  const std::string tower = dot == std::string::npos ? "" : key.substr(0, dot + 1);
  const std::string bare = key.substr(tower.size()) == "eps" ? "layer_norm_eps" : key.substr(tower.size());
  return {tower + bare, bare};
}

/// The option that changes what `key` is of, or "".
std::string option_of(const std::string& key, const std::vector<std::string>& options) {
  for (const auto& name : option_names(key)) {
    if (std::find(options.begin(), options.end(), name) != options.end()) return name;
  }
  return "";
}

/// Whether images are prepared in a way that the model cannot be told of, or that dime does not know: that is said, and
/// is no reason to refuse the weights.
bool is_only_said(const FactMismatch& m, const std::string& option) {
  constexpr std::array<std::string_view, 4> kKnown = {"bilinear", "bicubic", "shortest", "squash"};
  if (m.key != "image.interpolation" && m.key != "image.resize_mode") return false;
  return option.empty() || std::find(kKnown.begin(), kKnown.end(), m.stored) == kKnown.end();
}

}  // namespace

std::string check_facts(const WeightsReport& report, const InitOptions& from, const ModelSpec& spec,
                        const std::vector<std::string>& options, const std::string& what) {
  std::vector<std::string> lines;
  std::string note;
  for (const auto& m : fact_mismatches(report.facts, spec)) {
    if (m.key == "image.size" && !report.fitted.empty()) continue;
    const std::string option = option_of(m.key, options);
    if (is_only_said(m, option)) {
      note += "; " + m.source + " says that images are resized " + m.stored + ", the model says " + m.model;
      continue;
    }
    lines.push_back(
        m.key + " is " + m.stored + " in " + m.source + ", " + m.model + " in the model (" +
        (option.empty() ? "which has no option for it: take other weights" : "change " + what + "." + option) + ")");
  }
  if (lines.empty()) return note;
  throw WeightsError(what + ": the weights in " + from.path.string() + " are of another model: " + join(lines, "; "));
}

}  // namespace dime
