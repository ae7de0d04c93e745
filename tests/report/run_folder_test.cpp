// SPDX-License-Identifier: Apache-2.0
#include "report/run_folder.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <optional>

#include <dime/error.hpp>

#include "support/errors.hpp"
#include "support/plain_user.hpp"
#include "support/scratch_folder.hpp"

namespace dime {
namespace {

namespace fs = std::filesystem;
using test::error_text;
using test::ScratchFolder;

TEST(RunFolder, IsMadeWithItsSubfolders) {
  const ScratchFolder scratch;
  const RunFolder folder(scratch / "runs/a", false);
  EXPECT_TRUE(fs::is_directory(scratch / "runs/a/tensorboard"));
  EXPECT_TRUE(fs::is_directory(scratch / "runs/a/checkpoints"));
  EXPECT_FALSE(folder.resumed());
  EXPECT_TRUE(folder.locked());
}

TEST(RunFolder, NamesWhatLiesInIt) {
  const RunPaths paths{"r"};
  EXPECT_EQ(paths.experiment(), "r/experiment.yaml");
  EXPECT_EQ(paths.environment(), "r/environment.json");
  EXPECT_EQ(paths.log(), "r/log.txt");
  EXPECT_EQ(paths.metrics(), "r/metrics.jsonl");
  EXPECT_EQ(paths.tensorboard(), "r/tensorboard");
  EXPECT_EQ(paths.checkpoints(), "r/checkpoints");
  EXPECT_EQ(paths.results(), "r/results.json");
  EXPECT_EQ(paths.broken_rows(), "r/broken_rows.log");
}

TEST(RunFolder, AnEmptyFolderIsTaken) {
  const ScratchFolder scratch;
  fs::create_directory(scratch / "a");
  EXPECT_FALSE(RunFolder(scratch / "a", false).resumed());
}

TEST(RunFolder, AUsedFolderIsRefusedUntouched) {
  const ScratchFolder scratch;
  fs::create_directory(scratch / "a");
  scratch.write("a/notes.txt", "mine");
  EXPECT_EQ(error_text<ConfigError>([&] { RunFolder(scratch / "a", false); }),
            "run folder " + (scratch / "a").string() +
                " exists; add --resume to go on with it, or name another with --run-dir");
  EXPECT_FALSE(fs::exists(scratch / "a/.lock"));
  EXPECT_FALSE(fs::exists(scratch / "a/checkpoints"));
}

TEST(RunFolder, ResumeTakesAUsedFolder) {
  const ScratchFolder scratch;
  { RunFolder(scratch / "a", false); }
  EXPECT_TRUE(RunFolder(scratch / "a", true).resumed());
}

TEST(RunFolder, ResumeOfNothingBegins) {
  const ScratchFolder scratch;
  EXPECT_FALSE(RunFolder(scratch / "a", true).resumed());
}

TEST(RunFolder, AFileInItsPlaceIsRefused) {
  const ScratchFolder scratch;
  scratch.write("a", "");
  EXPECT_EQ(error_text<ConfigError>([&] { RunFolder(scratch / "a", true); }),
            "run folder " + (scratch / "a").string() + " is a file; name a folder with --run-dir");
}

TEST(RunFolder, AFolderThatCannotBeMadeIsAnError) {
  const ScratchFolder scratch;
  fs::create_directory(scratch / "shut");
  fs::permissions(scratch.path(), fs::perms::others_exec | fs::perms::others_read, fs::perm_options::add);
  fs::permissions(scratch / "shut",
                  fs::perms::owner_read | fs::perms::owner_exec | fs::perms::others_read | fs::perms::others_exec);
  const test::PlainUser user;
  EXPECT_EQ(error_text<IoError>([&] { RunFolder(scratch / "shut/a", false); }),
            "cannot write run folder " + (scratch / "shut/a").string() + ": Permission denied");
  EXPECT_EQ(error_text<IoError>([&] { RunFolder(scratch / "shut", false); }),
            "cannot write run folder " + (scratch / "shut").string() + ": Permission denied");
}

TEST(RunFolder, TwoRunsNeverShareOne) {
  const ScratchFolder scratch;
  const RunFolder first(scratch / "a", false);
  EXPECT_EQ(error_text<ConfigError>([&] { RunFolder(scratch / "a", true); }),
            "run folder " + (scratch / "a").string() + " is in use by process " + std::to_string(::getpid()) +
                "; name another with --run-dir");
}

TEST(RunFolder, TheLockGoesWithTheProcess) {
  const ScratchFolder scratch;
  const pid_t child = ::fork();
  if (child == 0) {
    const RunFolder folder(scratch / "a", false);
    ::_exit(folder.locked() ? 7 : 8);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_EQ(WEXITSTATUS(status), 7);
  EXPECT_TRUE(RunFolder(scratch / "a", true).resumed());
}

TEST(RunFolder, TheDefaultIsRunsAndTheName) {
  EXPECT_EQ(default_run_folder("vit_b32"), "runs/vit_b32");
  for (const std::string name : {"", ".", "..", "a/b"}) {
    EXPECT_EQ(error_text<ConfigError>([&] { default_run_folder(name); }),
              "the name \"" + name + "\" cannot be a folder under runs/; name the run folder with --run-dir");
  }
}

}  // namespace
}  // namespace dime
