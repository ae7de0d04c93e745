// SPDX-License-Identifier: Apache-2.0
// What a step says of losses that break their promises.
#include "train/step.hpp"

#include <gtest/gtest.h>

#include "support/errors.hpp"

namespace dime {
namespace {

/// A loss that is one function.
class Made final : public Loss {
 public:
  using Body = std::function<torch::Tensor()>;
  explicit Made(Body body) : body_(std::move(body)) {}
  torch::Tensor forward(const LossInput&) override { return body_(); }

 private:
  Body body_;
};

std::string said(Made::Body body) {
  const std::vector<ActiveLoss> losses{{"q", std::make_shared<Made>(std::move(body)), {}, false}};
  return test::error_text<ArgumentError>([&] { evaluate_losses(losses, {}, {}); });
}

TEST(EvaluateLosses, AFaultyLossIsNamed) {
  EXPECT_EQ(said([]() -> torch::Tensor { throw std::runtime_error("fwd boom\nwith a trace"); }), "losses.q: fwd boom");
  EXPECT_EQ(said([]() -> torch::Tensor { throw 7; }), "losses.q: threw something that is no std::exception");
  EXPECT_EQ(said([] { return torch::Tensor(); }), "losses.q: forward must return a real scalar, not nothing");
  EXPECT_EQ(said([] { return torch::zeros({2}); }), "losses.q: forward must return a real scalar, not CPUFloatType[2]");
  EXPECT_EQ(said([] { return torch::zeros({}, at::kComplexFloat); }),
            "losses.q: forward must return a real scalar, not CPUComplexFloatType[]");
}

}  // namespace
}  // namespace dime
