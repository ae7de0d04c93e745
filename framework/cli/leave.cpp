// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <cstdlib>

#include "cli/commands.hpp"

namespace dime::cli {

void leave(int status) {
  std::fflush(nullptr);  // what was printed before an error
  std::quick_exit(status);
}

}  // namespace dime::cli
