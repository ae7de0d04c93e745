// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <dime/error.hpp>

namespace dime {

/// What a task cannot do, in words that do not name the task: whoever runs it puts its name before them.
class TaskError final : public ConfigError {
 public:
  using ConfigError::ConfigError;
};

}  // namespace dime
