// SPDX-License-Identifier: Apache-2.0
// The experiment's schemas, except for streams (streams.cpp), losses and models (entries.cpp) and evaluations.
#include "config/experiment.hpp"

namespace dime {

Schema<ModelsOptions> ModelsOptions::schema() {
  return Schema<ModelsOptions>("The models.")
      .option("teacher", &ModelsOptions::teacher, "Runs, without gradient, where a stream has no `features`.")
      .option("student", &ModelsOptions::student, "The model that is trained.");
}

Schema<ThreadsOptions> ThreadsOptions::schema() {
  return Schema<ThreadsOptions>("The machine's cores, shared out.")
      .option("compute", &ThreadsOptions::compute, "Threads of LibTorch.")
      .option("decode", &ThreadsOptions::decode, "Threads that read and decode rows.");
}

Schema<OptimizerOptions> OptimizerOptions::schema() {
  return Schema<OptimizerOptions>("The optimiser.")
      .option("type", &OptimizerOptions::type, "The optimiser.", one_of({"adamw"}))
      .option("lr", &OptimizerOptions::lr, "The learning rate after the warm-up.", positive)
      .option("weight_decay", &OptimizerOptions::weight_decay,
              "Decoupled weight decay; biases, norms and scales have none.", non_negative)
      .option("betas", &OptimizerOptions::betas, "Decay of the running mean and of the running square.", between(0, 1))
      .option("eps", &OptimizerOptions::eps, "Added to the root of the running square.", positive);
}

Schema<ScheduleOptions> ScheduleOptions::schema() {
  return Schema<ScheduleOptions>("The learning rate over the run; it counts every update.")
      .option("type", &ScheduleOptions::type, "The form after the warm-up.", one_of({"constant", "cosine"}))
      .option("warmup", &ScheduleOptions::warmup, "The rate rises linearly from warmup_lr over this time.")
      .option("warmup_lr", &ScheduleOptions::warmup_lr, "The rate at the first update of the warm-up.", non_negative)
      .option("min_lr", &ScheduleOptions::min_lr, "The rate at the end of a cosine.", non_negative);
}

Schema<CheckpointOptions> CheckpointOptions::schema() {
  return Schema<CheckpointOptions>("Checkpoints; one is always written at the end and at a signal.")
      .option("every", &CheckpointOptions::every, "The time between two checkpoints.", positive)
      .option("keep", &CheckpointOptions::keep, "How many are kept; older ones are removed.", Range{1});
}

Schema<TrainOptions> TrainOptions::schema() {
  return Schema<TrainOptions>("The training.")
      .option("epochs", &TrainOptions::epochs, "The length of the run in epochs of the images; this or steps.",
              Range{0, 1e9, true})
      .option("steps", &TrainOptions::steps, "The length of the run in updates; this or epochs.", positive)
      .option("micro_batch_size", &TrainOptions::micro_batch_size,
              "Rows of one forward in one process; 0 takes all of a process's rows at once.", non_negative)
      .option("precision", &TrainOptions::precision, "The type that forward and backward compute in.",
              one_of({"fp32", "bf16", "fp16"}))
      .option("optimizer", &TrainOptions::optimizer, "The optimiser.")
      .option("schedule", &TrainOptions::schedule_options, "The learning rate over the run.")
      .option("checkpoint", &TrainOptions::checkpoint, "When checkpoints are written.")
      .option("log_every", &TrainOptions::log_every, "Updates between two lines of metrics.", positive)
      .option("clip_grad_norm", &TrainOptions::clip_grad_norm, "The largest norm of the gradient; absent: no clipping.",
              positive)
      .option("stop_after", &TrainOptions::stop_after,
              "Checkpoint and leave after this time; the schedule does not change.", positive)
      .option("sync_batch_norm", &TrainOptions::sync_batch_norm,
              "Whether batch statistics are those of all processes together.");
}

Schema<ExtractEntry> ExtractEntry::schema() {
  return Schema<ExtractEntry>("A model's vectors of a stream's rows, in the order of the source.")
      .option("model", &ExtractEntry::model, "The model that encodes.", one_of({"teacher", "student"}))
      .option("of", &ExtractEntry::of, "The stream whose rows are encoded.",
              one_of({"data.images", "data.texts", "data.pairs"}), required)
      .option("part", &ExtractEntry::part, "Of pairs: the side that is encoded.", one_of({"image", "text"}))
      .option("to", &ExtractEntry::to, "Where the vectors go.", required);
}

Schema<ExtractTarget> ExtractTarget::schema() {
  return Schema<ExtractTarget>("TSV shards of base64 float32.")
      .option("type", &ExtractTarget::type, "The form of the shards.", one_of({"tsv_features"}))
      .option("stem", &ExtractTarget::stem, "STEM-0.tsv, STEM-1.tsv, …, STEM.list.", required)
      .option("rows_per_shard", &ExtractTarget::rows_per_shard, "Rows in one shard.", positive)
      .option("overwrite", &ExtractTarget::overwrite, "Replace shards of the same stem.");
}

Schema<Experiment> Experiment::schema() {
  return Schema<Experiment>("An experiment.")
      .option("schema", &Experiment::schema_version, "The version of the experiment language: 1.", required)
      .option("name", &Experiment::name, "Names the run and its folder: letters, digits, dots, dashes, underscores.",
              required)
      .option("seed", &Experiment::seed, "Of order, augmentation and initial weights.", non_negative)
      .option("device", &Experiment::device, "Where models run; auto takes CUDA where there is one.",
              one_of({"auto", "cpu", "cuda"}))
      .option("threads", &Experiment::threads, "The machine's cores, shared out.")
      .option("plugins", &Experiment::plugins, "More folders to search for plugins.")
      .option("models", &Experiment::models, "The models.")
      .option("data", &Experiment::data, "The streams.")
      .option("losses", &Experiment::losses, "The losses by name; the total is their weighted sum.")
      .option("train", &Experiment::train, "The training.")
      .option("evaluate", &Experiment::evaluate, "Evaluations by name.")
      .option("extract", &Experiment::extract, "Extractions by name, for `dime extract`.");
}

}  // namespace dime
