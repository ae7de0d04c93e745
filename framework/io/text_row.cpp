// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include <dime/error.hpp>
#include <dime/printable.hpp>
#include <dime/read_file.hpp>
#include <dime/text_row.hpp>

#include "io/file_descriptor.hpp"

namespace dime {
namespace {

using nlohmann::json;

constexpr std::string_view kSlot = "{}";

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

// The strings of a string or a list of strings.
std::vector<std::string> strings_of(const json& value, const std::string& what) {
  if (value.is_string()) return {value.get<std::string>()};
  if (!value.is_array()) throw RowError(what + " must be a string or a list of strings, got " + value.type_name());
  if (value.empty()) throw RowError(what + " is an empty list");
  std::vector<std::string> texts;
  for (const auto& item : value) {
    if (!item.is_string()) throw RowError(what + " must hold strings only, got " + item.type_name());
    texts.push_back(item.get<std::string>());
  }
  return texts;
}

std::vector<std::string> in_templates(std::vector<std::string> names, std::span<const std::string> templates,
                                      const std::string& what) {
  if (templates.empty()) throw RowError(what + " needs prompt templates, and none are given (option templates)");
  std::vector<std::string> texts;
  for (auto& name : names) {
    std::erase(name, ',');
    std::replace(name.begin(), name.end(), '+', ' ');
    if (strip(name).empty()) throw RowError(what + " holds an empty string");
    for (const auto& prompt : templates) texts.push_back(fill_template(prompt, name));
  }
  return texts;
}

std::vector<std::string> from_object(const json& object, std::span<const std::string> templates) {
  for (const char* key : {"captions", "caption"}) {
    if (object.contains(key)) return strings_of(object[key], "\"" + std::string(key) + "\"");
  }
  if (object.contains("tags")) return in_templates(strings_of(object["tags"], "\"tags\""), templates, "\"tags\"");
  if (object.contains("task") && object["task"] == "classification" && object.contains("class_name")) {
    return in_templates(strings_of(object["class_name"], "\"class_name\""), templates, "\"class_name\"");
  }
  throw RowError(
      "the JSON object has none of \"captions\", \"caption\", \"tags\", or \"task\": \"classification\" with "
      "\"class_name\"");
}

void expect_filled(const std::vector<std::string>& texts) {
  for (const auto& text : texts) {
    if (strip(text).empty()) throw RowError("the row holds an empty string");
  }
}

json parse_json(std::string_view payload) {
  try {
    return json::parse(payload);
  } catch (const json::parse_error& e) {
    throw RowError("the text begins with \"" + std::string(1, payload.front()) +
                   "\" but is no JSON: it does not parse at byte " + std::to_string(e.byte));
  } catch (const json::out_of_range&) {
    throw RowError("the text begins with \"" + std::string(1, payload.front()) +
                   "\" but its JSON holds a number out of range");
  }
}

std::vector<std::string> resolve(std::string_view payload, std::span<const std::string> templates) {
  if (payload.front() == '{') return from_object(parse_json(payload), templates);
  if (payload.front() == '[') {
    const json list = parse_json(payload);
    if (list.empty()) throw RowError("the JSON list is empty");
    if (!list[0].is_string()) {
      throw RowError("the first element of the JSON list must be a string, got " + std::string(list[0].type_name()));
    }
    return {list[0].get<std::string>()};
  }
  // A quoted sentence that is no JSON string is a sentence.
  if (payload.front() == '"') {
    const json text = json::parse(payload, nullptr, false);
    if (text.is_string()) return {text.get<std::string>()};
  }
  return {std::string(payload)};
}

}  // namespace

std::vector<std::string> text_candidates(std::string_view payload, std::span<const std::string> templates) {
  payload = strip(payload);
  if (payload.empty()) throw RowError("the text is empty");
  if (const auto at = find_invalid_utf8(payload); at != std::string_view::npos) {
    throw RowError("the text is not UTF-8 at byte " + std::to_string(at));
  }
  auto texts = resolve(payload, templates);
  expect_filled(texts);
  for (auto& text : texts) replace_all(text, "[unused0]", "person");
  return texts;
}

std::vector<std::string> json_texts(std::string_view payload, const std::string& key) {
  payload = strip(payload);
  if (!payload.starts_with('{')) throw RowError("the text is no JSON object");
  const json object = parse_json(payload);
  if (!object.contains(key)) return {};
  auto texts = strings_of(object[key], '"' + printable(key, longest_shown) + '"');
  expect_filled(texts);
  return texts;
}

std::string template_problem(std::string_view prompt_template) {
  const std::size_t at = prompt_template.find(kSlot);
  if (at == std::string_view::npos) return "a prompt template needs {} where the name goes";
  if (prompt_template.find(kSlot, at + kSlot.size()) != std::string_view::npos)
    return "a prompt template takes {} once only";
  return "";
}

std::vector<std::string> read_templates(const std::filesystem::path& path) {
  const auto bytes = read_file(path);
  std::vector<std::string> templates;
  std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = strip(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty()) continue;
    std::string problem = template_problem(line);
    if (find_invalid_utf8(line) != std::string_view::npos) problem = "the line is not UTF-8";
    if (!problem.empty()) throw DataError(io::shown(path) + ":" + std::to_string(number) + ": " + problem);
    templates.emplace_back(line);
  }
  if (templates.empty()) throw DataError(io::shown(path) + " holds no prompt template; put one on each line");
  return templates;
}

std::string fill_template(std::string_view prompt_template, std::string_view name) {
  std::string text(prompt_template);
  if (const auto at = text.find(kSlot); at != std::string::npos) text.replace(at, kSlot.size(), name);
  return text;
}

std::string_view strip(std::string_view text) {
  constexpr std::string_view space = " \t\r\n\v\f";
  const std::size_t first = text.find_first_not_of(space);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(space) - first + 1);
}

std::size_t find_invalid_utf8(std::string_view text) {
  // Least code point that needs this many bytes; anything below is an overlong form.
  constexpr std::array<std::uint32_t, 5> least = {0, 0, 0x80, 0x800, 0x10000};
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    if (lead < 0x80) {
      ++i;
      continue;
    }
    const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || i + length > text.size()) return i;
    std::uint32_t code = lead & (0x7fu >> length);
    for (std::size_t k = 1; k < length; ++k) {
      const auto next = static_cast<unsigned char>(text[i + k]);
      if ((next & 0xc0) != 0x80) return i;
      code = code << 6 | (next & 0x3f);
    }
    if (code < least[length] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return i;
    i += length;
  }
  return std::string_view::npos;
}

}  // namespace dime
