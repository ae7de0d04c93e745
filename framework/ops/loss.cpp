// SPDX-License-Identifier: Apache-2.0
#include <dime/loss.hpp>

namespace dime {

Loss::~Loss() = default;

void Loss::build(const Shapes&) {}

Schema<ScoreOptions> score_schema(std::string help) {
  return Schema<ScoreOptions>(std::move(help))
      .option("scale", &ScoreOptions::scale, "Multiplies all scores: s.", positive)
      .option("temperature", &ScoreOptions::temperature, "Divides all scores: t.", positive)
      .option("products", &ScoreOptions::products,
              "The type of vectors in matrix products; sums are fp32. bf16 halves the time on processors that have it.",
              one_of({"fp32", "bf16"}))
      .option("form", &ScoreOptions::form,
              "tiled never holds a score matrix, direct holds it whole, auto takes the quicker at the batch's size.",
              one_of({"auto", "direct", "tiled"}));
}

ScoreKlOptions score_kl_options(const std::string& products, const std::string& form) {
  ScoreKlOptions options;
  if (products == "bf16") options.products = Products::bf16;
  if (form != "auto") options.form = form == "direct" ? ScoreForm::direct : ScoreForm::tiled;
  return options;
}

ScoreKlOptions ScoreLoss::options_of(const LossInput& in) const {
  ScoreKlOptions options = options_;
  options.comm = in.comm;
  return options;
}

void ScoreLoss::announce(const LossInput& in) const {
  if (in.scores != nullptr) in.scores->expect(terms(in), options_of(in));
}

torch::Tensor ScoreLoss::forward(const LossInput& in) {
  const ScoreKlOptions options = options_of(in);
  torch::Tensor sum;
  for (const auto& term : terms(in)) {
    const auto value = in.scores != nullptr ? in.scores->value(term, options) : score_kl(term, options);
    sum = sum.defined() ? sum + value : value;
  }
  return sum;
}

void need_equal_widths(const Shapes& shapes, const std::string& loss) {
  if (shapes.teacher_dim == 0 || shapes.teacher_dim == shapes.student_dim) return;
  throw ConfigError("[loss/" + loss + "] the student's vectors are " + std::to_string(shapes.student_dim) +
                    " wide, the teacher's " + std::to_string(shapes.teacher_dim) +
                    "; give the student the teacher's width");
}

const torch::Tensor& need(const torch::Tensor& x, const std::string& loss, const std::string& what) {
  if (!x.defined()) throw ArgumentError("[loss/" + loss + "] needs " + what);
  return x;
}

namespace {

ScoreVectors side(const torch::Tensor& x, const std::string& loss, const std::string& name, const std::string& remedy) {
  return {need(x, loss, name + ": give " + remedy), name};
}

}  // namespace

ScoreVectors student_images(const LossInput& in, const std::string& loss) {
  return side(in.student.image, loss, "the student's image vectors", "data.images or data.pairs");
}

ScoreVectors student_texts(const LossInput& in, const std::string& loss) {
  return side(in.student.text, loss, "the student's text vectors", "data.pairs and models.student.text");
}

ScoreVectors teacher_images(const LossInput& in, const std::string& loss) {
  return side(in.teacher.image, loss, "the teacher's image vectors", "data.images or data.pairs");
}

ScoreVectors teacher_texts(const LossInput& in, const std::string& loss) {
  return side(in.teacher.text, loss, "the teacher's text vectors", "data.texts or data.pairs");
}

}  // namespace dime
