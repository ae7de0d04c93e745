// SPDX-License-Identifier: Apache-2.0
#include "io/bpe.hpp"

#include <algorithm>
#include <array>
#include <span>

#include <dime/error.hpp>
#include <dime/read_file.hpp>

#include "io/file_descriptor.hpp"
#include "io/tokenizer_unicode.hpp"

namespace dime {
namespace {

constexpr std::int32_t byte_symbols = 256;
constexpr std::size_t merge_count = 49152 - 256 - 2;
// The real file has 3.1 MB; this stops a gzip bomb.
constexpr std::size_t largest_file = std::size_t{64} << 20;

std::string read_all(const std::filesystem::path& path) {
  if (!io::is_there(path)) {
    throw IoError("the tokenizer's vocabulary " + io::shown(path) + " is missing: scripts/setup.sh makes it");
  }
  const std::vector<std::uint8_t> bytes = read_unpacked_file(path, largest_file);
  return {bytes.begin(), bytes.end()};
}

bool prints(int byte) { return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE; }

std::string_view next_line(std::string_view& text) {
  const std::string_view line = text.substr(0, text.find('\n'));
  text.remove_prefix(std::min(text.size(), line.size() + 1));
  return line;
}

// The two symbols of a line; empty views when it has not two.
std::pair<std::string_view, std::string_view> split(std::string_view line) {
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  const std::size_t space = line.find(' ');
  if (space == 0 || space == std::string_view::npos || space + 1 == line.size()) return {};
  return {line.substr(0, space), line.substr(space + 1)};
}

// The merges after the first line, which names the version.
std::vector<std::pair<std::string_view, std::string_view>> read_pairs(std::string_view text, const std::string& name) {
  std::vector<std::pair<std::string_view, std::string_view>> pairs;
  next_line(text);
  while (pairs.size() < merge_count && !text.empty()) {
    pairs.push_back(split(next_line(text)));
    if (pairs.back().first.empty()) {
      throw DataError(name + ":" + std::to_string(pairs.size() + 1) +
                      ": not a vocabulary: a line must hold two symbols");
    }
  }
  if (pairs.size() < merge_count) {
    throw DataError(name + ": not CLIP's vocabulary: " + std::to_string(pairs.size()) + " merges, not " +
                    std::to_string(merge_count));
  }
  return pairs;
}

}  // namespace

BpeVocabulary::BpeVocabulary(const std::filesystem::path& path) {
  const std::string text = read_all(path), name = io::shown(path);
  const std::vector<SymbolPair> pairs = read_pairs(text, name);
  Tokens tokens = byte_symbol_tokens();
  // A symbol that two merges make has the number of the later one.
  start_ = 2 * byte_symbols;
  for (const auto& [first, second] : pairs) tokens[std::string(first).append(second)] = start_++;
  for (std::size_t i = 0; i < pairs.size(); ++i) add_merge(pairs[i], i, tokens, name);
}

BpeVocabulary::Tokens BpeVocabulary::byte_symbol_tokens() {
  Tokens tokens;
  std::uint16_t next = 0;
  char32_t substitute = 256;
  for (const bool printing : {true, false}) {
    for (int byte = 0; byte < byte_symbols; ++byte) {
      if (prints(byte) != printing) continue;
      std::string symbol;
      detail::append_utf8(printing ? static_cast<char32_t>(byte) : substitute++, symbol);
      byte_tokens_[static_cast<std::size_t>(byte)] = next;
      tokens[symbol] = next;
      tokens[symbol + "</w>"] = next++ + byte_symbols;
    }
  }
  return tokens;
}

void BpeVocabulary::add_merge(const SymbolPair& pair, std::size_t rank, const Tokens& tokens, const std::string& name) {
  const auto first = tokens.find(std::string(pair.first));
  const auto second = tokens.find(std::string(pair.second));
  if (first == tokens.end() || second == tokens.end()) {
    throw DataError(name + ":" + std::to_string(rank + 2) + ": not a vocabulary: a merge of unknown symbols");
  }
  const std::int32_t token = tokens.at(std::string(pair.first).append(pair.second));
  merges_.set(static_cast<std::uint16_t>(first->second), static_cast<std::uint16_t>(second->second),
              {static_cast<std::uint16_t>(rank), static_cast<std::uint16_t>(token)});
}

void BpeVocabulary::encode_word(std::string_view word, std::vector<std::int32_t>& out) const {
  if (word.empty()) return;
  std::array<std::uint16_t, detail::longest_short_word> few;
  std::vector<std::uint16_t> many(word.size() > few.size() ? word.size() : 0);
  const std::span<std::uint16_t> symbols(many.empty() ? few.data() : many.data(), word.size());
  std::transform(word.begin(), word.end(), symbols.begin(),
                 [this](char c) { return byte_tokens_[static_cast<unsigned char>(c)]; });
  symbols.back() = static_cast<std::uint16_t>(symbols.back() + byte_symbols);
  const auto left = symbols.first(detail::merge_symbols(merges_, symbols));
  out.insert(out.end(), left.begin(), left.end());
}

}  // namespace dime
