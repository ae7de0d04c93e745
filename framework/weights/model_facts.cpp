// SPDX-License-Identifier: Apache-2.0
#include "weights/model_facts.hpp"

#include <cmath>
#include <cstdio>

#include <dime/model.hpp>
#include <nlohmann/json.hpp>

namespace dime {
namespace {

std::string number_text(double x) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.9g", x);
  return text;
}

/// Files round to a few digits.
bool same(double a, double b) { return std::abs(a - b) <= 1e-6 * std::max(1.0, std::abs(b)); }
/// Of an epsilon, which may have been a float; of whole numbers too, the largest of which are a few millions.
bool same_number(double a, double b) { return std::abs(a - b) <= 1e-7 * std::abs(b); }

}  // namespace

std::optional<double> ModelFacts::number(const std::string& key) const {
  const auto at = all_.find(key);
  if (at == all_.end() || at->second.numbers.size() != 1) return std::nullopt;
  return at->second.numbers[0];
}

std::optional<std::string> ModelFacts::text(const std::string& key) const {
  const auto at = all_.find(key);
  if (at == all_.end() || !at->second.numbers.empty()) return std::nullopt;
  return at->second.text;
}

std::optional<ModelFacts::Triple> ModelFacts::triple(const std::string& key) const {
  const auto at = all_.find(key);
  if (at == all_.end() || at->second.numbers.size() != 3) return std::nullopt;
  return Triple{at->second.numbers[0], at->second.numbers[1], at->second.numbers[2]};
}

std::string ModelFacts::source(const std::string& key) const {
  const auto at = all_.find(key);
  return at == all_.end() ? "" : at->second.source;
}

std::string ModelFacts::shown(const std::string& key) const {
  const auto at = all_.find(key);
  if (at == all_.end()) return "";
  const Fact& fact = at->second;
  if (fact.numbers.empty()) return fact.text;
  if (fact.numbers.size() == 1) return number_text(fact.numbers[0]);
  std::vector<std::string> parts;
  for (const double x : fact.numbers) parts.push_back(number_text(x));
  return "[" + join(parts) + "]";
}

void ModelFacts::add(const std::string& key, double value, const std::string& source) {
  add(key, Fact{{value}, "", source});
}

void ModelFacts::add(const std::string& key, const std::string& value, const std::string& source) {
  add(key, Fact{{}, value, source});
}

void ModelFacts::add(const std::string& key, const Triple& value, const std::string& source) {
  add(key, Fact{{value.begin(), value.end()}, "", source});
}

void ModelFacts::add(const ModelFacts& others) {
  for (const auto& [key, fact] : others.all_) add(key, fact);
}

ModelFacts facts_of(const ModelSpec& spec, const std::string& source) {
  ModelFacts facts;
  const auto tower = [&](const std::string& name, const auto& of) {
    if (!of.activation.empty()) facts.add(name + ".activation", of.activation, source);
    if (of.heads > 0) facts.add(name + ".heads", static_cast<double>(of.heads), source);
    if (of.layer_norm_eps > 0) facts.add(name + ".eps", of.layer_norm_eps, source);
  };
  facts.add("embed_dim", static_cast<double>(spec.embed_dim), source);
  if (spec.image) {
    facts.add("image.size", static_cast<double>(spec.image->size), source);
    facts.add("image.mean", spec.image->mean, source);
    facts.add("image.std", spec.image->std, source);
    facts.add("image.interpolation", spec.image->interpolation, source);
    facts.add("image.resize_mode", spec.image->resize_mode, source);
    tower("image", *spec.image);
  }
  if (spec.text) {
    facts.add("text.context", static_cast<double>(spec.text->context), source);
    facts.add("text.vocabulary", static_cast<double>(spec.text->vocabulary), source);
    facts.add("text.tokenizer", spec.text->tokenizer, source);
    tower("text", *spec.text);
    if (spec.text->causal) facts.add("text.causal", *spec.text->causal ? "true" : "false", source);
  }
  return facts;
}

std::vector<FactMismatch> fact_mismatches(const ModelFacts& facts, const ModelSpec& spec) {
  const ModelFacts own = facts_of(spec, "");
  std::vector<FactMismatch> found;
  for (const char* key :
       {"embed_dim", "image.size", "image.mean", "image.std", "image.interpolation", "image.resize_mode",
        "image.activation", "image.heads", "image.eps", "text.context", "text.vocabulary", "text.tokenizer",
        "text.activation", "text.heads", "text.eps", "text.causal"}) {
    const auto stored = facts.triple(key), model = own.triple(key);
    bool differs = false;
    if (stored && model) {
      for (int c = 0; c < 3; ++c) differs |= !same((*stored)[c], (*model)[c]);
    } else if (facts.number(key) && own.number(key)) {
      differs = !same_number(*facts.number(key), *own.number(key));
    } else if (facts.text(key) && own.text(key)) {
      differs = *facts.text(key) != *own.text(key);
    }
    if (differs) found.push_back({key, facts.shown(key), own.shown(key), facts.source(key)});
  }
  return found;
}

std::string model_metadata(const std::string& type, const std::string& options, const ModelSpec& spec) {
  nlohmann::ordered_json json{{"type", type}, {"options", options}, {"embed_dim", spec.embed_dim}};
  if (spec.image) {
    json["image"] = {{"size", spec.image->size},
                     {"mean", spec.image->mean},
                     {"std", spec.image->std},
                     {"interpolation", spec.image->interpolation},
                     {"resize_mode", spec.image->resize_mode},
                     {"activation", spec.image->activation},
                     {"heads", spec.image->heads},
                     {"layer_norm_eps", spec.image->layer_norm_eps}};
  }
  if (spec.text) {
    json["text"] = {{"context", spec.text->context},     {"vocabulary", spec.text->vocabulary},
                    {"tokenizer", spec.text->tokenizer}, {"activation", spec.text->activation},
                    {"heads", spec.text->heads},         {"layer_norm_eps", spec.text->layer_norm_eps}};
    if (spec.text->causal) json["text"]["causal"] = *spec.text->causal;
  }
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace dime
