// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <dime/error.hpp>
#include <dime/text_row.hpp>

#include "support/errors.hpp"
#include "support/scratch_folder.hpp"

namespace dime {
namespace {

using test::error_text;
using testing::ElementsAre;

const std::vector<std::string> kTemplates = {"{}.", "a photo of a {}."};

std::vector<std::string> texts(std::string_view payload) { return text_candidates(payload, kTemplates); }

std::string problem(std::string_view payload) {
  return error_text<RowError>([&] { texts(payload); });
}

TEST(TextRow, ReadsCaptions) {
  EXPECT_THAT(texts(R"({"captions": ["a cat", "a dog"]})"), ElementsAre("a cat", "a dog"));
  EXPECT_THAT(texts(R"({"captions": "a cat, lying"})"), ElementsAre("a cat, lying"));
  EXPECT_THAT(texts(R"({"caption": ["a cat"], "tags": ["dog"]})"), ElementsAre("a cat"));
  EXPECT_THAT(texts(R"({"caption": "caf\u00e9 + bar", "source": 3})"), ElementsAre("café + bar"));
}

TEST(TextRow, PutsTagsAndClassNamesIntoEveryTemplate) {
  EXPECT_THAT(texts(R"({"tags": ["sea,gull", "hot+dog"]})"),
              ElementsAre("seagull.", "a photo of a seagull.", "hot dog.", "a photo of a hot dog."));
  EXPECT_THAT(texts(R"({"task": "classification", "class_name": "tench, Tinca+tinca"})"),
              ElementsAre("tench Tinca tinca.", "a photo of a tench Tinca tinca."));
}

TEST(TextRow, ReadsListsStringsAndPlainText) {
  EXPECT_THAT(texts(R"(["first", 2, "third"])"), ElementsAre("first"));
  EXPECT_THAT(texts(R"("a \"quoted\" cat")"), ElementsAre("a \"quoted\" cat"));
  EXPECT_THAT(texts("\"quoted\" words are no JSON"), ElementsAre("\"quoted\" words are no JSON"));
  EXPECT_THAT(texts("  a cat, a dog + {}  "), ElementsAre("a cat, a dog + {}"));
  EXPECT_THAT(texts("1984"), ElementsAre("1984"));
  EXPECT_THAT(texts("null"), ElementsAre("null"));
}

TEST(TextRow, PutsPersonForUnused) {
  EXPECT_THAT(texts("an [unused0] and [unused0]s"), ElementsAre("an person and persons"));
  EXPECT_THAT(texts(R"({"captions": ["[unused0] walks"]})"), ElementsAre("person walks"));
  EXPECT_THAT(texts(R"({"tags": "[unused0]"})"), ElementsAre("person.", "a photo of a person."));
}

TEST(TextRow, RefusesJsonThatDoesNotParse) {
  EXPECT_EQ(problem("{a cat}"), "the text begins with \"{\" but is no JSON: it does not parse at byte 2");
  EXPECT_EQ(problem("[a cat]"), "the text begins with \"[\" but is no JSON: it does not parse at byte 2");
  EXPECT_EQ(problem(R"({"captions": ["a cat"})"),
            "the text begins with \"{\" but is no JSON: it does not parse at byte 22");
  EXPECT_EQ(problem(R"(["a"] b)"), "the text begins with \"[\" but is no JSON: it does not parse at byte 7");
  EXPECT_EQ(problem("[1e999]"), "the text begins with \"[\" but its JSON holds a number out of range");
  EXPECT_EQ(problem(std::string(1000000, '[')),
            "the text begins with \"[\" but is no JSON: it does not parse at byte 1000001");
}

TEST(TextRow, ReadsOneMemberOfAnObject) {
  EXPECT_THAT(json_texts(R"( {"url": 3, "alt": "a cat, [unused0]"} )", "alt"), ElementsAre("a cat, [unused0]"));
  EXPECT_THAT(json_texts(R"({"alt": ["a cat", "a dog"]})", "alt"), ElementsAre("a cat", "a dog"));
  EXPECT_THAT(json_texts(R"({"caption": "a cat"})", "alt"), ElementsAre());
  const auto refusal = [](std::string_view payload) {
    return error_text<RowError>([&] { json_texts(payload, "alt"); });
  };
  EXPECT_EQ(refusal(""), "the text is no JSON object");
  EXPECT_EQ(refusal("[]"), "the text is no JSON object");
  EXPECT_EQ(refusal("{a}"), "the text begins with \"{\" but is no JSON: it does not parse at byte 2");
  EXPECT_EQ(refusal(R"({"alt": 3})"), "\"alt\" must be a string or a list of strings, got number");
  EXPECT_EQ(refusal(R"({"alt": []})"), "\"alt\" is an empty list");
  EXPECT_EQ(refusal(R"({"alt": ["a", ""]})"), "the row holds an empty string");
}

TEST(TextRow, RefusesOtherShapes) {
  EXPECT_EQ(problem("{}"),
            "the JSON object has none of \"captions\", \"caption\", \"tags\", or \"task\": \"classification\" with "
            "\"class_name\"");
  EXPECT_EQ(problem(R"({"task": "detection", "class_name": "cat"})"),
            "the JSON object has none of \"captions\", \"caption\", \"tags\", or \"task\": \"classification\" with "
            "\"class_name\"");
  EXPECT_EQ(problem(R"({"captions": []})"), "\"captions\" is an empty list");
  EXPECT_EQ(problem(R"({"captions": [3]})"), "\"captions\" must hold strings only, got number");
  EXPECT_EQ(problem(R"({"caption": null})"), "\"caption\" must be a string or a list of strings, got null");
  EXPECT_EQ(problem(R"({"tags": [","]})"), "\"tags\" holds an empty string");
  EXPECT_EQ(problem("[]"), "the JSON list is empty");
  EXPECT_EQ(problem("[[\"a\"]]"), "the first element of the JSON list must be a string, got array");
  EXPECT_EQ(problem(R"({"captions": ["a", " "]})"), "the row holds an empty string");
  EXPECT_EQ(problem(" \t "), "the text is empty");
}

TEST(TextRow, RefusesTagsWithoutTemplates) {
  EXPECT_EQ(error_text<RowError>([] { text_candidates(R"({"tags": "cat"})", {}); }),
            "\"tags\" needs prompt templates, and none are given (option templates)");
  EXPECT_THAT(text_candidates("a cat", {}), ElementsAre("a cat"));
}

TEST(TextRow, FindsWhatIsNotUtf8) {
  constexpr std::size_t none = std::string_view::npos;
  EXPECT_EQ(find_invalid_utf8("a\u00e9\u20ac\U0001F600"), none);
  EXPECT_EQ(find_invalid_utf8("\xf4\x8f\xbf\xbf"), none);           // the last code point
  EXPECT_EQ(find_invalid_utf8("ab\x80"), 2u);                       // a continuation alone
  EXPECT_EQ(find_invalid_utf8("\xc0\xaf"), 0u);                     // overlong
  EXPECT_EQ(find_invalid_utf8("\xe0\x9f\xbf"), 0u);                 // overlong
  EXPECT_EQ(find_invalid_utf8("a\xed\xa0\x80"), 1u);                // a surrogate
  EXPECT_EQ(find_invalid_utf8("\xf4\x90\x80\x80"), 0u);             // beyond the last
  EXPECT_EQ(find_invalid_utf8("a\xe2\x82"), 1u);                    // cut short
  EXPECT_EQ(find_invalid_utf8(std::string_view("a\0b", 3)), none);  // NUL is UTF-8
  EXPECT_EQ(problem("caf\xe9"), "the text is not UTF-8 at byte 3");
}

TEST(Templates, AreReadFromAFile) {
  const test::ScratchFolder folder;
  const auto file = folder.write("templates.txt", "{}.\r\n\na photo of a {}.");
  EXPECT_THAT(read_templates(file), ElementsAre("{}.", "a photo of a {}."));
  EXPECT_EQ(fill_template("a {} b", "x y"), "a x y b");
}

TEST(Templates, AreChecked) {
  const test::ScratchFolder folder;
  const auto problem_of = [&](std::string_view content) {
    const auto file = folder.write("t.txt", content);
    const std::string message = error_text<DataError>([&] { read_templates(file); });
    return message.substr(folder.path().string().size());
  };
  EXPECT_EQ(problem_of("{}.\na photo\n"), "/t.txt:2: a prompt template needs {} where the name goes");
  EXPECT_EQ(problem_of("{} {}\n"), "/t.txt:1: a prompt template takes {} once only");
  EXPECT_EQ(problem_of("{} \xff\n"), "/t.txt:1: the line is not UTF-8");
  EXPECT_EQ(problem_of("\n"), "/t.txt holds no prompt template; put one on each line");
  EXPECT_EQ(error_text<IoError>([&] { read_templates(folder / "none.txt"); }),
            "cannot open " + (folder / "none.txt").string() + ": No such file or directory");
}

}  // namespace
}  // namespace dime
