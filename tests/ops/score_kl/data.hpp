// SPDX-License-Identifier: Apache-2.0
// Vectors and terms for the tests of score_kl.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <dime/score_kl.hpp>

namespace dime::test {

/// Of how the vectors of students and teachers lie.
enum class Kind {
  random,     ///< no vector knows of another
  near,       ///< the student is the teacher and 0.3 noise
  nearer,     ///< the student is the teacher and 0.02 noise
  confident,  ///< each text is close to an image
  cone,       ///< all cosines are about 0.8
  opposite,   ///< images and texts have cosines of about -0.9
  clustered   ///< around eight centres
};
inline constexpr Kind kKinds[] = {Kind::random, Kind::near,     Kind::nearer,   Kind::confident,
                                  Kind::cone,   Kind::opposite, Kind::clustered};
const char* text_of(Kind kind);

/// fp32; the student's want gradients.
struct Sides {
  torch::Tensor student_images, student_texts, teacher_images, teacher_texts;
};

struct Size {
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  std::int64_t width = 0;
};

Sides make_sides(Kind kind, const Size& size, std::uint64_t seed);

inline constexpr const char* kTerms[] = {"vl", "pvl", "udist", "crd"};

/// The term of the loss of that name, for messages "[loss/NAME] ". "crd" has learnt scales, 0.6 `scale` the student's.
ScoreTerm make_term(const std::string& loss, const Sides& sides, double scale = 100, double temperature = 1);

/// A term of a direction's own weight in both, with a learnt scale and gradients in rows and columns, in float64.
ScoreTerm full_term(const Size& size, std::uint64_t seed, double scale = 5);

}  // namespace dime::test
