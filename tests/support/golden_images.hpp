// SPDX-License-Identifier: Apache-2.0
// The images of tests/golden/images, which tests/golden/make_images.py writes.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "io/image.hpp"

namespace dime::test {

using Bytes = std::vector<std::uint8_t>;

inline std::filesystem::path golden_images() {
  return std::filesystem::path(DIME_TEST_SOURCE_DIR) / "tests" / "golden" / "images";
}

/// A file's bytes; a failure of the test where there is none.
inline Bytes golden_image(const std::string& name) {
  std::ifstream file(golden_images() / name, std::ios::binary);
  EXPECT_TRUE(file) << name;
  return {std::istreambuf_iterator<char>(file), {}};
}

/// A list of images.json.
inline nlohmann::json golden_rows(const std::string& key) {
  return nlohmann::json::parse(std::ifstream(golden_images() / "images.json")).at(key);
}

/// What decode_image says of the bytes; empty where they decode.
inline std::string image_error(const Bytes& bytes, const ImageLimits& limits = {}) {
  Image image;
  try {
    decode_image(bytes, image, limits);
  } catch (const RowError& error) {
    return error.what();
  }
  return "";
}

}  // namespace dime::test
