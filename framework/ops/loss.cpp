// SPDX-License-Identifier: Apache-2.0
#include <dime/loss.hpp>

namespace dime {

Loss::~Loss() = default;

void Loss::build(const Shapes&) {}

Schema<ScoreOptions> score_schema(std::string help) {
  return Schema<ScoreOptions>(std::move(help))
      .option("scale", &ScoreOptions::scale, "Multiplies all scores: s.", positive)
      .option("temperature", &ScoreOptions::temperature, "Divides all scores: t.", positive);
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

}  // namespace dime
