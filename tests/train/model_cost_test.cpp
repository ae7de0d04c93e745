// SPDX-License-Identifier: Apache-2.0
// Arithmetic and memory against numbers worked out by hand. A float has 4 bytes, a bf16 2.
#include "train/model_cost.hpp"

#include <array>

#include <gtest/gtest.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/nn/modules/batchnorm.h>

#include "support/errors.hpp"
#include "support/plugins.hpp"
#include "train/run.hpp"

namespace dime::test {
namespace {

using Forward = std::function<torch::Tensor(const torch::Tensor&)>;

torch::Tensor weight(at::IntArrayRef shape) { return torch::ones(shape).requires_grad_(); }

TowerCost cost_of(std::vector<std::int64_t> row, const Forward& forward, double patience_s = 60) {
  return measure(
      [&](std::int64_t rows) {
        auto shape = row;
        shape.insert(shape.begin(), rows);
        return torch::ones(shape);
      },
      forward, patience_s);
}

void expect_cost(const TowerCost& cost, std::int64_t flops, std::int64_t row_bytes, std::int64_t fixed_bytes = 0) {
  EXPECT_EQ(cost.flops, flops);
  EXPECT_EQ(cost.row_bytes, row_bytes);
  EXPECT_EQ(cost.fixed_bytes, fixed_bytes);
}

TEST(Measure, ALinearMap) {
  const auto w = weight({7, 5}), b = weight({7});
  const TowerCost cost = cost_of({5}, [&](const torch::Tensor& x) { return at::linear(x, w, b); });
  expect_cost(cost, 2 * 5 * 7, 7 * 4);
  EXPECT_TRUE(cost.trained);
  EXPECT_EQ(cost.bytes(10), 10 * 7 * 4);
}

TEST(Measure, LinearMapsOfPositions) {
  const auto w = weight({7, 5}), b = weight({7});
  expect_cost(cost_of({3, 5}, [&](const torch::Tensor& x) { return at::linear(x, w, b); }), 2 * 3 * 5 * 7, 3 * 7 * 4);
  expect_cost(cost_of({3, 5}, [&](const torch::Tensor& x) { return at::linear(x, w); }), 2 * 3 * 5 * 7, 3 * 7 * 4);
  expect_cost(cost_of({3, 5}, [&](const torch::Tensor& x) { return at::matmul(x, w.t()); }), 2 * 3 * 5 * 7, 3 * 7 * 4);
  expect_cost(cost_of({3, 5},
                      [&](const torch::Tensor& x) {
                        return at::einsum("bli,oi->blo", {x, w});
                      }),
              2 * 3 * 5 * 7, 3 * 7 * 4);
}

TEST(Measure, WhatIsFreedIsNotKept) {
  const auto w = weight({7, 5});
  // relu keeps what it gives, gelu what it takes.
  expect_cost(cost_of({5}, [&](const torch::Tensor& x) { return at::linear(x, w).relu(); }), 70, 28);
  expect_cost(cost_of({5}, [&](const torch::Tensor& x) { return at::gelu(at::linear(x, w)); }), 70, 56);
}

TEST(Measure, ConvolutionsWithGroupsAndStride) {
  using Two = at::IntArrayRef;
  const auto w = weight({6, 2, 3, 3});
  const auto conv = [&](const torch::Tensor& x) {
    return at::conv2d(x, w, {}, /*stride=*/Two{2, 2}, /*padding=*/Two{0, 0}, /*dilation=*/Two{1, 1}, /*groups=*/2);
  };
  expect_cost(cost_of({4, 9, 9}, conv), 2 * (6 * 4 * 4) * (2 * 3 * 3), 6 * 4 * 4 * 4);
  const auto each = weight({4, 1, 3, 3});
  const auto depthwise = [&](const torch::Tensor& x) {
    return at::conv2d(x, each, {}, Two{1, 1}, Two{1, 1}, Two{1, 1}, /*groups=*/4);
  };
  expect_cost(cost_of({4, 9, 9}, depthwise), 2 * (4 * 9 * 9) * (3 * 3), 4 * 9 * 9 * 4);
  const auto back = weight({4, 5, 2, 2});
  const auto transposed = [&](const torch::Tensor& x) { return at::conv_transpose2d(x, back, {}, {2, 2}); };
  expect_cost(cost_of({4, 3, 3}, transposed), 2 * (4 * 3 * 3) * (5 * 2 * 2), 5 * 6 * 6 * 4);
}

TEST(Measure, Attention) {
  const auto scale = weight({1});
  const std::int64_t flops = 2 * (2 * 5) * 7 * (8 + 6);
  const auto parts = [&](const torch::Tensor& x) {  // x [rows, 2, 19, 8]: q, k, v
    return std::array{x.narrow(2, 0, 5) * scale, x.narrow(2, 5, 7), x.narrow(2, 12, 7).narrow(3, 0, 6)};
  };
  const auto fused = cost_of({2, 19, 8}, [&](const torch::Tensor& x) {
    const auto p = parts(x);
    return at::scaled_dot_product_attention(p[0], p[1], p[2]);
  });
  EXPECT_EQ(fused.flops, flops);
  const auto plain = cost_of({2, 19, 8}, [&](const torch::Tensor& x) {
    const auto p = parts(x);
    return at::matmul(at::softmax(at::matmul(p[0], p[1].transpose(2, 3)), -1), p[2]);
  });
  EXPECT_EQ(plain.flops, flops);
}

/// x [.., 4] -> [.., 4] through a hidden layer of 16.
struct Mlp {
  torch::Tensor in = weight({16, 4}), out = weight({4, 16});
  torch::Tensor forward(const torch::Tensor& x) const { return at::linear(at::gelu(at::linear(x, in)), out); }
};

TEST(Measure, ACheckpointKeepsItsInputAlone) {
  const Mlp first, second;
  ForwardContext context;
  context.training = true;
  const auto run = [&](const torch::Tensor& x) {
    const auto y = context.checkpoint([&](const torch::Tensor& v) { return first.forward(v); }, x);
    return context.checkpoint([&](const torch::Tensor& v) { return second.forward(v); }, y);
  };
  const std::int64_t flops = 2 * 2 * (2 * 4 * 16);
  expect_cost(cost_of({4}, run), flops, 2 * (16 + 16 + 4) * 4);
  context.checkpointing = true;
  expect_cost(cost_of({4}, run), flops, 2 * 4 * 4);
}

struct Square : torch::autograd::Function<Square> {
  static torch::Tensor forward(torch::autograd::AutogradContext* ctx, const torch::Tensor& x) {
    ctx->save_for_backward({x});
    return x * x;
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* ctx,
                                                 torch::autograd::variable_list grads) {
    return {grads[0] * 2 * ctx->get_saved_variables()[0]};
  }
};

TEST(Measure, AFunctionOfOnesOwn) {
  const auto w = weight({7, 5});
  expect_cost(cost_of({5}, [&](const torch::Tensor& x) { return Square::apply(at::linear(x, w)); }), 70, 56);
}

TEST(Measure, WeightsThatAutocastCastsAreFixed) {
  const auto first = weight({7, 5}), second = weight({3, 7});
  const auto run = [&](const torch::Tensor& x) {
    const AutocastGuard autocast(Precision::bf16, torch::kCPU);
    return at::linear(at::linear(x, first), second);
  };
  expect_cost(cost_of({5}, run), 2 * (5 * 7 + 7 * 3), (5 + 7 + 3) * 2, 7 * 3 * 2);
}

TEST(Measure, WithoutGradientTheMostAtOneTime) {
  const auto w = torch::ones({7, 5});
  const TowerCost cost = cost_of({5}, [&](const torch::Tensor& x) {
    const torch::NoGradGuard guard;
    auto y = at::linear(x, w);
    y = y + 1;  // two of 7 numbers
    return y.sum(1);
  });
  expect_cost(cost, 70, 2 * 28);
  EXPECT_FALSE(cost.trained);
}

TEST(Measure, BatchStatisticsNeedTwoRows) {
  torch::nn::BatchNorm1d norm(4);
  // Mean and deviation are kept.
  expect_cost(cost_of({4}, [&](const torch::Tensor& x) { return norm(x); }), 0, 4 * 4, 2 * 4 * 4);
}

TEST(Measure, WhatTheFirstForwardMakesForAll) {
  torch::Tensor table;
  const auto w = weight({5});
  const auto run = [&](const torch::Tensor& x) {
    if (!table.defined()) table = torch::ones({1000});
    return x * w + table.narrow(0, 0, 5);
  };
  expect_cost(cost_of({5}, run), 0, 5 * 4);
}

TEST(Measure, WithoutPatienceOneRowIsAll) {
  int calls = 0;
  const auto w = weight({7, 5});
  const auto run = [&](const torch::Tensor& x) {
    ++calls;
    return at::linear(x, w);
  };
  expect_cost(cost_of({5}, run, -1), 70, 28);
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(error_text<std::runtime_error>([&] {
              cost_of({5}, [](const torch::Tensor&) -> torch::Tensor { throw std::runtime_error("never"); });
            }),
            "never");
}

/// A batch norm, and a text tower of one embedding and one product.
class Small final : public Model {
 public:
  Small() {
    norm_ = register_module("visual", torch::nn::BatchNorm2d(3));
    embedding_ = register_parameter("embedding", torch::ones({11, 4}));
    projection_ = register_parameter("projection", torch::ones({4, 3}));
  }
  ModelSpec spec() const override {
    ModelSpec spec;
    spec.image.emplace().size = 8;
    spec.text.emplace().context = 6;
    spec.text->vocabulary = 11;
    spec.embed_dim = 3;
    return spec;
  }
  torch::Tensor encode_image(const torch::Tensor& pixels, ForwardContext& context) override {
    training_seen = context.training;
    return norm_(pixels).mean({2, 3});
  }
  torch::Tensor encode_text(const torch::Tensor& tokens, ForwardContext&) override {
    tokens_seen = tokens[0].clone();
    return at::matmul(at::embedding(embedding_, tokens.select(1, tokens.size(1) - 1)), projection_);
  }
  bool training_seen = false;
  torch::Tensor tokens_seen;

