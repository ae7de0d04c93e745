// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <random>

#include <dime/base64.hpp>
#include <dime/error.hpp>

#include "support/errors.hpp"
#include "support/scratch_folder.hpp"

namespace dime {
namespace {

std::string encoded(std::string_view bytes) {
  std::string out;
  base64_encode({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}, out);
  return out;
}

std::string decoded(std::string_view text) {
  std::vector<std::uint8_t> out;
  base64_decode(text, out);
  return {out.begin(), out.end()};
}

std::string problem(std::string_view text) {
  return test::error_text<DataError>([&] { decoded(text); });
}

TEST(Base64, EncodesTheVectorsOfTheRfc) {
  EXPECT_EQ(encoded(""), "");
  EXPECT_EQ(encoded("f"), "Zg==");
  EXPECT_EQ(encoded("fo"), "Zm8=");
  EXPECT_EQ(encoded("foo"), "Zm9v");
  EXPECT_EQ(encoded("foob"), "Zm9vYg==");
  EXPECT_EQ(encoded("fooba"), "Zm9vYmE=");
  EXPECT_EQ(encoded("foobar"), "Zm9vYmFy");
  EXPECT_EQ(encoded("\xfb\xef\xff"), "++//");
}

TEST(Base64, DecodesTheVectorsOfTheRfc) {
  EXPECT_EQ(decoded(""), "");
  EXPECT_EQ(decoded("Zg=="), "f");
  EXPECT_EQ(decoded("Zm8="), "fo");
  EXPECT_EQ(decoded("Zm9vYmFy"), "foobar");
  EXPECT_EQ(decoded("++//"), "\xfb\xef\xff");
}

TEST(Base64, ComesBackWholeAtEveryLength) {
  std::mt19937 random(7);
  for (std::size_t size = 0; size < 400; ++size) {
    std::string bytes(size, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    EXPECT_EQ(decoded(encoded(bytes)), bytes);
  }
}

TEST(Base64, EncodeAppendsAndDecodeReplaces) {
  std::string text = "x";
  const std::vector<std::uint8_t> bytes = {'f'};
  base64_encode(bytes, text);
  EXPECT_EQ(text, "xZg==");
  std::vector<std::uint8_t> out(100, 1);
  EXPECT_EQ(base64_decode("Zg==", out), 1u);
  EXPECT_EQ(out, bytes);
}

TEST(Base64, RefusesEveryForeignByteAtEveryPlace) {
  std::string good;
  for (int i = 0; i < 8; ++i) good += "Zm9vYmFyZm9vYmFy";
  for (int c = 0; c < 256; ++c) {
    const char byte = static_cast<char>(c);
    const bool known = std::isalnum(c) != 0 || c == '+' || c == '/';
    for (std::size_t at = 0; at + 1 < good.size() && !known; ++at) {
      std::string text = good;
      text[at] = byte;
      const std::string expected = "byte " + std::to_string(at) + " is not base64: ";
      EXPECT_EQ(problem(text).substr(0, expected.size()), expected);
    }
  }
}

TEST(Base64, SaysWhatIsWrong) {
  EXPECT_EQ(problem("Zm9v*mFy"), "byte 4 is not base64: '*'");
  EXPECT_EQ(problem("Zm9v\nmFy"), "byte 4 is not base64: 0x0a");
  EXPECT_EQ(problem("Zm=vYmFy"), "byte 2 is not base64: '='");
  EXPECT_EQ(problem("Z==="), "byte 1 is not base64: '='");
  EXPECT_EQ(problem("===="), "byte 0 is not base64: '='");
  EXPECT_EQ(problem("Zm9-Zg=="), "byte 3 is not base64: '-'");
  EXPECT_EQ(problem("Zm9vYg"), "not base64: 6 characters are no multiple of 4 (cut short, or without padding)");
  EXPECT_EQ(problem("="), "not base64: 1 characters are no multiple of 4 (cut short, or without padding)");
}

}  // namespace
}  // namespace dime
