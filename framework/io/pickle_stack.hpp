// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "io/pickle.hpp"
#include "io/pickle_input.hpp"

namespace dime::io {

/// The values, the stack and the memo of a pickle that is being read.
class PickleStack {
 public:
  explicit PickleStack(PickleInput& input) : input_(input) {}

  /// Makes a value and puts it on the stack.
  void make(PickleValue value);
  void push(PickleId id) { stack_.push_back(id); }
  PickleId pop();
  PickleId top() const;
  void mark() { marks_.push_back(stack_.size()); }
  /// Takes what lies on the stack since the last mark, and the mark.
  std::vector<PickleId> pop_marked();

  /// Remembers the top of the stack.
  void remember(std::uint64_t index);
  void remember_next() { remember(remembered_); }
  void recall(std::uint64_t index);

  template <class T>
  T* get(PickleId id) {
    return std::get_if<T>(&pickle_.values[id]);
  }
  const Pickle& pickle() const { return pickle_; }
  std::string describe(PickleId id) const { return pickle_.describe(id); }
  /// The pickle, whose root is the only value on the stack.
  Pickle finish();

 private:
  std::size_t floor() const { return marks_.empty() ? 0 : marks_.back(); }

  PickleInput& input_;
  Pickle pickle_;
  std::vector<PickleId> stack_;
  std::vector<std::size_t> marks_;
  std::vector<PickleId> memo_;
  std::uint64_t remembered_ = 0;  // how many PUTs and MEMOIZEs, as Python counts
};

}  // namespace dime::io
