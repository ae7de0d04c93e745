// SPDX-License-Identifier: Apache-2.0
// An experiment file as typed options. Components keep their own options as a Value, which their plugin checks.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <dime/schema.hpp>
#include <dime/value.hpp>

namespace dime {

/// A length of training: "500 steps", "2 epochs"; a bare number is steps.
struct Duration {
  enum class Unit { steps, epochs };
  double amount = 0;
  Unit unit = Unit::steps;

  /// In steps, rounded to the nearest; `epoch` is the number of steps of one epoch.
  std::int64_t steps(double epoch) const;
  /// The same for something that recurs: at least 1.
  std::int64_t interval(double epoch) const;
  std::string text() const;
};

/// A length of wall time: "90 minutes", "6 hours", "30 seconds".
struct WallTime {
  double seconds = 0;
};

/// A number of threads, or `auto` (0).
struct ThreadCount {
  int count = 0;
};

/// A loss's weight: a number, or {from, to, over}: linear over that duration, then `to`.
struct Weight {
  double from = 1;
  double to = 1;
  Duration over;

  double at(std::int64_t step, double epoch) const;
};

/// `losses.NAME`: the plugin's options and the keys that every loss takes.
struct LossEntry {
  Component component;
  Weight weight;
  std::string on = "streams";  ///< "streams" (images and texts) or "pairs"
};

/// Weights to start from: `init: PATH`, or `init: {path, skip, allow_missing, interpolate_positions}`.
struct InitOptions {
  Path path;
  std::vector<std::string> skip;           ///< prefixes of names in the file that are ignored; `*` is any run
  std::vector<std::string> allow_missing;  ///< likewise, of the model's names that the file need not hold
  bool interpolate_positions = false;      ///< tables of positions are fitted to the model's grid
  Mark mark{};                             ///< where `init` is written; for messages
  static Schema<InitOptions> schema();
};

/// One of `freeze`: names of parameters, where `*` stands for any run of characters.
struct NamePattern {
  std::string text;
  Mark mark{};
};

/// `models.teacher`, `models.student`, or the text tower of an evaluation.
struct ModelEntry {
  Component component;  ///< `text` stays among its options only where it is a map (a tower of its own)
  std::optional<InitOptions> init;
  std::optional<Path> tokenizer;    ///< the file of its texts' tokenizer
  Mark tokenizer_mark{};            ///< where `tokenizer` is written; for messages
  std::vector<NamePattern> freeze;  ///< of the student: the parameters that are not trained
  std::string text = "teacher";     ///< "teacher", "none" or "own"
  bool image_only = false;          ///< the student, unless its text is its own
};

struct ModelsOptions {
  std::optional<ModelEntry> teacher;
  std::optional<ModelEntry> student;
  static Schema<ModelsOptions> schema();
};

/// A part of a source: rows from <= i < to.
struct RowsOptions {
  std::int64_t from = 0;
  std::optional<std::int64_t> to;
  static Schema<RowsOptions> schema();
};

/// One source of a stream with the teacher's vectors that belong to it, row by row.
struct SourceEntry {
  double weight = 1;
  std::optional<Component> source;
  std::optional<Component> features;
  std::optional<RowsOptions> rows;  ///< of `source`; `features` then hold a row for each row of that part
  static Schema<SourceEntry> schema();
};

/// `locality:` of a stream: how near to each other the rows of a shuffled stream stay.
struct LocalityOptions {
  std::int64_t block = 0;
  std::int64_t window = 0;  ///< a whole number of blocks
  static Schema<LocalityOptions> schema();
};

/// How many rows a batch may have.
inline constexpr Range batch_rows = between(1, 1 << 24);

/// `data.images`, `data.texts` or `data.pairs`.
struct StreamOptions {
  std::optional<Component> source;  ///< with `features` and `rows`, the short form of one entry of `sources`
  std::optional<Component> features;
  std::optional<RowsOptions> rows;
  std::vector<SourceEntry> sources;  ///< after reading: always filled, whichever form the file uses
  std::vector<Component> transform;
  std::string resampling = "exact";
  bool exif_orientation = false;
  std::string memory_format = "contiguous";
  bool shuffle = true;
  std::optional<LocalityOptions> locality;  ///< absent: rows are drawn from anywhere
  std::int64_t batch_size = 0;              ///< global: over all processes
  std::string last = "drop";
  double broken_rate = 0.01;  ///< above this share of broken rows the run stops
  static Schema<StreamOptions> schema();
};

struct DataOptions {
  std::optional<StreamOptions> images;
  std::optional<StreamOptions> texts;
  std::optional<StreamOptions> pairs;
  static Schema<DataOptions> schema();
};

struct ThreadsOptions {
  ThreadCount compute;
  ThreadCount decode;
  static Schema<ThreadsOptions> schema();
};

struct OptimizerOptions {
  std::string type = "adamw";
  double lr = 1e-3;
  double weight_decay = 0.05;
  std::array<double, 2> betas{0.9, 0.999};
  double eps = 1e-8;
  static Schema<OptimizerOptions> schema();
};

struct ScheduleOptions {
  std::string type = "constant";
  Duration warmup;
  double warmup_lr = 0;
  double min_lr = 0;
  static Schema<ScheduleOptions> schema();
};

struct CheckpointOptions {
  std::optional<Duration> every;  ///< absent: only at the end and at signals
  std::int64_t keep = 3;
  static Schema<CheckpointOptions> schema();
};

struct TrainOptions {
  std::optional<double> epochs;  ///< this or `steps`
  std::optional<std::int64_t> steps;
  std::int64_t micro_batch_size = 0;  ///< rows of one forward in one process; 0: the whole part
  std::string precision = "fp32";     ///< fp32, bf16 or fp16
  OptimizerOptions optimizer;
  ScheduleOptions schedule_options;  ///< `schedule:` in the file
  CheckpointOptions checkpoint;
  std::int64_t log_every = 10;
  std::optional<double> clip_grad_norm;
  std::optional<WallTime> stop_after;
  bool sync_batch_norm = false;
  static Schema<TrainOptions> schema();
};

/// `evaluate.NAME`.
struct EvaluateEntry {
  std::string task;                            ///< "zero_shot" or "losses"
  std::vector<std::string> models{"student"};  ///< student, teacher
  Value text;                                  ///< zero_shot: "teacher", "student" or a model with `init`
  Value data;     ///< zero_shot: a data source; losses: streams, those missing are the training's
  Value classes;  ///< zero_shot: a list of names or the name of a file in configs/eval; default: the source's
  std::vector<std::string>
      templates;  ///< zero_shot: prompts with `{}`; default: those of `classes`, or "a photo of a {}."
  std::vector<Component> transform;        ///< zero_shot: default resize + centre crop + normalise by the model's spec
  bool exif_orientation = false;           ///< zero_shot
  std::optional<Duration> every;           ///< absent: at the end only
  std::optional<std::int64_t> batch_size;  ///< absent: 256, of a losses task its training stream's

