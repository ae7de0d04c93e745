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

#include "config/followed.hpp"

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

/// Whether there is such a folder; one that cannot be looked at may hold what is asked for.
bool is_folder(const fs::path& folder, const std::string& from) {
  std::error_code error;
  const auto kind = fs::status(folder, error).type();
  if (kind == fs::file_type::none) {
    throw PluginError("the plugin folder " + folder.string() + from + " cannot be read: " + error.message());
  }
  return kind == fs::file_type::directory;
}

}  // namespace

std::string plugin_label(const std::string& kind, const std::string& name) {
  return "[" + kind + "/" + printable(name, longest_shown) + "]";
}

void add_folder(std::vector<SearchFolder>& folders, SearchFolder folder) {
  const auto same = [here = followed(folder.path)](const SearchFolder& f) { return followed(f.path) == here; };
  if (std::none_of(folders.begin(), folders.end(), same)) folders.push_back(std::move(folder));
}

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
    const std::string from = folder.stated_by.empty() ? "" : " (named by " + folder.stated_by + ")";
    if (is_folder(folder.path, from)) {
      scan(folder.path);
    } else if (folder.must_exist) {
      throw PluginError("there is no plugin folder " + folder.path.string() + from);
    }
  }
}

void PluginIndex::scan(const fs::path& folder) {
  refuse_open_folder(folder);
  for (const auto& kind : kinds) {
    if (is_folder(folder / kind.folder, "")) scan_kind(kind.name, folder / kind.folder);
  }
  const auto key = [](const PluginFile& f) { return std::tie(f.kind, f.name); };
  std::stable_sort(files_.begin(), files_.end(), [&](const auto& a, const auto& b) { return key(a) < key(b); });
}

void PluginIndex::scan_kind(const std::string& kind, const fs::path& folder) {
  refuse_open_folder(folder);
  std::error_code error;
  for (fs::directory_iterator entry(folder, error); entry != fs::directory_iterator(); entry.increment(error)) {
    if (entry->path().extension() == ".so") add({kind, entry->path().stem().string(), entry->path()});
  }
  if (error) throw PluginError("the plugin folder " + folder.string() + " cannot be read: " + error.message());
}

void PluginIndex::add(PluginFile file) {
  const auto same = [&](const PluginFile& f) { return f.kind == file.kind && f.name == file.name; };
  const auto other = std::find_if(files_.begin(), files_.end(), same);
  if (other != files_.end()) {
    throw PluginError(plugin_label(file.kind, file.name) + " is there twice: " + other->file.string() + " and " +
                      file.file.string() + "; remove or rename one");
  }
  files_.push_back(std::move(file));
}

const PluginFile& PluginIndex::find(const std::string& kind, const std::string& name) const {
  for (const auto& file : files_) {
    if (file.kind == kind && file.name == name) return file;
  }
  throw PluginError(plugin_label(kind, name) + " " + missing(kind, name));
}

std::string PluginIndex::missing(const std::string& kind, const std::string& name) const {
  const auto wanted = [&](const PluginFile& file) { return file.kind == kind && file.name == name; };
  if (std::any_of(files_.begin(), files_.end(), wanted)) return "";
  const auto known = names(kind);
  std::vector<std::string> searched;
  for (const auto& folder : folders_) searched.push_back(folder.path.string());
  const std::string near = nearest_name(name, known);
  return "no such plugin" + (near.empty() ? "" : "; did you mean \"" + near + "\"?") + (near.empty() ? "; " : " ") +
         plural(kind) + " found: " + (known.empty() ? "none" : join(known)) + " (searched: " + join(searched) + ")";
}

std::vector<std::string> PluginIndex::names(const std::string& kind) const {
  std::vector<std::string> all;
  for (const auto& file : files_) {
    if (file.kind == kind) all.push_back(printable(file.name, longest_shown));
  }
  return all;
}

}  // namespace dime
