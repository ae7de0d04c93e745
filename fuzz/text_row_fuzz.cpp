// SPDX-License-Identifier: Apache-2.0
// Any payload gives texts or a DataError.
#include <cstdint>

#include <dime/error.hpp>
#include <dime/text_row.hpp>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::vector<std::string> templates{"{}.", "a photo of a {}."};
  try {
    dime::text_candidates({reinterpret_cast<const char*>(data), size}, templates);
  } catch (const dime::DataError&) {
  }
  return 0;
}