  std::int64_t forward_rows() const { return batch_size.value_or(256); }
  static Schema<EvaluateEntry> schema();
};

/// Where an extraction goes: STEM-0.tsv, STEM-1.tsv, …, their indexes, and STEM.list.
struct ExtractTarget {
  std::string type = "tsv_features";
  Path stem;
  std::int64_t rows_per_shard = 100000;
  bool overwrite = false;
  static Schema<ExtractTarget> schema();
};

/// `extract.NAME`: a model's vectors of a stream's rows, in the order of the source.
struct ExtractEntry {
  std::string model = "teacher";
  std::string of;    ///< "data.images", "data.texts" or "data.pairs"
  std::string part;  ///< of pairs: "image" or "text"; else implied
  ExtractTarget to;
  static Schema<ExtractEntry> schema();
};

/// A whole experiment file.
struct Experiment {
  std::int64_t schema_version = 1;  ///< `schema:` in the file
  std::string name;
  std::int64_t seed = 0;
  std::string device = "auto";
  ThreadsOptions threads;
  std::vector<Path> plugins;
  ModelsOptions models;
  DataOptions data;
  Named<LossEntry> losses;
  TrainOptions train;
  Named<EvaluateEntry> evaluate;
  Named<ExtractEntry> extract;
  static Schema<Experiment> schema();
};

/// What an experiment must hold beside models and losses.
enum class Completeness {
  whole,        ///< the streams that its losses work on, and how long to train
  without_data  ///< neither: who reads it makes up rows
};

/// Types `value` (composed, see compose.hpp), adding every mistake to `problems`; also the rules between keys
/// (a source or features in each stream, batch_size given, exactly one of epochs and steps where losses are trained …).
/// An unknown version of `schema` is the only problem then. The options of plugins are checked by Plugins::check.
Experiment read_experiment(const Value& value, Problems& problems, Completeness needed = Completeness::whole);

/// Reads a model's entry ({type, init, text, …}) from any place of the file. `what` names the entry where it has no
/// type. Returns false when something was added to `problems`.
bool read_model_entry(const Value& value, ModelEntry& out, const std::string& what, Problems& problems);

/// Reads the streams of an evaluation with task `losses` into `out`; a stream that states no batch_size takes
/// `entry`'s.
void read_streams(const EvaluateEntry& entry, DataOptions& out, Problems& problems);

/// Calls `visit(kind, component)` for each loss, model and dataset that the file names, those of evaluations too.
/// Transforms and the targets of extractions are no plugins and are left out. References inside of a plugin's own
/// options are that plugin's (see Plugins::check, which follows them).
void for_each_component(const Experiment& experiment,
                        const std::function<void(const std::string& kind, const Component& component)>& visit);

}  // namespace dime

#include "config/option_types.hpp"
