// SPDX-License-Identifier: Apache-2.0
#include "ops/score_kl/data.hpp"

#include <cmath>
#include <stdexcept>

#include <ATen/CPUGeneratorImpl.h>
#include <torch/types.h>

namespace dime::test {
namespace {

class Drawer {
 public:
  Drawer(std::int64_t width, std::uint64_t seed)
      : width_(width), generator_(at::make_generator<at::CPUGeneratorImpl>(seed)) {}

  torch::Tensor normal(std::int64_t rows) { return at::randn({rows, width_}, generator_, at::kFloat); }
  torch::Tensor numbers(std::int64_t count, std::int64_t below) {
    return at::randint(0, below, {count}, generator_, at::kLong);
  }

 private:
  std::int64_t width_;
  at::Generator generator_;
};

torch::Tensor around(const torch::Tensor& x, double noise, Drawer& draw) { return x + noise * draw.normal(x.size(0)); }

/// Vectors whose cosines with each other are about a^2 / (a^2 + 1).
torch::Tensor cone(const torch::Tensor& axis, double a, std::int64_t rows, Drawer& draw) {
  return a * axis / axis.norm() + draw.normal(rows) / std::sqrt(static_cast<double>(axis.numel()));
}

Sides sides_of(Kind kind, std::int64_t rows, std::int64_t columns, Drawer& draw) {
  const auto free = [&](std::int64_t n) { return draw.normal(n); };
  if (kind == Kind::random) return {free(rows), free(columns), free(rows), free(columns)};
  if (kind == Kind::cone || kind == Kind::opposite) {
    const auto axis = free(1)[0];
    const double images = kind == Kind::cone ? 2 : 3, texts = kind == Kind::cone ? 2 : -3;
    return {cone(axis, images, rows, draw), cone(axis, texts, columns, draw), cone(axis, images, rows, draw),
            cone(axis, texts, columns, draw)};
  }
  if (kind == Kind::clustered) {
    const auto centres = free(8);
    const auto clustered = [&](std::int64_t n) {
      return around(centres.index_select(0, draw.numbers(n, 8)), 0.3, draw);
    };
    const auto images = clustered(rows), texts = clustered(columns);
    return {around(images, 0.2, draw), around(texts, 0.2, draw), images, texts};
  }
  const auto images = free(rows);
  const auto texts = kind == Kind::confident
                         ? around(images.index_select(0, at::arange(columns, at::kLong).remainder(rows)), 0.05, draw)
                         : free(columns);
  const double noise = kind == Kind::near ? 0.3 : kind == Kind::nearer ? 0.02 : 0.1;
  return {around(images, noise, draw), around(texts, noise, draw), images, texts};
}

}  // namespace

const char* text_of(Kind kind) {
  constexpr const char* names[] = {"random", "near", "nearer", "confident", "cone", "opposite", "clustered"};
  return names[static_cast<std::size_t>(kind)];
}

Sides make_sides(Kind kind, const Size& size, std::uint64_t seed) {
  Drawer draw(size.width, seed);
  Sides sides = sides_of(kind, size.rows, size.columns, draw);
  sides.student_images.requires_grad_();
  sides.student_texts.requires_grad_();
  return sides;
}

ScoreTerm make_term(const std::string& loss, const Sides& sides, double scale, double temperature) {
  const ScoreVectors v{sides.student_images, "the student's image vectors"},
      t{sides.student_texts, "the student's text vectors"}, image{sides.teacher_images, "the teacher's image vectors"},
      text{sides.teacher_texts, "the teacher's text vectors"};
  ScoreTerm term;
  term.owner = "[loss/" + loss + "] ";
  term.temperature = temperature;
  term.rows_weight = 2;
  if (loss == "vl") {
    term.teacher = {image, text, scale, {}};
    term.student = {v, text, scale, {}};
    term.rows_weight = term.columns_weight = 1;
  } else if (loss == "pvl" || loss == "udist") {
    term.teacher = {image, image, scale, {}};
    term.student = {v, loss == "pvl" ? image : v, scale, {}};
  } else if (loss == "crd") {
    const auto learnt = [](double x) { return at::full({}, x, at::kFloat); };
    term.teacher = {image, text, 1, learnt(scale)};
    term.student = {v, t, 1, learnt(0.6 * scale).requires_grad_()};
    term.rows_weight = term.columns_weight = 0.5;
  } else {
    throw std::invalid_argument(loss);
  }
  return term;
}

ScoreTerm full_term(const Size& size, std::uint64_t seed, double scale) {
  Drawer draw(size.width, seed);
  const auto vectors = [&](std::int64_t n, const char* name) {
    return ScoreVectors{draw.normal(n).to(at::kDouble), name};
  };
  const auto learnt = [](double x) { return at::full({}, x, at::kDouble); };
  ScoreTerm term;
  term.teacher = {vectors(size.rows, "V"), vectors(size.columns, "T"), 1, learnt(0.8 * scale)};
  term.student = {vectors(size.rows, "v"), vectors(size.columns, "t"), 1, learnt(scale).requires_grad_()};
  term.student.rows.vectors.requires_grad_();
  term.student.columns.vectors.requires_grad_();
  term.temperature = 1.3;
  term.rows_weight = 0.7;
  term.columns_weight = 0.4;
  return term;
}

}  // namespace dime::test
