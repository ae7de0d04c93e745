// SPDX-License-Identifier: Apache-2.0
#include "io/tokenizer_siglip.hpp"

#include <gmock/gmock.h>
#include <sentencepiece_processor.h>
#include <sys/stat.h>

#include <random>
#include <thread>

#include <dime/error.hpp>

#include "support/errors.hpp"
#include "support/scratch_folder.hpp"
#include "support/spiece.hpp"

namespace dime::test {
namespace {

using Tokens = std::vector<std::int32_t>;

class Siglip : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<ScratchFolder>();
    model_ = spiece_model();
    path_ = folder_->write("spiece.model", model_);
    tokenizer_ = std::make_unique<SiglipTokenizer>(path_);
    ASSERT_TRUE(library_.LoadFromSerializedProto(model_).ok());
  }
  static void TearDownTestSuite() {
    tokenizer_.reset();
    folder_.reset();
  }

  /// What the library itself makes of a text that needs no cleaning.
  static Tokens plain(const std::string& text) { return library_.EncodeAsIds(text); }
  static Tokens encode(std::string_view text) { return tokenizer_->encode(text); }
  static std::vector<std::int64_t> padded(std::string_view text, std::size_t context) {
    std::vector<std::int64_t> out(context, -1);
    tokenizer_->encode_padded(text, static_cast<std::int64_t>(context), out.data());
    return out;
  }
  static std::int32_t id(const std::string& piece) { return library_.PieceToId(piece); }

  inline static std::unique_ptr<ScratchFolder> folder_;
  inline static std::string model_;
  inline static std::filesystem::path path_;
  inline static std::unique_ptr<SiglipTokenizer> tokenizer_;
  inline static sentencepiece::SentencePieceProcessor library_;
};

TEST_F(Siglip, SizeAndEnd) {
  EXPECT_EQ(tokenizer_->size(), library_.GetPieceSize());
  EXPECT_GE(tokenizer_->size(), 30);
  EXPECT_EQ(tokenizer_->end_token(), 1);
}

TEST_F(Siglip, PlainTextsAreSentencepieces) {
  for (const char* text : {"a photo of a cat", "the painting of my red house", "café", "bird"}) {
    EXPECT_EQ(encode(text), plain(text)) << text;
    EXPECT_GT(encode(text).size(), 1U) << text;
  }
}

TEST_F(Siglip, CleansFirst) {
  const Tokens cat = plain("a photo of a cat");
  EXPECT_EQ(encode("A Photo of a CAT"), cat);
  EXPECT_EQ(encode("!A p#h$o%t&o' (of) *a+, -c.a/t:;<=>?@[\\]^_`{|}~\""), cat);
  EXPECT_EQ(encode("  a\tphoto \n of\u00A0a\u3000 cat\x1F"), cat);
  EXPECT_EQ(encode("CAF\u00C9"), plain("café"));
  EXPECT_EQ(encode("a - cat"), plain("a cat"));
  // What only ASCII has is removed.
  EXPECT_NE(encode("a photo\u2014of a cat"), cat);
}

TEST_F(Siglip, TheMarkOfSpacesIsASpace) {
  EXPECT_EQ(encode("a\u2581cat"), plain("a cat"));
  EXPECT_EQ(encode("\u2581\u2581"), Tokens{});
}

TEST_F(Siglip, NamesOfTokensAreTokens) {
  // The text goes on after them: no word begins.
  Tokens rest = plain("<unk>bird");
  rest.erase(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(plain("<unk>").size()));
  ASSERT_NE(rest, plain("bird"));
  Tokens expected = plain("a cat");
  expected.push_back(1);
  expected.insert(expected.end(), rest.begin(), rest.end());
  EXPECT_EQ(encode("A cat </s> BIRD"), expected);
  EXPECT_EQ(encode("<unk>"), Tokens{2});
  EXPECT_EQ(encode("</s></s>"), (Tokens{1, 1}));
  EXPECT_EQ(encode("</S>"), plain("s"));
}

TEST_F(Siglip, UnknownCharacters) {
  EXPECT_EQ(encode("\u732B"), (Tokens{id("\u2581"), 2}));
  EXPECT_EQ(encode("\u732B\U0001F431"), (Tokens{id("\u2581"), 2}));
  EXPECT_EQ(encode("\xFF"), encode("\uFFFD"));
  EXPECT_EQ(encode("\xE7\x8C"), encode("\uFFFD"));
}

