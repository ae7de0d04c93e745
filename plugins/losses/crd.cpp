// SPDX-License-Identifier: Apache-2.0
#include <dime/loss.hpp>

namespace {

class Crd final : public dime::ScoreLoss {
 public:
  explicit Crd(const dime::ScoreOptions& options)
      : ScoreLoss(dime::score_kl_options(options.products, options.form)), options_(options) {}

  static dime::Schema<dime::ScoreOptions> schema() {
    return dime::score_schema(
        "Contrastive relations of pairs: (KL(softmax(S V T' / t) || softmax(s v t' / t)) + "
        "KL(softmax(S T V' / t) || softmax(s t v' / t))) / 2, each a mean over rows, without a factor t^2. v and t are "
        "the student's image and text vectors, V and T the teacher's, all L2-normalised; s and S are the student's and "
        "the teacher's own logit scales, or `scale` where a model has none. Works on pairs and needs a text tower of "
        "the "
        "student's own. Source: CLIP-KD (arXiv 2307.12732), weight 1.");
  }

  static dime::Needs needs(const dime::ScoreOptions&) {
    dime::Needs all;
    all.teacher_image = all.teacher_text = all.student_text = all.pairs = true;
    all.rows = dime::Rows::own;
    return all;
  }

  std::vector<dime::ScoreTerm> terms(const dime::LossInput& in) const override {
    if (!in.pairs) throw dime::ArgumentError("[loss/crd] needs pairs: give data.pairs and `on: pairs`");
    dime::ScoreTerm term;
    term.owner = "[loss/crd] ";
    term.teacher = {dime::teacher_images(in, "crd"), dime::teacher_texts(in, "crd"), options_.scale,
                    in.teacher.logit_scale};
    term.student = {dime::student_images(in, "crd"), dime::student_texts(in, "crd"), options_.scale,
                    in.student.logit_scale};
    term.temperature = options_.temperature;
    term.rows_weight = term.columns_weight = 0.5;
    return {term};
  }

 private:
  dime::ScoreOptions options_;
};

}  // namespace

DIME_LOSS("crd", Crd)
