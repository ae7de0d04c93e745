// SPDX-License-Identifier: Apache-2.0
// The CUDA forms of score KL against the CPU's direct form in float64. Skipped where no GPU answers.
#include <dlfcn.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <string>
#include <vector>

#include <ATen/Context.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/types.h>

#include <dime/error.hpp>
#include <dime/score_kl.hpp>

#include "cuda/open.hpp"
#include "cuda/runtime.hpp"
#include "support/errors.hpp"

namespace dime::test {
namespace {

struct Case {
  const char* name;
  std::int64_t rows, columns;
  bool cone = false;  // all vectors in a narrow cone, as those of trained models are
  bool mask = false;
  double rows_weight = 1, columns_weight = 0;
  Reduction reduction = Reduction::mean;
  bool learnt = false;
};

/// float64 on the CPU; the widths of teacher and student differ, and the student's is odd.
struct Data {
  torch::Tensor teacher_rows, teacher_columns, student_rows, student_columns;
};

Data draw(const Case& c) {
  at::manual_seed(11);
  const auto vectors = [&](std::int64_t n, std::int64_t width) {
    const auto x = at::randn({n, width}, at::kDouble);
    return c.cone ? x * 0.3 + 1.5 : x;
  };
  return {vectors(c.rows, 24), vectors(c.columns, 24), vectors(c.rows, 19), vectors(c.columns, 19)};
}

/// A value and its gradients in the student's rows, columns and learnt scale.
struct Outcome {
  torch::Tensor value;
  std::vector<torch::Tensor> gradients;
};

struct Place {
  at::Device device = at::kCPU;
  at::ScalarType type = at::kDouble;
  ScoreForm form = ScoreForm::direct;
  Products products = Products::fp32;
};

ScoreTerm term_of(const Case& c, const Data& data, const Place& place) {
  const auto put = [&](const torch::Tensor& x) { return x.detach().to(place.device, place.type, false, true); };
  ScoreTerm term;
  term.teacher = {{put(data.teacher_rows), "rows"}, {put(data.teacher_columns), "columns"}, 30.0, {}};
  term.student = {{put(data.student_rows).requires_grad_(), "rows"},
                  {put(data.student_columns).requires_grad_(), "columns"},
                  20.0,
                  {}};
  if (c.learnt) term.student.learnt_scale = put(at::full({1}, 25.0, at::kDouble)).requires_grad_();
  term.temperature = 1.5;
  term.rows_weight = c.rows_weight;
  term.columns_weight = c.columns_weight;
  term.reduction = c.reduction;
  term.mask_diagonal = c.mask;
  return term;
}

Outcome outcome_of(const ScoreTerm& term, const torch::Tensor& value) {
  torch::autograd::variable_list inputs{term.student.rows.vectors, term.student.columns.vectors};
  if (term.student.learnt_scale.defined()) inputs.push_back(term.student.learnt_scale);
  return {value.detach(), torch::autograd::grad({value}, inputs, {}, true)};  // values of one call share a node
}

Outcome compute(const Case& c, const Data& data, const Place& place) {
  const auto term = term_of(c, data, place);
  return outcome_of(term, score_kl(term, {place.products, place.form, nullptr}));
}

/// || a - b || / || b ||
double distance(const torch::Tensor& a, const torch::Tensor& b) {
  const auto x = a.detach().to(at::kCPU, at::kDouble), y = b.detach().to(at::kCPU, at::kDouble);
  return ((x - y).norm() / y.norm()).item<double>();
}

void expect_near(const Outcome& got, const Outcome& want, double value, double gradient, const std::string& what) {
  EXPECT_LE(distance(got.value, want.value), value) << what;
  ASSERT_EQ(got.gradients.size(), want.gradients.size()) << what;
  for (std::size_t i = 0; i < got.gradients.size(); ++i) {
    EXPECT_EQ(got.gradients[i].sizes(), want.gradients[i].sizes()) << what;
    EXPECT_LE(distance(got.gradients[i], want.gradients[i]), gradient) << what << ", gradient " << i;
  }
}

class ScoreKlCuda : public testing::Test {
 protected:
  void SetUp() override {
    if (!at::hasCUDA()) GTEST_SKIP() << "no GPU answers: " << cuda_absence();
    std::string why;
    if (load_cuda_runtime(&why) == nullptr) GTEST_SKIP() << why;
  }

