// SPDX-License-Identifier: Apache-2.0
#include <dime/share.hpp>

#include <dlfcn.h>

#include <cstdlib>

namespace dime {

std::filesystem::path share_folder() {
  if (const char* given = std::getenv("DIME_SHARE_DIR"); given != nullptr && *given != '\0') return given;
  Dl_info info{};
  if (dladdr(reinterpret_cast<const void*>(&share_folder), &info) == 0) return {};
  return std::filesystem::weakly_canonical(info.dli_fname).parent_path().parent_path() / "share" / "dime";
}

}  // namespace dime
