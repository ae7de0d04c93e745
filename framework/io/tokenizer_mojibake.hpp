// SPDX-License-Identifier: Apache-2.0
// Mojibake: text that was read in a wrong encoding.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

struct URegularExpression;

namespace dime::detail {

/// Finds and repairs it; immutable once made.
class Mojibake {
 public:
  /// Reads ftfy's pattern of what looks like mojibake, one line in ICU's syntax, from `file`.
  /// Throws IoError when it cannot be read, DataError when it is no such file.
  explicit Mojibake(const std::filesystem::path& file);

  /// Reads text that was UTF-8, and was read as Latin-1 or Windows-1252, back; false when `text` is no such text, or
  /// looks right as it is. Throws Error when ICU fails.
  bool fix(std::u32string& text) const;

 private:
  bool looks_bad(const std::u32string& text) const;

  std::shared_ptr<const URegularExpression> pattern_;
};

}  // namespace dime::detail
