// SPDX-License-Identifier: Apache-2.0
// The image files of a folder, links followed.
#pragma once

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <dime/error.hpp>

#include "shown_path.hpp"
#include "small_letters.hpp"

namespace dime::image_files {

namespace fs = std::filesystem;

/// What stands in a folder, but for what begins with a dot, by name. Throws DataError.
inline std::vector<fs::directory_entry> entries_of(const fs::path& folder) {
  std::vector<fs::directory_entry> entries;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (!it->path().filename().string().starts_with('.')) entries.push_back(*it);
  }
  if (error) throw DataError("cannot read the folder " + shown_path(folder) + ": " + error.message());
  std::sort(entries.begin(), entries.end());
  return entries;
}

/// The type of what an entry leads to. Throws DataError when it cannot be told.
inline fs::file_type type_of(const fs::directory_entry& entry) {
  std::error_code error;
  if (entry.is_directory(error)) return fs::file_type::directory;
  if (!error && entry.is_regular_file(error)) return fs::file_type::regular;
  // A link that leads nowhere is passed over.
  if (error && error != std::errc::no_such_file_or_directory && error != std::errc::not_a_directory) {
    throw DataError("cannot read " + shown_path(entry.path()) + ": " + error.message());
  }
  return fs::file_type::unknown;
}

/// What the name of an image file ends in, in small or capital letters.
inline constexpr std::array<std::string_view, 6> extensions{".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif"};

/// The extensions as a sentence names them.
inline std::string extensions_text() {
  std::string text;
  for (const std::string_view extension : extensions) {
    text += (text.empty() ? "" : extension == extensions.back() ? " or " : ", ") + std::string(extension);
  }
  return text;
}

inline bool is_image(const fs::directory_entry& entry) {
  const std::string extension = small_letters(entry.path().extension().string());
  return std::find(extensions.begin(), extensions.end(), extension) != extensions.end() &&
         type_of(entry) == fs::file_type::regular;
}

/// Goes through the folders below a root. A folder that lies in itself by a link is refused; other links are followed.
class Walk {
 public:
  explicit Walk(const fs::path& root) {
    // A link to a folder above the root would be followed through all that lies there before it came back.
    std::error_code ignored;
    for (fs::path above = fs::canonical(root, ignored); above.has_relative_path();) {
      above = above.parent_path();
      enter(above, {});
    }
    enter(root, {});
  }

  /// Adds the images of `folder`, which lies in the root, at any depth. `name` is its own, and stands before theirs.
  void images(const fs::path& folder, const std::string& name, std::vector<std::string>& names) {
    std::error_code ignored;
    enter(folder, fs::is_symlink(folder, ignored) ? folder : open_.back().link);
    for (const auto& entry : entries_of(folder)) {
      const std::string below = name + "/" + entry.path().filename().string();
      if (type_of(entry) == fs::file_type::directory) {
        images(entry.path(), below, names);
      } else if (is_image(entry)) {
        names.push_back(below);
      }
    }
    open_.pop_back();
  }

 private:
  struct Folder {
    dev_t device;
    ino_t number;
    fs::path path;
    fs::path link;  ///< the last link on the way to it; empty without one
  };

  void enter(const fs::path& path, const fs::path& link) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) {
      throw DataError("cannot read the folder " + shown_path(path) + ": " + std::generic_category().message(errno));
    }
    for (const Folder& above : open_) {
      if (above.device != status.st_dev || above.number != status.st_ino) continue;
      throw DataError("the link " + shown_path(link.empty() ? path : link) + " leads back to the folder " +
                      shown_path(above.path) + ", which holds it: remove the link");
    }
    open_.push_back({status.st_dev, status.st_ino, path, link});
  }

  std::vector<Folder> open_;
};

}  // namespace dime::image_files
