// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include <dime/error.hpp>
#include <dime/read_file.hpp>

#include "io/safetensors.hpp"
#include "support/errors.hpp"
#include "support/scratch_folder.hpp"

namespace dime::io {
namespace {

using test::error_text;
using test::ScratchFolder;

// A file with this header, padded like Python's, and `data` bytes of data.
std::string file_of(std::string header, std::size_t data) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes.push_back(static_cast<char>(header.size() >> 8 * i & 0xff));
  return bytes + header + std::string(data, '\0');
}

std::string problem(const std::string& bytes) {
  return error_text<WeightsError>([&] { parse_safetensors(bytes, "w.safetensors"); });
}

std::string damaged(const std::string& bytes) {
  const std::string message = problem(bytes);
  const std::string begin = "w.safetensors is no safetensors file, or a damaged one: ";
  EXPECT_TRUE(message.starts_with(begin)) << message;
  return message.substr(std::min(begin.size(), message.size()));
}

std::string of_tensor(const std::string& entry, std::size_t data = 8) {
  const std::string message = problem(file_of("{\"a\":" + entry + "}", data));
  const std::string begin = "w.safetensors: tensor \"a\": ";
  EXPECT_TRUE(message.starts_with(begin)) << message;
  return message.substr(std::min(begin.size(), message.size()));
}

template <class T>
TensorView view(std::string name, DType dtype, std::vector<std::int64_t> shape, const std::vector<T>& data) {
  return {std::move(name), dtype, std::move(shape), reinterpret_cast<const std::uint8_t*>(data.data()),
          data.size() * sizeof(T)};
}

TEST(Safetensors, WritesTheBytesThatPythonWrites) {
  const ScratchFolder folder;
  const std::vector<float> f = {1, 2};
  const std::vector<std::int64_t> i = {7};
  const std::vector<std::uint8_t> u = {9, 8, 7};
  write_safetensors(folder / "w.safetensors",
                    {view("z", DType::f32, {1, 2}, f), view("u", DType::u8, {3}, u), view("a", DType::f32, {2}, f),
                     view("step", DType::i64, {}, i)},
                    {{"format", "pt"}});
  const std::string header =
      R"({"__metadata__":{"format":"pt"},"step":{"dtype":"I64","shape":[],"data_offsets":[0,8]},)"
      R"("a":{"dtype":"F32","shape":[2],"data_offsets":[8,16]},"z":{"dtype":"F32","shape":[1,2],"data_offsets":[16,24]},)"
      R"("u":{"dtype":"U8","shape":[3],"data_offsets":[24,27]}})";
  std::string expected = file_of(header + std::string((8 - header.size() % 8) % 8, ' '), 0);
  expected.append(reinterpret_cast<const char*>(i.data()), 8);
  for (int k = 0; k < 2; ++k) expected.append(reinterpret_cast<const char*>(f.data()), 8);
  expected.append({9, 8, 7});
  EXPECT_EQ(folder.read("w.safetensors"), expected);
  EXPECT_EQ(folder.names(), std::set<std::string>{"w.safetensors"});
}

// The golden files were written by Python's safetensors.
TEST(Safetensors, KeepsPythonsFilesByteForByte) {
  for (const char* name : {"losses.safetensors", "trajectory_vit/student_init.safetensors"}) {
    const auto path = std::filesystem::path(DIME_TEST_SOURCE_DIR) / "tests/golden" / name;
    const SafetensorsFile golden(path);
    EXPECT_GT(golden.tensors().size(), 10u);
    const ScratchFolder folder;
    write_safetensors(folder / "again", golden.tensors(), golden.metadata());
    EXPECT_EQ(read_file(folder / "again"), read_file(path)) << name;
  }
}

TEST(Safetensors, ReadsWhatItWrites) {
  const ScratchFolder folder;
  const std::vector<float> f = {1.5f, -2, 3, 4, 5, 6};
  const std::vector<std::uint16_t> h = {0x3f80};
  const std::vector<std::uint8_t> none;
  const Metadata metadata = {{"caf\xc3\xa9", "\"x\"\n"}, {"b", ""}};
  write_safetensors(
      folder / "w.safetensors",
      {view("weight", DType::f32, {2, 3}, f), view("h", DType::bf16, {1}, h), view("empty", DType::f16, {0, 4}, none)},
      metadata);
  const SafetensorsFile file(folder / "w.safetensors");
  EXPECT_EQ(file.metadata(), metadata);
  ASSERT_EQ(file.tensors().size(), 3u);
  const TensorView* weight = file.find("weight");
  ASSERT_NE(weight, nullptr);
  EXPECT_EQ(weight->dtype, DType::f32);
  EXPECT_EQ(weight->shape, (std::vector<std::int64_t>{2, 3}));
  ASSERT_EQ(weight->bytes, 24u);
  EXPECT_EQ(std::memcmp(weight->data, f.data(), 24), 0);
  EXPECT_EQ(file.find("empty")->bytes, 0u);
  EXPECT_EQ(file.find("bias"), nullptr);
}

TEST(Safetensors, WritesNoTensorsAtAll) {
  const ScratchFolder folder;
  write_safetensors(folder / "w.safetensors", {});
  EXPECT_EQ(folder.read("w.safetensors"), file_of("{}      ", 0));
  EXPECT_TRUE(SafetensorsFile(folder / "w.safetensors").tensors().empty());
}

TEST(Safetensors, NamesEveryType) {
  for (const DType dtype : {DType::f64, DType::f32, DType::f16, DType::bf16, DType::i64, DType::i32, DType::i16,
                            DType::i8, DType::u8, DType::boolean}) {
    const std::string size = std::to_string(dtype_bytes(dtype));
    const std::string bytes = file_of(
        "{\"a\":{\"dtype\":\"" + std::string(dtype_name(dtype)) + "\",\"shape\":[],\"data_offsets\":[0," + size + "]}}",
        dtype_bytes(dtype));
    EXPECT_EQ(parse_safetensors(bytes, "w").tensors.at(0).dtype, dtype);
  }
}

TEST(Safetensors, RefusesADamagedHeader) {
  EXPECT_EQ(damaged(""), "it has 0 bytes, fewer than the 8 of the header's length");
  EXPECT_EQ(damaged("{\"a\""), "it has 4 bytes, fewer than the 8 of the header's length");
  EXPECT_EQ(damaged(file_of("{}", 0).substr(0, 9)), "its header would have 2 bytes, but only 1 follow");
  EXPECT_EQ(damaged(std::string(16, '\xff')), "its header would have 18446744073709551615 bytes, more than 100000000");
  EXPECT_EQ(damaged(file_of("", 4)), "its header does not begin with \"{\"");
  EXPECT_EQ(damaged(file_of("[]", 4)), "its header does not begin with \"{\"");
  EXPECT_EQ(damaged(file_of("{\"a\":", 4)), "its header is no JSON");
  EXPECT_EQ(damaged(file_of("{\"\xff\":1}", 4)), "its header is no JSON");
  EXPECT_EQ(damaged(file_of("{} x", 4)), "its header is no JSON");
  EXPECT_EQ(damaged(file_of("{\"a\":" + std::string(1000000, '['), 0)), "its header is nested too deep");
  EXPECT_EQ(
      damaged(file_of(
          R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})",
          2)),
      "its header names \"a\" twice");
  EXPECT_EQ(damaged(file_of(R"({"a":{"dtype":"U8","dtype":"I8","shape":[1],"data_offsets":[0,1]}})", 1)),
            "its header names \"dtype\" twice");
  EXPECT_EQ(damaged(file_of(R"({"__metadata__":{"a":1}})", 0)), "its __metadata__ holds \"a\", which is no string");
  EXPECT_EQ(damaged(file_of(R"({"__metadata__":3})", 0)), "its __metadata__ is no map of strings");
  EXPECT_EQ(damaged(file_of(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})", 3)),
            "its tensors end at byte 1 of 3 bytes of data");
}

