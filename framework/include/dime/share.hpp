// SPDX-License-Identifier: Apache-2.0
// Where dime's own data lies. Torch-free.
#pragma once

#include <filesystem>

#include <dime/api.hpp>

namespace dime {

/// The folder of configs/ and assets/: $DIME_SHARE_DIR, or share/dime beside the folder that the program or libdime.so
/// is in. It need not exist.
DIME_API std::filesystem::path share_folder();

}  // namespace dime