 private:
  torch::nn::BatchNorm2d norm_{nullptr};
  torch::Tensor embedding_;
  torch::Tensor projection_;
};

TEST(ModelCost, OfATrainedModel) {
  const auto model = std::make_shared<Small>();
  const auto before = by_name({{"mean", model->named_buffers()["visual.running_mean"]}});
  const ModelCost cost = model_cost("models.student", model, true, {});
  EXPECT_EQ(cost.parameters, 6 + 44 + 12);
  EXPECT_EQ(cost.trained, 62);
  EXPECT_EQ(cost.image_parameters, 6);
  EXPECT_EQ(cost.state_bytes, 62 * 4 * 4 + (3 + 3) * 4 + 8) << "running mean and variance, and an int64";
  ASSERT_TRUE(cost.image && cost.text);
  // The pixels are given, and nothing keeps what the norm gives; it keeps the batch's mean and deviation.
  expect_cost(*cost.image, 0, 3 * 4, 2 * 3 * 4);
  expect_cost(*cost.text, 2 * 4 * 3, 4 * 4 + 3 * 4, /*tokens_seen*/ 6 * 8);
  EXPECT_TRUE(model->training_seen);
  EXPECT_TRUE(at::equal(model->tokens_seen, torch::tensor({9, 0, 0, 0, 0, 10}))) << model->tokens_seen;
  EXPECT_TRUE(at::equal(model->named_buffers()["visual.running_mean"], before.at("mean")));
  EXPECT_EQ(model->named_buffers()["visual.num_batches_tracked"].item<std::int64_t>(), 0);
}

TEST(ModelCost, OfATeacher) {
  const auto model = std::make_shared<Small>();
  model->eval();
  for (auto& p : model->parameters()) p.set_requires_grad(false);
  const ModelCost cost = model_cost("models.teacher", model, false, {});
  EXPECT_EQ(cost.trained, 0);
  EXPECT_EQ(cost.state_bytes, 62 * 4 + (3 + 3) * 4 + 8);
  EXPECT_FALSE(model->training_seen || model->is_training());
  EXPECT_FALSE(cost.image->trained || cost.text->trained);
}

TEST(ModelCost, OfClip) {
  const LoadedExperiment loaded = load_experiment(golden_file("golden_trajectory.yaml"), {}, build_folder());
  const auto model = build_student(loaded, torch::kCPU, Weights::only_checked);
  const ModelCost cost = model_cost("models.student", model, true, {});
  // 17 positions of width 64; the last block computes the read position alone, but for its keys and values.
  const std::int64_t patches = 2 * 16 * 192 * 64;
  const std::int64_t whole = 2 * 17 * 64 * (3 * 64 + 64 + 2 * 256) + 2 * 17 * 17 * 2 * 64;
  const std::int64_t read = 2 * 64 * (64 + 64 + 2 * 256) + 2 * 17 * 64 * 2 * 64 + 2 * 17 * 2 * 64;
  EXPECT_EQ(cost.image->flops, patches + whole + read + 2 * 64 * 48);
  EXPECT_EQ(cost.parameters, 116736);
  EXPECT_FALSE(cost.text);
}

TEST(ModelCost, SaysWhatATowerThrows) {
  /// Promises a tower that it lacks.
  class Broken final : public Model {
   public:
    ModelSpec spec() const override {
      ModelSpec spec;
      spec.image.emplace().size = 8;
      spec.embed_dim = 3;
      return spec;
    }
  };
  EXPECT_EQ(error_text<ArgumentError>([] { model_cost("models.student", std::make_shared<Broken>(), true, {}); }),
            "models.student: encode_image(): the model has no image tower");
}

TEST(StepCost, OfForwards) {
  ModelCost cost;
  cost.image = TowerCost{100, 10, 1, true};
  cost.text = TowerCost{7, 3, 2, true};
  const std::vector<TowerRows> forwards{{true, 32}, {false, 16}};
  EXPECT_EQ(step_flops(cost, forwards, 0), 3 * (32 * 100 + 16 * 7));
  EXPECT_EQ(step_flops(cost, forwards, 16), 4 * 32 * 100 + 3 * 16 * 7) << "the texts fit into one micro-batch";
  EXPECT_EQ(step_bytes(cost, forwards, 0), (32 * 10 + 1) + (16 * 3 + 2));
  EXPECT_EQ(step_bytes(cost, forwards, 16), (16 * 10 + 1) + (16 * 3 + 2));
  EXPECT_EQ(step_bytes(cost, forwards, 8), 8 * 10 + 1) << "one micro-batch at a time";
  cost.image->trained = cost.text->trained = false;
  EXPECT_EQ(step_flops(cost, forwards, 8), 32 * 100 + 16 * 7);
  EXPECT_EQ(step_bytes(cost, forwards, 0), 32 * 10 + 1);
}

TEST(StepCost, WhatAStepRuns) {
  const auto forwards = [](const std::vector<std::string>& words) {
    const LoadedExperiment loaded = load_experiment(golden_file("golden_trajectory.yaml"), words, build_folder());
    RunModels models;
    models.student = build_student(loaded, torch::kCPU, Weights::only_checked);
    models.teacher = build_teacher(loaded, torch::kCPU, Weights::only_checked);
    const Plan plan = checked_plan(loaded, models);
    const auto text = [](const std::vector<TowerRows>& all) {
      std::string line;
      for (const auto& f : all) line += (f.image ? " image " : " text ") + std::to_string(f.rows);
      return line;
    };
    return "student" + text(student_forwards(loaded.experiment, plan)) + ", teacher" +
           text(teacher_forwards(loaded.experiment, plan));
  };
  const std::string text = "models.student.text={width: 32, layers: 1, heads: 1, context: 16}";
  const std::string teacher =
      "models.teacher={type: clip, embed_dim: 48, image: {image_size: 32, patch_size: 8, width: 32, layers: 1, heads: "
      "1}, text: {width: 32, layers: 1, heads: 1, context: 16}}";
  EXPECT_EQ(forwards({}), "student image 32, teacher");
  EXPECT_EQ(forwards({text, "models.student.init=null"}), "student image 32 text 32, teacher");
  EXPECT_EQ(forwards({teacher, "data.texts.features=null"}), "student image 32, teacher text 32");
  EXPECT_EQ(forwards({teacher, "data.images.features=null", "data.images.batch_size=16"}),
            "student image 16, teacher image 16");
}

}  // namespace
}  // namespace dime::test
