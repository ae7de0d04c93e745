// SPDX-License-Identifier: Apache-2.0
// Dataset plugins over files of a scratch folder; their bad input.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <dime/dataset.hpp>

#include "support/errors.hpp"
#include "support/plugins.hpp"
#include "support/scratch_folder.hpp"

namespace dime::test {

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
  std::shared_ptr<Dataset> make(const Options& options) const { return make(test::options(options)); }

  /// The whole DataError at construction, without the folder's own name.
  std::string source_error(const Value& options) const {
    return folder_.shown(error_text<DataError>([&] { make(options); }));
  }
  std::string source_error(const Options& options) const { return source_error(test::options(options)); }
  /// The whole RowError of row i.
  std::string row_error(const Dataset& data, std::int64_t i) const {
    return folder_.shown(error_text<RowError>([&] { data.get(i); }));
  }

  const test::ScratchFolder folder_;

 private:
  std::string plugin_;
};

}  // namespace dime::test
