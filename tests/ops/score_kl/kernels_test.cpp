// SPDX-License-Identifier: Apache-2.0
// The loops for all kinds of processor give the same: those that this one has are held against the portable ones.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <vector>

#include <torch/types.h>

#include "ops/score_kl/data.hpp"
#include "ops/score_kl/kernels.hpp"
#include "support/tensors.hpp"

namespace dime::test {
namespace {

using detail::GradientInput;
using detail::ScoreKernels;

/// Vectors as the kernels take them.
struct Operand {
  Operand(const torch::Tensor& x, bool bf16) : words(x.detach().contiguous()), stride(static_cast<int>(x.size(1))) {
    if (!bf16) return;
    stride = (stride + 1) / 2;
    words = at::zeros({x.size(0), 2 * stride}, at::kBFloat16);
    words.narrow(1, 0, x.size(1)).copy_(x.detach());
  }

  torch::Tensor words;
  int stride;  // words of a vector
};

/// Four sides of one tile, normalised.
struct Input {
  Size size;
  bool bf16;
  torch::Tensor v, t, image, text;
};

Input make_input(const Size& size, bool bf16) {
  const auto sides = make_sides(Kind::near, size, 1);
  const auto unit = [](const torch::Tensor& x) { return (x / x.norm(2, {1}, true)).detach().contiguous(); };
  return {size,
          bf16,
          unit(sides.student_images),
          unit(sides.student_texts),
          unit(sides.teacher_images),
          unit(sides.teacher_texts)};
}

/// Log-sum-exps of one score matrix along one direction.
struct Sums {
  explicit Sums(std::int64_t count)
      : max(at::full({count}, 3 * detail::kNoScore)), sum(at::zeros({count}, at::kDouble)) {}
  float* most() { return max.mutable_data_ptr<float>(); }
  double* sums() { return sum.mutable_data_ptr<double>(); }

  torch::Tensor max, sum;
};

/// A student's or teacher's products, scaling and statistics.
class Side {
 public:
  Side(const ScoreKernels<float>& kernels, const Input& in, const torch::Tensor& a, const torch::Tensor& b,
       float factor)
      : panels_((static_cast<int>(in.size.rows) + kernels.panel - 1) / kernels.panel),
        height_(panels_ * kernels.panel),
        columns_(static_cast<int>(in.size.columns)),
        rows(height_),
        columns(columns_) {
    multiply(kernels, Operand(a, in.bf16), Operand(b, in.bf16), static_cast<int>(in.size.rows));
    row_factor_ = at::zeros({height_});
    row_add_ = at::full({height_}, 2 * detail::kNoScore);
    row_factor_.narrow(0, 0, in.size.rows).fill_(factor);
    row_add_.narrow(0, 0, in.size.rows).copy_(at::linspace(-1, 1, in.size.rows));
    column_factor_ = at::linspace(0.9, 1.1, columns_);
    column_add_ = at::linspace(0.5, -0.5, columns_);
    // In two parts, as tiles come one after the other.
    const int half = columns_ / 2;
    kernels.row_stats(tile(0, half), rows.most(), rows.sums());
    kernels.row_stats(tile(half, columns_ - half), rows.most(), rows.sums());
    kernels.column_stats(tile(0, columns_), columns.most(), columns.sums());
  }

  int height() const { return height_; }
  torch::Tensor products() const { return products_; }
  detail::ScoreTile<float> tile(int first, int count) const {
    return {products_.const_data_ptr<float>() + static_cast<std::ptrdiff_t>(first) * height_,
            {row_factor_.const_data_ptr<float>(), row_add_.const_data_ptr<float>(),
             column_factor_.const_data_ptr<float>() + first, column_add_.const_data_ptr<float>() + first},
            height_,
            count};
  }

 private:
  void multiply(const ScoreKernels<float>& kernels, const Operand& a, const Operand& b, int real) {
    auto packed = at::empty({static_cast<std::int64_t>(kernels.word_bytes) * a.stride * height_}, at::kByte);
    kernels.pack(a.words.const_data_ptr(), a.stride, real, a.stride, packed.mutable_data_ptr());
    products_ = at::full({columns_, height_}, 7.0F);
    constexpr int part = 50;
    kernels.products(packed.const_data_ptr(), panels_, b.words.const_data_ptr(), b.stride, columns_, b.stride, part,
                     products_.mutable_data_ptr<float>());
  }

  int panels_, height_, columns_;
  torch::Tensor products_, row_factor_, row_add_, column_factor_, column_add_;

 public:
  Sums rows, columns;
};

/// What a term needs of both sides along one direction.
struct Statistics {
  Statistics(const Sums& student, const Sums& teacher)
      : reciprocal(student.sum.reciprocal().to(at::kFloat)),
        teacher_reciprocal(teacher.sum.reciprocal().to(at::kFloat)),
        log_difference((teacher.sum / student.sum).log2().to(at::kFloat)),
        all{student.max.const_data_ptr<float>(), reciprocal.const_data_ptr<float>(),
            teacher.max.const_data_ptr<float>(), teacher_reciprocal.const_data_ptr<float>(),
            log_difference.const_data_ptr<float>()} {}

