// SPDX-License-Identifier: Apache-2.0
#include "weights/name_map.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <map>

#include <ATen/ATen.h>

#include "weights/name_pattern.hpp"
#include "weights/tensors.hpp"
#include "weights/views.hpp"

namespace dime {
namespace {

using Strings = std::vector<std::string>;

TEST(NamePattern, PlacesStandForParts) {
  EXPECT_EQ(match_name("a.{}.w", "a.3.w"), Strings{"3"});
  EXPECT_EQ(match_name("a.{}.{}", "a.3.bias"), (Strings{"3", "bias"}));
  EXPECT_EQ(match_name("a.{*}", "a.3.w"), Strings{"3.w"});
  EXPECT_EQ(match_name("{}", "a"), Strings{"a"});
  EXPECT_EQ(match_name("a", "a"), Strings{});
  for (const char* name : {"a.3.w.x", "a.3", "a..w", "b.3.w", "xa.3.w", ""}) {
    EXPECT_FALSE(match_name("a.{}.w", name)) << name;
  }
  EXPECT_FALSE(match_name("a.{*}", "a."));
  EXPECT_EQ(fill_name("x{}.{}.y", {"1", "w"}), "x1.w.y");
  EXPECT_FALSE(fill_name("x.{}", {}));
  EXPECT_FALSE(fill_name("x.{}", {"1", "2"}));
}

TEST(NamePattern, APlaceMayBeTheRestOfAPart) {
  EXPECT_EQ(match_name("{}.in_proj_{}", "attn.in_proj_bias"), (Strings{"attn", "bias"}));
  EXPECT_EQ(match_name("proj_{*}", "proj_a.b"), Strings{"a.b"});
  for (const char* name : {"attn.in_proj_", "attn.in_proj", "attn.in_proj_bias.x", "attn.proj_bias"}) {
    EXPECT_FALSE(match_name("{}.in_proj_{}", name)) << name;
  }
  EXPECT_FALSE(match_name("{}_bias", "in_proj_bias"));  // not its beginning
  EXPECT_EQ(fill_name("{}.in_proj_{}", {"attn", "weight"}), "attn.in_proj_weight");
}

TEST(NamePattern, ANumberThatIsOneMore) {
  EXPECT_EQ(match_name("layers.{+1}.down", "layers.3.down"), Strings{"2"});
  EXPECT_FALSE(match_name("layers.{+1}.down", "layers.0.down"));
  EXPECT_FALSE(match_name("layers.{+1}.down", "layers.x.down"));
  EXPECT_EQ(fill_name("layers.{+1}.down", {"9"}), "layers.10.down");
  EXPECT_FALSE(fill_name("layers.{+1}.down", {"x"}));
  EXPECT_FALSE(fill_name("layers.{+1}.down", {"-1"}));
}

constexpr NameRule kRules[] = {
    {"q.{}", "qkv.{}", Change::none, {}, {0, 1, 3}}, {"k.{}", "qkv.{}", Change::none, {}, {1, 2, 3}},
    {"v.{}", "qkv.{}", Change::none, {}, {2, 3, 3}}, {"in_proj", "q2", Change::none, {0, 1, 3}},
    {"in_proj", "kv2", Change::none, {1, 3, 3}},     {"proj.weight", "proj", Change::transposed},
    {"table", "positions", Change::reshaped},        {"ids", "", Change::dropped},
    {"layers.{}.down", "stages.{+1}.down"},          {"other.down", "stages.{}.down"},
};
constexpr NameScheme kScheme{"toy", "public", "the toy's public names", kRules};

const test::NamedShapes kTheirs = {{"ids", {4}},      {"v.w", {2, 3}},       {"q.w", {2, 3}},
                                   {"k.w", {2, 3}},   {"in_proj", {6, 2}},   {"proj.weight", {2, 5}},
                                   {"table", {4, 3}}, {"layers.0.down", {1}}};
const test::NamedShapes kOurs = {{"qkv.w", {6, 3}}, {"q2", {2, 2}},           {"kv2", {4, 2}},
                                 {"proj", {5, 2}},  {"positions", {1, 4, 3}}, {"stages.1.down", {1}}};

std::vector<std::int64_t> shape_in(const test::NamedShapes& all, const std::string& name) {
  for (const auto& [key, shape] : all) {
    if (key == name) return shape;
  }
  ADD_FAILURE() << "nobody asked for " << name;
  return {};
}

TEST(MapNames, PartsAndChangesForward) {
  const test::Views views(kTheirs);
  const NameMap map = map_names(views.pointers(), &kScheme);
  EXPECT_TRUE(map.unfit.empty());
  ASSERT_EQ(map.unused.size(), 1U);
  EXPECT_EQ(map.unused[0]->name, "ids");
  ASSERT_EQ(map.tensors.size(), kOurs.size());
  std::map<std::string, at::Tensor> got;
  for (const auto& tensor : map.tensors) {
    EXPECT_TRUE(is_complete(tensor));
    const auto shape = shape_in(kOurs, tensor.name);
    EXPECT_EQ(mapped_shape(tensor, shape), shape) << tensor.name;
    got[tensor.name] = assembled(tensor, shape);
    const auto copied = at::zeros(shape);
    copy_parts(tensor, copied);
    EXPECT_TRUE(at::equal(copied, got[tensor.name])) << tensor.name;
  }
  const auto one = at::arange(6.0F).view({2, 3});
  EXPECT_TRUE(at::equal(got["qkv.w"], at::cat({one, one, one})));
  EXPECT_TRUE(at::equal(got["q2"], at::arange(4.0F).view({2, 2})));
  EXPECT_TRUE(at::equal(got["kv2"], at::arange(4.0F, 12.0F).view({4, 2})));
  EXPECT_TRUE(at::equal(got["proj"], at::arange(10.0F).view({2, 5}).t()));
}

/// Rows of different heads must not be mixed up: each third is told apart.
TEST(MapNames, ThirdsKeepTheirOrder) {
  const test::Views views({{"v.w", {1, 2}}, {"k.w", {1, 2}}, {"q.w", {1, 2}}});
  const NameMap map = map_names(views.pointers(), &kScheme);
  ASSERT_EQ(map.tensors.size(), 1U);
  ASSERT_EQ(map.tensors[0].parts.size(), 3U);
  EXPECT_EQ(map.tensors[0].parts[0].view->name, "q.w");
  EXPECT_EQ(map.tensors[0].parts[1].view->name, "k.w");
  EXPECT_EQ(map.tensors[0].parts[2].view->name, "v.w");
}

TEST(MapNames, BackGivesTheSameNumbers) {
  const test::Views views(kTheirs);
  const NameMap forward = map_names(views.pointers(), &kScheme);
  std::vector<at::Tensor> kept;
  std::vector<io::TensorView> ours;
  for (const auto& tensor : forward.tensors) {
    kept.push_back(assembled(tensor, shape_in(kOurs, tensor.name)).contiguous());
    ours.push_back({tensor.name, io::DType::f32, kept.back().sizes().vec(),
                    static_cast<const std::uint8_t*>(kept.back().const_data_ptr()), kept.back().nbytes()});
  }
  std::vector<const io::TensorView*> pointers;
  for (const auto& view : ours) pointers.push_back(&view);
  const NameMap back = map_names(pointers, &kScheme, Direction::to_theirs);
  EXPECT_TRUE(back.unfit.empty());
  ASSERT_EQ(back.tensors.size(), kTheirs.size() - 1);
  for (const auto& tensor : back.tensors) {
    const auto shape = shape_in(kTheirs, tensor.name);
    EXPECT_TRUE(at::equal(assembled(tensor, shape), at::arange(test::elements(shape)).to(at::kFloat).view(shape)))
        << tensor.name;
  }
}

TEST(MapNames, WhatNoRuleHasAndWhatHasNoPlace) {
  const test::Views views({{"strange", {1}}, {"layers.0.down", {1}}, {"other.down", {1}}, {"layers.x.down", {1}}});
  const NameMap map = map_names(views.pointers(), &kScheme);
  ASSERT_EQ(map.unfit.size(), 3U);
  EXPECT_EQ(map.unfit[0]->name, "strange");
  EXPECT_EQ(map.unfit[1]->name, "other.down");  // its places do not agree
  EXPECT_EQ(map.unfit[2]->name, "layers.x.down");
}

TEST(MapNames, TwoNamesForOnePlace) {
  static constexpr NameRule rules[] = {{"a", "x"}, {"b", "x"}};
  constexpr NameScheme scheme{"toy", "twice", "two names for one", rules};
  const test::Views views({{"a", {1}}, {"b", {1}}});
  const NameMap map = map_names(views.pointers(), &scheme);
  ASSERT_EQ(map.tensors.size(), 1U);
  ASSERT_EQ(map.unfit.size(), 1U);
  EXPECT_EQ(map.unfit[0]->name, "b");
}

TEST(MapNames, WithoutASchemeNamesStay) {
  const test::Views views({{"b", {1}}, {"a.c", {2}}});
  const NameMap map = map_names(views.pointers(), nullptr);
  ASSERT_EQ(map.tensors.size(), 2U);
  EXPECT_EQ(map.tensors[0].name, "b");
  EXPECT_EQ(map.tensors[1].name, "a.c");
}

TEST(MappedShape, WhatCannotBeCutOrDoesNotAgree) {
  const auto first = [](const test::NamedShapes& shapes) {
    const test::Views views(shapes);
    const NameMap map = map_names(views.pointers(), &kScheme);
    return mapped_shape(map.tensors.at(0), {6, 3});
  };
  EXPECT_FALSE(first({{"in_proj", {7, 2}}}));
  EXPECT_FALSE(first({{"in_proj", {}}}));
  EXPECT_FALSE(first({{"proj.weight", {7}}}));
  EXPECT_FALSE(first({{"q.w", {2, 3}}, {"k.w", {3, 3}}}));
  EXPECT_EQ(first({{"table", {7, 2}}}), (std::vector<std::int64_t>{7, 2}));  // not as many numbers
}

TEST(IsComplete, AllRowsOrNot) {
  const auto complete = [](std::vector<RowSpan> spans) {
    MappedTensor tensor;
    for (const auto& span : spans) tensor.parts.push_back({nullptr, {}, span});
    return is_complete(tensor);
  };
  EXPECT_TRUE(complete({{}}));
  EXPECT_TRUE(complete({{0, 1, 3}, {1, 3, 3}}));
  EXPECT_TRUE(complete({{0, 1, 2}, {2, 3, 4}, {3, 4, 4}}));
  EXPECT_FALSE(complete({{0, 1, 3}, {2, 3, 3}}));
}

TEST(TensorOf, BytesThatAreNotAlignedAreCopied) {
  std::vector<std::uint8_t> bytes(1 + 6 * sizeof(float));
  const std::vector<float> numbers = {0, 1, 2, 3, 4, 5};
  std::memcpy(bytes.data() + 1, numbers.data(), 6 * sizeof(float));
  const io::TensorView odd{"x", io::DType::f32, {2, 3}, bytes.data() + 1, 24};
  const io::TensorView even{"x", io::DType::f32, {2, 3}, reinterpret_cast<const std::uint8_t*>(numbers.data()), 24};
  const auto expected = at::arange(6.0F).view({2, 3});
  EXPECT_TRUE(at::equal(tensor_of(odd), expected));
  EXPECT_TRUE(at::equal(tensor_of(even), expected));
  EXPECT_EQ(tensor_of(even).const_data_ptr(), numbers.data());
  io::TensorView strided = odd;
  strided.shape = {3, 2};
  strided.strides = {1, 3};
  EXPECT_TRUE(at::equal(tensor_of(strided), expected.t()));
  strided.data = even.data;
  EXPECT_TRUE(at::equal(tensor_of(strided), expected.t()));
  EXPECT_EQ(tensor_of({"none", io::DType::f32, {0, 3}, nullptr, 0}).numel(), 0);
}

}  // namespace
}  // namespace dime
