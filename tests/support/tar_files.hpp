// SPDX-License-Identifier: Apache-2.0
// Archives written block by block, so that a test can make each kind of header, and wrong ones.
#pragma once

#include <cstddef>
#include <cstdio>
#include <string>

namespace dime::test {

/// `number` in octal, with leading zeros.
inline std::string octal(std::size_t number, int digits) {
  std::string text(32, '\0');
  text.resize(static_cast<std::size_t>(std::snprintf(text.data(), text.size(), "%0*zo", digits, number)));
  return text;
}

/// `header` with its checksum made right.
inline std::string summed(std::string header) {
  constexpr std::size_t sum_at = 148;
  header.replace(sum_at, 8, std::string(8, ' '));
  std::size_t sum = 0;
  for (const char c : header) sum += static_cast<unsigned char>(c);
  return header.replace(sum_at, 8, octal(sum, 6) + std::string("\0 ", 2));
}

/// A header block of ustar, for a name of at most 100 bytes.
inline std::string tar_header(const std::string& name, std::size_t size, char type = '0') {
  std::string header(512, '\0');
  const auto put = [&](std::size_t at, const std::string& text) { header.replace(at, text.size(), text); };
  put(0, name);
  put(100, "0000644");
  put(124, octal(size, 11));
  header[156] = type;
  put(257, std::string("ustar\0"
                       "00",
                       8));
  return summed(header);
}

/// `content` filled up to whole blocks.
inline std::string tar_blocks(const std::string& content) {
  return content + std::string((512 - content.size() % 512) % 512, '\0');
}

/// One member of a tar archive.
inline std::string tar_member(const std::string& name, const std::string& content, char type = '0') {
  return tar_header(name, content.size(), type) + tar_blocks(content);
}

/// A record of a pax header.
inline std::string pax_record(const std::string& key, const std::string& value) {
  const std::string body = " " + key + "=" + value + "\n";
  std::size_t length = body.size();
  while (length != body.size() + std::to_string(length).size()) length = body.size() + std::to_string(length).size();
  return std::to_string(length) + body;
}

/// What an archive ends with.
inline std::string tar_end() { return std::string(1024, '\0'); }

}  // namespace dime::test