TEST(Safetensors, RefusesADamagedEntry) {
  EXPECT_EQ(of_tensor("3"), "its entry must be a map of dtype, shape and data_offsets");
  EXPECT_EQ(of_tensor(R"({"dtype":"F32","shape":[2]})"), "its entry must be a map of dtype, shape and data_offsets");
  EXPECT_EQ(of_tensor(R"({"dtype":"F32","shape":[2],"data_offsets":[0]})"),
            "its entry must be a map of dtype, shape and data_offsets");
  EXPECT_EQ(of_tensor(R"({"dtype":"F32","shape":[2],"data_offsets":[-8,0]})"),
            "its entry must be a map of dtype, shape and data_offsets");
  EXPECT_EQ(of_tensor(R"({"dtype":"F8_E4M3","shape":[8],"data_offsets":[0,8]})"),
            "the type F8_E4M3 is not known; known are F64, F32, F16, BF16, I64, I32, I16, I8, U8, BOOL");
  EXPECT_EQ(of_tensor(R"({"dtype":"F32","shape":[-2],"data_offsets":[0,8]})"), "its shape holds -2");
  EXPECT_EQ(of_tensor(R"({"dtype":"F32","shape":[2.5],"data_offsets":[0,8]})"), "its shape holds 2.5");
  EXPECT_EQ(of_tensor(R"({"dtype":"F32","shape":[18446744073709551615],"data_offsets":[0,8]})"),
            "its shape holds 18446744073709551615");
  EXPECT_EQ(of_tensor(R"({"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]})"),
            "its shape [4294967296,4294967296] is too large");
  EXPECT_EQ(of_tensor(R"({"dtype":"F32","shape":[3],"data_offsets":[0,8]})"),
            "its bytes 0 to 8 are not the 12 of shape [3] and type F32");
  EXPECT_EQ(of_tensor(R"({"dtype":"F32","shape":[3],"data_offsets":[0,12]})"),
            "its bytes 0 to 12 do not lie in the 8 bytes of data (is the file cut short?)");
  EXPECT_EQ(of_tensor(R"({"dtype":"F32","shape":[1],"data_offsets":[8,4]})"),
            "its bytes 8 to 4 do not lie in the 8 bytes of data (is the file cut short?)");
  EXPECT_EQ(of_tensor(R"({"dtype":"F32","shape":[1],"data_offsets":[4,8]})"),
            "it begins at byte 4, but the tensor before it ends at 0: bytes between belong to none");
}

