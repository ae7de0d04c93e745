// SPDX-License-Identifier: Apache-2.0
// Which text towers dime can make tokens for.
#pragma once

#include <string>

#include <dime/model.hpp>

namespace dime {

/// Why dime cannot make the tokens of a text tower, said of it ("has a vocabulary of …"), and what to do; empty where
/// it can. `without` says how to do without the tokens of a tokenizer that dime does not have.
std::string token_problem(const TextSpec& spec, const std::string& without);

}  // namespace dime
