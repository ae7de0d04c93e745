// SPDX-License-Identifier: Apache-2.0
#include "io/pickle_stack.hpp"

#include <limits>

namespace dime::io {
namespace {

constexpr std::size_t kMostValues = 5'000'000;
constexpr PickleId kNothing = std::numeric_limits<PickleId>::max();

}  // namespace

void PickleStack::make(PickleValue value) {
  if (pickle_.values.size() == kMostValues) input_.too_large("5000000 values");
  pickle_.values.push_back(std::move(value));
  push(static_cast<PickleId>(pickle_.values.size() - 1));
}

PickleId PickleStack::top() const {
  if (stack_.size() == floor()) input_.damaged("a value should lie on the stack, but none does");
  return stack_.back();
}

PickleId PickleStack::pop() {
  const PickleId id = top();
  stack_.pop_back();
  return id;
}

std::vector<PickleId> PickleStack::pop_marked() {
  if (marks_.empty()) input_.damaged("a mark should lie on the stack, but none does");
  std::vector<PickleId> items(stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back()), stack_.end());
  stack_.resize(marks_.back());
  marks_.pop_back();
  return items;
}

void PickleStack::remember(std::uint64_t index) {
  const PickleId id = top();
  // Writers count from 0: a memo has no more places than the pickle has bytes so far.
  if (index > input_.at()) input_.damaged("it remembers a value as number " + std::to_string(index));
  if (index >= memo_.size()) memo_.resize(index + 1, kNothing);
  if (memo_[index] == kNothing) ++remembered_;
  memo_[index] = id;
}

void PickleStack::recall(std::uint64_t index) {
  if (index >= memo_.size() || memo_[index] == kNothing) {
    input_.damaged("it recalls a value number " + std::to_string(index) + ", which was not remembered");
  }
  push(memo_[index]);
}

Pickle PickleStack::finish() {
  pickle_.root = pop();
  if (!stack_.empty() || !marks_.empty()) input_.damaged("it ends with more than one value on the stack");
  return std::move(pickle_);
}

}  // namespace dime::io
