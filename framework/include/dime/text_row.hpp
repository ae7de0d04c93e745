// SPDX-License-Identifier: Apache-2.0
// What the payload of a text row stands for. Torch-free.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <dime/api.hpp>

namespace dime {

/// The strings that a text payload stands for; a stream draws one of them. The forms:
///   {"captions": X} or {"caption": X}               each string of X
///   {"tags": X}                                     each string of X in each of `templates`
///   {"task": "classification", "class_name": X}     each string of X in each of `templates`
///   ["first", …]                                    the first element
///   "a JSON string"                                 that string
///   anything else                                   the payload itself
/// where X is a string or a list of strings. In tags and class names commas are dropped and "+" becomes a space.
/// `[unused0]` becomes "person" everywhere. An object is read by the first of the keys above that it has.
/// Throws RowError, without saying where the row is, when the payload is empty or not UTF-8, when it begins with `{` or
/// `[` and does not parse or holds none of the forms, when a string is empty, and when templates are needed and there
/// are none.
DIME_API std::vector<std::string> text_candidates(std::string_view payload, std::span<const std::string> templates);

/// The strings of member `key` of a JSON object, which is a string or a list of strings; empty when the object has no
/// such member. Throws RowError, without saying where the row is, when `payload` is no JSON object, when the member is
/// something else, and when a string is empty.
DIME_API std::vector<std::string> json_texts(std::string_view payload, const std::string& key);

/// Prompt templates from a file: one a line, with `{}` where the name goes, blank lines ignored.
/// Throws IoError when it cannot be read, DataError that names file and line when a line has no `{}` or more than one.
DIME_API std::vector<std::string> read_templates(const std::filesystem::path& path);

/// What is wrong with `prompt_template` as a prompt template, or "" when it holds `{}` exactly once.
DIME_API std::string template_problem(std::string_view prompt_template);

/// `prompt_template` with `name` in the place of its first `{}`.
DIME_API std::string fill_template(std::string_view prompt_template, std::string_view name);

/// `text` without the ASCII white space around it.
DIME_API std::string_view strip(std::string_view text);

/// The offset of the first byte that is not UTF-8 (overlong forms and surrogates are not), or std::string_view::npos.
DIME_API std::size_t find_invalid_utf8(std::string_view text);

}  // namespace dime
