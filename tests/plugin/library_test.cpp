// SPDX-License-Identifier: Apache-2.0
// Plugins that are broken, each with its own error.
#include <gmock/gmock.h>

#include <dime/build.hpp>

#include "plugin/fixtures.hpp"

namespace dime {
namespace {

class Library : public test::PluginFolder {
 protected:
  std::string refusal(const std::string& kind, const std::string& name) {
    return error<PluginError>([&] { plugins().load(kind, name); });
  }
};

TEST_F(Library, AGoodOneLoads) {
  add("good", "losses/good.so");
  const Plugins all = plugins();
  const PluginDescriptor& d = all.load("loss", "good");
  EXPECT_STREQ(d.stamp, DIME_STAMP);
  EXPECT_STREQ(d.kind, "loss");
  EXPECT_EQ(&d, &all.load("loss", "good"));
}

TEST_F(Library, ItStaysWhenTheLoaderIsGone) {
  add("good", "losses/good.so");
  const PluginDescriptor* d = nullptr;
  {
    const Plugins all = plugins();
    d = &all.load("loss", "good");
  }
  EXPECT_STREQ(d->name, "good");
  EXPECT_EQ(d->schema()->help(), "A loss for tests.");
}

TEST_F(Library, OtherStamp) {
  add("other_stamp", "losses/other.so");
  const std::string theirs =
      "dime-abi=" DIME_TEXT_OF(DIME_ABI) " libtorch=1.2.3 cxx11abi=0 glibcxx-debug=" DIME_STAMP_DEBUG
                                         " sanitizer=" DIME_STAMP_SANITIZER " compiler=" DIME_STAMP_COMPILER;
  EXPECT_EQ(refusal("loss", "other"),
            "[loss/other] P/losses/other.so: built for another dime: libtorch is 1.2.3, not " DIME_LIBTORCH_VERSION
            ", cxx11abi is 0, not 1; build the plugin again with this dime. Its stamp: \"" +
                theirs + "\"; this dime's: \"" DIME_STAMP "\"");
}

TEST_F(Library, NoStamp) {
  add("no_stamp", "losses/no_stamp.so");
  EXPECT_EQ(refusal("loss", "no_stamp"),
            "[loss/no_stamp] P/losses/no_stamp.so: no dime plugin (it has no section .dime_stamp); end its source with "
            "DIME_LOSS, DIME_MODEL or DIME_DATASET");
}

TEST_F(Library, NoDescriptor) {
  add("no_descriptor", "losses/no_descriptor.so");
  EXPECT_EQ(
      refusal("loss", "no_descriptor"),
      "[loss/no_descriptor] P/losses/no_descriptor.so: no dime plugin (it exports no `dime_plugin`); end its source "
      "with DIME_LOSS, DIME_MODEL or DIME_DATASET");
}

TEST_F(Library, EmptyDescriptor) {
  add("empty_descriptor", "losses/empty_descriptor.so");
  EXPECT_EQ(refusal("loss", "empty_descriptor"),
            "[loss/empty_descriptor] P/losses/empty_descriptor.so: its descriptor has an empty field; use DIME_LOSS, "
            "DIME_MODEL or DIME_DATASET");
}

TEST_F(Library, WrongKind) {
  add("good", "models/good.so");
  EXPECT_EQ(
      refusal("model", "good"),
      "[model/good] P/models/good.so: says that it is a loss, but lies among the plugins of kind model; move it to the "
      "right folder");
}

TEST_F(Library, OtherName) {
  add("good", "losses/better.so");
  EXPECT_EQ(refusal("loss", "better"),
            "[loss/better] P/losses/better.so: says that its name is \"good\"; rename the file or the plugin");
}

TEST_F(Library, NoLibrary) {
  scratch_.write("losses/text.so", "hello");
  EXPECT_EQ(refusal("loss", "text"), "[loss/text] P/losses/text.so: no shared library (not an ELF file)");
}

TEST_F(Library, CutShort) {
  add("good", "losses/good.so");
  std::filesystem::resize_file(scratch_ / "losses/good.so", 5000);
  EXPECT_EQ(refusal("loss", "good"),
            "[loss/good] P/losses/good.so: the shared library is damaged or cut short; build the plugin again");
}

TEST_F(Library, UndefinedSymbol) {
  add("undefined_symbol", "losses/undefined_symbol.so");
  EXPECT_EQ(refusal("loss", "undefined_symbol"),
            "[loss/undefined_symbol] P/losses/undefined_symbol.so: cannot be opened: undefined symbol: "
            "dime_test_nobody_defines_this; link the plugin with the library that defines it");
}

TEST_F(Library, AnOptionNamedLikeAKeyOfTheCore) {
  add("core_key", "losses/core_key.so");
  EXPECT_EQ(refusal("loss", "core_key"),
            "[loss/core_key] P/losses/core_key.so: it declares option \"weight\", a key of every loss that dime reads "
            "itself; give it another name");
}

TEST_F(Library, ADefaultThatBreaksItsRange) {
  add("bad_default", "losses/bad_default.so");
  EXPECT_EQ(
      refusal("loss", "bad_default"),
      "[loss/bad_default] P/losses/bad_default.so: its schema cannot be made: the default of option \"scale\" must "
      "be > 0, got 0");
}

}  // namespace
}  // namespace dime
