// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

namespace dime::io {

/// The file that holds the weights of `path`: itself, or where it is a folder, the first that is there of the names
/// that public programs give to weights; else, of a run folder, the newest checkpoint's. Throws WeightsError, listing
/// what was looked for, when there is none; IoError when a folder cannot be read.
std::filesystem::path find_weights_file(const std::filesystem::path& path);

}  // namespace dime::io
