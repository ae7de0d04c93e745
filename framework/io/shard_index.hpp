// SPDX-License-Identifier: Apache-2.0
// The index of weights in several files: `{"weight_map": {NAME: FILE}}`, as Hugging Face's libraries write it.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace dime::io {

/// From the name of a tensor to the name of the file that holds it, which lies beside the index.
using WeightMap = std::map<std::string, std::string>;

/// Whether `bytes` begin as JSON does.
bool is_json(std::string_view bytes);

/// Parses an index. `file` is what messages call it. Throws WeightsError for bad or too deep JSON, a name twice, a map
/// that is missing, empty or not from names to names of files, and for a file elsewhere than beside the index.
WeightMap parse_shard_index(std::string_view bytes, const std::string& file);

}  // namespace dime::io
