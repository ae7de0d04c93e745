// SPDX-License-Identifier: Apache-2.0
#include "train/synthetic.hpp"

#include <algorithm>

#include <ATen/CPUGeneratorImpl.h>

namespace dime {
namespace {

constexpr const char* kType = "synthetic";  // of a source that nobody opens

StreamOptions made_up_stream() {
  StreamOptions stream;
  SourceEntry& entry = stream.sources.emplace_back();
  entry.source = Component{kType, {}, {}};
  entry.features = Component{kType, {}, {}};
  return stream;
}

/// Pairs have no stored vectors where a teacher encodes both their sides.
StreamOptions made_up_pairs(bool teacher) {
  StreamOptions stream = made_up_stream();
  if (teacher) stream.sources[0].features.reset();
  return stream;
}

class Draw {
 public:
  explicit Draw(std::uint64_t seed) : generator_(at::make_generator<at::CPUGeneratorImpl>(seed)) {}

  torch::Tensor normal(at::IntArrayRef shape) { return at::randn(shape, generator_, at::kFloat); }

  /// Rows of length 1.
  torch::Tensor directions(std::int64_t rows, std::int64_t width) {
    const auto x = normal({rows, width});
    return x / x.norm(2, 1, /*keepdim=*/true);
  }

  /// CLIP's form: a start, words, the end (the largest number), zeros.
  torch::Tensor tokens(std::int64_t rows, std::int64_t context) {
    constexpr std::int64_t kStart = 49406, kEnd = 49407;
    auto all = at::zeros({rows, context}, at::kLong);
    const std::int64_t words = std::max<std::int64_t>(0, context / 2 - 2);
    all.narrow(1, 0, 1).fill_(kStart);
    all.narrow(1, 1, words).copy_(at::randint(1, kStart, {rows, words}, generator_, at::kLong));
    all.narrow(1, std::min(words + 1, context - 1), 1).fill_(kEnd);
    return all;
  }

 private:
  at::Generator generator_;
};

StreamBatch made_up_rows(const BatchContent& content, std::int64_t width, std::int64_t rows, Draw& draw) {
  StreamBatch batch;
  batch.keys.resize(static_cast<std::size_t>(rows));
  for (std::int64_t row = 0; row < rows; ++row) batch.keys[static_cast<std::size_t>(row)] = std::to_string(row);
  const std::int64_t side = content.image_size;
  if (content.pixels) batch.pixels = draw.normal({rows, 3, side, side});
  if (content.pixels && content.channels_last) batch.pixels = batch.pixels.contiguous(at::MemoryFormat::ChannelsLast);
  if (content.tokens) batch.tokens = draw.tokens(rows, content.context);
  if (content.vectors) batch.vectors = draw.directions(rows, width);
  return batch;
}

}  // namespace

void make_synthetic(Experiment& e, std::int64_t rows) {
  if (!e.data.images && !e.data.texts && !e.data.pairs) {
    e.data.images = made_up_stream();
    e.data.texts = made_up_stream();
    const bool pairs =
        std::any_of(e.losses.begin(), e.losses.end(), [](const auto& loss) { return loss.second.on == "pairs"; });
    if (pairs) e.data.pairs = made_up_pairs(e.models.teacher.has_value());
  }
  for (auto* stream : {&e.data.images, &e.data.texts, &e.data.pairs}) {
    if (*stream) (*stream)->batch_size = rows;
  }
}

StoredWidths synthetic_widths(const LoadedExperiment& loaded, const Plan& plan, const RunModels& models) {
  const Experiment& e = loaded.experiment;
  std::int64_t width = models.student->spec().embed_dim;
  if (e.models.teacher) width = loaded.plugins->make_model(e.models.teacher->component)->spec().embed_dim;
  const auto of = [&](const BatchContent& content) { return content.vectors ? width : 0; };
  return {of(plan.images), of(plan.texts), of(plan.pairs)};
}

Batch synthetic_batch(const Plan& plan, const StoredWidths& widths, std::int64_t rows, std::uint64_t seed) {
  Draw draw(seed);
  const auto make = [&](const BatchContent& content, std::int64_t width) {
    const bool any = content.pixels || content.tokens || content.vectors;
    return any ? made_up_rows(content, width, rows, draw) : StreamBatch{};
  };
  return {make(plan.images, widths.images), make(plan.texts, widths.texts), make(plan.pairs, widths.pairs)};
}

}  // namespace dime
