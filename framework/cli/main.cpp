// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <iostream>
#include <limits>
#include <system_error>

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <dime/build.hpp>
#include <dime/error.hpp>
#include <dime/schema.hpp>

#include "cli/commands.hpp"
#include "cuda/open.hpp"

namespace {

constexpr int kFailure = 1;
constexpr int kUsageError = 2;

/// What was wrong with the command line, as one line that ends with where the help is.
int usage_error(const CLI::App& app, const CLI::ParseError& e, const std::vector<std::string>& words) {
  std::string problem = e.what();
  std::string help = "dime";
  const CLI::App* command = &app;
  std::size_t next = 1;
  for (auto given = app.get_subcommands(); !given.empty(); given = command->get_subcommands(), ++next) {
    command = given.front();
    help += " " + command->get_name();
  }
  std::vector<std::string> commands;
  for (const auto* sub : command->get_subcommands({})) commands.push_back(sub->get_name());
  if (!commands.empty() && words.size() > next && !words[next].starts_with("-")) {
    const std::string near = dime::nearest_name(words[next], commands);
    problem = "unknown command \"" + words[next] + "\"" + (near.empty() ? "" : " (did you mean \"" + near + "\"?)") +
              "; there are: " + dime::join(commands);
  }
  std::replace(problem.begin(), problem.end(), '\n', ' ');
  std::cerr << "dime: " << problem << "; see `" << help << " --help`\n";
  return kUsageError;
}

/// A descriptor below 3 that is closed would be given to the next file that is opened, and what is printed to that
/// file.
void keep_standard_files() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(fd, F_GETFD) < 0) ::open("/dev/null", O_RDWR);
  }
}

/// The status, or failure where what was printed did not arrive (a full disk).
int after_printing(int status) {
  std::cout.flush();
  if (std::fflush(stdout) == 0 && std::cout) return status;
  std::cerr << "dime: cannot write to the standard output: " << std::generic_category().message(errno) << "\n";
  return kFailure;
}

int run(int argc, char** argv) {
  CLI::App app{"Distils vision-language models from unpaired images and sentences."};
  app.set_version_flag("--version", "dime " DIME_VERSION);
  app.require_subcommand(1);
  const dime::cli::Program program{dime::Installation::of_program(), {argv, argv + argc}};
  dime::cli::Action chosen;
  for (auto* add :
       {dime::cli::add_train, dime::cli::add_eval, dime::cli::add_extract, dime::cli::add_pack, dime::cli::add_check,
        dime::cli::add_convert, dime::cli::add_describe, dime::cli::add_bench, dime::cli::add_doctor}) {
    add(app, program, chosen);
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return e.get_exit_code() == 0 ? app.exit(e, std::cout, std::cerr) : usage_error(app, e, program.words);
  }
  return chosen();
}

int guarded_run(int argc, char** argv) {
  try {
    // Before any plugin and any ATen call: LibTorch remembers "no CUDA" from the first question on.
    dime::open_cuda();
    return after_printing(run(argc, argv));
  } catch (const dime::Error& e) {
    std::cerr << "dime: " << e.what() << "\n";
  } catch (const std::exception& e) {
    // LibTorch's messages carry a stack trace after the first line.
    const std::string text = e.what();
    std::cerr << "dime: " << text.substr(0, text.find('\n')) << "\n";
  } catch (...) {
    std::cerr << "dime: something was thrown that is no std::exception\n";
  }
  return kFailure;
}

/// A step asks again for what the last one freed. As it stands, glibc gives large blocks back to the system, which
/// clears new pages for each step.
void keep_freed_memory() {
  constexpr int kLargestThreshold = 32 << 20;  // that glibc takes
  mallopt(M_MMAP_THRESHOLD, kLargestThreshold);
  mallopt(M_TRIM_THRESHOLD, std::numeric_limits<int>::max());
}

}  // namespace

int main(int argc, char** argv) {
  keep_standard_files();
  // A file that grows past the limit (ulimit -f) is then an error of that write, not the end of the process.
  std::signal(SIGXFSZ, SIG_IGN);
  keep_freed_memory();
  dime::cli::limit_spinning(argc, argv);
  dime::cli::leave(guarded_run(argc, argv));
}
