// SPDX-License-Identifier: Apache-2.0
// Values and gradients in float64 that plain PyTorch computed (tests/golden/losses.*).
#pragma once

#include <string>

namespace dime::test {

/// Holds `loss` ("vl", "pvl", "udist") against its eight golden cases in float64: value and gradient to 1e-9.
void expect_golden_in_float64(const std::string& loss);

/// The same in float32: within the bound of the rounding of scores, or within twice the error that PyTorch's own
/// functions make on the case.
void expect_golden_in_float32(const std::string& loss);

}  // namespace dime::test
