// SPDX-License-Identifier: Apache-2.0
// Dataset plugins of the build folder, made through their descriptors; their bad input.
#pragma once

#include <dlfcn.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <dime/dataset.hpp>

#include "support/scratch_folder.hpp"

namespace dime::test {

using Options = std::vector<std::pair<std::string, std::string>>;

class NoDatasets final : public Builder {
 public:
  std::shared_ptr<Dataset> dataset(const Component&) const override {
    throw std::logic_error("no source is asked for here");
  }
};

inline const PluginDescriptor& dataset_plugin(const std::string& name) {
  const std::string file =
      (std::filesystem::path(DIME_TEST_BINARY_DIR) / "bin/plugins/datasets" / (name + ".so")).string();
  void* library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) throw std::runtime_error(dlerror());
  const void* descriptor = dlsym(library, "dime_plugin");
  if (descriptor == nullptr) throw std::runtime_error(file + " exports no dime_plugin");
  return *static_cast<const PluginDescriptor*>(descriptor);
}

inline std::shared_ptr<Dataset> make_dataset(const std::string& name, const Value& options) {
  return std::static_pointer_cast<Dataset>(dataset_plugin(name).create(options, NoDatasets()));
}

inline Value scalars(const Options& pairs) {
  std::vector<Value::Entry> entries;
  for (const auto& [key, text] : pairs) entries.push_back({key, Value::scalar(text), {}});
  return Value::map(std::move(entries));
}

inline Value strings(const std::vector<std::string>& texts) {
  std::vector<Value> items;
  for (const auto& text : texts) items.push_back(Value::scalar(text));
  return Value::list(std::move(items));
}

/// A scratch folder, and what a plugin says about the files in it.
class DatasetTest : public testing::Test {
 protected:
  explicit DatasetTest(std::string plugin) : plugin_(std::move(plugin)) {}

  std::string path(std::string_view name) const { return (folder_ / name).string(); }
  std::shared_ptr<Dataset> make(const Value& options) const { return make_dataset(plugin_, options); }
  std::shared_ptr<Dataset> make(const Options& options) const { return make(scalars(options)); }

  /// The whole DataError at construction, without the folder's own name.
  std::string source_error(const Value& options) const {
    return shown(error_text<DataError>([&] { make(options); }));
  }
  std::string source_error(const Options& options) const { return source_error(scalars(options)); }
  /// The whole RowError of row i.
  std::string row_error(const Dataset& data, std::int64_t i) const {
    return shown(error_text<RowError>([&] { data.get(i); }));
  }
  std::string shown(std::string message) const {
    const std::string prefix = folder_.path().string() + "/";
    for (auto at = message.find(prefix); at != std::string::npos; at = message.find(prefix))
      message.erase(at, prefix.size());
    return message;
  }

  const test::ScratchFolder folder_;

 private:
  std::string plugin_;
};

}  // namespace dime::test
