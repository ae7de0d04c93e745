// SPDX-License-Identifier: Apache-2.0
// The files that a .list names. Torch-free.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <dime/api.hpp>

namespace dime {

/// One file of a list.
struct ListedShard {
  std::string name;            ///< as it stands in the list
  std::filesystem::path path;  ///< the name joined to the folder
  std::string place;           ///< "LIST:LINE", for messages
};

/// The files in `list`, one a line, in that order; blank lines and white space around a name are ignored. A name joins
/// `root`, or the list's own folder where that is empty. Throws IoError when the list cannot be read, DataError when a
/// name holds a NUL byte.
DIME_API std::vector<ListedShard> read_shard_list(const std::filesystem::path& list, const std::filesystem::path& root);

}  // namespace dime
