// SPDX-License-Identifier: Apache-2.0
#include "train/models.hpp"

#include <algorithm>

#include <ATen/Context.h>
#include <dime/error.hpp>
#include <dime/printable.hpp>
#include <dime/random.hpp>

#include "plugin/placed_error.hpp"
#include "train/tokenizers.hpp"
#include "train/weights.hpp"

namespace dime {

namespace {

/// A student whose text is the teacher's, or none, is its image tower: see Model in dime/model.hpp.
Component wanted_towers(const ModelEntry& entry, const Plugins& plugins) {
  Component component = entry.component;
  const auto options = plugins.schema("model", component.type).options();
  const bool has_option = std::any_of(options.begin(), options.end(), [](const auto& o) { return o.name == "towers"; });
  if (entry.image_only && has_option && component.options.find("towers") == nullptr) {
    component.options.set("towers", Value::scalar("image", component.mark));
  }
  return component;
}

/// "image", "image.image_size", …
void add_option_names(const std::vector<OptionInfo>& options, const std::string& prefix,
                      std::vector<std::string>& names) {
  for (const auto& option : options) {
    names.push_back(prefix + option.name);
    add_option_names(option.options, prefix + option.name + ".", names);
  }
}

/// What is wrong with the file is said with the place that names it.
void read_init(const InitOptions& init, const Model& model, const std::vector<std::string>& options,
               const std::string& what, Weights weights, const Notice& notice) {
  const std::string place = init.mark.origin ? init.mark.text() + ": " : "";
  try {
    const auto read = weights == Weights::only_checked ? check_tensors : load_tensors;
    const WeightsReport report = read(init, named_tensors(model), what, model.position_tables());
    const std::string note = check_facts(report, init, model.spec(), options, what);
    if (notice) notice(what + ": " + report.text + note);
  } catch (const WeightsError& e) {
    throw WeightsError(place + e.what());
  } catch (const IoError& e) {
    throw IoError(place + e.what());
  }
}

}  // namespace

void check_spec(const ModelSpec& spec) {
  constexpr std::int64_t kMostPixels = 65535;
  const auto expect = [](bool good, const std::string& what, const std::string& got) {
    if (!good) throw ArgumentError("its spec() has " + what + " of " + got);
  };
  const auto expect_number = [&](bool good, const std::string& what, std::int64_t got) {
    expect(good, what, std::to_string(got));
  };
  expect_number(spec.embed_dim >= 1, "an embed_dim", spec.embed_dim);
  if (const auto& image = spec.image) {
    expect_number(image->size >= 1 && image->size <= kMostPixels, "an image size", image->size);
    expect(image->interpolation == "bicubic" || image->interpolation == "bilinear", "an interpolation",
           "\"" + printable(image->interpolation) + "\", not of bicubic or bilinear");
    expect(image->resize_mode == "shortest" || image->resize_mode == "squash", "a resize_mode",
           "\"" + printable(image->resize_mode) + "\", not of shortest or squash");
  }
  if (spec.text) expect_number(spec.text->context >= 1, "a context", spec.text->context);
  if (spec.text) expect_number(spec.text->vocabulary >= 1, "a vocabulary", spec.text->vocabulary);
}

std::shared_ptr<Model> make_model(const ModelEntry& entry, const Plugins& plugins, std::int64_t seed,
                                  const torch::Device& device, const std::string& what, Weights weights,
                                  const Notice& notice) {
  at::manual_seed(random_key({static_cast<std::uint64_t>(seed), 21}));
  auto model = plugins.make_model(wanted_towers(entry, plugins));
  try {
    check_spec(model->spec());
  } catch (...) {
    rethrow_placed("model", entry.component);
  }
  check_tokenizer_key(entry, model->spec(), what);
  if (weights == Weights::ready) model->initialise();
  if (entry.init) {
    std::vector<std::string> options;
    add_option_names(plugins.schema("model", entry.component.type).options(), "", options);
    read_init(*entry.init, *model, options, what, weights, notice);
  }
  if (weights == Weights::ready) model->to(device);
  return model;
}

std::shared_ptr<Model> make_frozen_model(const ModelEntry& entry, const Plugins& plugins, std::int64_t seed,
                                         const torch::Device& device, const std::string& what, Weights weights,
                                         const Notice& notice) {
  auto model = make_model(entry, plugins, seed, device, what, weights, notice);
  model->eval();
  for (auto& parameter : model->parameters()) parameter.set_requires_grad(false);
  return model;
}

bool has_weights(const ModelEntry& entry, const Model& model) { return entry.init || model.brings_weights(); }

}  // namespace dime
