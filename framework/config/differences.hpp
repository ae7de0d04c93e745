// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include <dime/value.hpp>

namespace dime {

/// Where two trees differ, one line each: "train.optimizer.lr: 0.001 -> 0.002", "losses.fd: absent -> a map". Lists
/// differ as a whole. Paths in `leave_out`, and what is below them, do not count.
std::vector<std::string> differences(const Value& before, const Value& after,
                                     const std::vector<std::string>& leave_out = {});

}  // namespace dime
