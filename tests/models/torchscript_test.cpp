// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <thread>

#include <ATen/Context.h>
#include <ATen/autocast_mode.h>
#include <torch/csrc/jit/api/module.h>

#include "cuda/open.hpp"
#include "models/clip_options.hpp"
#include "support/errors.hpp"
#include "support/scratch_folder.hpp"
#include "support/tensors.hpp"

namespace dime::test {
namespace {

using torch::jit::Module;

constexpr std::int64_t kSide = 4;
constexpr std::int64_t kWidth = 5;
constexpr const char* kImage = "def forward(self, x):\n  return x.flatten(1) @ self.w + self.b\n";

/// Two tensors, `w` [48, 5] a parameter and `b` [5] a buffer, and a program.
Module image_module(const std::string& program = kImage) {
  at::manual_seed(2);
  Module module("Tower");
  module.register_parameter("w", at::randn({3 * kSide * kSide, kWidth}).requires_grad_(), false);
  module.register_buffer("b", at::randn({kWidth}));
  module.register_attribute("training", c10::BoolType::get(), true);
  module.define(program);
  return module;
}

Module text_module() {
  at::manual_seed(3);
  Module module("Text");
  module.register_parameter("table", at::randn({32, kWidth}), false);
  module.define("def forward(self, x):\n  return torch.embedding(self.table, x).sum(1)\n");
  return module;
}

Value image_options(const std::string& file, const Pairs& more = {}) {
  auto image = options({{"file", file}, {"image_size", std::to_string(kSide)}});
  const auto list = [](const char* x) { return Value::list({Value::scalar(x), Value::scalar(x), Value::scalar(x)}); };
  image.set("mean", list("0.25"));
  image.set("std", list("0.5"));
  for (const auto& [key, text] : more) image.set(key, Value::scalar(text));
  return image;
}

class TorchScript : public testing::Test {
 protected:
  std::string file(const char* name) const { return (folder_ / name).string(); }

  std::string saved(const Module& module, const char* name = "image.pt") const {
    module.save(file(name));
    return file(name);
  }

  std::string saved(const std::string& program) const { return saved(image_module(program)); }

  static std::shared_ptr<Model> image(const std::string& file, const Pairs& more = {}) {
    return make_model("torchscript", map({{"image", image_options(file, more)}}));
  }

  std::shared_ptr<Model> both() const {
    auto text = options({{"file", saved(text_module(), "text.pt")}, {"context", "6"}, {"vocabulary", "32"}});
    return make_model(
        "torchscript",
        map({{"image", image_options(saved(image_module()))}, {"text", text}, {"logit_scale", Value::scalar("20")}}));
  }

  /// What making the model throws, without the folder's name.
  template <class E>
  std::string refusal(const Value& value) const {
    return folder_.shown(error_text<E>([&] { make_model("torchscript", value); }));
  }
  template <class E = ArgumentError>
  std::string refusal(const std::string& program, const Pairs& more = {}) const {
    return refusal<E>(map({{"image", image_options(saved(program), more)}}));
  }

