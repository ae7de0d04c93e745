// SPDX-License-Identifier: Apache-2.0
// All plugins of a run: found by kind and name, opened when first asked for.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <dime/plugin.hpp>
#include <dime/schema.hpp>

#include "plugin/plugin_index.hpp"
#include "plugin/plugin_library.hpp"

namespace dime {

/// Loads plugins and makes what they offer. Safe from many threads. It must outlive the objects that keep its Builder.
///
/// What a plugin throws while it is made keeps its type and gets "file:line:col: [kind/name] " in front, once, however
/// deep it was thrown; what is no dime::Error becomes a PluginError.
class Plugins final : public Builder {
 public:
  /// Looks through the folders (see search_path) without opening anything. Throws what PluginIndex says.
  explicit Plugins(std::vector<SearchFolder> folders);

  /// Every plugin on the search path, sorted by kind and name; none is opened.
  const std::vector<PluginFile>& list() const { return index_.files(); }
  /// The file of a plugin. Throws PluginError when there is none of that kind and name.
  const PluginFile& file(const std::string& kind, const std::string& name) const { return index_.find(kind, name); }
  /// The opened plugin. Throws PluginError: see PluginIndex::find and PluginLibrary.
  const PluginDescriptor& load(const std::string& kind, const std::string& name) const;
  /// Every plugin that was opened so far, by kind and name: those that others refer to, too.
  std::vector<const PluginLibrary*> opened() const;
  /// Its options. Throws like load.
  const SchemaBase& schema(const std::string& kind, const std::string& name) const;

  /// Adds to `problems` at the place of the reference: a plugin that is missing or cannot be loaded, every mistake in
  /// its options, and the same of the data sources that its options refer to.
  void check(const std::string& kind, const Component& component, Problems& problems) const;

  /// The object that `component` names, made from its options. Throws ConfigError for options, PluginError for the
  /// plugin itself, and whatever dime::Error its constructor throws.
  std::shared_ptr<Loss> make_loss(const Component& component) const;
  std::shared_ptr<Model> make_model(const Component& component) const;
  std::shared_ptr<Dataset> make_dataset(const Component& component) const;
  std::shared_ptr<Dataset> dataset(const Component& reference) const override { return make_dataset(reference); }

  /// What the loss must be given; the default for a loss that says nothing. Throws like make_loss.
  Needs needs(const Component& component) const;

 private:
  const PluginLibrary& library(const std::string& kind, const std::string& name) const;
  std::shared_ptr<void> make(const std::string& kind, const Component& component) const;
  /// Loads and checks; throws with the component's place.
  const PluginDescriptor& ready(const std::string& kind, const Component& component) const;
  void check_references(const std::vector<OptionInfo>& options, const Value& value, Problems& problems) const;
  void check_reference(const OptionInfo& option, const Value& value, Problems& problems) const;

  PluginIndex index_;
  mutable std::mutex mutex_;
  mutable std::map<std::pair<std::string, std::string>, std::unique_ptr<PluginLibrary>> libraries_;
};

}  // namespace dime
