// SPDX-License-Identifier: Apache-2.0
#include "io/weights_file.hpp"

#include <gtest/gtest.h>

#include <dime/error.hpp>

#include "support/errors.hpp"
#include "support/pickles.hpp"
#include "support/scratch_folder.hpp"

namespace dime::io {
namespace {

using namespace test::pickle;
using test::error_text;
using test::ScratchFolder;

const std::vector<float> kOne = {1};

TensorView one(const std::string& name) {
  return {name, DType::f32, {1}, reinterpret_cast<const std::uint8_t*>(kOne.data()), sizeof(float)};
}

std::filesystem::path write_tensors(const std::filesystem::path& path, const std::vector<std::string>& names) {
  std::filesystem::create_directories(path.parent_path());
  std::vector<TensorView> tensors;
  for (const std::string& name : names) tensors.push_back(one(name));
  write_safetensors(path, tensors, {{"format", "pt"}});
  return path;
}

std::string checkpoint(const std::vector<std::string>& names) {
  Items items;
  for (const std::string& name : names) items.emplace_back(name, vector("0", 1));
  return archive(dict(items), {{"0", "good"}});
}

std::string names(const WeightsFile& file) {
  std::string all;
  for (const TensorView& tensor : file.tensors()) all += tensor.name + " ";
  return all;
}

std::string problem(const ScratchFolder& folder, const std::string& name) {
  return folder.shown(error_text<WeightsError>([&] { WeightsFile(folder / name); }));
}

TEST(WeightsFile, ReadsSafetensorsInOrderOfName) {
  const ScratchFolder folder;
  const WeightsFile file(write_tensors(folder / "w.pt", {"b", "c", "a"}));
  EXPECT_EQ(file.format(), "a safetensors file");
  EXPECT_EQ(names(file), "a b c ");
  EXPECT_EQ(file.metadata(), (Metadata{{"format", "pt"}}));
  ASSERT_NE(file.find("b"), nullptr);
  EXPECT_EQ(file.find("b")->name, "b");
  EXPECT_EQ(file.find("d"), nullptr);
  EXPECT_EQ(file.path(), folder / "w.pt");
}

// Python's writer pads the header; others do not, and then its length may read as " {".
TEST(WeightsFile, TellsSafetensorsFromJson) {
  const ScratchFolder folder;
  const std::string header = R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})";
  const std::string padded = header + std::string(0x7b20 - header.size(), ' ');
  folder.write("w", test::little(padded.size(), 8) + padded + "x");
  EXPECT_EQ(names(WeightsFile(folder / "w")), "a ");
}

TEST(WeightsFile, TakesOffWhatAllNamesBeginWith) {
  const ScratchFolder folder;
  const auto format_of = [&](const std::string& bytes, const std::string& expected) {
    folder.write("w.safetensors", bytes);
    const WeightsFile file(folder / "w.safetensors");
    EXPECT_EQ(names(file), expected);
    return file.format();
  };
  EXPECT_EQ(format_of(checkpoint({"b", "a"}), "a b "), "a PyTorch checkpoint");
  EXPECT_EQ(format_of(checkpoint({"module.b", "module.a"}), "a b "),
            "a PyTorch checkpoint (prefix \"module.\" taken off)");
  EXPECT_EQ(format_of(checkpoint({"_orig_mod.module.a"}), "a "),
            "a PyTorch checkpoint (prefix \"_orig_mod.module.\" taken off)");
  EXPECT_EQ(format_of(checkpoint({"module.a", "b"}), "b module.a "), "a PyTorch checkpoint");
  EXPECT_EQ(format_of(checkpoint({"module."}), "module. "), "a PyTorch checkpoint");
  EXPECT_EQ(format_of(archive(dict({{"epoch", "K\1"}, {"state_dict", dict({{"module.a", vector("0", 1)}})}}),
                              {{"0", "good"}}),
                      "a "),
            "a PyTorch checkpoint (its \"state_dict\", prefix \"module.\" taken off)");
  EXPECT_EQ(format_of(script_archive(module("A", {{"module", module("B", {{"a", vector("0", 1)}})}}), {{"0", "good"}}),
                      "module.a "),
            "a TorchScript archive");
}

