// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

namespace dime::cli {

/// The weights that a command was given: a file, a folder that holds one, a checkpoint (its model), or a run folder
/// (its newest good checkpoint; newer ones that are damaged are said on standard error). Throws IoError.
std::filesystem::path weights_path(std::filesystem::path path);

}  // namespace dime::cli
