// SPDX-License-Identifier: Apache-2.0
#include "plugin/plugin_index.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <tuple>

#include <dime/error.hpp>
#include <dime/schema.hpp>

namespace dime {
namespace {

namespace fs = std::filesystem;

struct Kind {
  const char* name;
  const char* folder;
};
constexpr std::array<Kind, 3> kinds{{{"dataset", "datasets"}, {"loss", "losses"}, {"model", "models"}}};

std::string plural(const std::string& kind) {
  for (const auto& k : kinds) {
    if (kind == k.name) return k.folder;
  }
  return kind + "s";
}

std::string octal(unsigned mode) {
  char text[16];
  std::snprintf(text, sizeof text, "%04o", mode & 07777U);
  return text;
}

/// Whoever can write the folder can run code in the program.
void refuse_open_folder(const fs::path& folder) {
  struct stat status {};
  if (::stat(folder.c_str(), &status) != 0) {
    throw PluginError("the plugin folder " + folder.string() + " cannot be read: " + std::strerror(errno));
  }
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    throw PluginError("the plugin folder " + folder.string() + " can be written by others (mode " +
                      octal(status.st_mode) + "); run: chmod go-w " + folder.string());
  }
  if (status.st_uid != 0 && status.st_uid != ::geteuid()) {
    throw PluginError("the plugin folder " + folder.string() + " belongs to another user (uid " +
                      std::to_string(status.st_uid) + "); copy it to a folder of your own");
  }
}

void add_folder(std::vector<SearchFolder>& folders, SearchFolder folder) {
  const auto canonical = fs::weakly_canonical(folder.path);
  const auto same = [&](const SearchFolder& f) { return fs::weakly_canonical(f.path) == canonical; };
  if (std::none_of(folders.begin(), folders.end(), same)) folders.push_back(std::move(folder));
}

}  // namespace

std::vector<SearchFolder> search_path(const fs::path& program_folder, const std::vector<fs::path>& extra) {
  std::vector<SearchFolder> folders;
  add_folder(folders, {program_folder, false, ""});
  const char* variable = std::getenv("DIME_PLUGIN_PATH");
  std::istringstream entries(variable == nullptr ? "" : variable);
  for (std::string entry; std::getline(entries, entry, ':');) {
    if (!entry.empty()) add_folder(folders, {entry, true, "$DIME_PLUGIN_PATH"});
  }
  for (const auto& path : extra) add_folder(folders, {path, true, "the experiment's plugins"});
  return folders;
}

PluginIndex::PluginIndex(std::vector<SearchFolder> folders) : folders_(std::move(folders)) {
  for (const auto& folder : folders_) {
    std::error_code error;
    if (fs::is_directory(folder.path, error)) {
      scan(folder.path);
    } else if (folder.must_exist) {
      const std::string from = folder.stated_by.empty() ? "" : " (named by " + folder.stated_by + ")";
      throw PluginError("there is no plugin folder " + folder.path.string() + from);
    }
  }
}

void PluginIndex::scan(const fs::path& folder) {
  refuse_open_folder(folder);
  for (const auto& kind : kinds) {
    std::error_code error;
    if (fs::is_directory(folder / kind.folder, error)) scan_kind(kind.name, folder / kind.folder);
  }
  const auto key = [](const PluginFile& f) { return std::tie(f.kind, f.name); };
  std::stable_sort(files_.begin(), files_.end(), [&](const auto& a, const auto& b) { return key(a) < key(b); });
}

void PluginIndex::scan_kind(const std::string& kind, const fs::path& folder) {
  refuse_open_folder(folder);
  std::error_code error;
  fs::directory_iterator entries(folder, error);
  if (error) throw PluginError("the plugin folder " + folder.string() + " cannot be read: " + error.message());
  for (const auto& entry : entries) {
    if (entry.path().extension() != ".so") continue;
    const std::string name = entry.path().stem().string();
    const auto same = [&](const PluginFile& f) { return f.kind == kind && f.name == name; };
    const auto other = std::find_if(files_.begin(), files_.end(), same);
    if (other != files_.end()) {
      throw PluginError("[" + kind + "/" + name + "] is there twice: " + other->file.string() + " and " +
                        entry.path().string() + "; remove or rename one");
    }
    files_.push_back({kind, name, entry.path()});
  }
}

const PluginFile& PluginIndex::find(const std::string& kind, const std::string& name) const {
  for (const auto& file : files_) {
    if (file.kind == kind && file.name == name) return file;
  }
  throw PluginError("[" + kind + "/" + name + "] " + missing(kind, name));
}

std::string PluginIndex::missing(const std::string& kind, const std::string& name) const {
  const auto known = names(kind);
  if (std::find(known.begin(), known.end(), name) != known.end()) return "";
  std::vector<std::string> searched;
  for (const auto& folder : folders_) searched.push_back(folder.path.string());
  const std::string near = nearest_name(name, known);
  return "no such plugin" + (near.empty() ? "" : "; did you mean \"" + near + "\"?") + (near.empty() ? "; " : " ") +
         plural(kind) + " found: " + (known.empty() ? "none" : join(known)) + " (searched: " + join(searched) + ")";
}

std::vector<std::string> PluginIndex::names(const std::string& kind) const {
  std::vector<std::string> all;
  for (const auto& file : files_) {
    if (file.kind == kind) all.push_back(file.name);
  }
  return all;
}

}  // namespace dime
