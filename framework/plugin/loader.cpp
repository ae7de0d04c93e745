// SPDX-License-Identifier: Apache-2.0
#include "plugin/loader.hpp"

#include <dime/error.hpp>

#include "plugin/declared.hpp"
#include "plugin/placed_error.hpp"

namespace dime {
Plugins::Plugins(std::vector<SearchFolder> folders) : index_(std::move(folders)) {}

const PluginLibrary& Plugins::library(const std::string& kind, const std::string& name) const {
  const PluginFile& file = index_.find(kind, name);
  const std::lock_guard lock(mutex_);
  auto& slot = libraries_[{kind, name}];
  if (!slot) slot = std::make_unique<PluginLibrary>(file);
  return *slot;
}

const PluginDescriptor& Plugins::load(const std::string& kind, const std::string& name) const {
  return library(kind, name).descriptor();
}

std::vector<const PluginLibrary*> Plugins::opened() const {
  const std::lock_guard lock(mutex_);
  std::vector<const PluginLibrary*> all;
  for (const auto& [name, library] : libraries_) {
    if (library != nullptr) all.push_back(library.get());
  }
  return all;
}

const SchemaBase& Plugins::schema(const std::string& kind, const std::string& name) const {
  return library(kind, name).schema();
}

void Plugins::check(const std::string& kind, const Component& component, Problems& problems) const {
  const std::string missing = index_.missing(kind, component.type);
  if (!missing.empty()) return problems.add(component.mark, plugin_label(kind, component.type) + " " + missing);
  const SchemaBase* options = nullptr;
  try {
    options = &schema(kind, component.type);
  } catch (const PluginError& e) {
    return problems.add(component.mark, e.what());
  }
  options->check(component.options, kind + " " + in_quotes(component.type), problems, core_keys(kind));
  check_references(options->options(), component.options, problems);
}

void Plugins::check_references(const std::vector<OptionInfo>& options, const Value& value, Problems& problems) const {
  for (const auto& option : options) {
    const Value* v = value.find(option.name);
    if (v != nullptr && !v->is_null()) check_reference(option, *v, problems);
  }
}

void Plugins::check_reference(const OptionInfo& option, const Value& value, Problems& problems) const {
  const bool component = option.type.ends_with("component");
  if (!component && option.options.empty()) return;
  if (value.is_list()) {
    for (const auto& item : value.items()) check_reference(option, item, problems);
  } else if (option.type.starts_with("map of names")) {
    OptionInfo entry = option;
    entry.type = component ? "component" : "map";
    for (const auto& named : value.entries()) check_reference(entry, named.value, problems);
  } else if (!component) {
    check_references(option.options, value, problems);
  } else {
    Component reference;
    Problems reported;  // by the schema
    if (detail::read_component(value, reference, "", reported)) check("dataset", reference, problems);
  }
}

const PluginDescriptor& Plugins::ready(const std::string& kind, const Component& component) const {
  const PluginDescriptor& descriptor = load(kind, component.type);
  Problems problems;
  check(kind, component, problems);
  problems.raise();
  return descriptor;
}

std::shared_ptr<void> Plugins::make(const std::string& kind, const Component& component) const {
  try {
    auto made = ready(kind, component).create(component.options, *this);
    if (!made) throw PluginError("made nothing");
    return made;
  } catch (...) {
    rethrow_placed(kind, component);
  }
}

std::shared_ptr<Loss> Plugins::make_loss(const Component& component) const {
  return std::static_pointer_cast<Loss>(make("loss", component));
}

std::shared_ptr<Model> Plugins::make_model(const Component& component) const {
  return std::static_pointer_cast<Model>(make("model", component));
}

std::shared_ptr<Dataset> Plugins::make_dataset(const Component& component) const {
  return std::static_pointer_cast<Dataset>(make("dataset", component));
}

}  // namespace dime
