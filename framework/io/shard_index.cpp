// SPDX-License-Identifier: Apache-2.0
#include "io/shard_index.hpp"

#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include <dime/error.hpp>
#include <dime/printable.hpp>

namespace dime::io {
namespace {

using nlohmann::json;

constexpr std::size_t kLargest = std::size_t{64} << 20;
constexpr int kDeepest = 8;

class IndexReader {
 public:
  explicit IndexReader(const std::string& file) : file_(file) {}

  WeightMap read(std::string_view bytes) {
    if (bytes.size() > kLargest) refuse("it has more than 64 MiB");
    const json index = parse(bytes);
    if (!index.is_object() || !index.contains("weight_map") || !index["weight_map"].is_object()) {
      refuse("it holds no \"weight_map\" from names to files");
    }
    WeightMap map;
    for (const auto& [name, shard] : index["weight_map"].items()) {
      if (!shard.is_string()) refuse("the file of \"" + printable(name) + "\" is no string");
      check_place(shard.get_ref<const std::string&>());
      map.emplace(name, shard.get<std::string>());
    }
    if (map.empty()) refuse("its \"weight_map\" is empty");
    return map;
  }

 private:
  // Refuses, while the text is read, what a tree of JSON values no longer shows (a name twice) and what would cost
  // memory (depth).
  json parse(std::string_view bytes) {
    std::vector<std::set<std::string>> names;
    try {
      return json::parse(bytes, [&](int depth, json::parse_event_t event, json& parsed) {
        if (depth > kDeepest) refuse("it is nested too deep");
        const auto level = static_cast<std::size_t>(depth);
        if (event == json::parse_event_t::object_start) {
          names.resize(level + 1);
          names.emplace_back();  // of this object, whose keys are one deeper
        }
        if (event != json::parse_event_t::key) return true;
        const auto& key = parsed.get_ref<const std::string&>();
        if (!names[level].insert(key).second) refuse("it names \"" + printable(key) + "\" twice");
        return true;
      });
    } catch (const json::exception&) {
      refuse("it is no JSON");
    }
  }

  void check_place(const std::string& shard) const {
    if (!shard.empty() && shard != "." && shard != ".." &&
        shard.find_first_of(std::string_view("/\\\0", 3)) == std::string::npos) {
      return;
    }
    refuse("it names the file \"" + printable(shard) + "\", but shards must lie beside it");
  }

  [[noreturn]] void refuse(const std::string& problem) const {
    throw WeightsError(file_ + " is no index of shards, or a damaged one: " + problem);
  }

  const std::string& file_;
};

}  // namespace

bool is_json(std::string_view bytes) {
  const std::size_t first = bytes.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && bytes[first] == '{';
}

WeightMap parse_shard_index(std::string_view bytes, const std::string& file) { return IndexReader(file).read(bytes); }

}  // namespace dime::io
