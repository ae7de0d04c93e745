// SPDX-License-Identifier: Apache-2.0
#include <iostream>

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <dime/build.hpp>
#include <dime/error.hpp>

#include "cli/commands.hpp"
#include "cuda/open.hpp"

namespace {

constexpr int kFailure = 1;
constexpr int kUsageError = 2;

int run(int argc, char** argv) {
  CLI::App app{"Distils vision-language models from unpaired images and sentences."};
  app.set_version_flag("--version", "dime " DIME_VERSION);
  app.require_subcommand(1);
  const dime::cli::Program program{dime::Installation::of_program(), {argv, argv + argc}};
  dime::cli::Action chosen;
  for (auto* add : {dime::cli::add_train, dime::cli::add_eval, dime::cli::add_extract, dime::cli::add_pack,
                    dime::cli::add_check, dime::cli::add_describe, dime::cli::add_doctor}) {
    add(app, program, chosen);
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e, std::cout, std::cerr) == 0 ? 0 : kUsageError;
  }
  return chosen();
}

}  // namespace

int main(int argc, char** argv) {
  try {
    // Before any plugin and any ATen call: LibTorch remembers "no CUDA" from the first question on.
    dime::open_cuda();
    return run(argc, argv);
  } catch (const dime::Error& e) {
    std::cerr << "dime: " << e.what() << "\n";
  } catch (const std::exception& e) {
    // LibTorch's messages carry a stack trace after the first line.
    const std::string text = e.what();
    std::cerr << "dime: " << text.substr(0, text.find('\n')) << "\n";
  }
  return kFailure;
}