  static Place cuda(at::ScalarType type, ScoreForm form, Products products = Products::fp32) {
    return {at::Device(at::kCUDA, 0), type, form, products};
  }

  void compare(const Case& c) {
    const auto data = draw(c);
    const auto want = compute(c, data, {});
    const std::string name = c.name;
    expect_near(compute(c, data, cuda(at::kDouble, ScoreForm::tiled)), want, 1e-12, 1e-11, name + ", fp64");
    expect_near(compute(c, data, cuda(at::kFloat, ScoreForm::tiled)), want, 1e-5, 1e-4, name + ", fp32");
    expect_near(compute(c, data, cuda(at::kFloat, ScoreForm::tiled, Products::bf16)), want, 2e-3, 2e-2,
                name + ", bf16");
    expect_near(compute(c, data, cuda(at::kFloat, ScoreForm::direct)), want, 1e-4, 1e-3, name + ", direct");
  }
};

TEST_F(ScoreKlCuda, IsWhatTheCpuFinds_CUDA) {
  compare({"random", 130, 300});
  compare({"random, columns", 130, 70, false, false, 0.0, 2.0, Reduction::sum});
  compare({"random, both, masked", 200, 200, false, true, 0.7, 0.4});
  compare({"cone", 130, 300, true});
  compare({"cone, both, masked, fewer columns", 300, 130, true, true, 0.7, 0.4, Reduction::sum});
  compare({"one row", 1, 40});
}

TEST_F(ScoreKlCuda, LearntScale_CUDA) {
  compare({"random", 130, 300, false, false, 1.0, 0.0, Reduction::mean, true});
  compare({"cone, both, masked", 130, 300, true, true, 0.7, 0.4, Reduction::mean, true});
}

TEST_F(ScoreKlCuda, MoreScoresThanATileHolds_CUDA) {
  for (const auto& c :
       {Case{"many rows", 3000, 4100, false, true, 0.7, 0.4}, Case{"many columns", 1100, 11000, false, true, 0.7, 0.4},
        Case{"many columns, rows only", 1100, 11000, true}}) {
    const auto data = draw(c);
    expect_near(compute(c, data, cuda(at::kDouble, ScoreForm::tiled)), compute(c, data, {}), 1e-12, 1e-11, c.name);
  }
}

TEST_F(ScoreKlCuda, TermsTogether_CUDA) {
  const Case wide{"wide", 150, 400}, square{"square", 150, 150, true, true, 0.5, 1.5};
  const auto wide_data = draw(wide), square_data = draw(square);
  const auto place = cuda(at::kDouble, ScoreForm::tiled);
  std::vector<ScoreTerm> terms{term_of(wide, wide_data, place), term_of(square, square_data, place)};
  terms.push_back(terms[0]);  // the same matrices
  terms.back().temperature = 0.5;
  const auto values = score_kl(terms, {place.products, place.form, nullptr});
  auto third = term_of(wide, wide_data, {});
  third.temperature = 0.5;
  expect_near(outcome_of(terms[0], values[0]), compute(wide, wide_data, {}), 1e-12, 1e-11, "first");
  expect_near(outcome_of(terms[1], values[1]), compute(square, square_data, {}), 1e-12, 1e-11, "second");
  expect_near(outcome_of(terms[2], values[2]), outcome_of(third, score_kl(third, {{}, ScoreForm::direct, nullptr})),
              1e-12, 1e-11, "third");
}

TEST_F(ScoreKlCuda, EqualSidesDifferByNothing_CUDA) {
  const Case c{"cone", 130, 300, true, false, 1.0, 1.0};
  for (const auto products : {Products::fp32, Products::bf16}) {
    auto term = term_of(c, draw(c), cuda(at::kFloat, ScoreForm::tiled));
    term.teacher = term.student;
    term.teacher.rows.vectors = term.teacher.rows.vectors.detach();
    term.teacher.columns.vectors = term.teacher.columns.vectors.detach();
    const auto got = outcome_of(term, score_kl(term, {products, ScoreForm::tiled, nullptr}));
    EXPECT_EQ(got.value.item<double>(), 0);
    for (const auto& gradient : got.gradients) EXPECT_EQ(gradient.abs().max().item<double>(), 0);
  }
}

TEST_F(ScoreKlCuda, TwoRunsAreEqual_CUDA) {
  const Case c{"cone", 500, 700, true, true, 0.7, 0.4};
  const auto data = draw(c);
  const auto place = cuda(at::kFloat, ScoreForm::tiled, Products::bf16);
  const auto first = compute(c, data, place), second = compute(c, data, place);
  EXPECT_TRUE(first.value.equal(second.value));
  for (std::size_t i = 0; i < 2; ++i) EXPECT_TRUE(first.gradients[i].equal(second.gradients[i])) << i;
}

TEST_F(ScoreKlCuda, ARowThatIsNotFiniteGivesNan_CUDA) {
  const Case c{"random", 130, 300, false, false, 1.0, 1.0};
  auto data = draw(c);
  data.student_rows[3][2] = std::numeric_limits<double>::infinity();
  for (const auto products : {Products::fp32, Products::bf16}) {
    const auto got = compute(c, data, cuda(at::kFloat, ScoreForm::tiled, products));
    EXPECT_TRUE(got.value.isnan().item<bool>());
  }
}

TEST_F(ScoreKlCuda, AGraphRecordsIt_CUDA) {
  void* library = dlopen(DIME_TEST_CUDA_GRAPH, RTLD_NOW | RTLD_LOCAL);
  ASSERT_NE(library, nullptr) << dlerror();
  using Record = void(const std::function<void()>&, const std::function<void()>&);
  auto* record = reinterpret_cast<Record*>(dlsym(library, "dime_test_record"));
  ASSERT_NE(record, nullptr) << dlerror();
  const Case c{"random", 130, 300, false, true, 0.7, 0.4, Reduction::mean, true};
  for (const auto form : {ScoreForm::tiled, ScoreForm::direct}) {
    auto data = draw(c);
    const auto place = cuda(at::kDouble, form);
    const auto term = term_of(c, data, place);
    auto got = outcome_of(term, score_kl(term, {place.products, form, nullptr}));
    const auto work = [&] {
      const auto now = outcome_of(term, score_kl(term, {place.products, form, nullptr}));
      got.value.copy_(now.value);
      for (std::size_t i = 0; i < got.gradients.size(); ++i) got.gradients[i].copy_(now.gradients[i]);
    };
    data.student_rows = data.student_rows.flip(0) + 0.1;
    record(work, [&] { term.student.rows.vectors.detach().copy_(data.student_rows); });
    expect_near(got, compute(c, data, {}), 1e-12, 1e-11, form == ScoreForm::tiled ? "tiled" : "direct");
  }
}

TEST(ScoreKlDevices, Messages) {
  const auto here = at::ones({4, 3}), there = at::ones({4, 3}, at::kMeta);
  const auto message = [](const ScoreMatrix& teacher, const ScoreMatrix& student) {
    ScoreTerm term;
    term.teacher = teacher;
    term.student = student;
    term.owner = "[loss/x] ";
    return error_text<ArgumentError>([&] { check_score_term(term); });
  };
  const ScoreMatrix good{{here, "the images"}, {here, "the texts"}, 1.0, {}};
  EXPECT_EQ(message(good, {{here, "the images"}, {there, "the texts"}, 1.0, {}}),
            "[loss/x] the images are on cpu, the texts on meta");
  EXPECT_EQ(message({{there, "the teacher's images"}, {there, "the teacher's texts"}, 1.0, {}}, good),
            "[loss/x] the teacher's images are on meta, the images on cpu");
  EXPECT_EQ(message(good, {{here, "the images"}, {here, "the texts"}, 1.0, at::ones({}, at::kMeta)}),
            "[loss/x] the images are on cpu, their learnt scale on meta");
}

TEST(ScoreKlDevices, ADeviceWithoutATiledForm) {
  const auto there = at::ones({4, 3}, at::kMeta);
  ScoreTerm term;
  term.teacher = term.student = {{there, "the images"}, {there, "the texts"}, 1.0, {}};
  term.owner = "[loss/x] ";
  EXPECT_EQ(
      error_text<ArgumentError>([&] {
        score_kl(term, {Products::fp32, ScoreForm::tiled, nullptr});
      }),
      "[loss/x] score_kl() has no tiled form on meta: there is none for this device; leave the form automatic, or "
      "ask for the direct one");
}

}  // namespace
}  // namespace dime::test

int main(int argc, char** argv) {
  dime::open_cuda();
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
