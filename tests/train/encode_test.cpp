// SPDX-License-Identifier: Apache-2.0
// Micro-batches against the whole batch at once.
#include "train/encode.hpp"

#include <gtest/gtest.h>

#include "support/errors.hpp"
#include "support/tensors.hpp"

namespace dime {
namespace {

/// Two layers with drop path and a tap between them, and a text tower.
class Toy final : public Model {
 public:
  Toy() {
    torch::manual_seed(11);
    first_ = register_parameter("first", torch::randn({6, 12}) * 0.3);
    second_ = register_parameter("second", torch::randn({4, 6}) * 0.3);
    words_ = register_parameter("words", torch::randn({9, 4}));
    log_scale_ = register_parameter("log_scale", torch::zeros({}));
  }
  ModelSpec spec() const override {
    ModelSpec spec;
    spec.image = ImageSpec{2};
    spec.text = TextSpec{3, 9, "clip"};
    spec.embed_dim = 4;
    return spec;
  }
  torch::Tensor encode_image(const torch::Tensor& pixels, ForwardContext& context) override {
    auto x = torch::tanh(at::linear(pixels.flatten(1), first_));
    x = context.tap("middle", x + context.drop_path(x * 2, 0.5, 1));
    return at::linear(x, second_);
  }
  torch::Tensor encode_text(const torch::Tensor& tokens, ForwardContext&) override {
    return at::embedding(words_, tokens).mean(1);
  }
  torch::Tensor logit_scale() const override { return log_scale_.exp(); }

