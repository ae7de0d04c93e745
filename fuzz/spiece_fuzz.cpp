// SPDX-License-Identifier: Apache-2.0
// Any bytes are a model that splits a text into its own tokens, without leaving out a byte, or a DataError.
#include <cstdlib>
#include <optional>

#include <dime/error.hpp>

#include "io/unigram.hpp"

namespace {

constexpr std::string_view text =
    "<unk>a Photo\xE3\x80\x80 of \xEF\xBC\xA1\xC2\xBD caf\xC3\xA9 abab\t\xE7\x8C\xAB\xF0\x9F\x90\xB1 \xFF\xE7";

void require(bool good) {
  if (!good) std::abort();
}

void split(const dime::detail::Unigram& model, std::string_view normalized) {
  std::size_t bytes = 0;
  for (const auto& piece : model.encode(normalized)) {
    require(piece.token >= 0 && piece.token < model.size());
    require(piece.text.data() == normalized.data() + bytes);
    bytes += piece.text.size();
  }
  require(bytes == normalized.size());
}

std::optional<dime::detail::Unigram> parse(std::string_view bytes) {
  try {
    return dime::detail::Unigram(dime::detail::parse_spiece(bytes, "fuzz"));
  } catch (const dime::DataError&) {
    return std::nullopt;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto model = parse({reinterpret_cast<const char*>(data), size});
  if (!model) return 0;
  split(*model, text);
  split(*model, model->normalize(text));
  return 0;
}