TEST(WeightsFile, NamesWhatItDoesNotRead) {
  const ScratchFolder folder;
  const auto problem_of = [&](const std::string& bytes) {
    folder.write("w", bytes);
    return problem(folder, "w");
  };
  const std::string anew = "; load it in Python and save its state_dict() with a current torch.save";
  const std::string none =
      "w holds no weights that dime knows: it is no safetensors file, no PyTorch checkpoint, no TorchScript archive "
      "and no "
      "index of shards";
  EXPECT_EQ(problem_of(""), none);
  EXPECT_EQ(problem_of("\x7f"
                       "ELF and more"),
            none);
  EXPECT_EQ(problem_of(std::string("\x80\x02\x8a\nl\xfc\x9c\x46\xf9 j\xa8P\x19.\x80\x02", 17)),
            "w was saved by PyTorch before 1.6, or in its old format, which is not read" + anew);
  EXPECT_EQ(problem_of(std::string(257, 's') + std::string("ustar\0", 6) + std::string(300, '\0')),
            "w is a tar archive, as PyTorch before 0.1.11 saved it, which is not read" + anew);
  EXPECT_EQ(problem_of(whole("}")), "w is a bare pickle, which is not read" + anew);
  EXPECT_EQ(problem_of("version https://git-lfs.github.com/spec/v1\n"),
            "w is a Git LFS pointer, not the weights themselves; fetch them with git lfs pull");
  EXPECT_EQ(problem_of(std::string("\xff\0\0\0\0\0\0\0{}", 10)),
            "w is no safetensors file, or a damaged one: its header would have 255 bytes, but only 2 follow");
  EXPECT_EQ(folder.shown(error_text<IoError>([&] { WeightsFile(folder / "no"); })),
            "cannot open no: No such file or directory");
}

std::string index_of(const std::map<std::string, std::string>& map) {
  std::string json;
  for (const auto& [name, shard] : map) json += (json.empty() ? "" : ",") + ("\"" + name + "\":\"" + shard + "\"");
  return "{\"metadata\":{},\"weight_map\":{" + json + "}}";
}

TEST(WeightsFile, ReadsShards) {
  const ScratchFolder folder;
  write_tensors(folder / "m-1.safetensors", {"b", "c"});
  write_tensors(folder / "m-2.safetensors", {"a"});
  folder.write("model.safetensors.index.json",
               index_of({{"a", "m-2.safetensors"}, {"b", "m-1.safetensors"}, {"c", "m-1.safetensors"}}));
  const WeightsFile file(folder.path());
  EXPECT_EQ(file.path(), folder / "model.safetensors.index.json");
  EXPECT_EQ(file.format(), "2 safetensors shards");
  EXPECT_EQ(names(file), "a b c ");
  EXPECT_EQ(file.metadata(), (Metadata{{"format", "pt"}}));
  folder.write("p.bin", checkpoint({"x"}));
  folder.write("pytorch_model.bin.index.json", index_of({{"x", "p.bin"}}));
  EXPECT_EQ(WeightsFile(folder / "pytorch_model.bin.index.json").format(), "1 PyTorch checkpoint shard");
  folder.write("mixed.json", index_of({{"x", "p.bin"}, {"a", "m-2.safetensors"}}));
  EXPECT_EQ(WeightsFile(folder / "mixed.json").format(), "2 weights shards");
}

