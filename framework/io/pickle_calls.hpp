// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "io/pickle_stack.hpp"

namespace dime::io {

/// What a pickle names and calls: each known name makes plain data, every other is refused. Nothing is called.
class PickleCalls {
 public:
  PickleCalls(PickleInput& input, PickleStack& stack, bool script) : input_(input), stack_(stack), script_(script) {}

  void global(std::string_view module, std::string_view name);
  void stack_global();
  void reduce();
  void new_object(bool with_names);
  void build();
  void persistent_id();
  /// INST, OBJ and EXT, which torch does not write.
  [[noreturn]] void instance(std::string_view module, std::string_view name);
  void old_object();
  void extension(std::uint64_t code);

 private:
  void call(const PickleGlobal& callee, const std::vector<PickleId>& arguments);
  void rebuild(const PickleGlobal& callee, const std::vector<PickleId>& arguments);
  void alias(bool fits, const PickleGlobal& callee, const std::vector<PickleId>& arguments);
  [[noreturn]] void wrong_call(const PickleGlobal& callee) const;
  bool is_empty(PickleId id);

  PickleInput& input_;
  PickleStack& stack_;
  bool script_;
};

}  // namespace dime::io
