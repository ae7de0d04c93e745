// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include <dime/error.hpp>

#include "config/yaml.hpp"
#include "plugin/loader.hpp"
#include "support/errors.hpp"
#include "support/scratch_folder.hpp"

namespace dime::test {

/// A search folder of one test, filled with copies of the fixtures.
class PluginFolder : public testing::Test {
 protected:
  PluginFolder() {
    std::filesystem::permissions(scratch_.path(), std::filesystem::perms::owner_all);
    for (const std::string kind : {"losses", "models", "datasets"}) make_folder(scratch_ / kind);
  }

  static void make_folder(const std::filesystem::path& path) {
    std::filesystem::create_directories(path);
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  }

  /// Copies fixture_NAME.so to `place`, "losses/good.so".
  std::filesystem::path add(const std::string& name, const std::string& place) {
    const auto fixture =
        std::filesystem::path(DIME_TEST_BINARY_DIR) / "tests/plugin_fixtures" / ("fixture_" + name + ".so");
    std::filesystem::copy_file(fixture, scratch_ / place);
    return scratch_ / place;
  }

  std::vector<SearchFolder> folders() const { return {{scratch_.path(), true, ""}}; }
  Plugins plugins() const { return Plugins(folders()); }

  /// `text` without the scratch folder's name.
  std::string shown(std::string text) const {
    const std::string folder = scratch_.path().string();
    for (auto at = text.find(folder); at != std::string::npos; at = text.find(folder))
      text.replace(at, folder.size(), "P");
    return text;
  }

  template <class E, class F>
  std::string error(F&& work) const {
    return shown(error_text<E>(std::forward<F>(work)));
  }

  ScratchFolder scratch_;
};

/// A reference as an experiment file states it.
inline Component component(const std::string& text) {
  Component out;
  Problems problems;
  const auto origin = std::make_shared<const Origin>(Origin{"e.yaml", "/folder"});
  detail::read_component(parse_yaml(text, origin), out, "it", problems);
  problems.raise();
  return out;
}

}  // namespace dime::test
