// SPDX-License-Identifier: Apache-2.0
#include "io/pickle_globals.hpp"

#include <algorithm>
#include <array>

namespace dime::io {
namespace {

struct Row {
  std::string_view module, name;
  PickleRole role;
};

constexpr std::array kRows = {
    Row{"collections", "OrderedDict", PickleRole::ordered_dict},
    Row{"collections", "defaultdict", PickleRole::default_dict},
    Row{"collections", "Counter", PickleRole::counter},
    Row{"_codecs", "encode", PickleRole::text_bytes},
    Row{"torch", "Size", PickleRole::size},
    Row{"torch", "device", PickleRole::device},
    Row{"torch.storage", "UntypedStorage", PickleRole::storage},
    Row{"torch._utils", "_rebuild_tensor", PickleRole::tensor},
    Row{"torch._utils", "_rebuild_tensor_v2", PickleRole::tensor},
    Row{"torch._utils", "_rebuild_tensor_v3", PickleRole::tensor_v3},
    Row{"torch._utils", "_rebuild_parameter", PickleRole::parameter},
    Row{"torch._utils", "_rebuild_parameter_with_state", PickleRole::parameter},
};

constexpr std::array<std::string_view, 5> kOpaque = {"set", "frozenset", "bytes", "bytearray", "complex"};
constexpr std::array<std::string_view, 7> kTypes = {"list", "dict", "tuple", "int", "float", "bool", "str"};

constexpr std::array<std::string_view, 25> kDTypes = {"float64",         "float32",
                                                      "float16",         "bfloat16",
                                                      "int64",           "int32",
                                                      "int16",           "int8",
                                                      "uint8",           "bool",
                                                      "uint16",          "uint32",
                                                      "uint64",          "complex32",
                                                      "complex64",       "complex128",
                                                      "float8_e5m2",     "float8_e4m3fn",
                                                      "float8_e5m2fnuz", "float8_e4m3fnuz",
                                                      "float8_e8m0fnu",  "float4_e2m1fn_x2",
                                                      "quint8",          "qint8",
                                                      "qint32"};

constexpr std::array<std::string_view, 17> kStorages = {
    "DoubleStorage",        "FloatStorage",  "HalfStorage",  "BFloat16Storage", "LongStorage",    "IntStorage",
    "ShortStorage",         "CharStorage",   "ByteStorage",  "BoolStorage",     "UntypedStorage", "ComplexFloatStorage",
    "ComplexDoubleStorage", "QUInt8Storage", "QInt8Storage", "QInt32Storage",   "QUInt4x2Storage"};

constexpr std::array<std::string_view, 4> kScriptLists = {"build_intlist", "build_doublelist", "build_boollist",
                                                          "build_tensorlist"};

template <class Names>
bool among(const Names& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::optional<PickleRole> find_script_role(std::string_view module, std::string_view name) {
  if (module == "__torch__" || module.starts_with("__torch__.")) return PickleRole::script_class;
  if (module != "torch.jit._pickle") return std::nullopt;
  if (among(kScriptLists, name)) return PickleRole::script_list;
  if (name == "restore_type_tag") return PickleRole::script_tag;
  return std::nullopt;
}

}  // namespace

std::optional<PickleRole> find_role(std::string_view module, std::string_view name, bool script) {
  const auto row =
      std::find_if(kRows.begin(), kRows.end(), [&](const Row& r) { return r.module == module && r.name == name; });
  if (row != kRows.end()) return row->role;
  // Python 2's name of the module, which Python 3 still writes in protocol 2.
  if (module == "builtins" || module == "__builtin__") {
    if (among(kOpaque, name)) return PickleRole::opaque;
    if (among(kTypes, name)) return PickleRole::builtin;
    return std::nullopt;
  }
  if (module == "torch" && among(kDTypes, name)) return PickleRole::dtype;
  if (module == "torch" && among(kStorages, name)) return PickleRole::storage;
  return script ? find_script_role(module, name) : std::nullopt;
}

}  // namespace dime::io
