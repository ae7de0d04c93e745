// SPDX-License-Identifier: Apache-2.0
// From a file and overrides to a checked experiment.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "config/experiment.hpp"
#include "plugin/loader.hpp"

namespace dime {

/// Where the program's own files lie.
struct Installation {
  std::filesystem::path plugins;  ///< plugins/<kind>s/NAME.so
  std::filesystem::path share;    ///< configs/, assets/

  /// `plugins` beside the running program, and share_folder().
  static Installation of_program();
};

/// A checked experiment and the plugins that it may use.
struct LoadedExperiment {
  std::filesystem::path file;
  Value resolved;
  Experiment experiment;
  std::shared_ptr<Plugins> plugins;
  Installation installation;
};

/// Composes, types and checks the file: every key, every plugin's options, every transform.
/// Throws ConfigError that lists every mistake; PluginError when a plugin cannot be loaded.
LoadedExperiment load_experiment(const std::filesystem::path& file, const std::vector<std::string>& overrides,
                                 const Installation& installation, Completeness needed = Completeness::whole);

/// The tokenizer's vocabulary, read. Throws IoError that says how to make it when it is missing.
std::shared_ptr<const class ClipTokenizer> load_tokenizer(const Installation& installation);

}  // namespace dime
