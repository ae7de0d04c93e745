// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <dime/error.hpp>
#include <dime/printable.hpp>

#include "io/safetensors_types.hpp"
#include "io/torch_file.hpp"
#include "io/torch_view.hpp"

namespace dime::io {
namespace {

constexpr std::size_t kMostDimensions = 64;
constexpr std::string_view kPickle = "data.pkl";

// "NAME/" of the only entry NAME/data.pkl, or "".
std::string folder_of(const ZipDirectory& zip) {
  std::string folder;
  for (const ZipEntry& entry : zip.entries()) {
    const std::size_t slash = entry.name.find('/');
    if (slash == std::string_view::npos || entry.name.substr(slash + 1) != kPickle) continue;
    if (!folder.empty()) return "";
    folder = entry.name.substr(0, slash + 1);
  }
  return folder;
}

class Refusal {
 public:
  Refusal(const std::string& file, const std::string& tensor) : file_(file), tensor_(tensor) {}
  [[noreturn]] void operator()(const std::string& problem) const {
    throw WeightsError(file_ + ": tensor \"" + printable(tensor_) + "\": " + problem);
  }

 private:
  const std::string& file_;
  const std::string& tensor_;
};

std::vector<std::int64_t> integers(const Pickle& pickle, PickleId id, const char* what, const Refusal& refuse) {
  const auto* const tuple = pickle.get<PickleTuple>(id);
  const auto* const list = pickle.get<PickleList>(id);
  if (tuple == nullptr && list == nullptr) refuse(std::string("its ") + what + " is " + pickle.describe(id));
  const std::vector<PickleId>& items = tuple != nullptr ? tuple->items : list->items;
  if (items.size() > kMostDimensions) refuse("it has " + std::to_string(items.size()) + " dimensions, more than 64");
  std::vector<std::int64_t> values;
  for (const PickleId item : items) {
    const auto* const value = pickle.get<std::int64_t>(item);
    if (value == nullptr) refuse(std::string("its ") + what + " holds " + pickle.describe(item));
    values.push_back(*value);
  }
  return values;
}

StorageView read_view(const Pickle& pickle, const PickleTensor& tensor, const Refusal& refuse) {
  const auto* const offset = pickle.get<std::int64_t>(tensor.offset);
  if (offset == nullptr) refuse("its offset is " + pickle.describe(tensor.offset));
  return {*offset, integers(pickle, tensor.shape, "shape", refuse),
          integers(pickle, tensor.strides, "strides", refuse)};
}

DType read_dtype(const Pickle& pickle, const PickleTensor& tensor, const Refusal& refuse) {
  const auto* const global = pickle.get<PickleGlobal>(tensor.dtype);
  const std::string_view name = global != nullptr ? global->name : pickle.get<PickleStorage>(tensor.storage)->type;
  const auto dtype = torch_dtype(name);
  if (!dtype) refuse("the type " + printable(name) + " is not known; known are " + dtype_names());
  return *dtype;
}

}  // namespace

TorchArchive::TorchArchive(std::string_view bytes, const std::string& file)
    : file_(file), zip_(bytes, file), folder_(folder_of(zip_)) {
  if (folder_.empty()) {
    throw WeightsError(file_ +
                       " is a zip archive, but none that torch.save or torch.jit.save wrote: it must hold one "
                       "NAME/data.pkl");
  }
  const ZipEntry* const order = record("byteorder");
  if (order != nullptr && zip_.read(*order) != "little") {
    throw WeightsError(file_ + " has the byte order \"" + printable(zip_.read(*order), longest_shown) +
                       "\", and only little is read; save it again on a little-endian machine");
  }
}

const ZipEntry* TorchArchive::record(std::string_view name) const { return zip_.find(folder_ + std::string(name)); }

bool TorchArchive::is_script() const { return record("constants.pkl") != nullptr; }

Pickle TorchArchive::read_pickle() const { return parse_pickle(zip_.read(*record(kPickle)), file_, is_script()); }

std::string_view TorchArchive::storage(const PickleStorage& storage, const std::string& tensor) {
  const ZipEntry* const entry = record("data/" + std::string(storage.key));
  if (entry == nullptr) {
    Refusal(file_, tensor)("the archive has no record \"data/" + printable(storage.key, longest_shown) + "\"");
  }
  if (checked_.insert(entry->name).second) zip_.read(*entry);
  return entry->data;
}

TensorView TorchArchive::view(const Pickle& pickle, const PickleTensor& tensor, std::string name) {
  const Refusal refuse(file_, name);
  const auto& stored = *pickle.get<PickleStorage>(tensor.storage);
  const DType dtype = read_dtype(pickle, tensor, refuse);
  StorageView view = read_view(pickle, tensor, refuse);
  const std::string_view bytes = storage(stored, name);
  // A storage without a type counts bytes.
  const std::size_t unit = torch_dtype(stored.type) ? dtype_bytes(*torch_dtype(stored.type)) : 1;
  if (bytes.size() / unit != static_cast<std::uint64_t>(stored.numel)) {
    refuse("its storage should have " + std::to_string(stored.numel) + " elements, but the record \"data/" +
           printable(stored.key, longest_shown) + "\" has " + std::to_string(bytes.size()) + " bytes");
  }
  const auto numel = static_cast<std::int64_t>(bytes.size() / dtype_bytes(dtype));
  const std::string problem = view_problem(view, numel, dtype);
  if (!problem.empty()) refuse(problem);
  const auto* const begin = reinterpret_cast<const std::uint8_t*>(bytes.data());
  const std::uint64_t size = *byte_size(view.shape, dtype);
  TensorView result{std::move(name), dtype, std::move(view.shape),
                    size == 0 ? begin : begin + static_cast<std::uint64_t>(view.offset) * dtype_bytes(dtype), size};
  if (!is_packed(result.shape, view.strides)) result.strides = std::move(view.strides);
  return result;
}

}  // namespace dime::io
