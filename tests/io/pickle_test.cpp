// SPDX-License-Identifier: Apache-2.0
#include "io/pickle.hpp"

#include <gtest/gtest.h>

#include <dime/error.hpp>

#include "support/errors.hpp"
#include "support/pickles.hpp"

namespace dime::io {
namespace {

using namespace test::pickle;
using test::error_text;
using test::little;

std::string problem(const std::string& bytes, bool script = false) {
  return error_text<WeightsError>([&] { parse_pickle(bytes, "w.pt", script); });
}

std::string problem_of(const std::string& body) { return problem(whole(body)); }

std::string not_executed(const std::string& what) {
  return "w.pt: " + what +
         ", which is neither a tensor nor a plain container: it was not executed; save a plain state_dict() instead";
}

std::string damaged(std::size_t at, const std::string& how) {
  return "w.pt: its pickle is damaged at byte " + std::to_string(at) + ": " + how;
}

// The value, as text.
std::string shown(const Pickle& pickle, PickleId id) {
  const auto all = [&](const auto& items) {
    std::string out;
    for (const PickleId item : items) out += shown(pickle, item) + ",";
    return out;
  };
  if (const auto* v = pickle.get<std::int64_t>(id)) return std::to_string(*v);
  if (const auto* v = pickle.get<double>(id)) return std::to_string(*v);
  if (const auto* v = pickle.get<bool>(id)) return *v ? "True" : "False";
  if (const auto* v = pickle.get<PickleText>(id)) return "'" + std::string(v->text) + "'";
  if (const auto* v = pickle.get<PickleList>(id)) return "[" + all(v->items) + "]";
  if (const auto* v = pickle.get<PickleTuple>(id)) return "(" + all(v->items) + ")";
  if (const auto* v = pickle.get<PickleStorage>(id)) {
    return std::string(v->type) + "#" + std::string(v->key) + "x" + std::to_string(v->numel);
  }
  if (const auto* v = pickle.get<PickleTensor>(id)) {
    return "tensor(" + shown(pickle, v->storage) + "+" + shown(pickle, v->offset) + shown(pickle, v->shape) +
           shown(pickle, v->strides) + ")";
  }
  if (const auto* v = pickle.get<PickleDict>(id)) {
    std::string out = v->ordered ? "O{" : "{";
    for (const auto& [key, value] : v->items) out += shown(pickle, key) + ":" + shown(pickle, value) + ",";
    return out + "}";
  }
  if (const auto* v = pickle.get<PickleObject>(id)) return v->state == id ? "<>" : "<" + shown(pickle, v->state) + ">";
  return pickle.describe(id);
}

std::string value_of(const std::string& body, bool script = false) {
  const std::string bytes = whole(body);
  const Pickle pickle = parse_pickle(bytes, "w.pt", script);
  return shown(pickle, pickle.root);
}

TEST(Pickle, ReadsNumbers) {
  EXPECT_EQ(value_of("N"), "None");
  EXPECT_EQ(value_of("\x88"), "True");
  EXPECT_EQ(value_of("\x89"), "False");
  EXPECT_EQ(value_of("K\xff"), "255");
  EXPECT_EQ(value_of("M\x01\x02"), "513");
  EXPECT_EQ(value_of("J\xfe\xff\xff\xff"), "-2");
  EXPECT_EQ(value_of(std::string("\x8a\0", 2)), "0");
  EXPECT_EQ(value_of("\x8a\x01\xff"), "-1");
  EXPECT_EQ(value_of(integer(INT64_MIN)), "-9223372036854775808");
  EXPECT_EQ(value_of("\x8b" + little(2, 4) + "\xff\x7f"), "32767");
  EXPECT_EQ(value_of("\x8a\x09" + std::string(9, '\1')), "an integer beyond 64 bits");
  EXPECT_EQ(value_of(std::string("G\x3f\xf8\0\0\0\0\0\0", 9)), "1.500000");
}

TEST(Pickle, ReadsTexts) {
  EXPECT_EQ(value_of(text("abc")), "'abc'");
  EXPECT_EQ(value_of("\x8c\x02zz"), "'zz'");
  EXPECT_EQ(value_of("\x8d" + little(1, 8) + "q"), "'q'");
  EXPECT_EQ(value_of("U\x01q"), "'q'");
  EXPECT_EQ(value_of("T" + little(1, 4) + "q"), "'q'");
  EXPECT_EQ(value_of("C\x01q"), "bytes");
  EXPECT_EQ(value_of("B" + little(1, 4) + "q"), "bytes");
  EXPECT_EQ(value_of("\x8e" + little(1, 8) + "q"), "bytes");
  EXPECT_EQ(value_of("\x96" + little(1, 8) + "q"), "a bytearray");
  EXPECT_EQ(value_of(call(global("_codecs", "encode"), {text("q"), text("latin1")})), "bytes");
}

TEST(Pickle, ReadsContainers) {
  EXPECT_EQ(value_of("]"), "[]");
  EXPECT_EQ(value_of("]K\1a"), "[1,]");
  EXPECT_EQ(value_of(list({"K\1", "]"})), "[1,[],]");
  EXPECT_EQ(value_of(")"), "()");
  EXPECT_EQ(value_of("K\1\x85"), "(1,)");
  EXPECT_EQ(value_of("K\1K\2\x86"), "(1,2,)");
  EXPECT_EQ(value_of("K\1K\2K\3\x87"), "(1,2,3,)");
  EXPECT_EQ(value_of(integers({1, 2, 3, 4})), "(1,2,3,4,)");
  EXPECT_EQ(value_of(dict({{"a", "K\1"}, {"b", "N"}})), "{'a':1,'b':None,}");
  EXPECT_EQ(value_of("}" + text("a") + "K\1s"), "{'a':1,}");
  EXPECT_EQ(value_of(ordered_dict({{"a", "K\1"}})), "O{'a':1,}");
  EXPECT_EQ(value_of(ordered_dict({}) + dict({{"_metadata", "N"}}) + "b"), "O{}");
  EXPECT_EQ(value_of(call(global("collections", "defaultdict"), {global("__builtin__", "list")}) + items({{"a", "N"}})),
            "{'a':None,}");
  EXPECT_EQ(value_of(call(global("collections", "Counter"), {dict({{"a", "K\1"}})})), "{'a':1,}");
  EXPECT_EQ(value_of("\x8f(K\1\x90"), "a set");
  EXPECT_EQ(value_of("(K\1\x91"), "a set");
  EXPECT_EQ(value_of(call(global("__builtin__", "set"), {list({"K\1"})})), "a set");
  EXPECT_EQ(value_of(call(global("torch", "Size"), {integers({2, 3})})), "(2,3,)");
  EXPECT_EQ(value_of(call(global("torch", "device"), {text("cuda"), "K\1"})), "a device");
  EXPECT_EQ(value_of(global("torch", "float16")), "torch.float16");
}

TEST(Pickle, RemembersValues) {
  EXPECT_EQ(value_of("]q\1h\1\x86"), "([],[],)");
  EXPECT_EQ(value_of("]r\1" + std::string(3, '\0') + "Nj\1" + std::string(3, '\0') + "\x87"), "([],None,[],)");
  EXPECT_EQ(value_of("]\x94N\x94" + std::string("h\0\x87", 3)), "([],None,[],)");
  EXPECT_EQ(value_of("]N0"), "[]");
  EXPECT_EQ(value_of("](NN1"), "[]");
}

TEST(Pickle, ReadsTensors) {
  EXPECT_EQ(value_of(view(storage("7", 6, "HalfStorage"), 1, {2, 2}, {3, 1})), "tensor(HalfStorage#7x6+1(2,2,)(3,1,))");
  EXPECT_EQ(value_of(call(global("torch._utils", "_rebuild_parameter"),
                          {vector("0", 2), "\x88", call(global("collections", "OrderedDict"), {})})),
            "tensor(FloatStorage#0x2+0(2,)(1,))");
  EXPECT_EQ(
      value_of(call(
          global("torch._utils", "_rebuild_tensor_v3"),
          {tuple({text("storage"), global("torch.storage", "UntypedStorage"), text("0"), text("cpu"), "K\4"}) + "Q",
           integer(0), integers({1}), integers({1}), "\x89", "N", global("torch", "float32")})),
      "tensor(UntypedStorage#0x4+0(1,)(1,))");
}

TEST(Pickle, ReadsModulesOfTorchScriptOnly) {
  const std::string net = module("Net", {{"w", "K\1"}});
  EXPECT_EQ(value_of(net, true), "<{'w':1,}>");
  EXPECT_EQ(value_of(global("__torch__.a.b", "C") + ")\x81", true), "<>");
  EXPECT_EQ(value_of(call(global("torch.jit._pickle", "build_intlist"), {list({"K\1"})}), true), "[1,]");
  EXPECT_EQ(value_of(call(global("torch.jit._pickle", "restore_type_tag"), {"]", text("List[int]")}), true), "[]");
  EXPECT_EQ(problem_of(net), not_executed("its pickle names __torch__.Net"));
  EXPECT_EQ(problem_of(global("torch.jit._pickle", "build_intlist")),
            not_executed("its pickle names torch.jit._pickle.build_intlist"));
  EXPECT_EQ(problem(whole(global("__torch__x", "C")), true), not_executed("its pickle names __torch__x.C"));
}

// os.system pickles as posix.system.
TEST(Pickle, ExecutesNothing) {
  EXPECT_EQ(problem_of(call(global("posix", "system"), {text("touch /tmp/x")})),
            not_executed("its pickle names posix.system"));
  EXPECT_EQ(problem(std::string("\x80\x04") + "\x8c\x05posix\x8c\x06system\x93."),
            not_executed("its pickle names posix.system"));
  EXPECT_EQ(problem_of(global("builtins", "eval")), not_executed("its pickle names builtins.eval"));
  EXPECT_EQ(problem_of(global("__builtin__", "getattr")), not_executed("its pickle names __builtin__.getattr"));
  EXPECT_EQ(problem_of(global("torch.nn.modules.linear", "Linear") + ")\x81"),
            not_executed("its pickle names torch.nn.modules.linear.Linear"));
  EXPECT_EQ(problem_of(global("torch", "load")), not_executed("its pickle names torch.load"));
  EXPECT_EQ(problem_of(global("torch.storage", "FloatStorage")),
            not_executed("its pickle names torch.storage.FloatStorage"));
  EXPECT_EQ(problem_of(global("a\x1b[2J", std::string(100, 'b'))),
            not_executed("its pickle names a\\x1B[2J." + std::string(60, 'b') + "…"));
  EXPECT_EQ(problem_of("(ios\nsystem\n"), not_executed("its pickle makes an object of os.system"));
  EXPECT_EQ(problem_of("(" + global("collections", "OrderedDict") + "o"),
            not_executed("its pickle makes an object of collections.OrderedDict"));
  EXPECT_EQ(problem_of("(]o"), not_executed("its pickle makes an object of a list"));
  EXPECT_EQ(problem_of("(o"), not_executed("its pickle makes an object of nothing"));
  EXPECT_EQ(problem_of("\x82\x05"), not_executed("its pickle names extension 5 of the program that wrote it"));
  EXPECT_EQ(problem_of("\x83\x05\x01"), not_executed("its pickle names extension 261 of the program that wrote it"));
  EXPECT_EQ(problem_of("\x84" + little(70000, 4)),
            not_executed("its pickle names extension 70000 of the program that wrote it"));
}

TEST(Pickle, CallsNothingButWhatItKnows) {
  EXPECT_EQ(problem_of(text("posix.system") + ")R"), not_executed("its pickle calls a string"));
  EXPECT_EQ(problem_of("])\x81"), not_executed("its pickle makes an object of a list"));
  EXPECT_EQ(problem_of(global("torch", "Size") + ")\x81"), not_executed("its pickle makes an object of torch.Size"));
  EXPECT_EQ(problem_of("}}b"), not_executed("its pickle sets the state of a dict"));
  EXPECT_EQ(problem_of(ordered_dict({}) + "]b"), not_executed("its pickle sets the state of a dict"));
  EXPECT_EQ(problem_of(vector("0", 1) + "}b"), not_executed("its pickle sets the state of a tensor"));
  const auto torch_does_not = [](std::size_t at, const std::string& name) {
    return damaged(at, "it calls " + name + " in a way that torch does not write");
  };
  EXPECT_EQ(problem_of(global("torch", "float32") + ")R"), torch_does_not(18, "torch.float32"));
  EXPECT_EQ(problem_of(global("__builtin__", "list") + ")R"), torch_does_not(21, "__builtin__.list"));
  EXPECT_EQ(problem_of(global("torch", "Size") + "]R"), torch_does_not(15, "torch.Size"));
  EXPECT_EQ(problem_of(global("torch", "Size") + "]\x85R"), torch_does_not(16, "torch.Size"));
  EXPECT_EQ(problem_of(global("torch", "device") + "(NNNNNNNNNtR"), torch_does_not(27, "torch.device"));
  EXPECT_EQ(problem_of(call(global("collections", "OrderedDict"), {"]"})),
            torch_does_not(30, "collections.OrderedDict"));
  EXPECT_EQ(problem_of(call(global("torch._utils", "_rebuild_tensor_v2"), {"]", "K\1", ")", ")"})),
            torch_does_not(42, "torch._utils._rebuild_tensor_v2"));
  EXPECT_EQ(problem(whole(global("__torch__", "A") + "K\1\x85\x81"), true), torch_does_not(18, "__torch__.A"));
}

TEST(Pickle, RefusesOtherPersistentIds) {
  const std::string form = "its persistent id is not ('storage', type, key, device, number of elements)";
  EXPECT_EQ(problem_of("NQ"), damaged(3, form));
  EXPECT_EQ(problem_of(")Q"), damaged(3, form));
  const std::string type = global("torch", "FloatStorage");
  const auto id = [](const std::vector<std::string>& parts) { return tuple(parts) + "Q"; };
  EXPECT_TRUE(problem_of(id({text("module"), type, text("0"), text("cpu"), "K\1"})).ends_with(form));
  EXPECT_TRUE(
      problem_of(id({text("storage"), global("torch", "Size"), text("0"), text("cpu"), "K\1"})).ends_with(form));
  EXPECT_TRUE(problem_of(id({text("storage"), type, "K\1", text("cpu"), "K\1"})).ends_with(form));
  EXPECT_TRUE(problem_of(id({text("storage"), type, text("0"), text("cpu"), "N"})).ends_with(form));
  EXPECT_TRUE(problem_of(id({text("storage"), type, text("0"), text("cpu"), "K\1", "N"})).ends_with(form));
  EXPECT_TRUE(problem_of(id({text("storage"), type, text("0"), text("cpu"), integer(-1)})).ends_with(form));
  EXPECT_EQ(problem_of(storage("../x", 1)), damaged(63, "the key of its storage is \"../x\""));
  EXPECT_EQ(problem_of(storage("", 1)), damaged(59, "the key of its storage is \"\""));
}

TEST(Pickle, RefusesDamage) {
  EXPECT_EQ(problem(""), damaged(0, "1 bytes should follow, but only 0 do"));
  EXPECT_EQ(problem("}."), damaged(0, "it does not begin with its protocol"));
  EXPECT_EQ(problem("\x80\x01}."), damaged(0, "its protocol is 1, not 2 to 5"));
  EXPECT_EQ(problem("\x80\x06}."), damaged(0, "its protocol is 6, not 2 to 5"));
  EXPECT_EQ(problem_of(""), damaged(2, "a value should lie on the stack, but none does"));
  EXPECT_EQ(problem_of("NN"), damaged(4, "it ends with more than one value on the stack"));
  EXPECT_EQ(problem_of("(N"), damaged(4, "it ends with more than one value on the stack"));
  EXPECT_EQ(problem_of("N(a"), damaged(4, "a value should lie on the stack, but none does"));
  EXPECT_EQ(problem_of("t"), damaged(2, "a mark should lie on the stack, but none does"));
  EXPECT_EQ(problem_of("NNa"), damaged(4, "it appends to None"));
  EXPECT_EQ(problem_of("](u"), damaged(4, "it sets items of a list"));
  EXPECT_EQ(problem_of("}(Nu"), damaged(5, "a key of a dict has no value"));
  EXPECT_EQ(problem_of("](N\x90"), damaged(5, "it adds items to a list"));
  EXPECT_EQ(problem_of("NN\x93"), damaged(4, "it names something by what is no text"));
  EXPECT_EQ(problem_of("ca\nb"), damaged(2, "a name has no end"));
  EXPECT_EQ(problem_of("h\x05"), damaged(2, "it recalls a value number 5, which was not remembered"));
  EXPECT_EQ(problem_of("Nr\xff\xff\xff\xff"), damaged(3, "it remembers a value as number 4294967295"));
  EXPECT_EQ(problem_of("I1\n"), damaged(2, "torch does not write the opcode 0x49"));
  EXPECT_EQ(problem_of("\x97"), damaged(2, "torch does not write the opcode 0x97"));
  EXPECT_EQ(problem_of("N.N"), damaged(3, "it ends here, but 2 bytes follow"));
  EXPECT_EQ(problem_of("\x95" + little(9, 8) + "N"), damaged(2, "its frame would have 9 bytes, but only 2 follow"));
  EXPECT_EQ(problem_of("X\xff\xff\xff\xff"), damaged(2, "4294967295 bytes should follow, but only 1 do"));
  EXPECT_EQ(problem_of("\x8d\xff\xff\xff\xff\xff\xff\xff\xff"),
            damaged(2, "18446744073709551615 bytes should follow, but only 1 do"));
}

TEST(Pickle, RefusesEachShorterPickle) {
  const std::string good = whole(dict({{"a", vector("0", 2)}, {"b", list({"K\1", text("x")})}}) + "q\1");
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_TRUE(problem(good.substr(0, size)).starts_with("w.pt: its pickle is damaged at byte ")) << size;
  }
}

// Each list holds the one before it twice; lists in lists; a list that holds itself.
TEST(Pickle, KeepsSharedAndNestedListsSmall) {
  std::string laughs = "]q" + std::string(1, '\0');
  for (int i = 1; i < 200; ++i) {
    const std::string last = "h" + little(static_cast<std::uint64_t>(i) - 1, 1);
    laughs += "](" + last + last + "eq" + little(static_cast<std::uint64_t>(i), 1);
  }
  const std::string shared = whole("(" + laughs + "t");
  EXPECT_EQ(parse_pickle(shared, "w.pt").values.size(), 201u);
  constexpr std::size_t deep = 300'000;
  const std::string nested = whole(std::string(deep, ']') + std::string(deep - 1, 'a'));
  EXPECT_EQ(parse_pickle(nested, "w.pt").values.size(), deep);
  const std::string itself = whole(std::string("]q\0h\0a", 6));
  EXPECT_EQ(parse_pickle(itself, "w.pt").get<PickleList>(0)->items, std::vector<PickleId>{0});
}

TEST(Pickle, RefusesTooManyValues) {
  EXPECT_EQ(problem_of("(" + std::string(5'000'001, 'N') + "t"),
            "w.pt: its pickle has more than 5000000 values; save a plain state_dict() instead");
}

}  // namespace
}  // namespace dime::io
