// SPDX-License-Identifier: Apache-2.0
// Which plugins there are: a look at file names, before anything is opened.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace dime {

/// One library on the search path.
struct PluginFile {
  std::string kind;  ///< "loss", "model" or "dataset"
  std::string name;
  std::filesystem::path file;
};

/// "[loss/vl]", for messages.
std::string plugin_label(const std::string& kind, const std::string& name);

/// A folder to search. One that must be there is an error when it is not.
struct SearchFolder {
  std::filesystem::path path;
  bool must_exist = true;
  std::string stated_by;  ///< "$DIME_PLUGIN_PATH", "the experiment's plugins"; for messages, may be empty
};

/// Appends `folder` unless the same one is there, by whatever name.
void add_folder(std::vector<SearchFolder>& folders, SearchFolder folder);

/// `program_folder`, then each entry of $DIME_PLUGIN_PATH (separated by ":"), then `extra` (the experiment's
/// `plugins:`). A folder that stands twice is searched once.
std::vector<SearchFolder> search_path(const std::filesystem::path& program_folder,
                                      const std::vector<std::filesystem::path>& extra = {});

/// The libraries `<kind>s/NAME.so` (losses, models, datasets) of the folders, sorted by kind and name.
class PluginIndex {
 public:
  /// Throws PluginError: a folder is missing, cannot be read, can be written by others than its owner, or belongs to
  /// another user than root and the one who runs; the same kind and name twice (both files are named).
  explicit PluginIndex(std::vector<SearchFolder> folders);

  const std::vector<PluginFile>& files() const { return files_; }
  /// The file of (kind, name). Throws PluginError: `[loss/vll] no such plugin; did you mean "vl"? …`.
  const PluginFile& find(const std::string& kind, const std::string& name) const;
  /// What `find` throws without the prefix `[kind/name] `, or "" when there is such a plugin.
  std::string missing(const std::string& kind, const std::string& name) const;

 private:
  void scan(const std::filesystem::path& folder);
  void scan_kind(const std::string& kind, const std::filesystem::path& folder);
  void add(PluginFile file);
  std::vector<std::string> names(const std::string& kind) const;

  std::vector<SearchFolder> folders_;
  std::vector<PluginFile> files_;
};

}  // namespace dime
