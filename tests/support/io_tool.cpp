// SPDX-License-Identifier: Apache-2.0
// Runs the codecs, the resampling and the tokenizer for the parity scripts. Reads one JSON request a line from stdin
// and answers each with one line of JSON; pixels go to the file named in the request.
//   {"op": "image", "path": P, "out": P, "box": [top, left, height, width], "size": [height, width] | short side,
//    "filter": "bicubic", "exif_orientation": true, "center": [height, width], "flip": true, "mean": [..], "std": [..]}
//   {"op": "tokens", "text": T}   {"op": "padded", "text": T, "context": 77}
//   {"op": "weights", "path": P, "out": P}: reads weights and writes them as safetensors; answers what they were
//   {"op": "locales"}   {"op": "names", "locale": L}: names of languages and countries in that of L
// Use: io_tool [VOCABULARY]: CLIP's, or a *.model of SigLIP's
//      io_tool pipeline
// The second form reads binary jobs, little endian: u32 size of an encoded image, the image, ten int32 (short side or
// 0, its filter: 0 bilinear, 1 bicubic; the crop's top, left, height, width; the side of the result, its filter; flip;
// form: 0 exact, 1 fused), and answers each with u32 status (0: fine), u32 size, and float32 [3, side, side] normalised
// as CLIP's, or the error's text.
#include <unicode/locid.h>

#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>
#include <memory>
#include <optional>

#include <nlohmann/json.hpp>

#include "io/exif.hpp"
#include "io/fused_plan.hpp"
#include "io/image.hpp"
#include "io/image_pipeline.hpp"
#include "io/tokenizer.hpp"
#include "io/tokenizer_siglip.hpp"
#include "io/weights_file.hpp"

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

std::unique_ptr<dime::PixelSource> open_request(const json& request, const std::vector<std::uint8_t>& bytes,
                                                dime::Image& turned) {
  if (!request.value("exif_orientation", false)) return dime::open_image(bytes);
  dime::decode_image(bytes, turned);
  dime::apply_orientation(turned, dime::exif_orientation(bytes));
  return dime::pixels_of(turned);
}

