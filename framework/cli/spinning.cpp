// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <cstdlib>
#include <set>
#include <string>

#include "cli/commands.hpp"

namespace dime::cli {

void limit_spinning(int argc, char** argv) {
  static const std::set<std::string> kComputing{"train", "eval", "extract"};
  const bool step = argc > 2 && std::string(argv[1]) == "bench" && std::string(argv[2]) == "step";
  if (argc < 2 || (!step && kComputing.count(argv[1]) == 0)) return;
  if (std::getenv("OMP_WAIT_POLICY") != nullptr || std::getenv("GOMP_SPINCOUNT") != nullptr) return;
  setenv("GOMP_SPINCOUNT", "10000", 1);
  execv("/proc/self/exe", argv);
}

}  // namespace dime::cli
