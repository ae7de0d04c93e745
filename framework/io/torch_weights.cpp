// SPDX-License-Identifier: Apache-2.0
#include "io/torch_weights.hpp"

#include <algorithm>
#include <array>
#include <set>

#include <dime/error.hpp>
#include <dime/printable.hpp>
#include <dime/schema.hpp>

namespace dime::io {
namespace {

// What training programs call the dictionary of their weights.
constexpr std::array<std::string_view, 4> kParts = {"state_dict", "model", "model_state_dict", "image_state_dict"};
constexpr int kDeepest = 3;
constexpr std::size_t kListed = 12;
constexpr std::size_t kLongestName = 1024;

std::string in_quotes(std::string_view text) { return "\"" + printable(text, longest_shown) + "\""; }

class WeightsFinder {
 public:
  WeightsFinder(const Pickle& pickle, const std::string& file) : pickle_(pickle), file_(file) {}

  FoundWeights find() const {
    const auto* const root = pickle_.get<PickleDict>(pickle_.root);
    if (root == nullptr) {
      throw WeightsError(file_ + ": its pickle holds " + pickle_.describe(pickle_.root) +
                         ", no dictionary of weights; save a plain state_dict()");
    }
    std::vector<Candidate> candidates;
    collect(*root, "", 1, candidates);
    if (candidates.empty() && holds_tensors(*root)) candidates.push_back({"", root});
    if (candidates.empty()) none(*root);
    if (candidates.size() > 1) several(candidates);
    return read(candidates[0].part, *candidates[0].dict);
  }

 private:
  struct Candidate {
    std::string part;
    const PickleDict* dict;
  };

  bool holds_tensors(const PickleDict& dict) const {
    return std::any_of(dict.items.begin(), dict.items.end(),
                       [&](const auto& item) { return pickle_.get<PickleTensor>(item.second) != nullptr; });
  }

  void collect(const PickleDict& dict, const std::string& path, int depth, std::vector<Candidate>& found) const {
    for (const auto& [key, value] : dict.items) {
      const auto* const name = pickle_.get<PickleText>(key);
      const auto* const inner = pickle_.get<PickleDict>(value);
      if (name == nullptr || inner == nullptr) continue;
      if (std::find(kParts.begin(), kParts.end(), name->text) == kParts.end()) continue;
      const std::string part = path.empty() ? std::string(name->text) : path + "." + std::string(name->text);
      if (holds_tensors(*inner)) {
        found.push_back({part, inner});
      } else if (depth < kDeepest) {
        collect(*inner, part, depth + 1, found);
      }
      if (found.size() > kListed) return;
    }
  }

  [[noreturn]] void none(const PickleDict& root) const {
    std::vector<std::string> keys;
    for (const auto& [key, value] : root.items) {
      const auto* const name = pickle_.get<PickleText>(key);
      if (keys.size() == kListed) {
        keys.emplace_back("…");
        break;
      }
      keys.push_back(name != nullptr ? in_quotes(name->text) : pickle_.describe(key));
    }
    throw WeightsError(file_ + ": its pickle holds no weights: it is a dictionary of " +
                       (keys.empty() ? "nothing" : join(keys)) +
                       "; tensors are looked for in it and under state_dict, model, model_state_dict and "
                       "image_state_dict");
  }

  [[noreturn]] void several(const std::vector<Candidate>& candidates) const {
    std::vector<std::string> parts;
    for (const Candidate& candidate : candidates) parts.push_back(in_quotes(candidate.part));
    throw WeightsError(file_ + ": several of its dictionaries hold tensors: " + join(parts) +
                       "; save the one that is meant in a file of its own");
  }

  FoundWeights read(const std::string& part, const PickleDict& dict) const {
    FoundWeights found{part, {}};
    // Before any name is copied: a pickle can refer to a long one in two bytes, again and again.
    std::set<std::string_view> names;
    for (const auto& [key, value] : dict.items) {
      const auto* const name = pickle_.get<PickleText>(key);
      if (name == nullptr) not_a_weight("a key among its weights is " + pickle_.describe(key) + ", no name");
      if (name->text.size() > kLongestName) {
        not_a_weight("the name " + in_quotes(name->text) + " among its weights has " +
                     std::to_string(name->text.size()) + " bytes, more than 1024");
      }
      if (!names.insert(name->text).second) not_a_weight(in_quotes(name->text) + " is among its weights twice");
      const auto* const tensor = pickle_.get<PickleTensor>(value);
      if (tensor == nullptr) {
        not_a_weight(in_quotes(name->text) + " among its weights is " + pickle_.describe(value) + ", no tensor");
      }
      found.tensors.push_back({std::string(name->text), *tensor});
    }
    return found;
  }

  [[noreturn]] void not_a_weight(const std::string& what) const {
    throw WeightsError(file_ + ": " + what + "; save a plain state_dict()");
  }

  const Pickle& pickle_;
  const std::string& file_;
};

}  // namespace

FoundWeights find_weights(const Pickle& pickle, const std::string& file) { return WeightsFinder(pickle, file).find(); }

}  // namespace dime::io
