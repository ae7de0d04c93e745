// SPDX-License-Identifier: Apache-2.0
// From a file and overrides to a checked experiment.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "config/experiment.hpp"
#include "plugin/loader.hpp"
#include "train/tokenizers.hpp"

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

/// A tokenizer, its file read; null where nothing is tokenised. Throws IoError when the file is missing, of CLIP's one
/// that says how to make it; DataError when it is no such file, ConfigError for a tokenizer that dime does not have.
std::shared_ptr<const Tokenizer> load_tokenizer(const Installation& installation,
                                                const TokenizerChoice& choice = {clip_tokenizer, {}});

}  // namespace dime