  ScratchFolder folder_;
};

torch::Tensor encode(Model& model, const torch::Tensor& pixels) {
  ForwardContext context;
  return model.encode_image(pixels, context);
}

torch::Tensor pixels(std::int64_t rows) { return at::randn({rows, 3, kSide, kSide}); }

torch::Tensor expected(const torch::Tensor& x) {
  const auto module = image_module();
  return at::matmul(x.flatten(1), module.attr("w").toTensor().detach()) + module.attr("b").toTensor();
}

TEST_F(TorchScript, Spec) {
  const auto model = both();
  const auto spec = model->spec();
  EXPECT_EQ(spec.embed_dim, kWidth);
  EXPECT_EQ(spec.image->size, kSide);
  EXPECT_EQ(spec.image->mean, (std::array<double, 3>{0.25, 0.25, 0.25}));
  EXPECT_EQ(spec.image->std, (std::array<double, 3>{0.5, 0.5, 0.5}));
  EXPECT_EQ(spec.image->interpolation, "bicubic");
  EXPECT_EQ(spec.image->resize_mode, "shortest");
  EXPECT_EQ(spec.text->context, 6);
  EXPECT_EQ(spec.text->vocabulary, 32);
  EXPECT_EQ(model->logit_scale().item<double>(), 20);
  EXPECT_TRUE(model->brings_weights());
  const auto one = image(saved(image_module()), {{"interpolation", "bilinear"}, {"resize_mode", "squash"}});
  EXPECT_FALSE(one->spec().text);
  EXPECT_EQ(one->spec().image->interpolation, "bilinear");
  EXPECT_EQ(one->spec().image->resize_mode, "squash");
  EXPECT_FALSE(one->logit_scale().defined());
}

TEST_F(TorchScript, GivesWhatTheModuleGives) {
  const auto model = both();
  for (const std::int64_t rows : {1, 2, 7}) {
    const auto x = pixels(rows);
    EXPECT_LE(relative_distance(encode(*model, x), expected(x)), 1e-6) << rows;
  }
  EXPECT_EQ(encode(*model, pixels(0)).sizes(), (at::IntArrayRef{0, kWidth}));
  const auto tokens = at::randint(32, {3, 6}, at::kLong);
  ForwardContext context;
  const auto want = at::embedding(text_module().attr("table").toTensor(), tokens).sum(1);
  EXPECT_LE(relative_distance(model->encode_text(tokens, context), want), 1e-6);
}

TEST_F(TorchScript, ItsTensorsAreTheModelsAndHaveNoGradient) {
  auto child = image_module();
  Module outer("Outer");
  outer.register_module("tower", child);
  outer.register_parameter("tied", child.attr("w").toTensor(), false);
  outer.define("def forward(self, x):\n  return self.tower.forward(x)\n");
  const auto model = image(saved(outer));
  const auto parameters = model->named_parameters();
  ASSERT_EQ(parameters.size(), 1U);
  EXPECT_EQ(parameters[0].key(), "visual.tower.w");
  EXPECT_FALSE(parameters[0].value().requires_grad());
  EXPECT_EQ(model->named_buffers().keys(), std::vector<std::string>{"visual.tower.b"});
  const auto x = pixels(2);
  EXPECT_FALSE(encode(*model, x).requires_grad());
  {
    const at::NoGradGuard guard;
    parameters[0].value().zero_();
  }
  EXPECT_TRUE(at::equal(encode(*model, x), image_module().attr("b").toTensor().expand({2, kWidth})));
}

TEST_F(TorchScript, TheModelStaysInEvaluationWhereverItIsToldToTrain) {
  auto module =
      image_module("def forward(self, x):\n  return torch.dropout(x.flatten(1) @ self.w, 0.5, self.training)\n");
  const auto model = image(saved(module));
  model->train();
  const auto x = pixels(3);
  EXPECT_LE(relative_distance(encode(*model, x), expected(x) - module.attr("b").toTensor()), 1e-6);
}

TEST_F(TorchScript, AlwaysTheSameBitsFromManyThreads) {
  const auto model = image(saved(image_module()));
  const auto x = pixels(5), want = encode(*model, x);
  std::vector<torch::Tensor> got(8);
  std::vector<std::thread> threads;
  for (auto& vectors : got) threads.emplace_back([&] { vectors = encode(*model, x); });
  for (auto& thread : threads) thread.join();
  for (const auto& vectors : got) EXPECT_TRUE(at::equal(vectors, want));
}

TEST_F(TorchScript, AProgramThatWorksInPlaceLeavesThePixels) {
  const auto model = image(saved("def forward(self, x):\n  return x.mul_(2).flatten(1) @ self.w\n"));
  const auto x = pixels(2), before = x.clone();
  encode(*model, x);
  EXPECT_TRUE(at::equal(x, before));
}

TEST_F(TorchScript, HalfPrecisionModulesTakeHalfAndGiveFloat) {
  auto module = image_module();
  module.to(at::kBFloat16);
  const auto model = image(saved(module));
  EXPECT_EQ(model->parameters()[0].scalar_type(), at::kBFloat16);
  const auto x = pixels(3), vectors = encode(*model, x);
  EXPECT_EQ(vectors.scalar_type(), at::kFloat);
  EXPECT_LE(relative_distance(vectors, expected(x)), 2e-2);
}

TEST_F(TorchScript, AutocastActsInsideOnlyIfAsked) {
  const auto path = saved(image_module());
  const auto plain = image(path);
  const auto open =
      make_model("torchscript", map({{"image", image_options(path)}, {"autocast", Value::scalar("true")}}));
  const auto x = pixels(4), want = encode(*plain, x);
  at::autocast::set_autocast_enabled(at::kCPU, true);
  const auto closed = encode(*plain, x), cast = encode(*open, x);
  const bool kept = at::autocast::is_autocast_enabled(at::kCPU);
  at::autocast::clear_cache();
  at::autocast::set_autocast_enabled(at::kCPU, false);
  EXPECT_TRUE(at::equal(closed, want));
  EXPECT_TRUE(kept);
  EXPECT_EQ(cast.scalar_type(), at::kFloat);
  EXPECT_FALSE(at::equal(cast, want));
  EXPECT_LE(relative_distance(cast, want), 2e-2);
}

TEST_F(TorchScript, ADeviceThatTheProgramNamesIsTheModels) {
  const std::string zeros = "torch.zeros([x.size(0), 5], dtype=6, device=torch.device(\"cuda:0\"))";
  const auto model = image(saved("def forward(self, x):\n  return x.flatten(1) @ self.w + " + zeros + "\n"));
  EXPECT_EQ(encode(*model, pixels(2)).device(), torch::Device(torch::kCPU));
}

TEST_F(TorchScript, TensorsThatWereChangedMoveAsTheyAre) {
  const auto model = image(saved(image_module()));
  {
    const at::NoGradGuard guard;
    model->parameters()[0].mul_(2);
  }
  const auto x = pixels(3), want = encode(*model, x);
  EXPECT_GT(relative_distance(want, expected(x)), 0.1);
  model->to(torch::Device("cpu:0"));  // another than `cpu`: the file is loaded there anew
  EXPECT_TRUE(at::equal(encode(*model, x), want));
  model->parameters()[0].zero_();
  EXPECT_TRUE(at::equal(encode(*model, x), image_module().attr("b").toTensor().expand({3, kWidth})));
  model->to(torch::Device(torch::kCPU), torch::kDouble);
  EXPECT_EQ(model->parameters()[0].scalar_type(), at::kDouble);
  EXPECT_EQ(encode(*model, x).scalar_type(), at::kFloat);
}

TEST_F(TorchScript, OnAGpu_CUDA) {
  if (!at::hasCUDA()) GTEST_SKIP() << "no GPU answers: " << cuda_absence();
  const std::string more = "torch.ones([x.size(0), 5], dtype=6, device=torch.device(\"cpu\"))";
  const auto model = image(saved("def forward(self, x):\n  return x.flatten(1) @ self.w + " + more + "\n"));
  {
    const at::NoGradGuard guard;
    model->parameters()[0].mul_(2);
  }
  const auto x = pixels(3), want = encode(*model, x);
  const torch::Device gpu(torch::kCUDA, 0);
  model->to(gpu);
  EXPECT_EQ(model->parameters()[0].device(), gpu);
  const auto vectors = encode(*model, x.to(gpu));
  EXPECT_EQ(vectors.device(), gpu);
  EXPECT_LE(relative_distance(vectors.cpu(), want), 1e-3);
}

TEST_F(TorchScript, OneOfSeveralOutputs) {
  const std::string two = "def forward(self, x):\n  y = x.flatten(1) @ self.w\n  return ";
  const auto x = pixels(2), want = expected(x) - image_module().attr("b").toTensor();
  for (const auto& [given, output] :
       Pairs{{"(x, y)", "1"}, {"[y, x]", "0"}, {"{\"hidden\": x, \"embeds\": y}", "embeds"}}) {
    const auto model = image(saved(two + given + "\n"), {{"output", output}});
    EXPECT_LE(relative_distance(encode(*model, x), want), 1e-6) << given;
  }
}

TEST_F(TorchScript, AnotherMethod) {
  auto module = image_module("def encode_image(self, x):\n  return x.flatten(1) @ self.w + self.b\n");
  const auto x = pixels(2);
  EXPECT_LE(relative_distance(encode(*image(saved(module), {{"method", "encode_image"}}), x), expected(x)), 1e-6);
  EXPECT_EQ(refusal<ArgumentError>(map({{"image", image_options(file("image.pt"))}})),
            "[model/torchscript] image.pt has no method \"forward\"; it has: encode_image (option \"method\" of "
            "\"image\")");
}

TEST_F(TorchScript, FilesThatCannotBeLoaded) {
  const auto said = [&]<class E>(const std::string& name) {
    return refusal<E>(map({{"image", image_options(file(name.c_str()))}}));
  };
  EXPECT_EQ(said.operator()<IoError>("gone.pt"), "[model/torchscript] cannot open gone.pt: No such file or directory");
  std::filesystem::create_directory(folder_ / "folder");
  EXPECT_EQ(said.operator()<IoError>("folder"), "[model/torchscript] cannot open folder: it is no regular file");
  folder_.write("notes.txt", "no archive");
  EXPECT_EQ(said.operator()<PluginError>("notes.txt"),
            "[model/torchscript] notes.txt is no TorchScript file that this LibTorch loads (PytorchStreamReader failed "
            "reading zip archive: not a ZIP archive); torch.jit.save writes one, torch.save does not");
}

TEST_F(TorchScript, ProgramsThatDoNotEncode) {
  const std::string of = "[model/torchscript] image.pt: forward(Float [1, 3, 4, 4]) ";
  EXPECT_EQ(refusal("def forward(self, x, mask):\n  return x\n"),
            of + "failed: forward() is missing value for argument 'mask'. Declaration: forward(__torch__.Tower self, "
                 "Tensor x, Tensor mask) -> Tensor");
  EXPECT_EQ(refusal("def forward(self, x):\n  assert x.dim() == 2, \"bad luck\"\n  return x\n"),
            of + "failed: AssertionError: bad luck");
  EXPECT_EQ(refusal(kImage, {{"image_size", "5"}}),
            "[model/torchscript] image.pt: forward(Float [1, 3, 5, 5]) failed: mat1 and mat2 shapes cannot be "
            "multiplied (1x75 and 48x5)");
  EXPECT_EQ(refusal("def forward(self, x):\n  return x\n"),
            of + "must give a vector of floats a row, gave Float [1, 3, 4, 4]");
  EXPECT_EQ(refusal("def forward(self, x):\n  return (x.flatten(1) @ self.w).to(4)\n"),
            of + "must give a vector of floats a row, gave Long [1, 5]");
}

TEST_F(TorchScript, ProgramsWithAFixedNumberOfRows) {
  const std::string of = "[model/torchscript] image.pt: forward(Float [2, 3, 4, 4]) ";
  const std::string hint = "; one row it takes: was its batch size fixed when it was exported?";
  EXPECT_EQ(refusal("def forward(self, x):\n  return x.reshape([1, 48]) @ self.w\n"),
            of + "failed: shape '[1, 48]' is invalid for input of size 96" + hint);
  EXPECT_EQ(refusal("def forward(self, x):\n  return x[0:1].flatten(1) @ self.w\n"),
            of + "must give a vector of floats a row, gave Float [1, 5]" + hint);
}

TEST_F(TorchScript, OutputsThatAreNotThere) {
  const std::string of = "[model/torchscript] image.pt: ", option = "option \"output\" of \"image\"";
  const auto gives = [](const std::string& what) { return "def forward(self, x):\n  return " + what + "\n"; };
  EXPECT_EQ(refusal(gives("(x, x)")), of + "forward gives Tuple of 0, 1: " + option + " must be one of them");
  EXPECT_EQ(refusal(gives("(x, x)"), {{"output", "2"}}),
            of + "forward gives Tuple of 0, 1: " + option + " must be one of them, not \"2\"");
  EXPECT_EQ(refusal(gives("{\"hidden\": x, \"embeds\": x}"), {{"output", "embed"}}),
            of + "forward gives GenericDict of hidden, embeds: " + option + " must be one of them, not \"embed\"");
  EXPECT_EQ(refusal(gives("(x, 3)"), {{"output", "1"}}), of + option + " names what is no tensor but Int");
  EXPECT_EQ(refusal(gives("x.size(0)")), of + "forward gives Int, no tensor");
  EXPECT_EQ(refusal(kImage, {{"output", "0"}}), of + "forward gives a tensor: leave out " + option);
}

TEST_F(TorchScript, WidthsThatDisagree) {
  const auto image = image_options(saved(image_module()));
  EXPECT_EQ(refusal<ArgumentError>(map({{"image", image}, {"embed_dim", Value::scalar("7")}})),
            "[model/torchscript] image.pt gives vectors of 5 numbers, embed_dim is 7");
  auto wide = image_module("def forward(self, x):\n  return torch.cat([x, x], 1).to(6)\n");
  const auto text = options({{"file", saved(wide, "text.pt")}, {"context", "6"}});
  EXPECT_EQ(refusal<ArgumentError>(map({{"image", image}, {"text", text}})),
            "[model/torchscript] text.pt gives vectors of 12 numbers, the image tower 5");
}

TEST_F(TorchScript, TheMessageNamesThePlaceOfTheOption) {
  const auto of_file = std::make_shared<Origin>(Origin{"toy.yaml", folder_.path()});
  const auto of_words = std::make_shared<Origin>(Origin{"command line", folder_.path()});
  const auto said = [&](const Mark& mark) {
    auto image = image_options("gone.pt");
    image.set("file", Value::scalar("gone.pt", mark));
    const Component component{"torchscript", map({{"image", image}}), Mark{of_file, 3, 9}};
    return folder_.shown(error_text<IoError>([&] { plugins().make_model(component); }));
  };
  const std::string why = "[model/torchscript] cannot open gone.pt: No such file or directory";
  EXPECT_EQ(said({of_file, 4, 12}), "toy.yaml:4:12: " + why);
  EXPECT_EQ(said({of_words, 0, 0}), "command line: " + why);
}

TEST_F(TorchScript, Options) {
  const auto said = [&](const Value& value) { return refusal<ConfigError>(value); };
  EXPECT_EQ(said(map({})), "[model/torchscript] has no tower: give image, text or both");
  EXPECT_EQ(said(map({{"image", image_options("x.pt", {{"interpolation", "nearest"}})}})),
            "[model/torchscript] option \"interpolation\" of \"image\" of model \"torchscript\" takes one of bilinear, "
            "bicubic, got \"nearest\"");
  EXPECT_EQ(
      said(map({{"text", map({})}})),
      "[model/torchscript] \"text\" of model \"torchscript\" needs option \"file\" (What torch.jit.save wrote. It "
      "is a program: loading it, which dime check does too, runs it with your rights.)");
}

TEST_F(TorchScript, Inputs) {
  const auto model = both();
  ForwardContext context;
  const auto text = [&](const torch::Tensor& tokens) {
    return error_text<ArgumentError>([&] { model->encode_text(tokens, context); });
  };
  EXPECT_EQ(error_text<ArgumentError>([&] {
              encode(*model, at::zeros({2, 3, 5, 4}));
            }),
            "[model/torchscript] encode_image takes pixels [rows, 3, 4, 4], got [2, 3, 5, 4]");
  EXPECT_EQ(text(at::zeros({2, 7}, at::kLong)), "[model/torchscript] encode_text takes tokens [rows, 6], got [2, 7]");
  EXPECT_EQ(text(at::full({2, 6}, 32, at::kLong)),
            "[model/torchscript] encode_text takes tokens from 0 to 31, got 32; the tokenizer and text.vocabulary must "
            "agree");
  EXPECT_EQ(error_text<ArgumentError>([&] {
              image(file("image.pt"))->encode_text(at::zeros({1, 6}), context);
            }),
            "encode_text(): the model has no text tower");
}

}  // namespace
}  // namespace dime::test

int main(int argc, char** argv) {
  dime::open_cuda();
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
