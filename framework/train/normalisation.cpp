// SPDX-License-Identifier: Apache-2.0
#include "train/normalisation.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "data/transforms.hpp"

namespace dime {
namespace {

std::string triple_text(const std::array<double, 3>& x) {
  const auto number = [](double value) {
    char text[32];
    std::snprintf(text, sizeof(text), "%.6g", value);
    return std::string(text);
  };
  return "[" + number(x[0]) + ", " + number(x[1]) + ", " + number(x[2]) + "]";
}

bool same(const std::array<double, 3>& a, const std::array<double, 3>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), [](double x, double y) { return std::abs(x - y) < 1e-4; });
}

}  // namespace

Normalisation normalisation_of(const ModelSpec& spec) {
  if (!spec.image) return {};
  return {spec.image->mean, spec.image->std};
}

void check_normalize(const std::vector<Component>& transform, const std::string& where, const ModelSpec& spec,
                     const std::string& which, Problems& problems) {
  if (!spec.image) return;
  const Normalisation expected = normalisation_of(spec);
  for (const auto& step : transform) {
    if (step.type != "normalize") continue;
    const Normalisation n =
        NormalizeOptions::schema().parse(step.options, "transform \"normalize\"").normalisation(expected);
    if (same(n.mean, expected.mean) && same(n.std, expected.std)) continue;
    problems.add(step.mark, where + " normalizes with mean " + triple_text(n.mean) + " and std " + triple_text(n.std) +
                                ", but " + which + " expects " + triple_text(expected.mean) + " and " +
                                triple_text(expected.std) + ": leave normalize out, or change mean and std of either");
  }
}

}  // namespace dime
