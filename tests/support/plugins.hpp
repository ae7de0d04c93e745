// SPDX-License-Identifier: Apache-2.0
// Plugins of the build folder, made through their descriptors.
#pragma once

#include <dlfcn.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <dime/loss.hpp>
#include <dime/model.hpp>
#include <dime/plugin.hpp>

namespace dime::test {

class NoBuilder final : public Builder {
 public:
  std::shared_ptr<Dataset> dataset(const Component&) const override { throw std::logic_error("not asked for here"); }
};

/// The descriptor of plugins/FOLDER/NAME.so.
inline const PluginDescriptor& descriptor(const std::string& folder, const std::string& name) {
  const std::string file = std::string(DIME_TEST_BINARY_DIR) + "/bin/plugins/" + folder + "/" + name + ".so";
  void* library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) throw std::runtime_error(dlerror());
  const void* symbol = dlsym(library, "dime_plugin");
  if (symbol == nullptr) throw std::runtime_error(file + " exports no dime_plugin");
  return *static_cast<const PluginDescriptor*>(symbol);
}

/// {"scale", "10"}, …: a map of scalars.
inline Value options(const std::vector<std::pair<std::string, std::string>>& pairs) {
  std::vector<Value::Entry> entries;
  for (const auto& [key, text] : pairs) entries.push_back({key, Value::scalar(text), {}});
  return Value::map(std::move(entries));
}

inline std::shared_ptr<Loss> make_loss(const std::string& name, const Value& value = {}) {
  return std::static_pointer_cast<Loss>(descriptor("losses", name).create(value, NoBuilder()));
}

inline Needs loss_needs(const std::string& name, const Value& value = {}) {
  Needs all;
  descriptor("losses", name).needs(value, all);
  return all;
}

inline std::shared_ptr<Model> make_model(const std::string& name, const Value& value) {
  return std::static_pointer_cast<Model>(descriptor("models", name).create(value, NoBuilder()));
}

/// The whole message that `f` ends with as an E; fails by another exception or none.
template <class E, class F>
std::string message_of(F&& f) {
  try {
    f();
  } catch (const E& e) {
    return e.what();
  }
  return "(nothing was thrown)";
}

}  // namespace dime::test