 private:
  torch::Tensor first_, second_, words_, log_scale_;
};

Batch toy_batch() {
  torch::manual_seed(12);
  Batch batch;
  batch.images.pixels = torch::randn({7, 3, 2, 2});
  batch.images.vectors = torch::randn({7, 4});
  batch.images.keys.resize(7);
  batch.texts.tokens = torch::randint(0, 9, {5, 3}, torch::kInt64);
  batch.texts.vectors = torch::randn({5, 4});
  batch.texts.keys.resize(5);
  return batch;
}

struct Outcome {
  torch::Tensor image, text, tap;
  std::map<std::string, torch::Tensor> gradients;
  bool cached = false;
};

Outcome outcome(std::int64_t micro, std::int64_t first_row = 0, Precision precision = Precision::fp32) {
  const auto model = std::make_shared<Toy>();
  EncodeOptions options;
  options.micro_batch_size = micro;
  options.taps = {"middle"};
  options.seed = 5;
  options.first_row = first_row;
  options.precision = precision;
  Encoder encoder(model, nullptr, true, options);
  auto encoded = encoder.encode(toy_batch(), 3);
  const auto& student = encoded.streams.student;
  const auto tap = student.taps.at("middle");
  const auto scores = student.logit_scale * student.image.matmul(student.text.t());
  (scores.log_softmax(1).pow(2).mean() + tap.pow(3).mean()).backward();
  for (auto& tower : encoded.towers) tower.backward();
  Outcome out{student.image.detach(), student.text.detach(), tap.detach(), {}, student.image.is_leaf()};
  for (const auto& p : model->named_parameters()) out.gradients[p.key()] = p.value().grad();
  return out;
}

void expect_equal(const Outcome& got, const Outcome& want) {
  EXPECT_LE(test::relative_distance(got.image, want.image), 1e-6);
  EXPECT_LE(test::relative_distance(got.text, want.text), 1e-6);
  EXPECT_LE(test::relative_distance(got.tap, want.tap), 1e-6);
  ASSERT_EQ(got.gradients.size(), 4U);
  for (const auto& [name, gradient] : want.gradients) {
    ASSERT_TRUE(got.gradients.at(name).defined()) << name;
    EXPECT_LE(test::relative_distance(got.gradients.at(name), gradient), 1e-6) << name;
  }
}

TEST(Encoder, MicroBatchesGiveTheWholeBatch) {
  const Outcome whole = outcome(0);
  EXPECT_FALSE(whole.cached);
  for (const std::int64_t micro : {1, 3, 5}) {
    SCOPED_TRACE(micro);
    const Outcome parts = outcome(micro);
    EXPECT_TRUE(parts.cached);
    expect_equal(parts, whole);
  }
  EXPECT_FALSE(outcome(7).cached);
  expect_equal(outcome(100), whole);
}

/// dropout(pixels w), whose gradient is known from what came out.
class Dropping final : public Model {
 public:
  Dropping() { weight = register_parameter("weight", torch::ones({4, 12})); }
  ModelSpec spec() const override {
    ModelSpec spec;
    spec.image = ImageSpec{2};
    spec.embed_dim = 4;
    return spec;
  }
  torch::Tensor encode_image(const torch::Tensor& pixels, ForwardContext&) override {
    return at::dropout(at::linear(pixels.flatten(1), weight), 0.5, is_training());
  }
  torch::Tensor weight;
};

TEST(Encoder, MicroBatchesDropTheSameElementsInBothPasses) {
  const auto model = std::make_shared<Dropping>();
  EncodeOptions options;
  options.micro_batch_size = 3;
  Encoder encoder(model, nullptr, false, options);
  const Batch batch = toy_batch();
  torch::manual_seed(3);
  auto encoded = encoder.encode(batch, 0);
  const auto out = encoded.streams.student.image;
  const auto after = torch::rand({1});
  out.sum().backward();
  for (auto& tower : encoded.towers) tower.backward();
  const auto kept = (out.detach() != 0).to(at::kFloat) * 2;
  EXPECT_GT(kept.sum().item<float>(), 0);
  EXPECT_LT(kept.sum().item<float>(), 2 * 28);
  EXPECT_LE(test::relative_distance(model->weight.grad(), kept.t().matmul(batch.images.pixels.flatten(1))), 1e-6);
  // The second pass leaves the generator where the first one did.
  torch::manual_seed(3);
  encoder.encode(batch, 0);
  EXPECT_TRUE(torch::equal(torch::rand({1}), after));
}

TEST(Encoder, LossesSeeTheProcesses) {
  WorldOfOne comm;
  EncodeOptions options;
  options.comm = &comm;
  Encoder encoder(std::make_shared<Toy>(), nullptr, true, options);
  const auto encoded = encoder.encode(toy_batch(), 0);
  EXPECT_EQ(encoded.streams.comm, &comm);
  EXPECT_EQ(encoded.streams.rows.first, 0);
  EXPECT_EQ(encoded.streams.rows.count, 7);
  EXPECT_EQ(encoded.streams.rows.total, 7);
}

TEST(Encoder, OutsideTrainingNothingIsDropped) {
  EncodeOptions options;
  options.training = false;
  Encoder encoder(std::make_shared<Toy>(), nullptr, false, options);
  Toy model;
  ForwardContext context;
  EXPECT_TRUE(torch::equal(encoder.encode(toy_batch(), 0).streams.student.image,
                           model.encode_image(toy_batch().images.pixels, context)));
}

/// Breaks one promise of a model.
class Faulty final : public Model {
 public:
  explicit Faulty(int fault) : fault_(fault) {}
  ModelSpec spec() const override { return Toy().spec(); }
  torch::Tensor encode_image(const torch::Tensor& pixels, ForwardContext&) override {
    const std::int64_t rows = pixels.size(0);
    if (fault_ == 0) throw std::runtime_error("enc boom\nwith a trace");
    if (fault_ == 1) throw 7;
    if (fault_ == 2) return {};
    return fault_ == 3 ? torch::zeros({rows, 5}) : torch::zeros({rows, 4}, at::kLong);
  }

