// SPDX-License-Identifier: Apache-2.0
// Options of small CLIPs.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <dime/model.hpp>

#include "support/plugins.hpp"

namespace dime::test {

inline Value map(const std::vector<std::pair<std::string, Value>>& pairs) {
  std::vector<Value::Entry> entries;
  for (const auto& [key, value] : pairs) entries.push_back({key, value, {}});
  return Value::map(std::move(entries));
}

using Pairs = std::vector<std::pair<std::string, std::string>>;

/// The image tower of tests/golden/clip.safetensors.
inline Pairs golden_image() {
  return {{"image_size", "24"}, {"patch_size", "8"}, {"width", "24"},
          {"layers", "2"},      {"heads", "2"},      {"mlp_ratio", "2"}};
}

/// Its text tower.
inline Pairs golden_text() {
  return {{"width", "16"}, {"layers", "2"}, {"heads", "2"}, {"context", "12"}, {"vocabulary", "32"}};
}

/// The numbers of `text`, separated by commas.
inline Value list(const std::string& text) {
  std::vector<Value> items;
  for (std::size_t begin = 0; begin <= text.size();) {
    const auto end = std::min(text.find(',', begin), text.size());
    items.push_back(Value::scalar(text.substr(begin, end - begin)));
    begin = end + 1;
  }
  return Value::list(std::move(items));
}

/// The image tower of tests/golden/clip_resnet.json alone, with more options of the tower.
inline Value resnet_options(const Pairs& more = {}) {
  auto image = options({{"image_size", "64"}, {"width", "4"}, {"heads", "2"}});
  image.set("layers", list("1,2,1,1"));
  for (const auto& [key, text] : more) image.set(key, Value::scalar(text));
  return map({{"embed_dim", Value::scalar("8")}, {"image", image}});
}

inline Value golden_options() {
  return map(
      {{"embed_dim", Value::scalar("20")}, {"image", options(golden_image())}, {"text", options(golden_text())}});
}

}  // namespace dime::test
