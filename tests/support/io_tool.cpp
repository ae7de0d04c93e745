// SPDX-License-Identifier: Apache-2.0
// Runs the codecs, the resampling and the tokenizer for the parity scripts. Reads one JSON request a line from stdin
// and answers each with one line of JSON; pixels go to the file named in the request.
//   {"op": "image", "path": P, "out": P, "box": [top, left, height, width], "size": [height, width] | short side,
//    "filter": "bicubic", "center": [height, width], "flip": true, "mean": [..], "std": [..]}
//   {"op": "tokens", "text": T}   {"op": "padded", "text": T, "context": 77}
// Use: io_tool [VOCABULARY]
#include <fstream>
#include <iostream>
#include <iterator>
#include <optional>

#include <nlohmann/json.hpp>

#include "io/image.hpp"
#include "io/resample.hpp"
#include "io/tokenizer.hpp"

namespace {

using nlohmann::json;

std::vector<std::uint8_t> read_bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw dime::IoError(path + ": cannot open");
  return {std::istreambuf_iterator<char>(file), {}};
}

dime::Size size_of(const json& request, const dime::Image& image) {
  const json& size = request.at("size");
  if (size.is_number()) return dime::short_side_size({image.height, image.width}, size.get<int>());
  return {size[0].get<int>(), size[1].get<int>()};
}

dime::Image make(const json& request) {
  dime::Image image;
  dime::decode_image(read_bytes(request.at("path")), image);
  dime::Image next;
  if (request.contains("size")) {
    const auto filter = request.at("filter") == "bicubic" ? dime::Filter::bicubic : dime::Filter::bilinear;
    const auto box = request.value("box", std::vector<int>{0, 0, image.height, image.width});
    dime::resize(image, {box[0], box[1], box[2], box[3]}, size_of(request, image), filter, next);
    std::swap(image, next);
  }
  if (request.contains("center")) {
    const auto size = request.at("center").get<std::vector<int>>();
    dime::crop(image, dime::center_box({image.height, image.width}, {size[0], size[1]}), next);
    std::swap(image, next);
  }
  if (request.value("flip", false)) dime::flip_horizontal(image);
  return image;
}

json answer_image(const json& request) {
  const dime::Image image = make(request);
  std::ofstream out(request.at("out").get<std::string>(), std::ios::binary);
  if (request.contains("mean")) {
    std::vector<float> values(image.rgb.size());
    dime::normalize_to_chw(image, request.at("mean"), request.at("std"), values.data());
    out.write(reinterpret_cast<const char*>(values.data()),
              static_cast<std::streamsize>(values.size() * sizeof(float)));
  } else {
    out.write(reinterpret_cast<const char*>(image.rgb.data()), static_cast<std::streamsize>(image.rgb.size()));
  }
  return {{"height", image.height}, {"width", image.width}};
}

json answer(const json& request, const std::optional<dime::ClipTokenizer>& tokenizer) {
  const std::string op = request.at("op");
  if (op == "image") return answer_image(request);
  if (!tokenizer) throw dime::ArgumentError("this request needs a vocabulary");
  const std::string text = request.at("text");
  if (op == "tokens") return {{"tokens", tokenizer->encode(text)}};
  std::vector<std::int64_t> tokens(request.at("context").get<std::size_t>());
  tokenizer->encode_padded(text, static_cast<std::int64_t>(tokens.size()), tokens.data());
  return {{"tokens", tokens}};
}

}  // namespace

int main(int argc, char** argv) try {
  std::optional<dime::ClipTokenizer> tokenizer;
  if (argc > 1) tokenizer.emplace(argv[1]);
  for (std::string line; std::getline(std::cin, line);) {
    json reply;
    try {
      reply = answer(json::parse(line), tokenizer);
    } catch (const dime::Error& error) {
      reply = {{"error", error.what()}};
    }
    std::cout << reply.dump() << "\n" << std::flush;
  }
  return 0;
} catch (const std::exception& error) {
  std::cerr << error.what() << "\n";
  return 1;
}
