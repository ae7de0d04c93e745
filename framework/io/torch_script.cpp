// SPDX-License-Identifier: Apache-2.0
#include <dime/error.hpp>
#include <dime/printable.hpp>

#include "io/torch_weights.hpp"

namespace dime::io {
namespace {

constexpr int kDeepest = 64;
// Far above any model. A module that is shared is walked once for each of its names, so a small file could take long.
constexpr std::size_t kMostSteps = 1'000'000, kMostTensors = 100'000;
constexpr std::size_t kLongestName = 1024;

class ModuleWalk {
 public:
  ModuleWalk(const Pickle& pickle, const std::string& file) : pickle_(pickle), file_(file) {}

  FoundAttributes run() {
    const auto* const root = pickle_.get<PickleObject>(pickle_.root);
    if (root == nullptr) refuse("its pickle holds " + pickle_.describe(pickle_.root) + ", no module");
    walk(*root, 1);
    return std::move(found_);
  }

 private:
  void walk(const PickleObject& object, int depth) {
    const auto* const attributes = pickle_.get<PickleDict>(object.state);
    if (attributes == nullptr) return;  // an object that packs its parameters in a way of its own
    if (depth > kDeepest) refuse("its modules are nested more than 64 deep, or hold themselves");
    for (const auto& [key, value] : attributes->items) {
      const auto* const name = pickle_.get<PickleText>(key);
      if (name == nullptr) refuse("an attribute of its modules is named by " + pickle_.describe(key));
      if (++steps_ > kMostSteps || found_.tensors.size() > kMostTensors) refuse("its modules share too many others");
      const std::size_t outer = path_.size();
      path_.append(path_.empty() ? "" : ".").append(name->text);
      if (path_.size() > kLongestName) refuse("the name " + printable(path_, longest_shown) + " is too long");
      attribute(value, depth);
      path_.resize(outer);
    }
  }

  void attribute(PickleId value, int depth) {
    if (const auto* const tensor = pickle_.get<PickleTensor>(value)) {
      found_.tensors.push_back({path_, *tensor});
    } else if (const auto* const inner = pickle_.get<PickleObject>(value)) {
      walk(*inner, depth + 1);
    } else if (const auto* const integer = pickle_.get<std::int64_t>(value); integer != nullptr && depth == 1) {
      found_.integers.emplace_back(path_, *integer);
    }
  }

  [[noreturn]] void refuse(const std::string& what) const { throw WeightsError(file_ + ": " + what); }

  const Pickle& pickle_;
  const std::string& file_;
  FoundAttributes found_;
  std::string path_;
  std::size_t steps_ = 0;
};

}  // namespace

FoundAttributes find_attributes(const Pickle& pickle, const std::string& file) {
  return ModuleWalk(pickle, file).run();
}

}  // namespace dime::io