json answer_image(const json& request) {
  const auto bytes = read_bytes(request.at("path"));
  dime::Image turned;
  const auto source = open_request(request, bytes, turned);
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

json answer_weights(const json& request) {
  const dime::io::WeightsFile file(request.at("path").get<std::string>());
  dime::io::write_safetensors(request.at("out").get<std::string>(), file.tensors());
  json names = json::array();
  for (const auto& tensor : file.tensors()) names.push_back(tensor.name);
  return {{"format", file.format()}, {"names", std::move(names)}, {"metadata", file.metadata()}};
}

json locales() {
  std::int32_t count = 0;
  const icu::Locale* const all = icu::Locale::getAvailableLocales(count);
  json ids = json::array();
  for (const icu::Locale* locale = all; locale != all + count; ++locale) ids.push_back(locale->getName());
  return {{"locales", std::move(ids)}};
}

json names_in(const icu::Locale& language) {
  json names = json::array();
  const auto add = [&](const icu::Locale& named) {
    icu::UnicodeString text;
    std::string bytes;
    named.getDisplayName(language, text).toUTF8String(bytes);
    names.push_back(bytes);
  };
  for (const char* const* code = icu::Locale::getISOLanguages(); *code != nullptr; ++code) add(icu::Locale(*code));
  for (const char* const* code = icu::Locale::getISOCountries(); *code != nullptr; ++code) add(icu::Locale("", *code));
  return {{"names", std::move(names)}};
}

struct Vocabulary {
  std::unique_ptr<const dime::Tokenizer> tokenizer;
  std::function<std::vector<std::int32_t>(std::string_view)> encode;
};

template <class T>
Vocabulary vocabulary_of(const char* path) {
  auto tokenizer = std::make_unique<const T>(path);
  const T* const kept = tokenizer.get();
  return {std::move(tokenizer), [kept](std::string_view text) { return kept->encode(text); }};
}

json answer(const json& request, const Vocabulary& vocabulary) {
  const std::string op = request.at("op");
  if (op == "image") return answer_image(request);
  if (op == "weights") return answer_weights(request);
  if (op == "locales") return locales();
  if (op == "names") return names_in(icu::Locale(request.at("locale").get<std::string>().c_str()));
  if (!vocabulary.tokenizer) throw dime::ArgumentError("this request needs a vocabulary");
  const std::string text = request.at("text");
  if (op == "tokens") return {{"tokens", vocabulary.encode(text)}};
  std::vector<std::int64_t> tokens(request.at("context").get<std::size_t>());
  vocabulary.tokenizer->encode_padded(text, static_cast<std::int64_t>(tokens.size()), tokens.data());
  return {{"tokens", tokens}};
}

struct Job {
  std::int32_t short_side, short_filter, top, left, height, width, side, filter, flip, form;
};

template <class T>
bool read_value(T& value) {
  return static_cast<bool>(std::cin.read(reinterpret_cast<char*>(&value), sizeof value));
}

dime::PlannedPixels run_job(const Job& job, dime::PixelSource& source, dime::ImageWorkspace& workspace) {
  const auto filter = [](std::int32_t number) { return number == 1 ? dime::Filter::bicubic : dime::Filter::bilinear; };
  dime::ImagePlan plan(source.size());
  if (job.short_side > 0) plan.resize(dime::short_side_size(plan.size(), job.short_side), filter(job.short_filter));
  plan.crop({job.top, job.left, job.height, job.width});
  plan.resize({job.side, job.side}, filter(job.filter));
  if (job.flip != 0) plan.flip();
  const auto fused = job.form == 1 ? dime::FusedPlan::of(plan) : std::nullopt;
  if (!fused) {
    source.read(plan.needed(), workspace.input());
    return dime::run_exact(plan, workspace);
  }
  const int factor = source.factor(fused->shrink());
  const dime::FusedPlan scaled = fused->scaled(factor);
  source.read_scaled(scaled.needed(), factor, workspace.input());
  return dime::run_fused(scaled, workspace);
}

std::vector<float> answer_job(const Job& job, const std::vector<std::uint8_t>& bytes, dime::ImageWorkspace& workspace) {
  const auto source = dime::open_image(bytes);
  const dime::PlannedPixels pixels = run_job(job, *source, workspace);
  const dime::detail::ChannelScales clip = {dime::detail::channel_scale(0.48145466F, 0.26862954F),
                                            dime::detail::channel_scale(0.4578275F, 0.26130258F),
                                            dime::detail::channel_scale(0.40821073F, 0.27577711F)};
  std::vector<float> values(static_cast<std::size_t>(job.side) * static_cast<std::size_t>(job.side) * 3);
  dime::write_chw(pixels, clip, values.data());
  return values;
}

void reply_with(std::uint32_t status, const void* data, std::size_t size) {
  const std::uint32_t head[2] = {status, static_cast<std::uint32_t>(size)};
  std::cout.write(reinterpret_cast<const char*>(head), sizeof head);
  std::cout.write(static_cast<const char*>(data), static_cast<std::streamsize>(size));
  std::cout.flush();
}

int run_jobs() {
  dime::ImageWorkspace workspace;
  std::vector<std::uint8_t> bytes;
  for (std::uint32_t size = 0; read_value(size);) {
    bytes.resize(size);
    std::cin.read(reinterpret_cast<char*>(bytes.data()), size);
    Job job{};
    if (!read_value(job)) throw dime::IoError("a job ends too early");
    try {
      const std::vector<float> values = answer_job(job, bytes, workspace);
      reply_with(0, values.data(), values.size() * sizeof(float));
    } catch (const dime::Error& error) {
      const std::string text = error.what();
      reply_with(1, text.data(), text.size());
    }
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc > 1 && std::string(argv[1]) == "pipeline") return run_jobs();
  Vocabulary vocabulary;
  if (argc > 1) {
    const bool siglip = std::string_view(argv[1]).ends_with(".model");
    vocabulary = siglip ? vocabulary_of<dime::SiglipTokenizer>(argv[1]) : vocabulary_of<dime::ClipTokenizer>(argv[1]);
  }
  for (std::string line; std::getline(std::cin, line);) {
    json reply;
    try {
      reply = answer(json::parse(line), vocabulary);
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
