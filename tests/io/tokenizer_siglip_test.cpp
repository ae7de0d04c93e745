// SPDX-License-Identifier: Apache-2.0
#include "io/tokenizer_siglip.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <random>
#include <thread>

#include <dime/error.hpp>

#include "support/charsmap.hpp"
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
    tokenizer_ = std::make_unique<SiglipTokenizer>(folder_->write("spiece.model", spiece_model()));
  }
  static void TearDownTestSuite() {
    tokenizer_.reset();
    folder_.reset();
  }

  static Tokens encode(std::string_view text) { return tokenizer_->encode(text); }
  static std::vector<std::int64_t> padded(std::string_view text, std::size_t context) {
    std::vector<std::int64_t> out(context, -1);
    tokenizer_->encode_padded(text, static_cast<std::int64_t>(context), out.data());
    return out;
  }
  /// The tokens of these pieces.
  static Tokens tokens(const std::vector<std::string_view>& pieces) {
    const auto all = spiece_parts().pieces;
    Tokens found;
    for (const std::string_view piece : pieces) {
      const auto at = std::find_if(all.begin(), all.end(), [&](const TestPiece& p) { return p.text == piece; });
      found.push_back(at == all.end() ? -1 : static_cast<std::int32_t>(at - all.begin()));
    }
    return found;
  }

  const Tokens cat_ = tokens({"▁a", "▁photo", "▁of", "▁a", "▁cat"});

  inline static std::unique_ptr<ScratchFolder> folder_;
  inline static std::unique_ptr<SiglipTokenizer> tokenizer_;
};

TEST_F(Siglip, SizeAndEnd) {
  EXPECT_EQ(tokenizer_->size(), 73);
  EXPECT_EQ(tokenizer_->end_token(), 1);
}

TEST_F(Siglip, SplitsIntoThePiecesOfTheLargestSum) {
  EXPECT_EQ(encode("a photo of a cat"), cat_);
  EXPECT_EQ(encode("the painting of my red house"), tokens({"▁the", "▁painting", "▁of", "▁my", "▁red", "▁house"}));
  EXPECT_EQ(encode("café bird"), tokens({"▁café", "▁bird"}));
  EXPECT_EQ(encode("singer"), tokens({"▁", "s", "ing", "er"}));
  EXPECT_EQ(encode("thx"), tokens({"▁", "th", "x"}));
}

TEST_F(Siglip, CleansFirst) {
  EXPECT_EQ(encode("A Photo of a CAT"), cat_);
  EXPECT_EQ(encode("!A p#h$o%t&o' (of) *a+, -c.a/t:;<=>?@[\\]^_`{|}~\""), cat_);
  EXPECT_EQ(encode("  a\tphoto \n of\u00A0a\u3000 cat\x1F"), cat_);
  EXPECT_EQ(encode("CAF\u00C9"), tokens({"▁café"}));
  EXPECT_EQ(encode("a - cat"), tokens({"▁a", "▁cat"}));
  // What only ASCII has is removed.
  EXPECT_EQ(encode("a\u2014cat"), tokens({"▁a", "—", "c", "at"}));
}

TEST_F(Siglip, TheMarkOfSpacesIsASpace) {
  EXPECT_EQ(encode("a\u2581cat"), tokens({"▁a", "▁cat"}));
  EXPECT_EQ(encode("\u2581\u2581"), Tokens{});
}

TEST_F(Siglip, NamesOfTokensAreTokens) {
  // The text goes on after them: no word begins.
  EXPECT_EQ(encode("A cat </s> BIRD"), tokens({"▁a", "▁cat", "</s>", "bird"}));
  EXPECT_EQ(encode("<unk>"), Tokens{2});
  EXPECT_EQ(encode("</s></s>"), (Tokens{1, 1}));
  EXPECT_EQ(encode("</S>"), tokens({"▁", "s"}));
}

TEST_F(Siglip, UnknownCharactersInARowAreOneToken) {
  EXPECT_EQ(encode("\u732B"), tokens({"▁", "<unk>"}));
  EXPECT_EQ(encode("\u732B\U0001F431"), tokens({"▁", "<unk>"}));
  EXPECT_EQ(encode("\u732Bx\U0001F431"), tokens({"▁", "<unk>", "x", "<unk>"}));
  EXPECT_EQ(encode("\xFF"), tokens({"▁", "\uFFFD"}));
  EXPECT_EQ(encode("\xE7\x8C"), encode("\uFFFD"));
}

TEST_F(Siglip, EmptyTexts) {
  for (const char* text : {"", " ", "\t\n", "!!!", "..."}) EXPECT_EQ(encode(text), Tokens{}) << text;
  EXPECT_EQ(padded("", 4), (std::vector<std::int64_t>{1, 1, 1, 1}));
}

TEST_F(Siglip, PadsWithTheEnd) {
  auto expected = std::vector<std::int64_t>(cat_.begin(), cat_.end());
  expected.resize(64, 1);
  EXPECT_EQ(padded("A photo of a cat.", 64), expected);
}

TEST_F(Siglip, CutsBeforeTheEnd) {
  std::string text;
  for (int i = 0; i < 4000; ++i) text += "a photo of a cat ";
  const Tokens all = encode(text);
  ASSERT_EQ(all.size(), 20000U);
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
  const std::string begin_ = "broken.model: not a sentencepiece model: ";
  const std::string damaged_ = begin_ + "it is damaged or cut short";
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
  const auto path = broken_.write("large.model", spiece_model());
  std::filesystem::resize_file(path, (std::uintmax_t{64} << 20) + 1);
  EXPECT_EQ(error_text<DataError>([&] { const SiglipTokenizer tokenizer(path); }),
            path.string() + ": not a sentencepiece model: it is too large");
}

