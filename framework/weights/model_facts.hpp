// SPDX-License-Identifier: Apache-2.0
// What is written beside weights about the model that they are of.
#pragma once

#include <array>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "io/weights_file.hpp"

namespace dime {

struct ModelSpec;

/// Facts by key, each with the place that says it ("config.json"). A tower's begin with `image.` or `text.`:
/// image.size, image.patch, image.mean, image.std, image.interpolation; text.context, text.vocabulary, text.tokenizer,
/// text.causal ("true" or "false"); of both .activation, .heads, .eps; and embed_dim, type (the model plugin that wrote
/// them).
class ModelFacts {
 public:
  using Triple = std::array<double, 3>;

  bool empty() const { return all_.empty(); }
  std::optional<double> number(const std::string& key) const;
  std::optional<std::string> text(const std::string& key) const;
  std::optional<Triple> triple(const std::string& key) const;
  /// The place that says it, or "".
  std::string source(const std::string& key) const;
  /// The value as a message shows it: "224", "gelu", "[0.5, 0.5, 0.5]"; "" where it is not known.
  std::string shown(const std::string& key) const;

  /// What is said first stands: later sources do not replace it.
  void add(const std::string& key, double value, const std::string& source);
  void add(const std::string& key, const std::string& value, const std::string& source);
  void add(const std::string& key, const Triple& value, const std::string& source);
  void add(const ModelFacts& others);

 private:
  struct Fact {
    std::vector<double> numbers;  ///< one or three; none of a text
    std::string text;
    std::string source;
  };
  void add(const std::string& key, Fact fact) { all_.emplace(key, std::move(fact)); }

  std::map<std::string, Fact> all_;
};

/// The facts of a file of weights: of dime's own metadata in it, and of open_clip_config.json, config.json,
/// preprocessor_config.json and processor_config.json in its folder. A config.json of another kind of model says
/// nothing. Throws WeightsError for one of these that is no JSON object or has a value of the wrong kind.
ModelFacts read_model_facts(const io::WeightsFile& file);

/// The facts that a model itself states.
ModelFacts facts_of(const ModelSpec& spec, const std::string& source);

/// The metadata `dime.model` of a checkpoint: one line of JSON, from the type, the options as they stand in the
/// experiment (JSON or YAML), and the spec.
std::string model_metadata(const std::string& type, const std::string& options, const ModelSpec& spec);

/// One fact that the model does not share.
struct FactMismatch {
  std::string key;
  std::string stored;  ///< what is written beside the weights
  std::string model;   ///< what the model has
  std::string source;
};

/// Where `facts` and the model differ; of the towers that the model has.
std::vector<FactMismatch> fact_mismatches(const ModelFacts& facts, const ModelSpec& spec);

}  // namespace dime
