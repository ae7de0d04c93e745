// SPDX-License-Identifier: Apache-2.0
#include "io/tokenizer.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <thread>

#include <dime/error.hpp>

#include "io/tokenizer_clean.hpp"
#include "io/tokenizer_html.hpp"
#include "io/tokenizer_mojibake.hpp"
#include "io/tokenizer_unicode.hpp"
#include "support/errors.hpp"
#include "support/scratch_folder.hpp"

namespace dime {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::ThrowsMessage;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// scripts/setup.sh makes the assets; $DIME_ASSETS_DIR says where they are, when not in the cache.
fs::path vocabulary_path() {
  fs::path assets = environment("DIME_ASSETS_DIR");
  if (assets.empty()) {
    fs::path cache = environment("DIME_CACHE_DIR");
    if (cache.empty() && !environment("XDG_CACHE_HOME").empty())
      cache = fs::path(environment("XDG_CACHE_HOME")) / "dime";
    if (cache.empty()) cache = fs::path(environment("HOME")) / ".cache" / "dime";
    assets = cache / "assets";
  }
  return assets / "clip" / "bpe_simple_vocab_16e6.txt.gz";
}

class Tokenizer : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (fs::exists(vocabulary_path())) tokenizer_ = std::make_unique<ClipTokenizer>(vocabulary_path());
  }
  static void TearDownTestSuite() { tokenizer_.reset(); }
  void SetUp() override { ASSERT_NE(tokenizer_, nullptr) << "no " << vocabulary_path() << ": run scripts/assets.sh"; }

  static json golden() {
    return json::parse(std::ifstream(fs::path(DIME_TEST_SOURCE_DIR) / "tests" / "golden" / "tokens.json"));
  }
  static std::vector<std::int64_t> padded(std::string_view text, std::size_t context) {
    std::vector<std::int64_t> out(context, -1);
    tokenizer_->encode_padded(text, static_cast<std::int64_t>(context), out.data());
    return out;
  }

  inline static std::unique_ptr<ClipTokenizer> tokenizer_;
};

TEST_F(Tokenizer, EqualsOpenClip) {
  const json rows = golden().at("encode");
  ASSERT_GE(rows.size(), 300u);
  for (const json& row : rows) {
    const std::string text = row.at("text");
    EXPECT_EQ(tokenizer_->encode(text), row.at("tokens").get<std::vector<std::int32_t>>()) << row.at("text").dump();
  }
}

TEST_F(Tokenizer, PadsAndCutsAsOpenClip) {
  const json rows = golden().at("padded");
  ASSERT_EQ(rows.size(), 16u);
  for (const json& row : rows) {
    EXPECT_EQ(padded(row.at("text").get<std::string>(), row.at("context")),
              row.at("tokens").get<std::vector<std::int64_t>>());
  }
}

TEST_F(Tokenizer, CutsWhatEncodeGives) {
  const json rows = golden().at("encode");
  for (const json& row : rows) {
    const std::string text = row.at("text");
    for (const std::size_t context : {1u, 2u, 3u, 8u, 77u}) {
      std::vector<std::int64_t> expected{49406};
      for (const json& token : row.at("tokens")) expected.push_back(token);
      expected.push_back(49407);
      const bool cut = expected.size() > context;
      expected.resize(context, 0);
      if (cut) expected.back() = 49407;
      EXPECT_EQ(padded(text, context), expected) << row.at("text").dump() << " to " << context;
    }
  }
}

TEST_F(Tokenizer, KnowsItsMarks) {
  EXPECT_EQ(tokenizer_->start_token(), 49406);
  EXPECT_EQ(tokenizer_->end_token(), 49407);
  EXPECT_EQ(tokenizer_->size(), 49408);
  EXPECT_EQ(padded("", 4), (std::vector<std::int64_t>{49406, 49407, 0, 0}));
}

