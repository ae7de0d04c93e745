// SPDX-License-Identifier: Apache-2.0
// Pickles as torch.save and torch.jit.save write them, read as plain data. Nothing of them is ever executed: what is
// neither a tensor nor a plain container is refused by its name.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace dime::io {

/// A value of a pickle: its place in Pickle::values. Containers that a pickle shares are shared here, and may hold
/// themselves: who walks them limits how deep and how long.
using PickleId = std::uint32_t;

struct PickleNone {};
struct PickleText {
  std::string_view text;
};
/// A value that is of no use here (bytes, a set, a device): only what it is, in words.
struct PickleOpaque {
  const char* what;
};
struct PickleList {
  std::vector<PickleId> items;
};
struct PickleTuple {
  std::vector<PickleId> items;
};
/// The pairs in the order in which they were put; a key may stand there twice.
struct PickleDict {
  std::vector<std::pair<PickleId, PickleId>> items;
  bool ordered = false;  ///< an OrderedDict
};
/// What a global that dime knows does when a pickle calls it.
enum class PickleRole : std::uint8_t {
  ordered_dict,
  default_dict,
  counter,
  opaque,
  builtin,
  text_bytes,
  size,
  device,
  dtype,
  storage,
  tensor,
  tensor_v3,
  parameter,
  script_list,
  script_tag,
  script_class
};
/// A function or class that the pickle names.
struct PickleGlobal {
  std::string_view module, name;
  PickleRole role;
};
/// An object of a TorchScript class: `state` holds its attributes (a dict), or is itself until they were set.
struct PickleObject {
  PickleId state;
};
/// A record of the archive that holds elements: torch's ('storage', type, key, device, numel).
struct PickleStorage {
  std::string_view type;  ///< "FloatStorage"
  std::string_view key;   ///< of the record: never empty, without "/"
  std::int64_t numel;     ///< not negative
};
/// A view of a storage; each id is checked by who uses the tensor.
struct PickleTensor {
  PickleId storage, offset, shape, strides;
  PickleId dtype;  ///< a global torch.X where the storage has no type; else the storage again
};

using PickleValue = std::variant<PickleNone, bool, std::int64_t, double, PickleText, PickleOpaque, PickleList,
                                 PickleTuple, PickleDict, PickleGlobal, PickleObject, PickleStorage, PickleTensor>;

/// A parsed pickle. Texts point into the bytes that were parsed.
struct Pickle {
  std::vector<PickleValue> values;
  PickleId root = 0;

  /// The value of this id as a T, or nullptr when it is another.
  template <class T>
  const T* get(PickleId id) const {
    return std::get_if<T>(&values[id]);
  }
  /// What a value is, for a message: "a list".
  std::string describe(PickleId id) const;
};

/// Parses a whole pickle of protocol 2 to 5. `file` is what messages call it. `script`: it is a TorchScript archive's,
/// where classes of the module `__torch__` are read as containers of their attributes.
/// Throws WeightsError for what is damaged or cut short; for every class or function that is neither a tensor nor a
/// plain container, by its name; for opcodes that torch does not write; and for a pickle of more than 256 MiB or
/// 5,000,000 values.
Pickle parse_pickle(std::string_view bytes, const std::string& file, bool script = false);

}  // namespace dime::io
