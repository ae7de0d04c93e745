// SPDX-License-Identifier: Apache-2.0
#include "train/load.hpp"

#include <set>

#include <dime/error.hpp>
#include <dime/share.hpp>

#include "config/compose.hpp"
#include "config/yaml.hpp"
#include "data/transform.hpp"
#include "io/tokenizer.hpp"

namespace dime {
namespace fs = std::filesystem;
namespace {

void check_transforms(const Experiment& e, Problems& problems) {
  for (const auto* stream : {&e.data.images, &e.data.texts, &e.data.pairs}) {
    if (*stream) TransformList::check((*stream)->transform, problems);
  }
  for (const auto& [name, task] : e.evaluate) TransformList::check(task.transform, problems);
}

}  // namespace

Installation Installation::of_program() {
  const fs::path bin = fs::read_symlink("/proc/self/exe").parent_path();
  return {bin / "plugins", share_folder()};
}

LoadedExperiment load_experiment(const fs::path& file, const std::vector<std::string>& overrides,
                                 const Installation& installation) {
  LoadedExperiment loaded;
  loaded.file = file;
  loaded.installation = installation;
  loaded.resolved = compose(file, overrides);
  Problems problems;
  loaded.experiment = read_experiment(loaded.resolved, problems);
  const std::vector<fs::path> extra(loaded.experiment.plugins.begin(), loaded.experiment.plugins.end());
  try {
    loaded.plugins = std::make_shared<Plugins>(search_path(installation.plugins, extra));
  } catch (const PluginError& e) {
    // The other mistakes of the file are worth listing too.
    if (extra.empty()) throw;
    problems.add(Mark{}, e.what());
    loaded.plugins = std::make_shared<Plugins>(search_path(installation.plugins));
  }
  for_each_component(loaded.experiment, [&](const std::string& kind, const Component& component) {
    loaded.plugins->check(kind, component, problems);
  });
  check_transforms(loaded.experiment, problems);
  problems.raise();
  // Written into the run folder, the file must mean the same there.
  loaded.resolved = absolute_paths(loaded.resolved, problems);
  return loaded;
}

std::shared_ptr<const ClipTokenizer> load_tokenizer(const Installation& installation) {
  const fs::path path = installation.share / "assets" / "clip" / "bpe_simple_vocab_16e6.txt.gz";
  if (!fs::exists(path)) {
    throw IoError("the tokenizer's vocabulary " + path.string() + " is missing: scripts/setup.sh makes it");
  }
  return std::make_shared<ClipTokenizer>(path);
}

}  // namespace dime