TEST_F(SiglipFile, MustBeWhole) {
  const std::string whole = spiece_model();
  for (std::size_t size = 1; size < whole.size(); ++size) EXPECT_EQ(problem(whole.substr(0, size)), damaged_) << size;
}

TEST_F(SiglipFile, MustHaveFieldsOfTheirKinds) {
  const std::string whole = spiece_model();
  for (const std::string& field :
       {proto_integer(1, 5), proto_integer(2, 5), proto_float(3, 5), proto_bytes(1, proto_integer(1, 5)),
        proto_bytes(1, proto_bytes(1, "zz") + proto_bytes(2, "abcd")),
        proto_bytes(1, proto_bytes(1, "zz") + proto_integer(3, 7)),
        proto_bytes(1, proto_bytes(1, "zz") + proto_integer(3, 0)), proto_bytes(2, proto_bytes(3, "1")),
        proto_bytes(3, proto_integer(2, 1)), proto_bytes(3, proto_bytes(4, "1")), proto_varint(9 << 3 | 3),
        proto_varint(6), proto_varint(9 << 3 | 2) + std::string(9, '\xFF') + '\1', std::string(11, '\xFF')}) {
    EXPECT_EQ(problem(whole + field), damaged_) << ::testing::PrintToString(field);
  }
  // What it does not know may stand there.
  const std::string unknown = proto_integer(200, 1) + proto_bytes(201, "x") + proto_float(202, 1) +
                              proto_varint(203 << 3 | 1) + std::string(8, 'x');
  EXPECT_NO_THROW(SiglipTokenizer{broken_.write("good.model", whole + unknown)});
}

TEST_F(SiglipFile, MustBeUnigram) {
  std::uint64_t number = 2;
  for (const char* type : {"bpe", "word", "char", "5"}) {
    TestSpiece model = spiece_parts();
    model.trainer = proto_integer(3, number++);
    EXPECT_EQ(problem(model.bytes()),
              "broken.model: a sentencepiece model of type " + std::string(type) + ", where SigLIP's is unigram");
  }
}

TEST_F(SiglipFile, MustHaveItsTokens) {
  TestSpiece model = spiece_parts();
  model.pieces[1].text = "<end>";
  EXPECT_EQ(problem(model.bytes()), "broken.model: not SigLIP's tokenizer: it has no piece \"</s>\"");
  model.pieces[1].text = "</s>";
  model.pieces[2].text = "<what>";
  EXPECT_EQ(problem(model.bytes()), "broken.model: not SigLIP's tokenizer: it has no piece \"<unk>\"");
}

TEST_F(SiglipFile, PiecesMustBeToldApart) {
  const auto with = [](const TestPiece& piece) {
    TestSpiece model = spiece_parts();
    model.pieces.push_back(piece);
    return model.bytes();
  };
  EXPECT_EQ(problem(with({"q", -1, 4})), begin_ + "the piece \"q\" stands twice");
  EXPECT_EQ(problem(with({"<pad>", 0, 3})), begin_ + "the piece \"<pad>\" stands twice");
  EXPECT_EQ(problem(with({"", -1, 1})), begin_ + "a piece is empty");
  EXPECT_EQ(problem(with({"zz", -std::numeric_limits<float>::infinity(), 1})),
            begin_ + "the score of \"zz\" is not finite");
  EXPECT_EQ(problem(with({"<unk2>", 0, 2})), begin_ + "it has 2 pieces of type unknown, where one is needed");
  EXPECT_EQ(problem(with({"<0x00>", 0, 6})), begin_ + "it has 1 pieces of type byte, where 0 are needed");
  TestSpiece model = spiece_parts();
  model.pieces[2].kind = 3;
  EXPECT_EQ(problem(model.bytes()), begin_ + "it has 0 pieces of type unknown, where one is needed");
  model = spiece_parts();
  model.trainer += proto_integer(35, 1);
  EXPECT_EQ(problem(model.bytes()), begin_ + "it has 0 pieces of type byte, where 256 are needed");
  // Names of a control token and of a piece of a text are told apart.
  EXPECT_NO_THROW(SiglipTokenizer{broken_.write("good.model", with({"<pad>", -9, 1}))});
}

TEST_F(SiglipFile, ItsTableMustBeSound) {
  TestSpiece model = spiece_parts();
  model.normalizer += proto_bytes(2, "abc");
  EXPECT_EQ(problem(model.bytes()), begin_ + "its table of normalisation is damaged");
}

/// Whatever the bytes, nothing is read outside of them, and each token is one of the model's.
TEST_F(SiglipFile, DamagedBytesAreRefusedOrHarmless) {
  const std::string text = "A Photo of \uFF21\uFF22\u00BD\uFB01 CAF\u00C9 \u732B e\u0301\u0300\u0301 \U0001F431";
  TestSpiece model = spiece_parts();
  model.normalizer = proto_bytes(2, charsmap({{"ab", "c"}, {"\uFF21", "a"}, {"\u3000", " "}}));
  const std::string whole = model.bytes();
  std::mt19937 random(11);
  int refused = 0;
  for (int i = 0; i < 500; ++i) {
    std::string bytes = whole;
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

}  // namespace
}  // namespace dime::test
