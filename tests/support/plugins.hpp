// SPDX-License-Identifier: Apache-2.0
// The plugins of the build folder, loaded and checked as the program does it.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "plugin/loader.hpp"

namespace dime::test {

inline const Plugins& plugins() {
  static const Plugins all({{std::filesystem::path(DIME_TEST_BINARY_DIR) / "bin/plugins", true, ""}});
  return all;
}

using Options = std::vector<std::pair<std::string, std::string>>;

/// {"scale", "10"}, …: a map of scalars.
inline Value options(const Options& pairs) {
  std::vector<Value::Entry> entries;
  for (const auto& [key, text] : pairs) entries.push_back({key, Value::scalar(text), {}});
  return Value::map(std::move(entries));
}

inline std::shared_ptr<Loss> make_loss(const std::string& name, const Value& value = Value::map({})) {
  return plugins().make_loss({name, value, {}});
}

inline std::shared_ptr<Model> make_model(const std::string& name, const Value& value) {
  return plugins().make_model({name, value, {}});
}

inline std::shared_ptr<Dataset> make_dataset(const std::string& name, const Value& value) {
  return plugins().make_dataset({name, value, {}});
}

}  // namespace dime::test
