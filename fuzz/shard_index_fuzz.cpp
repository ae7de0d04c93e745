// SPDX-License-Identifier: Apache-2.0
// Any bytes give names of files beside the index, which read the same when they are written again, or a WeightsError.
#include <cstdint>
#include <cstdlib>

#include <nlohmann/json.hpp>

#include <dime/error.hpp>

#include "io/shard_index.hpp"

namespace {

void require(bool good) {
  if (!good) std::abort();
}

bool lies_beside(const std::string& file) {
  return !file.empty() && file != "." && file != ".." &&
         file.find_first_of(std::string_view("/\\\0", 3)) == std::string::npos;
}

dime::io::WeightMap parse(std::string_view bytes) {
  try {
    return dime::io::parse_shard_index(bytes, "fuzz");
  } catch (const dime::WeightsError&) {
    return {};
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto map = parse(bytes);
  if (map.empty()) return 0;  // refused: an index that is read names something
  for (const auto& [name, file] : map) require(lies_beside(file));
  require(parse(nlohmann::json{{"weight_map", map}}.dump()) == map);
  return 0;
}