TEST_F(Tokenizer, ReadsBrokenUtf8AsReplacementCharacters) {
  EXPECT_EQ(tokenizer_->encode("a \xFF\xC3 b"), tokenizer_->encode("a \uFFFD\uFFFD b"));
  EXPECT_EQ(tokenizer_->encode("\xF0\x9F\x98"), tokenizer_->encode("\uFFFD"));
}

std::string repeated(std::string_view text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

TEST_F(Tokenizer, ResolvesDeepReferencesInTime) {
  EXPECT_EQ(tokenizer_->encode("&" + repeated("amp;", 100000)), tokenizer_->encode("&"));
  EXPECT_EQ(tokenizer_->encode("&" + repeated("#65286;", 50000)), tokenizer_->encode("&"));
  EXPECT_EQ(tokenizer_->encode("&" + repeated("#38;#x26;", 50000) + "lt;b"), tokenizer_->encode("<b"));
}

// Runs of one letter are cut into the longest symbols there are, so a whole number of these is the same as each alone.
TEST_F(Tokenizer, CutsLongWordsInTime) {
  const std::vector<std::int32_t> some = tokenizer_->encode(std::string(4096, 'a'));
  const std::vector<std::int32_t> many = tokenizer_->encode(std::string(1 << 20, 'a'));
  ASSERT_GT(some.size(), 4u);
  ASSERT_GT(many.size(), some.size());
  EXPECT_TRUE(std::equal(some.begin(), some.end() - 4, many.begin()));
  EXPECT_TRUE(std::equal(some.end() - 4, some.end(), many.end() - 4));
}

TEST_F(Tokenizer, RefusesAnEmptyContext) {
  EXPECT_THAT([] { padded("a", 0); }, ThrowsMessage<ArgumentError>("a context of 0 tokens: it must be positive"));
}

TEST_F(Tokenizer, IsTheSameFromManyThreads) {
  const json rows = golden().at("encode");
  std::vector<int> wrong(4, 0);
  std::vector<std::thread> threads;
  for (int& count : wrong) {
    threads.emplace_back([&rows, &count] {
      for (const json& row : rows) {
        count +=
            tokenizer_->encode(row.at("text").get<std::string>()) != row.at("tokens").get<std::vector<std::int32_t>>();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, (std::vector<int>{0, 0, 0, 0}));
}

// Up to 40 of the characters of some of these alphabets, with the ASCII that the short way of cleaning must look at.
std::string random_text(std::mt19937& random) {
  static constexpr std::pair<char32_t, char32_t> alphabets[] = {
      {0x00, 0x80},      {0x20, 0x7F},       {0x80, 0x250},      {0xC0, 0x100},     {0x300, 0x370},   {0x370, 0x530},
      {0x590, 0x700},    {0x900, 0xE80},     {0x1100, 0x1200},   {0x2000, 0x2070},  {0x2E80, 0x3200}, {0xAC00, 0xD7B0},
      {0xFB00, 0x10000}, {0x1F300, 0x1F700}, {0x1FFF0, 0x20010}, {0xE0000, 0xE0080}};
  const auto draw = [&](std::size_t below) { return random() % below; };
  const auto [first, last] = alphabets[draw(std::size(alphabets))];
  std::string text;
  for (std::size_t size = draw(40); size > 0; --size) {
    if (draw(4) == 0) {
      text.push_back(" &'<AZa;=\n"[draw(10)]);
    } else {
      detail::append_utf8(static_cast<char32_t>(first + draw(last - first)), text);
    }
  }
  return text;
}

std::string with_single_spaces(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c != ' ' || (!out.empty() && out.back() != ' ')) out.push_back(c);
  }
  if (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

TEST_F(Tokenizer, CleansTheShortWayAsTheLong) {
  const detail::TextCleaner cleaner(vocabulary_path().parent_path());
  std::vector<std::string> texts;
  const json rows = golden().at("encode");
  for (const json& row : rows) texts.push_back(row.at("text"));
  std::mt19937 random(7);
  for (int i = 0; i < 20000; ++i) texts.push_back(random_text(random));
  int plain = 0;
  for (const std::string& text : texts) {
    std::string clean;
    if (!cleaner.plain().clean(text, clean)) continue;
    ++plain;
    EXPECT_EQ(with_single_spaces(clean), cleaner.clean_fully(text)) << json(text).dump();
  }
  EXPECT_GT(plain, 5000);
  EXPECT_LT(plain, 20000);
}

TEST_F(Tokenizer, CleansCommonTextsTheShortWay) {
  const detail::TextCleaner cleaner(vocabulary_path().parent_path());
  std::string clean;
  for (const char* text : {"", "A photo\tof a cat.", "black & white &", "it\u2019s \u201Cquoted\u201D \u2013 yes\u2026",
                           "CAF\u00C9 na\u00EFve", "\u041F\u0420\u0418\u0432\u0435\u0442", "\u4F60\u597D\uFF0C\u3000!",
                           "\U0001F469\u200D\U0001F467 \u2764\uFE0F", "\u0BB5\u0BA3\u0B95\u0BCD\u0B95\u0BBE"}) {
    EXPECT_TRUE(cleaner.plain().clean(text, clean)) << text;
  }
  for (const char* text : {"R&D", "&amp;",
                           "&\uFF03"
                           "38;",
                           "\uFF06"
                           "lt;",
                           "caf\u00C3\u00A9", "nul\x01", "\uFB01ne", "e\u0301", "\u03A3", "\u0130", "\uFF1D\u0338",
                           "\U00020000", "\x7F", "\u2028"}) {
    EXPECT_FALSE(cleaner.plain().clean(text, clean)) << text;
  }
}

class Vocabulary : public testing::Test {
 protected:
  void SetUp() override {
    path_ = fs::temp_directory_path() / ("dime_vocabulary_" + std::to_string(getpid()));
    fs::remove(path_);
  }
  void TearDown() override { fs::remove(path_); }
  void write(const std::string& text) const { std::ofstream(path_, std::ios::binary) << text; }
  void expect(const std::string& text, const std::string& problem) const {
    write(text);
    EXPECT_THAT([this] { ClipTokenizer tokenizer(path_); }, ThrowsMessage<DataError>(path_.string() + problem));
  }
  fs::path path_;
};

TEST_F(Vocabulary, MustBeThere) {
  EXPECT_THAT([this] { ClipTokenizer tokenizer(path_); },
              ThrowsMessage<IoError>("the tokenizer's vocabulary " + path_.string() +
                                     " is missing: scripts/setup.sh makes it"));
}

TEST_F(Vocabulary, MustBeARegularFile) {
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
  EXPECT_THAT([this] { ClipTokenizer tokenizer(path_); },
              ThrowsMessage<IoError>("cannot read " + path_.string() + ": it is no regular file"));
}

TEST_F(Vocabulary, MustBeClips) {
  expect("", ": not CLIP's vocabulary: 0 merges, not 48894");
  expect("version\ni n\nt h\n", ": not CLIP's vocabulary: 2 merges, not 48894");
  expect("version\ni n\nnonsense\n", ":3: not a vocabulary: a line must hold two symbols");
}

TEST_F(Vocabulary, MustMergeWhatItKnows) {
  std::string text = "version\n";
  for (int i = 0; i < 49000; ++i) text += "qqqq" + std::to_string(i) + " b\n";
  expect(text, ":2: not a vocabulary: a merge of unknown symbols");
}

TEST_F(Vocabulary, MustBeWholeGzip) {
  expect(std::string("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03garbage", 17),
         " is damaged: the gzip stream does not unpack");
}

TEST(HtmlReferences, MustBeReferences) {
  const test::ScratchFolder folder;
  const auto refusal = [&](std::string_view line) {
    const auto file = folder.write("e.txt", std::string("html amp;=26\n").append(line).append("\n"));
    return folder.shown(test::error_text<DataError>([&] { detail::HtmlReferences references(file); }));
  };
  for (const char* line : {"", "html", "html lt;", "html =3C", "lt;=3C", "xml lt;=3C", "html lt;=", "html lt;=3Z",
                           "html lt;=3C+", "html lt;=110000", "html lt;=3C 3E"}) {
    EXPECT_EQ(refusal(line),
              "e.txt:2: not `html NAME=HEX` or `capitals NAME=HEX`; scripts/setup.sh makes the file anew once it is "
              "removed")
        << line;
  }
  EXPECT_EQ(folder.shown(test::error_text<IoError>([&] { detail::HtmlReferences references(folder / "none.txt"); })),
            "cannot open none.txt: No such file or directory");
}

TEST(HtmlReferences, ReadsBothKinds) {
  const test::ScratchFolder folder;
  const detail::HtmlReferences references(folder.write("e.txt", "html ne;=3D+338\nhtml lt=3C\ncapitals NE;=2260\n"));
  EXPECT_EQ(references.unescape(U"&ne; &lt5 &NE;"), U"=\u0338 <5 &NE;");
  EXPECT_EQ(references.unescape_strict(U"&ne; &lt5 &NE;", false), U"=\u0338 &lt5 \u2260");
}

TEST(HtmlReferences, GoesDeepWhenAsked) {
  const test::ScratchFolder folder;
  const detail::HtmlReferences references(folder.write("e.txt", "html amp;=26\nhtml lt;=3C\n"));
  const std::u32string text = U"&amp;amp;lt; &amp;#38;amp; &#65286;lt; &lt;amp; &amp;x; &";
  EXPECT_EQ(references.unescape_strict(text, false), U"&amp;lt; &#38;amp; \uFF06lt; <amp; &x; &");
  EXPECT_EQ(references.unescape_strict(text, true), U"< & < <amp; &x; &");
}

TEST(Mojibake, IsWhatThePatternFindsAndIsUtf8) {
  const test::ScratchFolder folder;
  const detail::Mojibake mojibake(folder.write("m.txt", "\\x{C3}|\\x{EF}[^a]|z\n"));
  const auto fixed = [&](std::u32string text) { return mojibake.fix(text) ? text : U"as it was: " + text; };
  EXPECT_EQ(fixed(U"caf\u00C3\u00A9"), U"caf\u00E9");
  EXPECT_EQ(fixed(U"\u00EF\u00BF\u00BD"), U"\uFFFD");
  EXPECT_EQ(fixed(U"z\u00E2\u20AC\u2122"), U"z\u2019");
  EXPECT_EQ(fixed(U"NESTL\u00C9\u00AE"), U"as it was: NESTL\u00C9\u00AE");
  EXPECT_EQ(fixed(U"caf\u00C3\u00A9 \u00E9"), U"as it was: caf\u00C3\u00A9 \u00E9");
  EXPECT_EQ(fixed(U"z\u00ED\u00A0\u0080"), U"as it was: z\u00ED\u00A0\u0080");
  EXPECT_EQ(fixed(U"z"), U"as it was: z");
}

TEST(Mojibake, NeedsItsPattern) {
  const test::ScratchFolder folder;
  const auto refusal = [&](std::string_view content) {
    const auto file = folder.write("m.txt", content);
    return folder.shown(test::error_text<DataError>([&] { detail::Mojibake mojibake(file); }));
  };
  const std::string advice = "; scripts/setup.sh makes the file anew once it is removed";
  EXPECT_EQ(refusal("a|(b\n"), "m.txt: not one line with a pattern (U_REGEX_MISMATCHED_PAREN)" + advice);
  EXPECT_EQ(refusal("\n"), "m.txt: not one line with a pattern (U_ILLEGAL_ARGUMENT_ERROR)" + advice);
  for (const char* content : {"", "a|b"}) {
    EXPECT_EQ(refusal(content), "m.txt: not one line with a pattern (U_REGEX_RULE_SYNTAX)" + advice);
  }
  EXPECT_EQ(folder.shown(test::error_text<IoError>([&] { detail::Mojibake mojibake(folder / "none.txt"); })),
            "the tokenizer's pattern of mojibake none.txt is missing: scripts/setup.sh makes it");
}

}  // namespace
}  // namespace dime
