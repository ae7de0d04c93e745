// SPDX-License-Identifier: Apache-2.0
#include "io/pickle.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

#include "io/pickle_calls.hpp"
#include "io/pickle_input.hpp"
#include "io/pickle_opcodes.hpp"
#include "io/pickle_stack.hpp"

namespace dime::io {
namespace {

constexpr std::size_t kLargest = std::size_t{256} << 20;

class Parser {
 public:
  Parser(std::string_view bytes, const std::string& file, bool script)
      : input_(bytes, file), stack_(input_), calls_(input_, stack_, script) {
    if (bytes.size() > kLargest) input_.too_large("256 MiB");
  }

  Pickle run() {
    read_protocol();
    for (std::uint8_t code = input_.opcode(); code != op_stop; code = input_.opcode()) {
      if (!scalar(code) && !text(code) && !container(code) && !filling(code) && !memo(code) && !call(code))
        unknown(code);
    }
    if (input_.left() != 0) input_.damaged("it ends here, but " + std::to_string(input_.left()) + " bytes follow");
    return stack_.finish();
  }

 private:
  void read_protocol() {
    if (input_.opcode() != op_protocol) input_.damaged("it does not begin with its protocol");
    const std::uint64_t protocol = input_.little(1);
    if (protocol < 2 || protocol > 5) input_.damaged("its protocol is " + std::to_string(protocol) + ", not 2 to 5");
  }

  bool scalar(std::uint8_t code) {
    switch (code) {
      case op_none:
        stack_.make(PickleNone{});
        break;
      case op_true:
        stack_.make(true);
        break;
      case op_false:
        stack_.make(false);
        break;
      case op_int1:
        integer(input_.little(1));
        break;
      case op_int2:
        integer(input_.little(2));
        break;
      case op_int4:
        stack_.make(std::int64_t{static_cast<std::int32_t>(input_.little(4))});
        break;
      case op_long1:
        long_integer(input_.sized(1));
        break;
      case op_long4:
        long_integer(input_.sized(4));
        break;
      case op_float:
        stack_.make(input_.real());
        break;
      default:
        return false;
    }
    return true;
  }

  bool text(std::uint8_t code) {
    switch (code) {
      case op_text1:
      case op_string1:
        stack_.make(PickleText{input_.sized(1)});
        break;
      case op_text4:
      case op_string4:
        stack_.make(PickleText{input_.sized(4)});
        break;
      case op_text8:
        stack_.make(PickleText{input_.sized(8)});
        break;
      case op_bytes1:
        bytes(input_.sized(1), "bytes");
        break;
      case op_bytes4:
        bytes(input_.sized(4), "bytes");
        break;
      case op_bytes8:
        bytes(input_.sized(8), "bytes");
        break;
      case op_bytearray:
        bytes(input_.sized(8), "a bytearray");
        break;
      default:
        return false;
    }
    return true;
  }

  bool container(std::uint8_t code) {
    switch (code) {
      case op_mark:
        stack_.mark();
        break;
      case op_list:
        stack_.make(PickleList{});
        break;
      case op_dict:
        stack_.make(PickleDict{});
        break;
      case op_set:
        stack_.make(PickleOpaque{"a set"});
        break;
      case op_tuple0:
        tuple(0);
        break;
      case op_tuple1:
        tuple(1);
        break;
      case op_tuple2:
        tuple(2);
        break;
      case op_tuple3:
        tuple(3);
        break;
      case op_tuple:
        stack_.make(PickleTuple{stack_.pop_marked()});
        break;
      case op_frozenset:
        stack_.pop_marked();
        stack_.make(PickleOpaque{"a set"});
        break;
      default:
        return false;
    }
    return true;
  }

  bool filling(std::uint8_t code) {
    switch (code) {
      case op_append:
        append({stack_.pop()});
        break;
      case op_appends:
        append(stack_.pop_marked());
        break;
      case op_set_item:
        set_item();
        break;
      case op_set_items:
        set_items(stack_.pop_marked());
        break;
      case op_add_items:
        add_items();
        break;
      default:
        return false;
    }
    return true;
  }

  bool memo(std::uint8_t code) {
    switch (code) {
      case op_put1:
        stack_.remember(input_.little(1));
        break;
      case op_put4:
        stack_.remember(input_.little(4));
        break;
      case op_memoize:
        stack_.remember_next();
        break;
      case op_get1:
        stack_.recall(input_.little(1));
        break;
      case op_get4:
        stack_.recall(input_.little(4));
        break;
      case op_pop:
        stack_.pop();
        break;
      case op_pop_mark:
        stack_.pop_marked();
        break;
      case op_frame:
        frame(input_.little(8));
        break;
      default:
        return false;
    }
    return true;
  }