TEST_F(Siglip, EmptyTexts) {
  for (const char* text : {"", " ", "\t\n", "!!!", "..."}) EXPECT_EQ(encode(text), Tokens{}) << text;
  EXPECT_EQ(padded("", 4), (std::vector<std::int64_t>{1, 1, 1, 1}));
}

TEST_F(Siglip, PadsWithTheEnd) {
  const Tokens cat = plain("a photo of a cat");
  auto expected = std::vector<std::int64_t>(cat.begin(), cat.end());
  expected.resize(64, 1);
  EXPECT_EQ(padded("A photo of a cat.", 64), expected);
}

TEST_F(Siglip, CutsBeforeTheEnd) {
  std::string text;
  for (int i = 0; i < 4000; ++i) text += "a photo of a cat ";
  const Tokens all = encode(text);
  ASSERT_GT(all.size(), 20000U);
  auto expected = std::vector<std::int64_t>(all.begin(), all.begin() + 15);
  expected.push_back(1);
  EXPECT_EQ(padded(text, 16), expected);
  EXPECT_EQ(padded(text, 1), std::vector<std::int64_t>{1});
}

TEST_F(Siglip, AContextMustBePositive) {
  std::int64_t out = 0;
  EXPECT_EQ(error_text<ArgumentError>([&] { tokenizer_->encode_padded("a", 0, &out); }),
            "a context of 0 tokens: it must be positive");
}

