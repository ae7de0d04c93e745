// SPDX-License-Identifier: Apache-2.0
// What decodes encodes back to the same text; what is encoded decodes to the same bytes.
#include <cstdlib>

#include <dime/base64.hpp>
#include <dime/error.hpp>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::vector<std::uint8_t> bytes;
  std::string encoded;
  try {
    dime::base64_decode(text, bytes);
  } catch (const dime::Error&) {
  }
  dime::base64_encode({data, size}, encoded);
  dime::base64_decode(encoded, bytes);
  if (!std::equal(bytes.begin(), bytes.end(), data, data + size)) std::abort();
  return 0;
}