TEST(Safetensors, RefusesOverlap) {
  EXPECT_EQ(
      problem(file_of(
          R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}})",
          3)),
      "w.safetensors: tensor \"b\": it begins at byte 1, but the tensor before it ends at 2: they overlap");
}

TEST(Safetensors, NamesAFileThatIsNotThere) {
  const ScratchFolder folder;
  EXPECT_EQ(error_text<IoError>([&] { SafetensorsFile(folder / "no.safetensors"); }),
            "cannot open " + (folder / "no.safetensors").string() + ": No such file or directory");
}

TEST(Safetensors, WriterRefusesWhatIsNotATensor) {
  const ScratchFolder folder;
  const std::vector<float> f = {1, 2};
  const auto refusal = [&](std::vector<TensorView> tensors, const Metadata& metadata = {}) {
    return error_text<ArgumentError>([&] { write_safetensors(folder / "w.safetensors", tensors, metadata); });
  };
  EXPECT_EQ(refusal({view("a", DType::f32, {3}, f)}),
            "cannot write tensor \"a\": 8 bytes are not its shape times its type F32");
  EXPECT_EQ(refusal({view("a", DType::f32, {-2}, f)}),
            "cannot write tensor \"a\": 8 bytes are not its shape times its type F32");
  EXPECT_EQ(refusal({view("a", DType::f32, {2}, f), view("a", DType::f32, {2}, f)}),
            "cannot write tensor \"a\": it is given twice");
  EXPECT_EQ(refusal({view("a", DType::f32, {2}, f), view("a", DType::i32, {2}, f)}),
            "cannot write tensor \"a\": it is given twice");
  EXPECT_EQ(refusal({view("__metadata__", DType::f32, {2}, f)}),
            "cannot write tensor \"__metadata__\": the name is reserved");
  EXPECT_EQ(refusal({view("\xff", DType::f32, {2}, f)}),
            "cannot write " + (folder / "w.safetensors").string() + ": a name or its metadata is not UTF-8");
  EXPECT_TRUE(folder.names().empty());
}

TEST(Safetensors, WriterNamesTheFolderThatIsNotThere) {
  const ScratchFolder folder;
  EXPECT_EQ(error_text<IoError>([&] { write_safetensors(folder / "no/w.safetensors", {}); }),
            "cannot write " + (folder / "no/w.safetensors").string() + ": No such file or directory");
}

}  // namespace
}  // namespace dime::io
