// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include <dime/plugin.hpp>

#include "plugin/plugin_index.hpp"

namespace dime {

/// One opened plugin. The library stays in memory for the life of the process, also when this object is gone: objects
/// that a plugin made, typeinfo of what it threw, and functions that LibTorch keeps may all outlive it.
class PluginLibrary {
 public:
  /// Opens `file` after its stamp was found equal to this dime's. Throws PluginError: what check_stamp says, an
  /// undefined symbol, no descriptor, a kind or name that disagrees with where the file lies, a null in the descriptor,
  /// a default that breaks its option's rules, and what declaration_mistake says.
  explicit PluginLibrary(PluginFile file);

  const PluginDescriptor& descriptor() const { return *descriptor_; }
  const PluginFile& file() const { return file_; }
  const SchemaBase& schema() const { return *schema_; }

 private:
  PluginFile file_;
  const PluginDescriptor* descriptor_ = nullptr;
  std::shared_ptr<const SchemaBase> schema_;
};

}  // namespace dime
