// SPDX-License-Identifier: Apache-2.0
#include "io/torch_file.hpp"

#include <gtest/gtest.h>

#include <cstring>

#include <dime/error.hpp>

#include "io/strided.hpp"
#include "support/errors.hpp"
#include "support/pickles.hpp"

namespace dime::io {
namespace {

using namespace test::pickle;
using test::error_text;
using test::zip_file;

std::string floats(const std::vector<float>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}

WeightsContent parsed(const std::string& bytes) { return parse_weights(bytes, "w.pt"); }

std::string problem(const std::string& bytes) {
  return error_text<WeightsError>([&] { parsed(bytes); });
}

// What is wrong with a tensor of the storage "0" of six floats.
std::string tensor_problem(const std::string& tensor) {
  const std::string message = problem(archive(dict({{"a", tensor}}), {{"0", floats({1, 2, 3, 4, 5, 6})}}));
  const std::string begin = "w.pt: tensor \"a\": ";
  EXPECT_TRUE(message.starts_with(begin)) << message;
  return message.substr(std::min(begin.size(), message.size()));
}

// name=values, in C order.
std::string shown(const WeightsContent& content) {
  std::string out;
  for (const TensorView& tensor : content.tensors) {
    std::vector<float> values(tensor.bytes / sizeof(float));
    copy_elements(tensor, reinterpret_cast<std::uint8_t*>(values.data()));
    out += tensor.name + "=";
    for (const float value : values) out += std::to_string(static_cast<int>(value));
    out += " ";
  }
  return out;
}

TEST(TorchFile, ReadsAStateDict) {
  const std::string bytes =
      archive(ordered_dict({{"b", vector("1", 2)}, {"a", vector("0", 1)}}) + dict({{"_metadata", "}"}}) + "b",
              {{"0", floats({7})}, {"1", floats({8, 9})}});
  const WeightsContent content = parsed(bytes);
  EXPECT_EQ(content.format, WeightsFormat::checkpoint);
  EXPECT_EQ(content.part, "");
  EXPECT_EQ(shown(content), "a=7 b=89 ");
  EXPECT_EQ(content.tensors[1].shape, std::vector<std::int64_t>{2});
  EXPECT_TRUE(content.tensors[1].strides.empty());
  EXPECT_GE(content.tensors[1].data, reinterpret_cast<const std::uint8_t*>(bytes.data()));
  EXPECT_LT(content.tensors[1].data, reinterpret_cast<const std::uint8_t*>(bytes.data() + bytes.size()));
}

TEST(TorchFile, ReadsViewsOfASharedStorage) {
  const std::string all = storage("0", 6);
  const std::string bytes = archive(dict({{"part", view(all, 2, {2}, {1})},
                                          {"rows", view(all, 0, {2, 3}, {3, 1})},
                                          {"turned", view(all, 0, {3, 2}, {1, 3})},
                                          {"repeated", view(all, 1, {2, 2}, {0, 1})},
                                          {"one", view(all, 5, {}, {})},
                                          {"flat", view(all, 0, {1, 6, 1}, {100, 1, 7})},
                                          {"none", view(all, 6, {0, 4}, {4, 1})}}),
                                    {{"0", floats({1, 2, 3, 4, 5, 6})}});
  const WeightsContent content = parsed(bytes);
  EXPECT_EQ(shown(content), "flat=123456 none= one=6 part=34 repeated=2323 rows=123456 turned=142536 ");
  EXPECT_TRUE(content.tensors[0].strides.empty());
  EXPECT_TRUE(content.tensors[5].strides.empty());
  EXPECT_EQ(content.tensors[6].strides, (std::vector<std::int64_t>{1, 3}));
}

TEST(TorchFile, ReadsEveryType) {
  const std::vector<std::pair<std::string, DType>> types = {
      {"DoubleStorage", DType::f64},    {"FloatStorage", DType::f32}, {"HalfStorage", DType::f16},
      {"BFloat16Storage", DType::bf16}, {"LongStorage", DType::i64},  {"IntStorage", DType::i32},
      {"ShortStorage", DType::i16},     {"CharStorage", DType::i8},   {"ByteStorage", DType::u8},
      {"BoolStorage", DType::boolean}};
  for (const auto& [name, dtype] : types) {
    const std::string record(2 * dtype_bytes(dtype), '\1');
    const std::string bytes = archive(dict({{"a", vector("0", 2, name)}}), {{"0", record}});
    const WeightsContent content = parsed(bytes);
    EXPECT_EQ(content.tensors.at(0).dtype, dtype) << name;
    EXPECT_EQ(content.tensors.at(0).bytes, record.size()) << name;
  }
  EXPECT_EQ(
      problem(archive(dict({{"a", vector("0", 1, "ComplexFloatStorage")}}), {{"0", std::string(8, '\0')}})),
      "w.pt: tensor \"a\": the type ComplexFloatStorage is not known; known are F64, F32, F16, BF16, I64, I32, I16, "
      "I8, U8, BOOL");
}

TEST(TorchFile, FindsTheWeights) {
  const std::string weights = dict({{"a", vector("0", 1)}});
  const std::vector<std::pair<std::string, std::string>> records = {{"0", floats({7})}};
  const auto part_of = [&](const std::string& body) {
    const std::string bytes = archive(body, records);
    const WeightsContent content = parsed(bytes);
    EXPECT_EQ(shown(content), "a=7 ");
    return content.part;
  };
  EXPECT_EQ(part_of(weights), "");
  EXPECT_EQ(part_of(dict({{"epoch", "K\3"}, {"state_dict", weights}, {"args", dict({{"lr", "N"}})}})), "state_dict");
  EXPECT_EQ(part_of(dict({{"model", weights}, {"optimizer", dict({{"state", dict({{"x", vector("9", 5)}})}})}})),
            "model");
  EXPECT_EQ(part_of(dict({{"model_state_dict", weights}})), "model_state_dict");
  EXPECT_EQ(part_of(dict({{"image_state_dict", weights}, {"text_state_dict", dict({{"b", vector("0", 1)}})}})),
            "image_state_dict");
  EXPECT_EQ(part_of(dict({{"model", dict({{"state_dict", weights}})}})), "model.state_dict");
  EXPECT_EQ(part_of(dict({{"queue", vector("0", 1)}, {"state_dict", weights}})), "state_dict");
}

TEST(TorchFile, SaysWhereItLooked) {
  const std::string weights = dict({{"a", vector("0", 1)}});
  const auto problem_of = [&](const std::string& body) { return problem(archive(body, {{"0", floats({7})}})); };
  EXPECT_EQ(
      problem_of(dict({{"teacher", weights}, {"epoch", "K\1"}})),
      "w.pt: its pickle holds no weights: it is a dictionary of \"teacher\", \"epoch\"; tensors are looked for in it "
      "and under state_dict, model, model_state_dict and image_state_dict");
  EXPECT_EQ(problem_of("}"),
            "w.pt: its pickle holds no weights: it is a dictionary of nothing; tensors are looked for in it and under "
            "state_dict, model, model_state_dict and image_state_dict");
  EXPECT_EQ(
      problem_of(dict({{"model", weights}, {"state_dict", weights}})),
      "w.pt: several of its dictionaries hold tensors: \"model\", \"state_dict\"; save the one that is meant in a "
      "file of its own");
  EXPECT_EQ(problem_of(vector("0", 1)),
            "w.pt: its pickle holds a tensor, no dictionary of weights; save a plain state_dict()");
  EXPECT_EQ(problem_of(dict({{"a", vector("0", 1)}, {"steps", "K\1"}})),
            "w.pt: \"steps\" among its weights is an integer, no tensor; save a plain state_dict()");
  EXPECT_EQ(problem_of(dict({{"state_dict", dict({{"a", vector("0", 1)}, {"b", "]"}})}})),
            "w.pt: \"b\" among its weights is a list, no tensor; save a plain state_dict()");
  EXPECT_EQ(problem_of("}(K\1" + vector("0", 1) + "u"),
            "w.pt: a key among its weights is an integer, no name; save a plain state_dict()");
  EXPECT_EQ(problem_of(dict({{std::string(2000, 'x'), vector("0", 1)}})),
            "w.pt: the name \"" + std::string(60, 'x') +
                "…\" among its weights has 2000 bytes, more than 1024; save a plain state_dict()");
  EXPECT_EQ(problem_of(dict({{"a", vector("0", 1)}, {"a", vector("0", 1)}})),
            "w.pt: \"a\" is among its weights twice; save a plain state_dict()");
}

TEST(TorchFile, RefusesWhatDoesNotLieInItsStorage) {
  const std::string all = storage("0", 6);
  EXPECT_EQ(tensor_problem(view(all, 0, {7}, {1})), "it reaches to element 7 of a storage of 6");
  EXPECT_EQ(tensor_problem(view(all, 6, {1}, {1})), "it reaches to element 7 of a storage of 6");
  EXPECT_EQ(tensor_problem(view(all, 1, {2, 3}, {3, 1})), "it reaches to element 7 of a storage of 6");
  EXPECT_EQ(tensor_problem(view(all, -1, {1}, {1})), "its offset is negative");
  EXPECT_EQ(tensor_problem(view(all, 5, {6}, {-1})), "one of its strides is negative");
  EXPECT_EQ(tensor_problem(view(all, 0, {-6}, {1})), "a size of its shape is negative");
  EXPECT_EQ(tensor_problem(view(all, 0, {2, 3}, {1})), "its shape has 2 sizes, but 1 strides");
  EXPECT_EQ(tensor_problem(view(all, INT64_MAX, {1}, {1})), "its size does not fit in 64 bits");
  EXPECT_EQ(tensor_problem(view(all, 0, {INT64_MAX, INT64_MAX}, {0, 0})), "its size does not fit in 64 bits");
  EXPECT_EQ(tensor_problem(view(all, 0, {3}, {INT64_MAX})), "its size does not fit in 64 bits");
  EXPECT_EQ(tensor_problem(view(all, 0, {1 << 30}, {0})),
            "it repeats the 6 elements of its storage to 4294967296 bytes");
  EXPECT_EQ(tensor_problem(view(all, 0, std::vector<std::int64_t>(65, 1), {1})), "it has 65 dimensions, more than 64");
  const auto rebuilt = [&](const std::string& offset, const std::string& shape) {
    return call(global("torch._utils", "_rebuild_tensor_v2"), {all, offset, shape, ")", "N", "N"});
  };
  EXPECT_EQ(tensor_problem(rebuilt("N", ")")), "its offset is None");
  EXPECT_EQ(tensor_problem(rebuilt("K\1", "N")), "its shape is None");
  EXPECT_EQ(tensor_problem(rebuilt("K\1", "N\x85")), "its shape holds None");
}

TEST(TorchFile, RefusesAWrongRecord) {
  EXPECT_EQ(tensor_problem(vector("1", 6)), "the archive has no record \"data/1\"");
  EXPECT_EQ(tensor_problem(vector("0", 5)),
            "its storage should have 5 elements, but the record \"data/0\" has 24 bytes");
  EXPECT_EQ(tensor_problem(vector("0", INT64_MAX)),
            "its storage should have 9223372036854775807 elements, but the record \"data/0\" has 24 bytes");
  std::string bytes = archive(dict({{"a", vector("0", 1)}}), {{"0", "good"}});
  bytes[bytes.find("good")] = 'f';
  EXPECT_EQ(problem(bytes),
            "w.pt is damaged: the bytes of its entry \"w/data/0\" do not have the CRC-32 that was stored with them");
  bytes = archive(dict({{"a", vector("0", 1)}}), {{"0", "good"}});
  bytes[bytes.find("_rebuild")] = '-';
  EXPECT_EQ(problem(bytes),
            "w.pt is damaged: the bytes of its entry \"w/data.pkl\" do not have the CRC-32 that was stored with them");
}

TEST(TorchFile, RefusesOtherArchives) {
  const std::string none =
      "w.pt is a zip archive, but none that torch.save or torch.jit.save wrote: it must hold one NAME/data.pkl";
  EXPECT_EQ(problem(zip_file({{"data.pkl", whole("}")}})), none);
  EXPECT_EQ(problem(zip_file({{"a/data.pkl", whole("}")}, {"b/data.pkl", whole("}")}})), none);
  EXPECT_EQ(problem(zip_file({{"a/b/data.pkl", whole("}")}})), none);
  EXPECT_EQ(problem(archive("}", {}, "big")),
            "w.pt has the byte order \"big\", and only little is read; save it again on a little-endian machine");
  EXPECT_EQ(
      problem(zip_file({{.name = "w/data.pkl", .data = "packed", .method = 8}})),
      "w.pt: entry \"w/data.pkl\" is compressed (method 8), and only stored entries are read; save the file again "
      "with torch.save");
  EXPECT_EQ(
      problem(archive(call(global("posix", "system"), {text("x")}), {})),
      "w.pt: its pickle names posix.system, which is neither a tensor nor a plain container: it was not executed; "
      "save a plain state_dict() instead");
}

TEST(TorchFile, ReadsATorchScriptModule) {
  const std::string inner = module("Inner", {{"training", "\x88"}, {"weight", vector("0", 1)}, {"hook", "N"}});
  const std::string tensors = call(global("torch.jit._pickle", "build_tensorlist"), {list({vector("0", 1)})});
  const std::string bytes =
      script_archive(module("Net", {{"visual", inner},
                                    {"scale", vector("1", 1)},
                                    {"tensors", tensors},
                                    {"vocab_size", "K\7"},
                                    {"other", "K\7"},
                                    {"context_length", view(storage("2", 1, "LongStorage"), 0, {}, {})},
                                    {"packed", global("__torch__", "Packed") + ")\x81(K\1tb"}}),
                     {{"0", floats({7})}, {"1", floats({8})}, {"2", std::string("\x4d\0\0\0\0\0\0\0", 8)}});
  const WeightsContent content = parsed(bytes);
  EXPECT_EQ(content.format, WeightsFormat::script);
  EXPECT_EQ(shown(content), "scale=8 visual.weight=7 ");
  EXPECT_EQ(content.metadata, (Metadata{{"vocab_size", "7"}, {"context_length", "77"}}));
}

TEST(TorchFile, RefusesEndlessModules) {
  EXPECT_EQ(problem(script_archive("}", {})), "w.pt: its pickle holds a dict, no module");
  const std::string object = global("__torch__", "A") + ")\x81";
  EXPECT_EQ(problem(script_archive(object + "q\1}" + text("me") + "h\1sb", {})),
            "w.pt: its modules are nested more than 64 deep, or hold themselves");
  std::string doubling = object + "q\1";
  for (int i = 0; i < 40; ++i) doubling += object + "}" + text("a") + "h\1s" + text("b") + "h\1sbq\1";
  EXPECT_EQ(problem(script_archive("(" + doubling + "t0h\1", {})), "w.pt: its modules share too many others");
  EXPECT_EQ(problem(script_archive(module("A", {{std::string(2000, 'x'), "N"}}), {})),
            "w.pt: the name " + std::string(60, 'x') + "… is too long");
  EXPECT_EQ(problem(script_archive(module("A", {{"a.b", vector("0", 1)}, {"a", module("B", {{"b", vector("0", 1)}})}}),
                                   {{"0", "good"}})),
            "w.pt: it holds \"a.b\" twice");
  EXPECT_EQ(problem(script_archive(object + "}NNsb", {})), "w.pt: an attribute of its modules is named by None");
}

TEST(TorchFile, RefusesEachShorterFile) {
  const std::string good = archive(dict({{"a", vector("0", 1)}}), {{"0", "good"}});
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(problem(good.substr(0, size)).empty()) << size;
  }
}

}  // namespace
}  // namespace dime::io
