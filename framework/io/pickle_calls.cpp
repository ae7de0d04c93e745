// SPDX-License-Identifier: Apache-2.0
#include "io/pickle_calls.hpp"

#include <algorithm>

#include "io/pickle_globals.hpp"

namespace dime::io {
namespace {

constexpr std::size_t kMostArguments = 8;  // of torch's own; a shared tuple must not be copied again and again

std::string shown(const PickleGlobal& global) {
  return printable(global.module, longest_shown) + "." + printable(global.name, longest_shown);
}

const char* opaque(std::string_view name) {
  if (name == "set" || name == "frozenset") return "a set";
  if (name == "complex") return "a complex number";
  return name == "bytes" ? "bytes" : "a bytearray";
}

}  // namespace

void PickleCalls::global(std::string_view module, std::string_view name) {
  const auto role = find_role(module, name, script_);
  if (!role) input_.refuse("its pickle names " + shown({module, name, PickleRole::builtin}));
  stack_.make(PickleGlobal{module, name, *role});
}

void PickleCalls::stack_global() {
  const PickleText* const name = stack_.get<PickleText>(stack_.pop());
  const PickleText* const module = stack_.get<PickleText>(stack_.pop());
  if (name == nullptr || module == nullptr) input_.damaged("it names something by what is no text");
  global(module->text, name->text);
}

void PickleCalls::reduce() {
  const PickleId arguments = stack_.pop();
  const PickleId callee = stack_.pop();
  const auto* const global = stack_.get<PickleGlobal>(callee);
  if (global == nullptr) input_.refuse("its pickle calls " + stack_.describe(callee));
  const auto* const tuple = stack_.get<PickleTuple>(arguments);
  if (tuple == nullptr || tuple->items.size() > kMostArguments) wrong_call(*global);
  // Copies: a new value may move the old ones.
  call(PickleGlobal(*global), std::vector<PickleId>(tuple->items));
}

void PickleCalls::call(const PickleGlobal& callee, const std::vector<PickleId>& arguments) {
  const std::size_t n = arguments.size();
  const auto first_is = [&]<class T>(const T*) { return n > 0 && stack_.get<T>(arguments[0]) != nullptr; };
  switch (callee.role) {
    case PickleRole::ordered_dict:
      if (n != 0) wrong_call(callee);
      return stack_.make(PickleDict{{}, true});
    case PickleRole::default_dict:
      if (n > 1) wrong_call(callee);
      return stack_.make(PickleDict{});
    case PickleRole::counter:
      return alias(n == 1 && first_is(static_cast<PickleDict*>(nullptr)), callee, arguments);
    case PickleRole::opaque:
      return stack_.make(PickleOpaque{opaque(callee.name)});
    case PickleRole::text_bytes:
      if (n != 2 || !first_is(static_cast<PickleText*>(nullptr))) wrong_call(callee);
      return stack_.make(PickleOpaque{"bytes"});
    case PickleRole::device:
      return stack_.make(PickleOpaque{"a device"});
    case PickleRole::size:
      return alias(n == 1 && first_is(static_cast<PickleTuple*>(nullptr)), callee, arguments);
    case PickleRole::script_list:
      return alias(n == 1 && first_is(static_cast<PickleList*>(nullptr)), callee, arguments);
    case PickleRole::script_tag:
      return alias(n == 2, callee, arguments);
    case PickleRole::parameter:
      return alias(n >= 3 && first_is(static_cast<PickleTensor*>(nullptr)), callee, arguments);
    case PickleRole::tensor:
    case PickleRole::tensor_v3:
      return rebuild(callee, arguments);
    case PickleRole::builtin:
    case PickleRole::dtype:
    case PickleRole::storage:
    case PickleRole::script_class:
      break;
  }
  wrong_call(callee);
}

void PickleCalls::alias(bool fits, const PickleGlobal& callee, const std::vector<PickleId>& arguments) {
  if (!fits) wrong_call(callee);
  stack_.push(arguments[0]);
}

// _rebuild_tensor(storage, offset, shape, strides[, gradient, hooks[, marks]]), v3 with the type before the marks.
// Marks say that the elements are to be negated or conjugated.
void PickleCalls::rebuild(const PickleGlobal& callee, const std::vector<PickleId>& arguments) {
  const bool typed = callee.role == PickleRole::tensor_v3;
  const std::size_t least = typed ? 7 : 4, marks = typed ? 7 : 6;
  if (arguments.size() < least || arguments.size() > marks + 1 || stack_.get<PickleStorage>(arguments[0]) == nullptr ||
      (arguments.size() > marks && !is_empty(arguments[marks]))) {
    wrong_call(callee);
  }
  const PickleId dtype = arguments[typed ? 6 : 0];
  if (typed) {
    const auto* const global = stack_.get<PickleGlobal>(dtype);
    if (global == nullptr || global->role != PickleRole::dtype) wrong_call(callee);
  }
  stack_.make(PickleTensor{arguments[0], arguments[1], arguments[2], arguments[3], dtype});
}

bool PickleCalls::is_empty(PickleId id) {
  const auto* const dict = stack_.get<PickleDict>(id);
  return stack_.get<PickleNone>(id) != nullptr || (dict != nullptr && dict->items.empty());
}

void PickleCalls::new_object(bool with_names) {
  if (with_names) stack_.pop();
  const auto* const arguments = stack_.get<PickleTuple>(stack_.pop());
  const PickleId type = stack_.pop();
  const auto* const global = stack_.get<PickleGlobal>(type);
  if (global == nullptr) input_.refuse("its pickle makes an object of " + stack_.describe(type));
  if (global->role != PickleRole::script_class) input_.refuse("its pickle makes an object of " + shown(*global));
  if (arguments == nullptr || !arguments->items.empty()) wrong_call(*global);
  stack_.make(PickleObject{});
  const PickleId self = stack_.top();
  stack_.get<PickleObject>(self)->state = self;
}

void PickleCalls::build() {
  const PickleId state = stack_.pop();
  const PickleId on = stack_.top();
  if (auto* const object = stack_.get<PickleObject>(on)) {
    object->state = state;
    return;
  }
  // A module's state_dict() carries the versions of its layers as an attribute.
  const auto* const dict = stack_.get<PickleDict>(on);
  if (dict == nullptr || !dict->ordered || stack_.get<PickleDict>(state) == nullptr) {
    input_.refuse("its pickle sets the state of " + stack_.describe(on));
  }
}

void PickleCalls::persistent_id() {
  const auto* const tuple = stack_.get<PickleTuple>(stack_.pop());
  const auto part = [&]<class T>(std::size_t i, const T*) -> const T* {
    return tuple != nullptr && i < tuple->items.size() ? stack_.get<T>(tuple->items[i]) : nullptr;
  };
  const auto* const kind = part(0, static_cast<PickleText*>(nullptr));
  const auto* const type = part(1, static_cast<PickleGlobal*>(nullptr));
  const auto* const key = part(2, static_cast<PickleText*>(nullptr));
  const auto* const numel = part(4, static_cast<std::int64_t*>(nullptr));
  if (tuple == nullptr || tuple->items.size() != 5 || kind == nullptr || kind->text != "storage" || type == nullptr ||
      type->role != PickleRole::storage || key == nullptr || numel == nullptr || *numel < 0) {
    input_.damaged("its persistent id is not ('storage', type, key, device, number of elements)");
  }
  if (key->text.empty() || key->text.find('/') != std::string_view::npos) {
    input_.damaged("the key of its storage is \"" + printable(key->text, longest_shown) + "\"");
  }
  stack_.make(PickleStorage{type->name, key->text, *numel});
}

void PickleCalls::instance(std::string_view module, std::string_view name) {
  input_.refuse("its pickle makes an object of " + shown({module, name, PickleRole::builtin}));
}

void PickleCalls::old_object() {
  const std::vector<PickleId> parts = stack_.pop_marked();
  const auto* const type = parts.empty() ? nullptr : stack_.get<PickleGlobal>(parts[0]);
  input_.refuse("its pickle makes an object of " + (type != nullptr ? shown(*type)
                                                    : parts.empty() ? std::string("nothing")
                                                                    : stack_.describe(parts[0])));
}

void PickleCalls::extension(std::uint64_t code) {
  input_.refuse("its pickle names extension " + std::to_string(code) + " of the program that wrote it");
}

void PickleCalls::wrong_call(const PickleGlobal& callee) const {
  input_.damaged("it calls " + shown(callee) + " in a way that torch does not write");
}

}  // namespace dime::io
