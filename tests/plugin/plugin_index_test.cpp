// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <stdlib.h>

#include "plugin/fixtures.hpp"
#include "plugin/plugin_index.hpp"

namespace dime {
namespace {

namespace fs = std::filesystem;

class Index : public test::PluginFolder {
 protected:
  std::string refusal(const std::vector<SearchFolder>& all) {
    return error<PluginError>([&] { PluginIndex index(all); });
  }
};

TEST_F(Index, ListsByKindAndName) {
  for (const auto* name :
       {"models/b.so", "losses/z.so", "losses/a.so", "datasets/idx.so", "losses/notes.txt", "other.so"}) {
    scratch_.write(name, "x");
  }
  const PluginIndex index(folders());
  std::vector<std::string> all;
  for (const auto& file : index.files()) all.push_back(file.kind + "/" + file.name + " " + shown(file.file.string()));
  EXPECT_THAT(all, testing::ElementsAre("dataset/idx P/datasets/idx.so", "loss/a P/losses/a.so", "loss/z P/losses/z.so",
                                        "model/b P/models/b.so"));
}

TEST_F(Index, UnknownPlugin) {
  for (const auto* name : {"clip", "fd", "pvl", "udist", "vl"})
    scratch_.write("losses/" + std::string(name) + ".so", "x");
  const PluginIndex index(folders());
  const auto said = [&](const std::string& kind, const std::string& name) {
    return error<PluginError>([&] { index.find(kind, name); });
  };
  EXPECT_EQ(said("loss", "vll"),
            "[loss/vll] no such plugin; did you mean \"vl\"? losses found: clip, fd, pvl, udist, vl (searched: P)");
  EXPECT_EQ(said("loss", "bananas"),
            "[loss/bananas] no such plugin; losses found: clip, fd, pvl, udist, vl (searched: P)");
  EXPECT_EQ(said("model", "clip"), "[model/clip] no such plugin; models found: none (searched: P)");
  EXPECT_EQ(index.find("loss", "vl").file, scratch_ / "losses/vl.so");
}

TEST_F(Index, TheSameTwice) {
  make_folder(scratch_ / "more/losses");
  fs::permissions(scratch_ / "more", fs::perms::owner_all);
  scratch_.write("losses/vl.so", "x");
  scratch_.write("models/vl.so", "another kind is no clash");
  scratch_.write("more/losses/vl.so", "x");
  EXPECT_EQ(refusal({{scratch_.path(), true, ""}, {scratch_ / "more", true, ""}}),
            "[loss/vl] is there twice: P/losses/vl.so and P/more/losses/vl.so; remove or rename one");
}

TEST_F(Index, FoldersThatOthersMayWrite) {
  fs::permissions(scratch_ / "losses", fs::perms(0777));
  EXPECT_EQ(refusal(folders()),
            "the plugin folder P/losses can be written by others (mode 0777); run: chmod go-w P/losses");
  fs::permissions(scratch_ / "losses", fs::perms(0700));
  fs::permissions(scratch_.path(), fs::perms(0720));
  EXPECT_EQ(refusal(folders()), "the plugin folder P can be written by others (mode 0720); run: chmod go-w P");
}

TEST_F(Index, MissingFolders) {
  EXPECT_EQ(refusal({{scratch_ / "gone", true, "$DIME_PLUGIN_PATH"}}),
            "there is no plugin folder P/gone (named by $DIME_PLUGIN_PATH)");
  EXPECT_TRUE(PluginIndex({{scratch_ / "gone", false, ""}}).files().empty());
}

TEST_F(Index, FoldersThatLeadNowhere) {
  fs::create_symlink("loop", scratch_ / "loop");
  EXPECT_EQ(refusal({{scratch_ / "loop", true, "$DIME_PLUGIN_PATH"}}),
            "the plugin folder P/loop (named by $DIME_PLUGIN_PATH) cannot be read: Too many levels of symbolic links");
  std::vector<SearchFolder> folders;
  add_folder(folders, {scratch_ / "loop", true, ""});
  add_folder(folders, {scratch_ / "loop", true, ""});
  EXPECT_EQ(folders.size(), 1u);
}

TEST_F(Index, NamesArePrintable) {
  scratch_.write("losses/a\nb.so", "x");
  EXPECT_EQ(error<PluginError>([&] { PluginIndex(folders()).find("loss", "c\x1B"); }),
            "[loss/c\\x1B] no such plugin; losses found: a\\x0Ab (searched: P)");
}

TEST_F(Index, SearchPath) {
  ::setenv("DIME_PLUGIN_PATH", "/one::/two:/program", 1);
  const auto all = search_path("/program", {"/two", "/three"});
  ::unsetenv("DIME_PLUGIN_PATH");
  std::vector<std::string> shown_paths;
  for (const auto& f : all) shown_paths.push_back(f.path.string() + (f.must_exist ? "" : " if there"));
  EXPECT_THAT(shown_paths, testing::ElementsAre("/program if there", "/one", "/two", "/three"));
  EXPECT_EQ(search_path("/program").size(), 1u);
}

}  // namespace
}  // namespace dime
