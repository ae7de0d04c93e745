// SPDX-License-Identifier: Apache-2.0
// Model `clip` against names, vectors and gradients of open_clip (tests/golden/make_clip.py).
#include <gtest/gtest.h>

#include <fstream>

#include <nlohmann/json.hpp>

#include "models/clip_options.hpp"
#include "support/plugins.hpp"
#include "support/tensors.hpp"

namespace dime::test {
namespace {

std::map<std::string, torch::Tensor> parameters(const Model& model) {
  std::map<std::string, torch::Tensor> all;
  for (const auto& item : model.named_parameters()) all[item.key()] = item.value();
  return all;
}

TEST(ClipGolden, NamesAndShapesAreThoseOfOpenClip) {
  std::ifstream file(std::string(DIME_TEST_SOURCE_DIR) + "/tests/golden/clip_names.json");
  const auto want = nlohmann::json::parse(file).get<std::map<std::string, std::vector<std::int64_t>>>();
  const auto model =
      make_model("clip", map({{"preset", Value::scalar("ViT-B-32")},
                              {"image", options({{"width", "48"}, {"heads", "3"}})},
                              {"text", options({{"width", "32"}, {"heads", "2"}, {"vocabulary", "64"}})}}));
  std::map<std::string, std::vector<std::int64_t>> got;
  for (const auto& [name, value] : parameters(*model)) got[name] = value.sizes().vec();
  EXPECT_EQ(got, want);
  EXPECT_TRUE(model->buffers().empty());
}

struct Golden {
  std::map<std::string, torch::Tensor> tensors = golden_tensors("clip.safetensors");
  std::shared_ptr<Model> model = make_model("clip", golden_options());

  Golden() {
    const at::NoGradGuard guard;
    for (auto& [name, parameter] : parameters(*model)) parameter.copy_(tensors.at("weight." + name));
  }
};

TEST(ClipGolden, VectorsAndGradients) {
  const Golden golden;
  const auto& t = golden.tensors;
  ForwardContext image_context, text_context;
  const auto image = golden.model->encode_image(t.at("pixels"), image_context);
  const auto text = golden.model->encode_text(t.at("tokens"), text_context);
  EXPECT_LE(relative_distance(image, t.at("image")), 1e-5);
  EXPECT_LE(relative_distance(text, t.at("text")), 1e-5);

  ((image * t.at("to_image")).sum() + (text * t.at("to_text")).sum()).backward();
  int compared = 0;
  for (const auto& [name, parameter] : parameters(*golden.model)) {
    if (name == "logit_scale") continue;
    EXPECT_LE(relative_distance(parameter.grad(), t.at("grad." + name)), 1e-4) << name;
    ++compared;
  }
  EXPECT_EQ(compared, 61);
}

// With a tap the last block computes every position; without, only the one that is read.
TEST(ClipGolden, TapsChangeNothing) {
  const Golden golden;
  ForwardContext image_context, text_context;
  image_context.wanted_taps = {"visual.transformer.resblocks.0", "visual.transformer.resblocks.1", "visual.ln_pre",
                               "visual.ln_post"};
  text_context.wanted_taps = {"transformer.resblocks.1"};
  const auto image = golden.model->encode_image(golden.tensors.at("pixels"), image_context);
  const auto text = golden.model->encode_text(golden.tensors.at("tokens"), text_context);
  EXPECT_LE(relative_distance(image, golden.tensors.at("image")), 1e-5);
  EXPECT_LE(relative_distance(text, golden.tensors.at("text")), 1e-5);
  std::map<std::string, std::vector<std::int64_t>> shapes;
  for (const auto& [name, x] : image_context.taps) shapes[name] = x.sizes().vec();
  for (const auto& [name, x] : text_context.taps) shapes[name] = x.sizes().vec();
  EXPECT_EQ(shapes,
            (std::map<std::string, std::vector<std::int64_t>>{{"transformer.resblocks.1", {6, 12, 16}},
                                                              {"visual.ln_post", {5, 24}},
                                                              {"visual.ln_pre", {5, 10, 24}},
                                                              {"visual.transformer.resblocks.0", {5, 10, 24}},
                                                              {"visual.transformer.resblocks.1", {5, 10, 24}}}));
  EXPECT_TRUE(image_context.taps.at("visual.transformer.resblocks.0").requires_grad());
}

}  // namespace
}  // namespace dime::test
