// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>
#include <utility>
#include <vector>

#include <ATen/Context.h>

namespace dime {

/// A snapshot of the default generators that a forward on `device` may draw from: one that runs a second time must draw
/// the same numbers again.
class GeneratorState {
 public:
  explicit GeneratorState(at::Device device) {
    add(at::globalContext().defaultGenerator(at::kCPU));
    if (!device.is_cpu()) add(at::globalContext().defaultGenerator(device));
  }

  /// Puts the generators back to where they were.
  void set() {
    for (auto& [generator, state] : states_) {
      const std::lock_guard<std::mutex> lock(generator.mutex());
      generator.set_state(state);
    }
  }

 private:
  void add(at::Generator generator) {
    const std::lock_guard<std::mutex> lock(generator.mutex());
    auto state = generator.get_state();
    states_.emplace_back(std::move(generator), std::move(state));
  }

  std::vector<std::pair<at::Generator, at::Tensor>> states_;
};

}  // namespace dime
