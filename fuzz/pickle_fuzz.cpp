// SPDX-License-Identifier: Apache-2.0
// Any bytes give plain data whose parts are all there, or a WeightsError. The first byte says whether the pickle is a
// TorchScript archive's.
#include <cstdlib>

#include <dime/error.hpp>

#include "io/torch_weights.hpp"

namespace {

void require(bool good) {
  if (!good) std::abort();
}

struct Check {
  const dime::io::Pickle& pickle;

  void operator()(const dime::io::PickleList& list) const { ids(list.items); }
  void operator()(const dime::io::PickleTuple& tuple) const { ids(tuple.items); }
  void operator()(const dime::io::PickleDict& dict) const {
    for (const auto& [key, value] : dict.items) ids({key, value});
  }
  void operator()(const dime::io::PickleObject& object) const { ids({object.state}); }
  void operator()(const dime::io::PickleTensor& tensor) const {
    ids({tensor.storage, tensor.offset, tensor.shape, tensor.strides, tensor.dtype});
    require(pickle.get<dime::io::PickleStorage>(tensor.storage) != nullptr);
  }
  template <class Plain>
  void operator()(const Plain&) const {}

  void ids(const std::vector<dime::io::PickleId>& all) const {
    for (const auto id : all) require(id < pickle.values.size());
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const bool script = (data[0] & 1) != 0;
  try {
    const auto pickle = dime::io::parse_pickle({reinterpret_cast<const char*>(data) + 1, size - 1}, "fuzz", script);
    require(pickle.values.size() <= size && pickle.root < pickle.values.size());
    for (const auto& value : pickle.values) std::visit(Check{pickle}, value);
    if (script) {
      dime::io::find_attributes(pickle, "fuzz");
    } else {
      dime::io::find_weights(pickle, "fuzz");
    }
  } catch (const dime::WeightsError&) {
  }
  return 0;
}