  torch::Tensor reciprocal, teacher_reciprocal, log_difference;
  detail::SoftmaxStats<float> all;
};

/// Everything that a set of kernels computes of a tile, without what pads it.
struct Result {
  std::string name;
  torch::Tensor x;
  double size;  ///< of what its roundings are a part
};

struct Results {
  std::vector<Result> all;

  void add(const std::string& name, const torch::Tensor& x) { add(name, x, x); }
  void add(const std::string& name, const torch::Tensor& x, const torch::Tensor& parts) {
    all.push_back({name, x.clone(), parts.norm().item<double>()});
  }
};

constexpr std::int64_t padded(std::int64_t width, std::int64_t panel) { return (width + panel - 1) / panel * panel; }

void add_factors(Results& results, const ScoreKernels<float>& kernels, const Input& in, const Side& student,
                 const Side& teacher) {
  const Statistics rows(student.rows, teacher.rows), columns(student.columns, teacher.columns);
  for (int directions = 1; directions < 4; ++directions) {
    detail::FactorInput<float> input;
    input.student = student.tile(0, static_cast<int>(in.size.columns));
    input.teacher = teacher.tile(0, static_cast<int>(in.size.columns));
    if ((directions & 1) != 0) input.rows = &rows.all;
    if ((directions & 2) != 0) input.columns = &columns.all;
    input.column_ratio = 0.7F;
    auto factors = at::empty({in.size.columns, student.height()});
    auto row_sums = at::zeros({student.height()}), column_sums = at::zeros({in.size.columns});
    const auto d = kernels.factors(input, factors.mutable_data_ptr<float>(), row_sums.mutable_data_ptr<float>(),
                                   column_sums.mutable_data_ptr<float>());
    const std::string which = ", directions " + std::to_string(directions);
    results.add("factors" + which, factors.narrow(1, 0, in.size.rows));
    results.add("sums of factors along rows" + which, row_sums.narrow(0, 0, in.size.rows), factors);
    results.add("sums of factors along columns" + which, column_sums, factors);
    results.add("divergences" + which, at::tensor({d.rows, d.columns}, at::kDouble));
    EXPECT_EQ(factors.narrow(1, in.size.rows, student.height() - in.size.rows).abs().sum().item<float>(), 0);
  }
}

/// Of the same factors for all sets, alone and on top of what stands there.
void add_gradients(Results& results, const ScoreKernels<float>& kernels, const Input& in, int height) {
  const auto rows = static_cast<int>(in.size.rows), columns = static_cast<int>(in.size.columns),
             width = static_cast<int>(in.size.width);
  auto factors = at::zeros({columns, height});
  factors.narrow(1, 0, rows).copy_(at::sin(at::arange(rows * columns, at::kFloat)).view({columns, rows}));
  auto scratch = at::empty({static_cast<std::int64_t>(kernels.scratch_bytes(height, columns))}, at::kByte);
  const auto scales = at::linspace(0.5, 2, std::max(rows, columns));
  const float* scale = in.bf16 ? nullptr : scales.const_data_ptr<float>();
  const Operand row_vectors(in.v, in.bf16), column_vectors(in.t, in.bf16);
  const auto stride = padded(width, kernels.panel);
  auto of_rows = at::full({rows, stride}, 0.5F), of_columns = at::full({columns, stride}, -0.25F);
  const auto weighing = [&](const Operand& x) {
    return GradientInput<float>{factors.const_data_ptr<float>(), height,   rows,  columns,
                                x.words.const_data_ptr(),        x.stride, scale, width};
  };
  for (const bool add : {false, true}) {
    kernels.row_gradient(weighing(column_vectors), add, of_rows.mutable_data_ptr<float>(), stride,
                         scratch.mutable_data_ptr());
    kernels.column_gradient(weighing(row_vectors), add, of_columns.mutable_data_ptr<float>(), stride,
                            scratch.mutable_data_ptr());
    results.add("rows' gradient", of_rows.narrow(1, 0, width));
    results.add("columns' gradient", of_columns.narrow(1, 0, width));
    of_rows.add_(0.5);
    of_columns.sub_(0.25);
  }
  const auto mean = at::linspace(-1, 1, width);
  for (const float* m : {static_cast<const float*>(nullptr), mean.const_data_ptr<float>()}) {
    auto gradient = of_rows[0].clone();
    const double along = kernels.denormalise(gradient.mutable_data_ptr<float>(), in.image.const_data_ptr<float>(), 0.8F,
                                             1.7F, m, 0.3F, width);
    results.add("gradient of what is not normalised", gradient.narrow(0, 0, width));
    results.add("gradient along the vector", at::tensor({along}, at::kDouble), gradient);
  }
}

Results results_of(const ScoreKernels<float>& kernels, const Input& in) {
  Results results;
  const Side student(kernels, in, in.v, in.t, 30), teacher(kernels, in, in.image, in.text, 40);
  for (const auto* side : {&student, &teacher}) {
    results.add("products", side->products().narrow(1, 0, in.size.rows));
    results.add("maxima of rows", side->rows.max.narrow(0, 0, in.size.rows));
    results.add("sums of rows", side->rows.sum.narrow(0, 0, in.size.rows));
    results.add("maxima of columns", side->columns.max);
    results.add("sums of columns", side->columns.sum);
  }
  add_factors(results, kernels, in, student, teacher);
  add_gradients(results, kernels, in, student.height());
  return results;
}

constexpr Size kSizes[] = {{1, 1, 1},    {2, 3, 5},     {31, 11, 7},    {33, 13, 16}, {63, 29, 31},
                           {97, 57, 33}, {160, 96, 64}, {129, 97, 193}, {17, 8, 401}};

template <class Number>
void expect_transposes(const ScoreKernels<Number>& kernels) {
  constexpr auto type = c10::CppTypeToScalarType<Number>::value;
  for (const auto& [rows, columns, padded] :
       {std::array{1, 1, 1}, std::array{16, 16, 16}, std::array{31, 33, 40}, std::array{64, 48, 96}}) {
    SCOPED_TRACE(c10::str(rows, " x ", columns, " -> ", padded));
    const auto from = at::randn({rows, columns + 3}, type);
    auto to = at::full({columns, padded}, 7, type), want = at::zeros({columns, padded}, type);
    want.narrow(1, 0, rows).copy_(from.narrow(1, 0, columns).t());
    kernels.transpose(from.template const_data_ptr<Number>(), columns + 3, rows, columns, padded,
                      to.template mutable_data_ptr<Number>());
    EXPECT_TRUE(to.equal(want));
  }
}

TEST(ScoreKernels, PortableTranspose) {
  expect_transposes(detail::portable_score_kernels(false));
  expect_transposes(detail::double_score_kernels());
}

void expect_like_portable(const ScoreKernels<float>& kernels, bool bf16) {
  for (const auto& size : kSizes) {
    SCOPED_TRACE(c10::str(size.rows, " x ", size.columns, " x ", size.width));
    const auto in = make_input(size, bf16);
    const auto want = results_of(detail::portable_score_kernels(bf16), in), got = results_of(kernels, in);
    ASSERT_EQ(got.all.size(), want.all.size());
    for (std::size_t i = 0; i < want.all.size(); ++i) {
      EXPECT_LE(distance(got.all[i].x, want.all[i].x), 1e-5 * want.all[i].size + 1e-9) << want.all[i].name;
    }
  }
}

TEST(ScoreKernels, PortableOnesAreRight) {
  for (const auto& size : kSizes) {
    SCOPED_TRACE(c10::str(size.rows, " x ", size.columns, " x ", size.width));
    const auto in = make_input(size, false);
    const auto got = results_of(detail::portable_score_kernels(false), in);
    const auto columns = in.t.to(at::kDouble), rows = in.v.to(at::kDouble);
    const auto products = at::mm(columns, rows.t());
    EXPECT_LE(distance(got.all[0].x, products), 1e-6 * products.norm().item<double>());
    const auto scores = products * at::linspace(0.9, 1.1, size.columns, at::kDouble).unsqueeze(1) * 30 +
                        at::linspace(-1, 1, size.rows, at::kDouble) +
                        at::linspace(0.5, -0.5, size.columns, at::kDouble).unsqueeze(1);
    const auto sums = [&](std::int64_t dim) { return (scores - scores.amax(dim, true)).exp2().sum(dim); };
    EXPECT_LE(relative_distance(got.all[1].x, scores.amax(0)), 1e-6);
    EXPECT_LE(relative_distance(got.all[2].x, sums(0)), 1e-5);
    EXPECT_LE(relative_distance(got.all[3].x, scores.amax(1)), 1e-6);
    EXPECT_LE(relative_distance(got.all[4].x, sums(1)), 1e-5);
  }
}

void expect_set(const ScoreKernels<float>* kernels, bool bf16, const char* needs) {
  if (kernels == nullptr) GTEST_SKIP() << "this processor, or this build, has no " << needs;
  expect_transposes(*kernels);
  expect_like_portable(*kernels, bf16);
}

TEST(ScoreKernels, Avx2) { expect_set(detail::avx2_score_kernels(false), false, "AVX2 with FMA"); }

TEST(ScoreKernels, Avx2OfBf16) { expect_set(detail::avx2_score_kernels(true), true, "AVX2 with FMA"); }

TEST(ScoreKernels, Avx512) { expect_set(detail::avx512_score_kernels(false), false, "AVX-512 (F, BW, VL)"); }

TEST(ScoreKernels, Avx512OfBf16) { expect_set(detail::avx512_score_kernels(true), true, "AVX-512 with BF16"); }

}  // namespace
}  // namespace dime::test
