// SPDX-License-Identifier: Apache-2.0
// Any bytes become tokens of the vocabulary, as many as were asked for. $DIME_ASSETS_DIR must hold clip/.
#include <array>
#include <cstdlib>

#include "io/tokenizer.hpp"

namespace {

std::filesystem::path vocabulary() {
  const char* assets = std::getenv("DIME_ASSETS_DIR");
  return std::filesystem::path(assets == nullptr ? "" : assets) / "clip" / "bpe_simple_vocab_16e6.txt.gz";
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const dime::ClipTokenizer tokenizer(vocabulary());
  std::array<std::int64_t, 77> tokens;
  tokenizer.encode_padded({reinterpret_cast<const char*>(data), size}, tokens.size(), tokens.data());
  for (const std::int64_t token : tokens) {
    if (token < 0 || token >= tokenizer.size()) std::abort();
  }
  return tokens.front() == tokenizer.start_token() ? 0 : (std::abort(), 0);
}
