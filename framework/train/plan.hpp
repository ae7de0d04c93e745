// SPDX-License-Identifier: Apache-2.0
// What a run needs of its streams and models, worked out before anything heavy is opened.
#pragma once

#include <set>
#include <string>

#include <dime/model.hpp>

#include "config/experiment.hpp"
#include "data/batch_maker.hpp"
#include "plugin/loader.hpp"
#include "train/tokenizers.hpp"

namespace dime {

struct Plan {
  bool student_text = false;  ///< the student encodes text with a tower of its own
  bool teacher_runs = false;  ///< some stream has no stored vectors, so models.teacher encodes
  std::set<std::string> taps;
  BatchContent images;
  BatchContent texts;
  BatchContent pairs;
  TokenizerChoice tokenizer{};  ///< of all texts; nameless where nothing is tokenised
};

/// What the experiment's losses are given. Adds to `problems` what a loss needs and the file does not give, streams
/// that nothing reads, a teacher whose input differs from the student's, and a text tower that no tokenizer serves. The
/// specs may be null where a model is absent.
Plan make_plan(const Experiment& experiment, const Plugins& plugins, const ModelSpec* student, const ModelSpec* teacher,
               Problems& problems);

/// Whether any stream that losses read lacks stored vectors, so that models.teacher is needed.
bool teacher_needed(const Experiment& experiment);

}  // namespace dime
