// SPDX-License-Identifier: Apache-2.0
#include "train/load.hpp"

#include <algorithm>

#include <dime/error.hpp>
#include <dime/share.hpp>

#include "config/compose.hpp"
#include "config/yaml.hpp"
#include "data/transform.hpp"
#include "io/tokenizer.hpp"
#include "io/tokenizer_siglip.hpp"

namespace dime {
namespace fs = std::filesystem;
namespace {

void check_transform_list(std::vector<Component> list, Problems& problems) {
  std::erase_if(list, [](const Component& c) { return c.type.empty(); });  // reported when the experiment was read
  TransformList::check(list, problems);
}

void check_transforms(const Experiment& e, Problems& problems) {
  for (const auto* stream : {&e.data.images, &e.data.texts, &e.data.pairs}) {
    if (*stream) check_transform_list((*stream)->transform, problems);
  }
  for (const auto& [name, task] : e.evaluate) check_transform_list(task.transform, problems);
}

/// Folders are added one by one: each that cannot be searched is a mistake of its own.
class FolderFinder {
 public:
  explicit FolderFinder(const fs::path& program) : good_{{program, false, ""}} {
    plugins_ = std::make_shared<Plugins>(good_);
  }

  void add(const SearchFolder& folder, const Mark& mark, Problems& problems) {
    auto folders = good_;
    add_folder(folders, folder);
    try {
      plugins_ = std::make_shared<Plugins>(folders);
      good_ = std::move(folders);
    } catch (const PluginError& e) {
      problems.add(mark, e.what());
    }
  }

  std::shared_ptr<Plugins> plugins() const { return plugins_; }

 private:
  std::vector<SearchFolder> good_;
  std::shared_ptr<Plugins> plugins_;
};

std::shared_ptr<Plugins> find_plugins(const LoadedExperiment& loaded, Problems& problems) {
  const fs::path& program = loaded.installation.plugins;
  FolderFinder finder(program);
  for (const auto& folder : search_path(program)) finder.add(folder, {}, problems);
  for (std::size_t i = 0; i < loaded.experiment.plugins.size(); ++i) {
    const Path& folder = loaded.experiment.plugins[i];
    if (folder.empty()) continue;  // reported when the experiment was read
    finder.add({folder, true, "the experiment's plugins"}, loaded.resolved.find("plugins")->items()[i].mark(),
               problems);
  }
  return finder.plugins();
}

}  // namespace

Installation Installation::of_program() {
  const fs::path bin = fs::read_symlink("/proc/self/exe").parent_path();
  return {bin / "plugins", share_folder()};
}

LoadedExperiment load_experiment(const fs::path& file, const std::vector<std::string>& overrides,
                                 const Installation& installation, Completeness needed) {
  LoadedExperiment loaded;
  loaded.file = file;
  loaded.installation = installation;
  loaded.resolved = compose(file, overrides);
  Problems problems;
  loaded.experiment = read_experiment(loaded.resolved, problems, needed);
  loaded.plugins = find_plugins(loaded, problems);
  for_each_component(loaded.experiment, [&](const std::string& kind, const Component& component) {
    loaded.plugins->check(kind, component, problems);
  });
  check_transforms(loaded.experiment, problems);
  problems.raise();
  // Written into the run folder, the file must mean the same there.
  loaded.resolved = absolute_paths(loaded.resolved, problems);
  return loaded;
}

std::shared_ptr<const Tokenizer> load_tokenizer(const Installation& installation, const TokenizerChoice& choice) {
  if (choice.name.empty()) return nullptr;
  if (choice.name == siglip_tokenizer && !choice.file.empty()) return std::make_shared<SiglipTokenizer>(choice.file);
  if (choice.name != clip_tokenizer)
    throw ConfigError("there is no tokenizer " + choice.text() + " to make tokens with");
  return std::make_shared<ClipTokenizer>(installation.share / "assets" / "clip" / "bpe_simple_vocab_16e6.txt.gz");
}

}  // namespace dime
