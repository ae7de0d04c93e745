// SPDX-License-Identifier: Apache-2.0
// What every tokenizer does. Torch-free.
#pragma once

#include <cstdint>
#include <string_view>

#include <dime/api.hpp>

namespace dime {

/// Makes the tokens that a text tower reads. Immutable once made: every method is safe from many threads at once.
class DIME_API Tokenizer {
 public:
  virtual ~Tokenizer() = default;
  Tokenizer(const Tokenizer&) = delete;
  Tokenizer& operator=(const Tokenizer&) = delete;

  /// Writes the `context` tokens of `text` (UTF-8; what is not becomes U+FFFD): a longer text is cut, a shorter one
  /// padded. Throws ArgumentError when `context` is not positive.
  virtual void encode_padded(std::string_view text, std::int64_t context, std::int64_t* out) const = 0;

  /// How many tokens there are: what is written lies in [0, size()).
  virtual std::int32_t size() const = 0;

 protected:
  Tokenizer() = default;
};

}  // namespace dime