 private:
  int fault_;
};

TEST(Encoder, AFaultyModelIsNamed) {
  const auto said = [](int fault, bool teacher) {
    const auto faulty = std::make_shared<Faulty>(fault);
    Encoder encoder(teacher ? nullptr : faulty, teacher ? faulty : nullptr, false, {});
    Batch batch = toy_batch();
    if (teacher) batch.images.vectors = torch::Tensor();
    return test::error_text<ArgumentError>([&] { encoder.encode(batch, 0); });
  };
  EXPECT_EQ(said(0, false), "models.student: enc boom");
  EXPECT_EQ(said(0, true), "models.teacher: enc boom");
  EXPECT_EQ(said(1, false), "models.student: threw something that is no std::exception");
  EXPECT_EQ(said(2, false), "models.student: encode_image must give floats of shape [7, 4], not nothing");
  EXPECT_EQ(said(3, false), "models.student: encode_image must give floats of shape [7, 4], not CPUFloatType[7, 5]");
  EXPECT_EQ(said(4, true), "models.teacher: encode_image must give floats of shape [7, 4], not CPULongType[7, 4]");
}

TEST(Encoder, DropPathDependsOnTheGlobalRow) {
  EXPECT_FALSE(torch::equal(outcome(0, 0).tap, outcome(0, 100).tap));
  expect_equal(outcome(2, 100), outcome(0, 100));
}

TEST(Encoder, VectorsAreFloat32UnderAutocast) {
  const Outcome half = outcome(3, 0, Precision::bf16);
  EXPECT_EQ(half.image.scalar_type(), at::kFloat);
  EXPECT_EQ(half.tap.scalar_type(), at::kFloat);
  EXPECT_LE(test::relative_distance(half.image, outcome(0).image), 0.03);
  EXPECT_GT(test::relative_distance(half.image, outcome(0).image), 0);
}

TEST(Encoder, ATapThatTheModelLacks) {
  EncodeOptions options;
  options.taps = {"midle"};
  Encoder encoder(std::make_shared<Toy>(), nullptr, false, options);
  try {
    encoder.encode(toy_batch(), 0);
    FAIL();
  } catch (const ConfigError& e) {
    EXPECT_STREQ(e.what(), "the student has no tap \"midle\"");
  }
}

TEST(Encoder, StoredVectorsComeBeforeTheTeacher) {
  const auto teacher = std::make_shared<Toy>();
  Encoder encoder(std::make_shared<Toy>(), teacher, false, {});
  Batch batch = toy_batch();
  const auto stored = encoder.encode(batch, 0);
  EXPECT_TRUE(torch::equal(stored.streams.teacher.image, batch.images.vectors));
  EXPECT_TRUE(torch::equal(stored.streams.teacher.text, batch.texts.vectors));
  EXPECT_TRUE(torch::equal(stored.streams.student.text, batch.texts.vectors));
  batch.images.vectors = batch.texts.vectors = torch::Tensor();
  const auto run = encoder.encode(batch, 0);
  ForwardContext context;
  EXPECT_TRUE(torch::equal(run.streams.teacher.image, teacher->encode_image(batch.images.pixels, context)));
  EXPECT_TRUE(torch::equal(run.streams.teacher.text, teacher->encode_text(batch.texts.tokens, context)));
  EXPECT_FALSE(run.streams.teacher.image.requires_grad());
}

TEST(Encoder, PairsAreOneStream) {
  Batch batch;
  const Batch both = toy_batch();
  batch.pairs.pixels = both.images.pixels.slice(0, 0, 5);
  batch.pairs.tokens = both.texts.tokens;
  batch.pairs.keys.resize(5);
  Encoder encoder(std::make_shared<Toy>(), nullptr, true, {});
  const auto encoded = encoder.encode(batch, 4);
  EXPECT_TRUE(encoded.pairs.pairs);
  EXPECT_FALSE(encoded.streams.pairs);
  EXPECT_FALSE(encoded.streams.student.image.defined());
  EXPECT_EQ(encoded.pairs.student.image.size(0), 5);
  EXPECT_EQ(encoded.pairs.student.text.size(0), 5);
  EXPECT_EQ(encoded.pairs.rows.total, 5);
  EXPECT_EQ(encoded.pairs.step, 4);
  EXPECT_FALSE(encoded.pairs.teacher.text.defined());
}

TEST(EncodeFrozen, PartsGiveTheWhole) {
  Toy model;
  const auto tokens = toy_batch().texts.tokens;
  const auto encode = [&](const torch::Tensor& x, ForwardContext& c) { return model.encode_text(x, c); };
  EncodeOptions parts;
  parts.micro_batch_size = 2;
  const auto vectors = encode_frozen(encode, tokens, parts);
  EXPECT_TRUE(torch::equal(vectors, encode_frozen(encode, tokens, {})));
  EXPECT_FALSE(vectors.requires_grad());
}

}  // namespace
}  // namespace dime
