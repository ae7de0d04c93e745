// SPDX-License-Identifier: Apache-2.0
#include "weights/recognise.hpp"

#include <gtest/gtest.h>

#include <dime/error.hpp>

#include "support/errors.hpp"
#include "support/scratch_folder.hpp"
#include "weights/views.hpp"

namespace dime {
namespace {

constexpr NameRule kRules[] = {
    {"net.q.{}", "qkv.{}", Change::none, {}, {0, 1, 3}},
    {"net.k.{}", "qkv.{}", Change::none, {}, {1, 2, 3}},
    {"net.v.{}", "qkv.{}", Change::none, {}, {2, 3, 3}},
    {"net.projection.weight", "proj", Change::transposed},
    {"net.ids", "", Change::dropped},
    {"net.{}", "{}"},
};
constexpr NameRule kTurned[] = {{"net.first", "a"}, {"net.second", "b"}};
constexpr NameRule kStraight[] = {{"net.first", "b"}, {"net.second", "a"}};
constexpr NameScheme kSchemes[] = {{"toy", "public", "the toy's public names", kRules}};
constexpr NameScheme kRivals[] = {{"toy", "turned", "turned names", kTurned},
                                  {"toy", "straight", "straight names", kStraight}};

class Recognise : public testing::Test {
 protected:
  Recognise() {
    from_.path = Path(folder_ / "w.safetensors");
    from_.mark.origin = std::make_shared<const Origin>();
  }
  void write(const test::NamedShapes& shapes) const { io::write_safetensors(from_.path, test::Views(shapes).all()); }

  static std::vector<WantedTensor> wanted(const test::NamedShapes& shapes) {
    std::vector<WantedTensor> all;
    for (const auto& [name, shape] : shapes) all.push_back({name, io::DType::f32, shape});
    return all;
  }
  /// The error, or what the file was recognised as.
  std::string outcome(const test::NamedShapes& model, std::span<const NameScheme> schemes = kSchemes) const {
    try {
      const io::WeightsFile file(from_.path);
      const auto weights = recognise(file, wanted(model), from_, "models.student", schemes);
      require_fit(file, weights, from_, "models.student");
      return weights.text(file);
    } catch (const WeightsError& e) {
      return folder_.shown(e.what());
    }
  }

