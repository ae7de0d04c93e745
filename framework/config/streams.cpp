// SPDX-License-Identifier: Apache-2.0
// Streams and their sources.
#include "config/experiment.hpp"

namespace dime {

Schema<RowsOptions> RowsOptions::schema() {
  return Schema<RowsOptions>("A part of a source: rows from <= i < to.")
      .option("from", &RowsOptions::from, "The first row, counted from 0.", non_negative)
      .option("to", &RowsOptions::to, "The row after the last; the end of the source where it is not given.", positive);
}

Schema<SourceEntry> SourceEntry::schema() {
  return Schema<SourceEntry>("One source of a stream.")
      .option("weight", &SourceEntry::weight, "Its share of the stream's rows, next to the other sources' weights.",
              Range{0, 1e9, true})
      .option("source", &SourceEntry::source, "The data source.")
      .option("features", &SourceEntry::features, "The teacher's vectors of the source's rows, row by row.")
      .option("rows", &SourceEntry::rows, "The part of the source that is used.");
}

Schema<LocalityOptions> LocalityOptions::schema() {
  // A window is told to its source block by block, ahead of need.
  constexpr Range rows = between(1, 1 << 24);
  return Schema<LocalityOptions>("Blocks of consecutive rows, shuffled inside of windows.")
      .option("block", &LocalityOptions::block, "Consecutive rows that are read within one window.", rows, required)
      .option("window", &LocalityOptions::window, "Rows that are shuffled among themselves: a whole number of blocks.",
              rows, required);
}

Schema<StreamOptions> StreamOptions::schema() {
  return Schema<StreamOptions>("A stream of rows.")
      .option("source", &StreamOptions::source, "The data source; none is needed where nothing encodes its rows.")
      .option("features", &StreamOptions::features, "The teacher's vectors of the source's rows, row by row.")
      .option("rows", &StreamOptions::rows, "The part of the source that is used.")
      .option("sources", &StreamOptions::sources, "In place of source, features and rows: a weighted mixture.")
      .option("transform", &StreamOptions::transform, "What is done to each image, in order.")
      .option("resampling", &StreamOptions::resampling,
              "Whether each resize runs of its own, as published (equal to torchvision to the bit), or all resizes and "
              "crops as "
              "one resampling of the source's pixels, which is faster and differs by about 1 of 255 on average.",
              one_of({"exact", "fused"}))
      .option("exif_orientation", &StreamOptions::exif_orientation,
              "Whether an image is turned as its EXIF orientation says; as published, it is not.")
      .option("memory_format", &StreamOptions::memory_format,
              "How a batch of images lies in memory, whose shape is [B, 3, H, W]: `channels_last` suits convolutions.",
              one_of({"contiguous", "channels_last"}))
      .option("shuffle", &StreamOptions::shuffle, "Whether each epoch has an order of its own.")
      .option(
          "locality", &StreamOptions::locality,
          "For disks and network file systems that are slow to find a row: each epoch permutes blocks of consecutive "
          "rows, and shuffles rows inside of windows of several blocks. Absent: every row is drawn from anywhere.")
      .option("batch_size", &StreamOptions::batch_size, "Rows of a step, over all processes.", batch_rows, required)
      .option("last", &StreamOptions::last,
              "The end of an epoch that fills no batch: left out, or filled from the next epoch.",
              one_of({"drop", "wrap"}))
      .option(
          "broken_rate", &StreamOptions::broken_rate,
          "The share of broken rows above which the run stops. Broken is a row that does not read or decode whole, "
          "whose vector is not finite or of another width, or whose image has a side longer than 20000 or more than "
          "178956970 pixels.",
          between(0, 1));
}

Schema<DataOptions> DataOptions::schema() {
  return Schema<DataOptions>("The streams.")
      .option("images", &DataOptions::images, "Images, with the teacher's vectors or for the teacher to encode.")
      .option("texts", &DataOptions::texts, "Sentences, independent of the images.")
      .option("pairs", &DataOptions::pairs, "Images with their texts.");
}

namespace {

void check_source(const Value& v, const SourceEntry& entry, const std::string& owner, Problems& problems) {
  const bool stated = v.find("source") != nullptr || v.find("features") != nullptr;
  if (!entry.source && !entry.features && !stated) problems.add(v.mark(), owner + " needs a `source` or `features`");
  if (entry.rows && !entry.source && v.find("source") == nullptr) {
    problems.add(v.find("rows")->mark(), "option \"rows\" of " + owner + " needs a `source` to take rows of");
  }
}

void check_locality(const Value& v, const StreamOptions& options, const std::string& owner, Problems& problems) {
  if (!options.locality || options.shuffle) return;
  problems.add(v.find("locality")->mark(),
               "option \"locality\" of " + owner + " cannot stand beside `shuffle: false`; remove one of them");
}

void normalise(const Value& v, StreamOptions& out, const std::string& owner, Problems& problems) {
  const Value* sources = v.find("sources");
  if (sources == nullptr || sources->is_null()) {
    out.sources = {{1, out.source, out.features, out.rows}};
    return check_source(v, out.sources[0], owner, problems);
  }
  for (const std::string key : {"source", "features", "rows"}) {
    const Value* other = v.find(key);
    if (other == nullptr || other->is_null()) continue;
    problems.add(other->mark(), "option \"" + key + "\" of " + owner +
                                    " cannot stand beside `sources`; move it into an entry of `sources`");
  }
  if (sources->is_list() && sources->items().empty()) {
    problems.add(sources->mark(), "option \"sources\" of " + owner + " takes at least one source, got an empty list");
  }
}

}  // namespace

namespace detail {

std::string OptionType<RowsOptions>::type() { return "map"; }
std::string OptionType<RowsOptions>::print(const RowsOptions&) { return ""; }
std::vector<OptionInfo> OptionType<RowsOptions>::nested() { return RowsOptions::schema().options(); }
void OptionType<RowsOptions>::read(const Value& v, RowsOptions& out, const FieldRules&, const std::string& what,
                                   Problems& problems) {
  RowsOptions::schema().read(v, out, what, problems);
  if (!out.to || *out.to > out.from) return;
  const Value* to = v.find("to");
  problems.add(to->mark(), "option \"to\" of " + owner_name(what) + " must be > \"from\" (" + std::to_string(out.from) +
                               "), got " + to->describe());
}

std::string OptionType<LocalityOptions>::type() { return "map"; }
std::string OptionType<LocalityOptions>::print(const LocalityOptions&) { return ""; }
std::vector<OptionInfo> OptionType<LocalityOptions>::nested() { return LocalityOptions::schema().options(); }
void OptionType<LocalityOptions>::read(const Value& v, LocalityOptions& out, const FieldRules&, const std::string& what,
                                       Problems& problems) {
  const std::size_t before = problems.size();
  LocalityOptions::schema().read(v, out, what, problems);
  if (problems.size() != before || out.window % out.block == 0) return;
  const Value* window = v.find("window");
  problems.add(window->mark(), "option \"window\" of " + owner_name(what) + " must be a whole number of blocks of " +
                                   std::to_string(out.block) + " rows, got " + std::to_string(out.window));
}

std::string OptionType<SourceEntry>::type() { return "map"; }
std::string OptionType<SourceEntry>::print(const SourceEntry&) { return ""; }
std::vector<OptionInfo> OptionType<SourceEntry>::nested() { return SourceEntry::schema().options(); }
void OptionType<SourceEntry>::read(const Value& v, SourceEntry& out, const FieldRules&, const std::string& what,
                                   Problems& problems) {
  SourceEntry::schema().read(v, out, what, problems);
  if (v.is_map()) check_source(v, out, owner_name(what), problems);
}

std::string OptionType<StreamOptions>::type() { return "map"; }
std::string OptionType<StreamOptions>::print(const StreamOptions&) { return ""; }
std::vector<OptionInfo> OptionType<StreamOptions>::nested() { return StreamOptions::schema().options(); }
void OptionType<StreamOptions>::read(const Value& v, StreamOptions& out, const FieldRules&, const std::string& what,
                                     Problems& problems) {
  StreamOptions::schema().read(v, out, what, problems);
  if (!v.is_map()) return;
  check_locality(v, out, owner_name(what), problems);
  normalise(v, out, owner_name(what), problems);
}

}  // namespace detail
}  // namespace dime