TEST_F(Siglip, IsSafeFromManyThreads) {
  const Tokens expected = encode("the painting of my small boat");
  std::vector<std::thread> threads;
  std::array<int, 4> wrong{};
  for (auto& count : wrong) {
    threads.emplace_back([&] {
      for (int i = 0; i < 500; ++i) count += encode("The painting of my small boat!") == expected ? 0 : 1;
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, (std::array<int, 4>{}));
}

class SiglipFile : public Siglip {
 protected:
  /// What is said of a file of these bytes, without its path.
  std::string problem(const std::string& bytes) const {
    const auto path = broken_.write("broken.model", bytes);
    return broken_.shown(error_text<DataError>([&] { const SiglipTokenizer tokenizer(path); }));
  }

  const ScratchFolder broken_;
  const std::string damaged_ = "broken.model: not a sentencepiece model: it is damaged or cut short";
};

TEST_F(SiglipFile, MustBeThere) {
  const auto path = broken_ / "spiece.model";
  EXPECT_EQ(error_text<IoError>([&] { const SiglipTokenizer tokenizer(path); }),
            "the tokenizer's model " + path.string() + " is missing");
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  EXPECT_EQ(error_text<IoError>([&] { const SiglipTokenizer tokenizer(path); }),
            "cannot read " + path.string() + ": it is no regular file");
}

TEST_F(SiglipFile, MustBeASentencepieceModel) {
  EXPECT_EQ(problem(""), damaged_);
  EXPECT_EQ(problem(std::string(1000, '\0')), damaged_);
  EXPECT_EQ(problem("{\"model\": {\"type\": \"Unigram\"}}"), damaged_);
  std::mt19937 random(7);
  for (int i = 0; i < 200; ++i) {
    std::string bytes(1 + random() % 300, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    EXPECT_EQ(problem(bytes), damaged_);
  }
}

TEST_F(SiglipFile, MustNotBeTooLarge) {
  const auto path = broken_.write("large.model", model_);
  std::filesystem::resize_file(path, (std::uintmax_t{64} << 20) + 1);
  EXPECT_EQ(error_text<DataError>([&] { const SiglipTokenizer tokenizer(path); }),
            path.string() + ": not a sentencepiece model: it is too large");
}

TEST_F(SiglipFile, MustBeWhole) {
  for (std::size_t size = 1; size < model_.size(); size += 1 + size / 30) {
    EXPECT_EQ(problem(model_.substr(0, size)), damaged_) << size;
  }
}

TEST_F(SiglipFile, MustBeUnigram) {
  for (const char* type : {"bpe", "char", "word"}) {
    EXPECT_EQ(problem(spiece_model({{"model_type", type}})),
              "broken.model: a sentencepiece model of type " + std::string(type) + ", where SigLIP's is unigram");
  }
}

TEST_F(SiglipFile, MustHaveItsTokens) {
  EXPECT_EQ(problem(spiece_model({{"eos_id", "-1"}})),
            "broken.model: not SigLIP's tokenizer: it has no piece \"</s>\"");
  EXPECT_EQ(problem(spiece_model({{"unk_piece", "<what>"}})),
            "broken.model: not SigLIP's tokenizer: it has no piece \"<unk>\"");
}

TEST_F(SiglipFile, MayNotRepeatAPiece) {
  // A piece of one letter, twice more.
  const std::string piece = "\n\x03\n\x01q";
  EXPECT_EQ(problem(model_ + piece + piece),
            "broken.model: not a sentencepiece model that can be used: q is already defined.");
}

/// The library follows the table of normalisation without looking: whatever the bytes, nothing is read outside of it.
TEST_F(SiglipFile, DamagedBytesAreRefusedOrHarmless) {
  const std::string text = "A Photo of \uFF21\uFF22\u00BD\uFB01 CAF\u00C9 \u732B e\u0301\u0300\u0301 \U0001F431";
  std::mt19937 random(11);
  int refused = 0;
  for (int i = 0; i < 150; ++i) {
    std::string bytes = model_;
    for (int change = 0; change < 4; ++change) bytes[random() % bytes.size()] = static_cast<char>(random());
    const auto path = broken_.write("broken.model", bytes);
    try {
      const SiglipTokenizer tokenizer(path);
      for (const std::int32_t token : tokenizer.encode(text)) {
        ASSERT_TRUE(token >= 0 && token < tokenizer.size()) << token;
      }
    } catch (const DataError& e) {
      ++refused;
      EXPECT_EQ(broken_.shown(e.what()).rfind("broken.model: ", 0), 0U) << e.what();
    }
  }
  EXPECT_GT(refused, 10);
}

TEST_F(SiglipFile, TheTableOfNormalisationMustBeSound) {
  // trainer_spec, normalizer_spec {precompiled_charsmap}: field 2 of field 3.
  const auto with_table = [&](const std::string& table) {
    const auto sized = [](char tag, const std::string& part) {
      std::string size;
      for (std::size_t n = part.size(); n != 0 || size.empty(); n >>= 7) {
        size += static_cast<char>((n & 0x7F) | (n > 0x7F ? 0x80 : 0));
      }
      return tag + size + part;
    };
    return model_ + sized('\x1A', sized('\x12', table));
  };
  const std::string refused = "broken.model: not a sentencepiece model: its table of normalisation is damaged";
  const auto units = [](std::uint32_t root, std::uint32_t other, std::size_t strings) {
    constexpr std::size_t count = 256;
    std::string bytes(4 + 4 * count, '\0');
    const auto put = [&](std::size_t at, std::uint32_t value) {
      for (std::size_t i = 0; i < 4; ++i) bytes[at + i] = static_cast<char>(value >> (8 * i));
    };
    put(0, static_cast<std::uint32_t>(4 * count));
    for (std::size_t i = 0; i < count; ++i) put(4 + 4 * i, i == 0 ? root : other);
    return bytes + std::string(strings, 'x') + '\0';
  };
  constexpr std::uint32_t kNoChild = 0x80000000;
  EXPECT_EQ(problem(with_table("abc")), refused);
  EXPECT_EQ(problem(with_table(std::string("\xFF\0\0\0abcd\0", 9))), refused) << "a trie that is too long";
  EXPECT_EQ(problem(with_table(units(1U << 20, kNoChild, 1))), refused) << "a base outside";
  EXPECT_EQ(problem(with_table(units(0, 0x100 | 'a', 1))), refused) << "a value outside";
  constexpr std::uint32_t kBackToTheRoot = 'a' << 10;
  EXPECT_EQ(problem(with_table(units(0, kBackToTheRoot | 0x100 | 'a', 1))), refused) << "a circle of leaves";
  std::string open = units(0, kNoChild, 1);
  open.back() = 'y';
  EXPECT_EQ(problem(with_table(open)), refused) << "a string without an end";
  // Without children it leads nowhere, and is sound.
  const auto path = broken_.write("good.model", with_table(units(0, kNoChild, 1)));
  EXPECT_NO_THROW(SiglipTokenizer{path});
}

}  // namespace
}  // namespace dime::test
