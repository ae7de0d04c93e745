// SPDX-License-Identifier: Apache-2.0
#include "weights/identify.hpp"

#include <algorithm>

#include <dime/error.hpp>
#include <dime/printable.hpp>
#include <dime/schema.hpp>

namespace dime {
namespace {

constexpr std::size_t kListed = 6;

struct Mark {
  std::string_view prefix, family;
};
// In this order: a text tower alone is told by the last ones.
constexpr Mark kMarks[] = {{"visual.trunk.attn_pool.", "siglip"}, {"visual.trunk.layers.", "unicl"},
                           {"visual.trunk.stages.", "fastvit"},   {"visual.class_embedding", "clip"},
                           {"visual.attnpool.", "clip"},          {"text.text_projection.", "siglip"},
                           {"transformer.resblocks.", "clip"}};

bool has(const std::vector<MappedTensor>& tensors, std::string_view prefix) {
  return std::any_of(tensors.begin(), tensors.end(), [&](const MappedTensor& t) { return t.name.starts_with(prefix); });
}

std::string some(std::vector<std::string> names) {
  const std::size_t all = names.size();
  names.resize(std::min(all, kListed));
  std::string text = printable(join(names), 400);
  if (all > kListed) text += " and " + std::to_string(all - kListed) + " more";
  return text;
}

}  // namespace

std::string_view family_of(const std::vector<MappedTensor>& tensors) {
  for (const auto& mark : kMarks) {
    if (has(tensors, mark.prefix)) return mark.family;
  }
  return "";
}

const NameScheme* find_scheme(std::string_view family, std::string_view name) {
  const auto schemes = name_schemes();
  const auto at = std::find_if(schemes.begin(), schemes.end(),
                               [&](const NameScheme& s) { return s.family == family && s.name == name; });
  return at == schemes.end() ? nullptr : &*at;
}

IdentifiedWeights identify(const io::WeightsFile& file) {
  std::vector<const io::TensorView*> views;
  for (const auto& view : file.tensors()) views.push_back(&view);
  IdentifiedWeights nearest;
  for (const auto& scheme : name_schemes()) {
    IdentifiedWeights now{&scheme, map_names(views, &scheme)};
    if (family_of(now.map.tensors) != scheme.family) continue;
    if (nearest.scheme == nullptr || now.map.unfit.size() < nearest.map.unfit.size()) nearest = std::move(now);
  }
  const std::string path = file.path().string();
  if (nearest.scheme == nullptr) {
    std::vector<std::string> names;
    for (const auto* view : views) names.push_back(view->name);
    throw WeightsError(path + " (" + file.format() + "): its names are of no model that dime knows: " + some(names));
  }
  std::vector<std::string> unfit, partial;
  for (const auto* view : nearest.map.unfit) unfit.push_back(view->name);
  for (const auto& tensor : nearest.map.tensors) {
    if (!is_complete(tensor)) partial.push_back(tensor.name);
  }
  const std::string title(nearest.scheme->title);
  if (!unfit.empty()) {
    throw WeightsError(path + " (" + file.format() + "): beside " + title + " it holds " + some(unfit));
  }
  if (!partial.empty()) {
    throw WeightsError(path + " (" + file.format() + ", " + title + "): it holds only a part of " + some(partial));
  }
  return nearest;
}

}  // namespace dime
