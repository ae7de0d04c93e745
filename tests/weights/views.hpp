// SPDX-License-Identifier: Apache-2.0
// Tensors of given names and shapes, without a file or with one.
#pragma once

#include <deque>
#include <filesystem>
#include <functional>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "io/safetensors.hpp"

namespace dime::test {

using NamedShapes = std::vector<std::pair<std::string, std::vector<std::int64_t>>>;

inline std::int64_t elements(const std::vector<std::int64_t>& shape) {
  return std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>());
}

/// fp32 tensors that count up from 0, each in C order.
class Views {
 public:
  explicit Views(const NamedShapes& all) {
    for (const auto& [name, shape] : all) add(name, shape);
  }
  std::vector<const io::TensorView*> pointers() const {
    std::vector<const io::TensorView*> all;
    for (const auto& view : views_) all.push_back(&view);
    return all;
  }
  const std::vector<io::TensorView>& all() const { return views_; }
  std::vector<io::TensorView>& all() { return views_; }

 private:
  void add(const std::string& name, const std::vector<std::int64_t>& shape) {
    auto& numbers = numbers_.emplace_back(static_cast<std::size_t>(elements(shape)));
    std::iota(numbers.begin(), numbers.end(), 0.0F);
    views_.push_back({name, io::DType::f32, shape, reinterpret_cast<const std::uint8_t*>(numbers.data()),
                      numbers.size() * sizeof(float)});
  }

  std::deque<std::vector<float>> numbers_;
  std::vector<io::TensorView> views_;
};

}  // namespace dime::test
