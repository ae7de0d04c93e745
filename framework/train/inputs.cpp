// SPDX-License-Identifier: Apache-2.0
#include "train/inputs.hpp"

#include <type_traits>

#include <dime/error.hpp>

#include "plugin/placed_error.hpp"

namespace dime {
namespace {

/// A plugin's source. While it is opened, whatever it throws is told as the plugin's, with its place.
class OpeningSource final : public Dataset {
 public:
  OpeningSource(const Component& component, const Plugins& plugins)
      : component_(component), rows_(plugins.make_dataset(component)) {}

  void opened() { opening_ = false; }
  std::int64_t size() const override {
    return placed([&] { return rows_->size(); });
  }
  DatasetInfo info() const override {
    return placed([&] { return rows_->info(); });
  }
  Row get(std::int64_t i) const override {
    return placed([&] { return rows_->get(i); });
  }
  std::string where(std::int64_t i) const override { return rows_->where(i); }
  void will_need(std::int64_t first, std::int64_t count) const override { rows_->will_need(first, count); }

 private:
  template <class F>
  std::invoke_result_t<F> placed(F&& work) const {
    if (!opening_) return work();
    try {
      return work();
    } catch (...) {
      rethrow_placed("dataset", component_);
    }
  }

  Component component_;
  std::shared_ptr<const Dataset> rows_;
  bool opening_ = true;
};

std::shared_ptr<OpeningSource> open_plugin(const std::optional<Component>& component, const Plugins& plugins) {
  return component ? std::make_shared<OpeningSource>(*component, plugins) : nullptr;
}

std::shared_ptr<const Dataset> open_entry(const std::string& name, const SourceEntry& entry, const Plugins& plugins,
                                          RowParts parts) {
  const auto place = [&](const Component& component) { return component.mark.text() + ": data." + name; };
  // Nothing of the source is read where stored vectors are all that is wanted, but its size must still agree.
  const auto source = open_plugin(entry.source, plugins), vectors = open_plugin(entry.features, plugins);
  std::shared_ptr<const Dataset> content = source;
  if (content != nullptr && entry.rows) {
    content = std::make_shared<RowSpan>(place(*entry.source), content, entry.rows->from, entry.rows->to.value_or(-1));
  }
  if (vectors != nullptr && vectors->info().vector_width <= 0) {
    throw DataError(place(*entry.features) + ": its features (" + entry.features->type + ") hold no vectors");
  }
  auto joined =
      std::make_shared<JoinedRows>(place(entry.features ? *entry.features : *entry.source), content, vectors, parts);
  for (const auto& plugin : {source, vectors}) {
    if (plugin != nullptr) plugin->opened();
  }
  return joined;
}

std::optional<Locality> locality_of(const StreamOptions& options) {
  if (!options.locality) return std::nullopt;
  return Locality{options.locality->block, options.locality->window};
}

}  // namespace

RowParts parts_of(const BatchContent& content) {
  // Texts are read even where only their vectors are used: it costs little and shows broken rows and swapped shards.
  return {content.pixels || content.tokens || content.labels || content.stream == "texts", content.vectors};
}

std::vector<std::shared_ptr<const Dataset>> open_sources(const std::string& name, const StreamOptions& options,
                                                         const Plugins& plugins, RowParts parts) {
  std::vector<std::shared_ptr<const Dataset>> all;
  for (const auto& entry : options.sources) all.push_back(open_entry(name, entry, plugins, parts));
  return all;
}

BatchContent complete_content(BatchContent content, const std::vector<std::shared_ptr<const Dataset>>& sources) {
  for (const auto& source : sources) {
    const DatasetInfo info = source->info();
    const auto need = [&](bool wanted, bool there, const char* what) {
      if (wanted && !there) throw DataError("data." + content.stream + ": its source has no " + what);
    };
    need(content.pixels, info.image, "images");
    need(content.tokens, info.text, "texts");
    need(content.labels, info.label, "labels");
    need(content.vectors, info.vector_width > 0, "vectors");
    if (!content.vectors) continue;
    const auto* joined = dynamic_cast<const JoinedRows*>(source.get());
    content.keys_differ = content.keys_differ || (joined != nullptr && joined->keys_differ());
    if (content.vector_width != 0 && content.vector_width != info.vector_width) {
      throw DataError("data." + content.stream + ": its features have vectors of " +
                      std::to_string(content.vector_width) + " and of " + std::to_string(info.vector_width) +
                      " numbers");
    }
    content.vector_width = info.vector_width;
  }
  return content;
}

BatchPlan plan_batches(const std::string& name, const StreamOptions& options, std::int64_t rows, bool wrap) {
  try {
    return BatchPlan(rows, options.batch_size, !wrap && options.last != "wrap");
  } catch (const DataError& e) {
    throw DataError("data." + name + ": " + e.what());
  }
}

std::unique_ptr<Stream> open_stream(const std::string& name, const StreamOptions& options, const BatchContent& content,
                                    const Normalisation& normalisation, bool wrap, const InputContext& context) {
  const RowParts parts = parts_of(content);
  auto sources = open_sources(name, options, context.plugins, parts);
  std::vector<std::int64_t> sizes;
  std::vector<double> weights;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    sizes.push_back(sources[i]->size());
    weights.push_back(options.sources[i].weight);
  }
  const std::uint64_t key = stream_key(context.seed, name);
  try {
    Order order(std::move(sizes), weights, key, options.shuffle, locality_of(options));
    const BatchPlan plan = plan_batches(name, options, order.size(), wrap);
    const BatchContent complete = complete_content(content, sources);
    const auto resampling = options.resampling == "fused" ? Resampling::fused : Resampling::exact;
    BatchMaker maker(complete, std::move(sources), TransformList(options.transform, normalisation, resampling),
                     context.tokenizer, key, context.times);
    return std::make_unique<Stream>(std::move(maker), std::move(order), plan, context.rank, context.world,
                                    context.pool);
  } catch (const DataError& e) {
    const std::string message = e.what();
    throw DataError(message.starts_with("data.") ? message : "data." + name + ": " + message);
  }
}

Reader open_reader(const BatchContent& content, std::shared_ptr<const Dataset> source, TransformList transform,
                   std::int64_t batch, const InputContext& context) {
  const std::int64_t rows = source->size();
  const std::vector<std::shared_ptr<const Dataset>> sources{std::move(source)};
  BatchMaker maker(complete_content(content, sources), sources, std::move(transform), context.tokenizer,
                   stream_key(context.seed, content.stream), context.times);
  return Reader(std::move(maker), rows, batch, context.pool);
}

}  // namespace dime
