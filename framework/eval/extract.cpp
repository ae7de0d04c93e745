// SPDX-License-Identifier: Apache-2.0
#include "eval/extract.hpp"

#include <chrono>
#include <cstring>
#include <span>

#include <ATen/ops/linalg_vector_norm.h>
#include <dime/error.hpp>
#include <dime/printable.hpp>
#include <dime/tsv.hpp>
#include <nlohmann/json.hpp>

#include "data/source.hpp"
#include "eval/task_error.hpp"
#include "plugin/placed_error.hpp"
#include "train/device.hpp"
#include "train/normalisation.hpp"

namespace dime {
namespace {

constexpr std::int64_t kPart = 256;

const ExtractEntry& find_job(const LoadedExperiment& loaded, const std::string& name) {
  std::vector<std::string> known;
  for (const auto& [job, entry] : loaded.experiment.extract) {
    if (job == name) return entry;
    known.push_back(job);
  }
  throw ConfigError(loaded.file.string() + ": extract has no job \"" + name + "\"; it has: " + join(known));
}

const StreamOptions& stream_of(const LoadedExperiment& loaded, const std::string& of) {
  const DataOptions& data = loaded.experiment.data;
  const auto& stream = of == "data.images" ? data.images : of == "data.texts" ? data.texts : data.pairs;
  if (!stream) throw ConfigError(loaded.file.string() + ": extract names " + of + ", but the file has none");
  return *stream;
}

std::string key_or_number(const std::string& key, std::int64_t row) { return key.empty() ? std::to_string(row) : key; }

void write_rows(TsvWriter& writer, const std::vector<std::string>& keys, const torch::Tensor& vectors) {
  const auto rows = vectors.to(torch::kCPU, torch::kFloat32).contiguous();
  const auto good = at::linalg_vector_norm(rows, 2, at::IntArrayRef{1}).to(torch::kFloat64);
  const auto bad = good.isfinite().logical_and(good > 0).logical_not();
  if (bad.any().item<bool>()) {
    const auto first = static_cast<std::size_t>(bad.nonzero()[0].item<std::int64_t>());
    throw DataError("the model's vector of " + printable(keys[first]) +
                    " is not finite, or all zeros: look at the model's weights and at train.precision");
  }
  const auto width = static_cast<std::size_t>(rows.size(1)) * sizeof(float);
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(rows.const_data_ptr<float>());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    writer.add_base64(key_or_number(keys[i], writer.size()), std::span(bytes + i * width, width));
  }
}

/// One job's encoder and place.
struct Job {
  Model& model;
  EncodeOptions options;
  TsvWriter& vectors;
  std::function<void(std::int64_t, std::int64_t)> progress;
};

void extract_images(const Job& job, std::shared_ptr<const Dataset> source, bool exif_orientation,
                    const InputContext& context) {
  const ModelSpec spec = job.model.spec();
  if (!spec.image) throw TaskError("the model has no image tower");
  BatchContent content;
  content.stream = "extract";
  content.pixels = true;
  content.exif_orientation = exif_orientation;
  content.image_size = static_cast<int>(spec.image->size);
  Reader reader =
      open_reader(content, std::move(source),
                  TransformList(TransformList::evaluation_steps(*spec.image), normalisation_of(spec)), kPart, context);
  for (StreamBatch batch; reader.next(batch);) {
    const auto vectors = encode_frozen(
        [&](const torch::Tensor& x, ForwardContext& forward) { return job.model.encode_image(x, forward); },
        batch.pixels.to(job.options.device), job.options);
    write_rows(job.vectors, batch.keys, vectors);
    job.progress(job.vectors.size(), reader.rows());
  }
}

/// Strings that wait to be encoded together.
struct TextPart {
  std::vector<std::string> keys;
  std::vector<std::string> texts;
};

void flush_texts(const Job& job, const Tokenizer& tokenizer, TsvWriter& texts, TextPart& part) {
  if (part.keys.empty()) return;
  const std::int64_t length = job.model.spec().text->context;
  auto tokens = torch::empty({static_cast<std::int64_t>(part.texts.size()), length}, torch::kInt64);
  for (std::size_t i = 0; i < part.texts.size(); ++i) {
    tokenizer.encode_padded(part.texts[i], length,
                            tokens.data_ptr<std::int64_t>() + static_cast<std::int64_t>(i) * length);
  }
  const auto vectors =
      encode_frozen([&](const torch::Tensor& x, ForwardContext& forward) { return job.model.encode_text(x, forward); },
                    tokens.to(job.options.device), job.options);
  write_rows(job.vectors, part.keys, vectors);
  for (std::size_t i = 0; i < part.keys.size(); ++i) {
    // A JSON string: a text may begin with a brace or hold a tab.
    texts.add(part.keys[i], nlohmann::json(part.texts[i]).dump());
  }
  part = {};
}

void extract_texts(const Job& job, const Dataset& source, const InputContext& context, TsvWriter& texts) {
  TextPart part;
  for (std::int64_t i = 0; i < source.size(); ++i) {
    const Row row = source.get(i);
    const std::string key = key_or_number(row.key, i);
    for (std::size_t t = 0; t < row.texts.size(); ++t) {
      part.keys.push_back(row.texts.size() == 1 ? key : key + "#" + std::to_string(t));
      part.texts.push_back(row.texts[t]);
    }
    if (static_cast<std::int64_t>(part.keys.size()) < kPart) continue;
    flush_texts(job, *context.tokenizer, texts, part);
    job.progress(i + 1, source.size());
  }
  flush_texts(job, *context.tokenizer, texts, part);
  job.progress(source.size(), source.size());
}

std::shared_ptr<Model> job_model(const LoadedExperiment& loaded, const ExtractEntry& entry,
                                 const torch::Device& device) {
  const auto& models = loaded.experiment.models;
  const auto& model = entry.model == "student" ? models.student : models.teacher;
  const std::string what = "models." + entry.model;
  if (!model)
    throw ConfigError(loaded.file.string() + ": extract names the " + entry.model + ", but there is no " + what);
  auto made = make_frozen_model(*model, *loaded.plugins, loaded.experiment.seed, device, what);
  if (!has_weights(*model, *made)) {
    throw ConfigError(loaded.file.string() + ": " + what +
                      " has no init: its vectors would be those of random weights");
  }
  return made;
}

/// What makes the tokens that a job's model encodes.
TokenizerChoice job_tokenizer(const LoadedExperiment& loaded, const ExtractEntry& entry, const Model& model) {
  const auto spec = model.spec().text;
  if (!spec) throw TaskError("the model has no text tower");
  const auto& models = loaded.experiment.models;
  const ModelEntry& written = entry.model == "student" ? *models.student : *models.teacher;
  const std::string problem = token_problem(written, *spec, "make its text vectors elsewhere");
  if (!problem.empty()) throw TaskError("the model " + problem);
  return tokenizer_choice(written, *spec);
}

std::string numbered(const std::string& stem, std::size_t source, std::size_t sources) {
  return sources == 1 ? stem : stem + "-source" + std::to_string(source + 1);
}

Extracted extract_job(const LoadedExperiment& loaded, const std::string& name,
                      const std::function<void(std::int64_t, std::int64_t)>& progress) {
  const ExtractEntry& entry = find_job(loaded, name);
  const StreamOptions& stream = stream_of(loaded, entry.of);
  const ExtractTarget& target = entry.to;
  const bool text = entry.of == "data.texts" || (entry.of == "data.pairs" && entry.part == "text");
  RunModels models;
  models.device = choose_device(loaded.experiment.device);
  const auto model = job_model(loaded, entry, models.device);
  WorldOfOne comm;
  const InputContext context =
      input_context(loaded, text ? job_tokenizer(loaded, entry, *model) : TokenizerChoice{}, comm);
  EncodeOptions options;
  options.device = models.device;
  options.precision = precision_of(loaded.experiment.train.precision);

  Extracted done{name, 0, model->spec().embed_dim, 0, {}};
  const auto start = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < stream.sources.size(); ++i) {
    StreamOptions one = stream;
    one.sources = {stream.sources[i]};
    one.sources[0].features.reset();
    const auto source = open_sources(entry.of.substr(5), one, *loaded.plugins, {true, false}).front();
    const std::string stem = numbered(target.stem.string(), i, stream.sources.size());
    const TsvWriterOptions writer_options{target.rows_per_shard, target.overwrite};
    TsvWriter vectors(stem, writer_options);
    const Job job{*model, options, vectors, progress};
    if (text) {
      TsvWriter texts(stem + "-text", writer_options);
      extract_texts(job, *source, context, texts);
      texts.close();
    } else {
      extract_images(job, source, stream.exif_orientation, context);
    }
    vectors.close();
    done.rows += vectors.size();
    done.list = stem + ".list";
  }
  done.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return done;
}

}  // namespace

void check_extraction(const LoadedExperiment& loaded, const std::string& name) {
  const ExtractEntry& entry = find_job(loaded, name);
  for (const auto& source : stream_of(loaded, entry.of).sources) {
    if (!source.source) throw ConfigError("extract." + name + ": " + entry.of + " has no source to encode");
  }
}

Extracted extract(const LoadedExperiment& loaded, const std::string& name,
                  const std::function<void(std::int64_t, std::int64_t)>& progress) {
  check_extraction(loaded, name);
  try {
    return extract_job(loaded, name, progress);
  } catch (const Placed&) {
    throw;
  } catch (const TaskError& e) {
    throw ConfigError("extract." + name + ": " + e.what());
  } catch (const DataError& e) {
    throw DataError("extract." + name + ": " + e.what());
  }
}

}  // namespace dime
