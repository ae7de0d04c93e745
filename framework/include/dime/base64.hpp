// SPDX-License-Identifier: Apache-2.0
// Base64 (RFC 4648, standard alphabet), strict. Torch-free.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <dime/api.hpp>

namespace dime {

/// The number of bytes that `text` stands for, from its length and its padding alone.
/// Throws DataError when the length is no multiple of 4.
DIME_API std::size_t base64_decoded_size(std::string_view text);

/// Decodes `text` into `out`, which has room for base64_decoded_size(text) bytes.
/// Padding is needed; white space and every other foreign character is an error, as is padding that is not at the end.
/// Throws DataError that names the offset of the first such byte ("byte 17 is not base64: '*'").
DIME_API void base64_decode(std::string_view text, std::uint8_t* out);

/// Decodes `text` into `out`, which is resized and keeps its memory between calls. Returns the number of bytes. Throws
/// as above.
DIME_API std::size_t base64_decode(std::string_view text, std::vector<std::uint8_t>& out);

/// Appends the base64 of `bytes`, padded, without line breaks, to `out`.
DIME_API void base64_encode(std::span<const std::uint8_t> bytes, std::string& out);

}  // namespace dime
