// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include <dime/value.hpp>

namespace dime {

/// The text of `scalar` with every `${env:NAME}` replaced: for values that are read before the tree is whole.
/// Throws ConfigError at its mark for a variable that is not set and for any other `${…}`.
std::string expand_environment(const Value& scalar);

}  // namespace dime
