// SPDX-License-Identifier: Apache-2.0
// From the options of a stream to its rows: opens sources, joins vectors, checks that they fit.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "config/experiment.hpp"
#include "data/source.hpp"
#include "data/stream.hpp"
#include "plugin/loader.hpp"

namespace dime {

/// What all streams of a run share.
struct InputContext {
  const Plugins& plugins;
  std::shared_ptr<DecodePool> pool;
  std::shared_ptr<const Tokenizer> tokenizer;  ///< null when nothing tokenises
  std::int64_t seed = 0;
  int rank = 0;
  int world = 1;
  StageTimes* times = nullptr;  ///< receives what the stages of all streams take
};

/// What of its rows a stream reads.
RowParts parts_of(const BatchContent& content);

/// The sources of a stream, opened and joined with their vectors. `parts` says what will be read.
/// Throws DataError that begins with the place of the source or its features and "data.NAME"; what a plugin throws
/// while its source is opened leaves with the plugin's own place and name (see rethrow_placed).
std::vector<std::shared_ptr<const Dataset>> open_sources(const std::string& name, const StreamOptions& options,
                                                         const Plugins& plugins, RowParts parts);

/// Fills what `content` does not know yet (the vectors' width), and checks it against what the sources have.
/// Throws DataError when a part that is wanted is not there, or vectors differ in width between sources.
BatchContent complete_content(BatchContent content, const std::vector<std::shared_ptr<const Dataset>>& sources);

/// How a stream of `rows` rows is cut into batches; `wrap` overrides `last:`. Throws DataError that begins with
/// "data.NAME".
BatchPlan plan_batches(const std::string& name, const StreamOptions& options, std::int64_t rows, bool wrap);

/// The endless training stream `name`. `wrap` overrides `last:` (a stream that does not define the epoch always wraps).
std::unique_ptr<Stream> open_stream(const std::string& name, const StreamOptions& options, const BatchContent& content,
                                    const Normalisation& normalisation, bool wrap, const InputContext& context);

/// One pass over a source in its own order.
Reader open_reader(const BatchContent& content, std::shared_ptr<const Dataset> source, TransformList transform,
                   std::int64_t batch, const InputContext& context);

}  // namespace dime
