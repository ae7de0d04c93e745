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
#include "io/image_pipeline.hpp"
#include "io/tokenizer.hpp"

namespace {

using nlohmann::json;

std::vector<std::uint8_t> read_bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw dime::IoError(path + ": cannot open");
  return {std::istreambuf_iterator<char>(file), {}};
}

dime::Filter filter_of(const json& request) {
  return request.at("filter") == "bicubic" ? dime::Filter::bicubic : dime::Filter::bilinear;
}

dime::Size new_size(const json& size, const dime::Size& now) {
  if (size.is_number()) return dime::short_side_size(now, size.get<int>());
  return {size[0].get<int>(), size[1].get<int>()};
}

dime::ImagePlan plan_of(const json& request, const dime::Size& size) {
  dime::ImagePlan plan(size);
  if (request.contains("box")) {
    const auto box = request.at("box").get<std::vector<int>>();
    plan.crop({box[0], box[1], box[2], box[3]});
  }
  if (request.contains("size")) plan.resize(new_size(request.at("size"), plan.size()), filter_of(request));
  if (request.contains("center")) {
    const auto center = request.at("center").get<std::vector<int>>();
    plan.crop(dime::center_box(plan.size(), {center[0], center[1]}));
  }
  if (request.value("flip", false)) plan.flip();
  return plan;
}

template <class T>
void write_all(const json& request, const std::vector<T>& values) {
  std::ofstream out(request.at("out").get<std::string>(), std::ios::binary);
  out.write(reinterpret_cast<const char*>(values.data()), static_cast<std::streamsize>(values.size() * sizeof(T)));
}

json answer_image(const json& request) {
  const auto bytes = read_bytes(request.at("path"));
  const auto source = dime::open_image(bytes);
  const dime::ImagePlan plan = plan_of(request, source->size());
  dime::ImageWorkspace workspace;
  source->read(plan.needed(), workspace.input());
  const dime::PlannedPixels pixels = dime::run_exact(plan, workspace);
  if (request.contains("mean")) {
    dime::detail::ChannelScales scales;
    for (std::size_t c = 0; c < 3; ++c) {
      scales[c] = dime::detail::channel_scale(request.at("mean")[c].get<float>(), request.at("std")[c].get<float>());
    }
    std::vector<float> values(static_cast<std::size_t>(plan.size().height) *
                              static_cast<std::size_t>(plan.size().width) * 3);
    dime::write_chw(pixels, scales, values.data());
    write_all(request, values);
  } else {
    dime::Image image;
    dime::write_image(pixels, image);
    write_all(request, image.rgb);
  }
  return {{"height", plan.size().height}, {"width", plan.size().width}};
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
