// SPDX-License-Identifier: Apache-2.0
#include "io/bpe.hpp"

#include <algorithm>
#include <functional>
#include <queue>

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
// Up to here, looking through the word for each merge is faster than keeping lists; past it, the time grows squared.
constexpr std::size_t longest_short_word = 16;

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

std::uint64_t key(std::int32_t first, std::int32_t second) {
  return static_cast<std::uint64_t>(first) << 32 | static_cast<std::uint32_t>(second);
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
  merges_.reserve(pairs.size());
  for (std::size_t i = 0; i < pairs.size(); ++i) add_merge(pairs[i], i, tokens, name);
}

BpeVocabulary::Tokens BpeVocabulary::byte_symbol_tokens() {
  Tokens tokens;
  std::int32_t next = 0;
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
  merges_[key(first->second, second->second)] = {static_cast<std::int32_t>(rank), token};
}

const BpeVocabulary::Merge* BpeVocabulary::merge_of(std::int32_t first, std::int32_t second) const {
  const auto found = merges_.find(key(first, second));
  return found == merges_.end() ? nullptr : &found->second;
}

const BpeVocabulary::Merge* BpeVocabulary::best_pair(const std::vector<std::int32_t>& word, std::uint64_t& pair) const {
  const Merge* best = nullptr;
  for (std::size_t i = 0; i + 1 < word.size(); ++i) {
    const auto found = merges_.find(key(word[i], word[i + 1]));
    if (found == merges_.end() || (best != nullptr && found->second.rank >= best->rank)) continue;
    best = &found->second;
    pair = found->first;
  }
  return best;
}

void BpeVocabulary::merge_short(std::vector<std::int32_t>& symbols) const {
  std::uint64_t pair = 0;
  while (const Merge* merge = best_pair(symbols, pair)) {
    std::size_t size = 0;
    for (std::size_t i = 0; i < symbols.size(); ++i) {
      const bool match = i + 1 < symbols.size() && key(symbols[i], symbols[i + 1]) == pair;
      symbols[size++] = match ? merge->token : symbols[i];
      if (match) ++i;
    }
    symbols.resize(size);
  }
}

// The symbols of a long word as a list, and the merges that are open in it by rank, then by place.
class BpeVocabulary::LongWord {
 public:
  LongWord(const BpeVocabulary& vocabulary, std::vector<std::int32_t>& symbols)
      : vocabulary_(vocabulary), symbols_(symbols), links_(symbols.size()), merges_(symbols.size()) {
    for (std::size_t i = 0; i < symbols.size(); ++i) {
      links_[i] = {i - 1, i + 1};
      find_merge(i);
    }
  }

  void merge() {
    std::vector<std::size_t> places;
    while (!open_.empty()) {
      // All of one rank before any that these make possible, whatever its rank, as in a short word.
      const std::int32_t rank = open_.top().first;
      places.clear();
      for (; !open_.empty() && open_.top().first == rank; open_.pop()) places.push_back(open_.top().second);
      for (const std::size_t place : places) {
        if (merges_[place] != nullptr && merges_[place]->rank == rank) merge_at(place);
      }
    }
    std::size_t size = 0;
    for (std::size_t i = 0; i < symbols_.size(); i = links_[i].next) symbols_[size++] = symbols_[i];
    symbols_.resize(size);
  }

 private:
  using Open = std::pair<std::int32_t, std::size_t>;
  struct Links {
    std::size_t previous;
    std::size_t next;
  };

  // The merge of the symbol at `place` with the next one.
  void find_merge(std::size_t place) {
    const std::size_t next = links_[place].next;
    merges_[place] = next < symbols_.size() ? vocabulary_.merge_of(symbols_[place], symbols_[next]) : nullptr;
    if (merges_[place] != nullptr) open_.emplace(merges_[place]->rank, place);
  }

  void merge_at(std::size_t place) {
    const std::size_t gone = links_[place].next;
    symbols_[place] = merges_[place]->token;
    merges_[gone] = nullptr;
    links_[place].next = links_[gone].next;
    if (links_[place].next < symbols_.size()) links_[links_[place].next].previous = place;
    find_merge(place);
    if (place != 0) find_merge(links_[place].previous);
  }

  const BpeVocabulary& vocabulary_;
  std::vector<std::int32_t>& symbols_;
  std::vector<Links> links_;
  std::vector<const Merge*> merges_;
  std::priority_queue<Open, std::vector<Open>, std::greater<>> open_;
};

void BpeVocabulary::encode_word(std::string_view word, std::vector<std::int32_t>& out) const {
  if (word.empty()) return;
  std::vector<std::int32_t> symbols;
  symbols.reserve(word.size());
  for (const char c : word) symbols.push_back(byte_tokens_[static_cast<unsigned char>(c)]);
  symbols.back() += byte_symbols;
  if (symbols.size() <= longest_short_word) {
    merge_short(symbols);
  } else {
    LongWord(*this, symbols).merge();
  }
  out.insert(out.end(), symbols.begin(), symbols.end());
}

}  // namespace dime
