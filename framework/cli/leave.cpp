// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>

#include "cli/commands.hpp"

namespace dime::cli {

void leave(int status) { std::quick_exit(status); }

}  // namespace dime::cli
