// SPDX-License-Identifier: Apache-2.0
// How fast a tokenizer is on one thread, over the lines of a file: encode, then encode_padded to the model's context,
// three times each. One line of output for each repetition: "FORM SENTENCES_PER_SECOND MEGABYTES_PER_SECOND TOKENS".
// Use: benchmark_tokenizer VOCABULARY LINES    CLIP's, to 77 tokens, or a *.model of SigLIP's, to 64
#include <chrono>
#include <cstdio>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include <dime/read_file.hpp>

#include "io/tokenizer.hpp"
#include "io/tokenizer_siglip.hpp"

namespace {

// As many rows as the peer makes at once.
constexpr std::size_t batch = 1024;

std::vector<std::string> lines_of(const std::filesystem::path& path) {
  std::vector<std::string> lines(1);
  for (const std::uint8_t byte : dime::read_file(path)) {
    if (byte == '\n') {
      lines.emplace_back();
    } else {
      lines.back().push_back(static_cast<char>(byte));
    }
  }
  if (lines.back().empty()) lines.pop_back();
  return lines;
}

template <class Tokenizer>
std::size_t encode_all(const Tokenizer& tokenizer, const std::vector<std::string>& lines) {
  std::size_t tokens = 0;
  for (const std::string& line : lines) tokens += tokenizer.encode(line).size();
  return tokens;
}

std::size_t pad_all(const dime::Tokenizer& tokenizer, const std::vector<std::string>& lines, std::size_t context) {
  std::vector<std::int64_t> rows(batch * context);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    tokenizer.encode_padded(lines[i], static_cast<std::int64_t>(context), rows.data() + i % batch * context);
  }
  return lines.size() * context;
}

template <class Run>
void measure(const char* form, const std::vector<std::string>& lines, Run run) {
  std::size_t bytes = 0;
  for (const std::string& line : lines) bytes += line.size();
  const auto start = std::chrono::steady_clock::now();
  const std::size_t tokens = run();
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  std::printf("%s %.0f %.2f %zu\n", form, static_cast<double>(lines.size()) / seconds.count(),
              static_cast<double>(bytes) / seconds.count() / 1e6, tokens);
}

template <class Tokenizer>
void measure_all(const char* vocabulary, const std::vector<std::string>& lines, std::size_t context) {
  const Tokenizer tokenizer(vocabulary);
  for (int repetition = 0; repetition < 3; ++repetition) {
    measure("encode", lines, [&] { return encode_all(tokenizer, lines); });
    measure("padded", lines, [&] { return pad_all(tokenizer, lines, context); });
  }
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 3) {
    std::fputs("use: benchmark_tokenizer VOCABULARY LINES\n", stderr);
    return 2;
  }
  const std::vector<std::string> lines = lines_of(argv[2]);
  if (std::string_view(argv[1]).ends_with(".model")) {
    measure_all<dime::SiglipTokenizer>(argv[1], lines, 64);
  } else {
    measure_all<dime::ClipTokenizer>(argv[1], lines, 77);
  }
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