  bool call(std::uint8_t code) {
    switch (code) {
      case op_global:
        named();
        break;
      case op_inst:
        instance();
        break;
      case op_stack_global:
        calls_.stack_global();
        break;
      case op_reduce:
        calls_.reduce();
        break;
      case op_build:
        calls_.build();
        break;
      case op_new:
        calls_.new_object(false);
        break;
      case op_new_named:
        calls_.new_object(true);
        break;
      case op_persistent:
        calls_.persistent_id();
        break;
      case op_obj:
        calls_.old_object();
        break;
      case op_ext1:
        calls_.extension(input_.little(1));
        break;
      case op_ext2:
        calls_.extension(input_.little(2));
        break;
      case op_ext4:
        calls_.extension(input_.little(4));
        break;
      default:
        return false;
    }
    return true;
  }

  void integer(std::uint64_t value) { stack_.make(static_cast<std::int64_t>(value)); }

  // Two's complement, the first byte the lowest.
  void long_integer(std::string_view digits) {
    if (digits.size() > 8) return stack_.make(PickleOpaque{"an integer beyond 64 bits"});
    std::uint64_t value = !digits.empty() && (digits.back() & 0x80) != 0 ? ~std::uint64_t{0} : 0;
    for (std::size_t i = digits.size(); i-- > 0;) value = value << 8 | static_cast<unsigned char>(digits[i]);
    integer(value);
  }

  void bytes(std::string_view, const char* what) { stack_.make(PickleOpaque{what}); }

  void tuple(std::size_t size) {
    std::vector<PickleId> items(size);
    for (std::size_t i = size; i-- > 0;) items[i] = stack_.pop();
    stack_.make(PickleTuple{std::move(items)});
  }

  void append(const std::vector<PickleId>& items) {
    auto* const list = stack_.get<PickleList>(stack_.top());
    if (list == nullptr) input_.damaged("it appends to " + stack_.describe(stack_.top()));
    list->items.insert(list->items.end(), items.begin(), items.end());
  }

  void set_item() {
    const PickleId value = stack_.pop();
    const PickleId key = stack_.pop();
    set_items({key, value});
  }

  void set_items(const std::vector<PickleId>& items) {
    auto* const dict = stack_.get<PickleDict>(stack_.top());
    if (dict == nullptr) input_.damaged("it sets items of " + stack_.describe(stack_.top()));
    if (items.size() % 2 != 0) input_.damaged("a key of a dict has no value");
    for (std::size_t i = 0; i < items.size(); i += 2) dict->items.emplace_back(items[i], items[i + 1]);
  }

  void add_items() {
    stack_.pop_marked();
    if (stack_.get<PickleOpaque>(stack_.top()) == nullptr) {
      input_.damaged("it adds items to " + stack_.describe(stack_.top()));
    }
  }

  // A frame only says how much a reader may fetch at once.
  void frame(std::uint64_t size) {
    if (size > input_.left()) {
      input_.damaged("its frame would have " + std::to_string(size) + " bytes, but only " +
                     std::to_string(input_.left()) + " follow");
    }
  }

  void named() {
    const std::string_view module = input_.line();
    calls_.global(module, input_.line());
  }

  void instance() {
    const std::string_view module = input_.line();
    calls_.instance(module, input_.line());
  }

  [[noreturn]] void unknown(std::uint8_t code) const {
    std::array<char, 5> text{};
    std::snprintf(text.data(), text.size(), "0x%02x", static_cast<unsigned>(code));
    input_.damaged(std::string("torch does not write the opcode ") + text.data());
  }

  PickleInput input_;
  PickleStack stack_;
  PickleCalls calls_;
};

struct Describer {
  std::string operator()(const PickleNone&) const { return "None"; }
  std::string operator()(bool) const { return "a bool"; }
  std::string operator()(std::int64_t) const { return "an integer"; }
  std::string operator()(double) const { return "a float"; }
  std::string operator()(const PickleText&) const { return "a string"; }
  std::string operator()(const PickleOpaque& value) const { return value.what; }
  std::string operator()(const PickleList&) const { return "a list"; }
  std::string operator()(const PickleTuple&) const { return "a tuple"; }
  std::string operator()(const PickleDict&) const { return "a dict"; }
  std::string operator()(const PickleGlobal& value) const {
    return printable(value.module, longest_shown) + "." + printable(value.name, longest_shown);
  }
  std::string operator()(const PickleObject&) const { return "a module"; }
  std::string operator()(const PickleStorage&) const { return "a storage"; }
  std::string operator()(const PickleTensor&) const { return "a tensor"; }
};

}  // namespace

std::string Pickle::describe(PickleId id) const { return std::visit(Describer{}, values[id]); }

Pickle parse_pickle(std::string_view bytes, const std::string& file, bool script) {
  return Parser(bytes, file, script).run();
}

}  // namespace dime::io