  test::ScratchFolder folder_;
  InitOptions from_;
  const test::NamedShapes model_{{"qkv.w", {6, 3}}, {"proj", {5, 2}}, {"scale", {1}}};
  const test::NamedShapes theirs_{{"net.q.w", {2, 3}},
                                  {"net.k.w", {2, 3}},
                                  {"net.v.w", {2, 3}},
                                  {"net.ids", {4}},
                                  {"net.projection.weight", {2, 5}},
                                  {"net.scale", {1}}};
  const std::string remedy_ = "; `init: {path, skip, allow_missing}` names what may differ";
};

TEST_F(Recognise, TheModelsOwnNames) {
  write(model_);
  EXPECT_EQ(outcome(model_), "a safetensors file");
}

TEST_F(Recognise, APublicScheme) {
  write(theirs_);
  EXPECT_EQ(outcome(model_), "a safetensors file, the toy's public names");
}

TEST_F(Recognise, APartOfOneIsMissing) {
  write({{"net.q.w", {2, 3}}, {"net.v.w", {2, 3}}, {"net.projection.weight", {2, 5}}, {"net.scale", {1}}});
  EXPECT_EQ(outcome(model_),
            "models.student: the weights in w.safetensors (a safetensors file, the toy's public names) do not fit; "
            "missing: qkv.w (of it the file has only net.q.w + net.v.w)" +
                remedy_);
}

TEST_F(Recognise, DifferencesStandInTheModelsNames) {
  auto theirs = theirs_;
  theirs.back() = {"net.scales", {1}};
  theirs[4].second = {5, 2};
  theirs[0].second = {3, 3};
  theirs.push_back({"head.weight", {2}});
  write(theirs);
  EXPECT_EQ(outcome(model_),
            "models.student: the weights in w.safetensors (a safetensors file, the toy's public names) do not fit; "
            "missing: scale (the file has net.scales); unexpected: scales (net.scales in the file; the model has "
            "scale), head.weight; of another shape: qkv.w (net.q.w + net.k.w + net.v.w [3, 3] + [2, 3] + [2, 3] in the "
            "file, [6, 3] in the model), proj (net.projection.weight [5, 2] in the file, [5, 2] in the model)" +
                remedy_);
}

TEST_F(Recognise, TypesAreHeldToo) {
  test::Views views(theirs_);
  for (auto& view : views.all()) {
    if (view.name == "net.k.w") view.dtype = io::DType::i32;
  }
  io::write_safetensors(from_.path, views.all());
  EXPECT_EQ(outcome(model_),
            "models.student: the weights in w.safetensors (a safetensors file, the toy's public names) do not fit; "
            "of another type: qkv.w (net.q.w + net.k.w + net.v.w I32 in the file, F32 in the model)" +
                remedy_);
}

TEST_F(Recognise, SkipTakesNamesOfTheFileAndAllowMissingThoseOfTheModel) {
  auto theirs = theirs_;
  theirs.push_back({"head.weight", {2}});
  theirs.erase(theirs.begin() + 4);
  write(theirs);
  from_.skip = {"head."};
  from_.allow_missing = {"proj"};
  EXPECT_EQ(outcome(model_), "a safetensors file, the toy's public names");
  from_.skip = {"*.weigh"};
  from_.allow_missing = {"p*j"};
  EXPECT_EQ(outcome(model_), "a safetensors file, the toy's public names");
  from_.skip = {"heads."};
  EXPECT_EQ(outcome(model_), "models.student: `skip` has \"heads.\", with which no name in the file begins");
  from_.skip = {};
  from_.allow_missing = {"net.projection"};
  EXPECT_EQ(outcome(model_),
            "models.student: `allow_missing` has \"net.projection\", with which no name in the model begins");
}

TEST_F(Recognise, TwoSchemesThatPlaceTensorsDifferently) {
  write({{"net.first", {2}}, {"net.second", {2}}});
  const test::NamedShapes model{{"a", {2}}, {"b", {2}}};
  EXPECT_EQ(outcome(model, kRivals),
            "models.student: the weights in w.safetensors fit turned names as well as straight names, which place them "
            "differently: rename them to the model's own names");
  // The shapes decide where they can.
  write({{"net.first", {3}}, {"net.second", {2}}});
  EXPECT_EQ(outcome({{"a", {2}}, {"b", {3}}}, kRivals), "a safetensors file, straight names");
  EXPECT_EQ(outcome({{"a", {3}}, {"b", {2}}}, kRivals), "a safetensors file, turned names");
}

TEST_F(Recognise, ATieOfOneMapIsNone) {
  const NameScheme twice[] = {kSchemes[0], {"toy", "again", "the same once more", kRules}};
  write(theirs_);
  EXPECT_EQ(outcome(model_, twice), "a safetensors file, the toy's public names");
}

test::NamedShapes swin(const std::string& prefix, const std::string& downsample) {
  return {{prefix + "patch_embed.proj.weight", {2, 3, 4, 4}},
          {prefix + "layers.0.blocks.0.norm1.weight", {2}},
          {prefix + "layers.1.blocks.0.norm1.weight", {2}},
          {prefix + "layers.2.blocks.0.norm1.weight", {2}},
          {prefix + "layers." + downsample + ".downsample.norm.weight", {8}},
          {prefix + "norm.weight", {2}}};
}

/// Only the place of downsampling tells timm's names of a Swin from those of its own code.
TEST_F(Recognise, TheTwoNamesOfASwin) {
  const auto model = swin("visual.trunk.", "1");
  auto file = swin("", "1");
  write(file);
  EXPECT_EQ(outcome(model, name_schemes()), "a safetensors file, timm's names of a Swin");
  file = swin("", "0");
  file.push_back({"layers.0.blocks.0.attn.relative_position_index", {4}});
  write(file);
  EXPECT_EQ(outcome(model, name_schemes()), "a safetensors file, the names of Swin's own code");
  file.push_back({"head.weight", {9, 2}});
  write(file);
  EXPECT_EQ(outcome(model, name_schemes()),
            "models.student: the weights in w.safetensors (a safetensors file, the names of Swin's own code) do not "
            "fit; unexpected: head.weight" +
                remedy_);
  from_.skip = {"head."};
  EXPECT_EQ(outcome(model, name_schemes()), "a safetensors file, the names of Swin's own code");
}

TEST_F(Recognise, AFileOfSomethingElse) {
  write({{"weight", {2}}});
  EXPECT_EQ(
      outcome({{"qkv.w", {6, 3}}, {"proj", {5, 2}}}),
      "models.student: the weights in w.safetensors do not fit; missing: qkv.w, proj; unexpected: weight" + remedy_);
}

}  // namespace
}  // namespace dime