TEST(WeightsFile, HoldsTheIndexAgainstItsShards) {
  const ScratchFolder folder;
  write_tensors(folder / "m-1", {"b", "c"});
  write_tensors(folder / "m-2", {"a"});
  const auto problem_of = [&](const std::map<std::string, std::string>& map) {
    folder.write("i.json", index_of(map));
    return problem(folder, "i.json");
  };
  const std::string again = "; fetch all files of one version again";
  EXPECT_EQ(problem_of({{"a", "m-2"}, {"b", "m-1"}, {"c", "m-3"}}),
            "i.json lists the shard \"m-3\", which is not there");
  EXPECT_EQ(problem_of({{"a", "m-2"}, {"b", "m-1"}}),
            "i.json and its shards disagree: \"m-1\" holds \"c\", which it does not list" + again);
  EXPECT_EQ(problem_of({{"a", "m-2"}, {"b", "m-1"}, {"c", "m-1"}, {"d", "m-2"}}),
            "i.json and its shards disagree: \"m-2\" lacks \"d\"" + again);
  EXPECT_EQ(problem_of({{"a", "m-2"}, {"b", "m-1"}, {"c", "m-2"}}),
            "i.json and its shards disagree: \"c\" is in \"m-1\", but it lists it in \"m-2\"" + again);
  write_tensors(folder / "m-2", {"a", "c"});
  EXPECT_EQ(problem_of({{"a", "m-2"}, {"b", "m-1"}, {"c", "m-1"}}),
            "i.json and its shards disagree: \"c\" is in \"m-2\", but it lists it in \"m-1\"" + again);
  folder.write("m-2", "broken");
  EXPECT_EQ(
      problem_of({{"a", "m-2"}, {"b", "m-1"}, {"c", "m-1"}}),
      "m-2 holds no weights that dime knows: it is no safetensors file, no PyTorch checkpoint, no TorchScript archive "
      "and no index of shards");
  folder.write("i.json", "{}");
  EXPECT_EQ(problem(folder, "i.json"),
            "i.json is no index of shards, or a damaged one: it holds no \"weight_map\" from names to files");
}

TEST(WeightsFile, FindsTheFileOfAFolder) {
  const ScratchFolder folder;
  EXPECT_EQ(error_text<WeightsError>([&] { WeightsFile(folder.path()); }),
            folder.path().string() +
                " is a folder without weights: looked for model.safetensors, open_clip_model.safetensors, "
                "model.safetensors.index.json, pytorch_model.bin, pytorch_model.bin.index.json, "
                "open_clip_pytorch_model.bin, checkpoints/step_*/model.safetensors");
  write_tensors(folder / "checkpoints/step_0000000009/model.safetensors", {"a"});
  write_tensors(folder / "checkpoints/step_0000000010/model.safetensors", {"a"});
  write_tensors(folder / "checkpoints/.partial_step_0000000011/model.safetensors", {"a"});
  write_tensors(folder / "checkpoints/step_12x/model.safetensors", {"a"});
  std::filesystem::create_directories(folder / "checkpoints/step_0000000013");
  EXPECT_EQ(WeightsFile(folder.path()).path(), folder / "checkpoints/step_0000000010/model.safetensors");
  folder.write("open_clip_pytorch_model.bin", checkpoint({"a"}));
  EXPECT_EQ(WeightsFile(folder.path()).path(), folder / "open_clip_pytorch_model.bin");
  folder.write("pytorch_model.bin", checkpoint({"a"}));
  EXPECT_EQ(WeightsFile(folder.path()).path(), folder / "pytorch_model.bin");
  write_tensors(folder / "open_clip_model.safetensors", {"a"});
  EXPECT_EQ(WeightsFile(folder.path()).path(), folder / "open_clip_model.safetensors");
  write_tensors(folder / "model.safetensors", {"a"});
  EXPECT_EQ(WeightsFile(folder.path()).path(), folder / "model.safetensors");
}

TEST(WeightsFile, KeepsItsTensorsWhenItIsMoved) {
  const ScratchFolder folder;
  WeightsFile file(write_tensors(folder / "w", {"a"}));
  const WeightsFile moved = std::move(file);
  EXPECT_EQ(*moved.find("a")->data, *reinterpret_cast<const std::uint8_t*>(kOne.data()));
}

}  // namespace
}  // namespace dime::io
