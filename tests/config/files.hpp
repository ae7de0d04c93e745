// SPDX-License-Identifier: Apache-2.0
// What the tests of experiment files share.
#pragma once

#include <memory>
#include <string>

#include <dime/error.hpp>
#include <dime/schema.hpp>

#include "config/compose.hpp"
#include "config/experiment.hpp"
#include "config/yaml.hpp"
#include "support/errors.hpp"
#include "support/scratch_folder.hpp"

namespace dime::test {

inline std::shared_ptr<const Origin> origin(const std::string& name = "f.yaml") {
  return std::make_shared<const Origin>(Origin{name, "/folder"});
}

inline Value yaml(const std::string& text) { return parse_yaml(text, origin()); }

/// Every mistake in an experiment, one per line.
inline std::string mistakes(const std::string& text) {
  Problems problems;
  read_experiment(yaml(text), problems);
  return join(problems.lines(), "\n");
}

inline Experiment experiment(const std::string& text) {
  Problems problems;
  Experiment e = read_experiment(yaml(text), problems);
  problems.raise();
  return e;
}

}  // namespace dime::test
