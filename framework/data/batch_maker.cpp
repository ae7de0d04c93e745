// SPDX-License-Identifier: Apache-2.0
#include "data/batch_maker.hpp"

#include <cstring>
#include <string_view>

#include <dime/printable.hpp>
#include <dime/random.hpp>

#include "data/source.hpp"

namespace dime {
namespace {

constexpr std::uint64_t kAugmentPurpose = 11;
constexpr std::uint64_t kTextPurpose = 12;

CounterRandom row_random(std::uint64_t key, std::uint64_t purpose, const RowId& id) {
  return CounterRandom(random_key({key, purpose, static_cast<std::uint64_t>(id.source),
                                   static_cast<std::uint64_t>(id.epoch), static_cast<std::uint64_t>(id.row)}));
}

/// The first line of a plugin's message, which need not hold to one line.
std::string one_line(const std::exception& e) {
  constexpr std::size_t longest = 8192;
  const std::string_view text = e.what();
  return printable(text.substr(0, text.find('\n')), longest);
}

}  // namespace

BatchMaker::BatchMaker(BatchContent content, std::vector<std::shared_ptr<const Dataset>> sources,
                       TransformList transform, std::shared_ptr<const Tokenizer> tokenizer, std::uint64_t key,
                       StageTimes* times)
    : content_(std::move(content)),
      sources_(std::move(sources)),
      transform_(std::move(transform)),
      image_path_(std::make_shared<ImagePath>(
          content_.exif_orientation, content_.channels_last ? PixelLayout::channels_last : PixelLayout::planes)),
      tokenizer_(std::move(tokenizer)),
      key_(key),
      times_(times) {}

StreamBatch BatchMaker::allocate(std::int64_t rows) const {
  const auto floats = torch::TensorOptions().dtype(torch::kFloat32).pinned_memory(content_.pinned);
  const auto integers = torch::TensorOptions().dtype(torch::kInt64).pinned_memory(content_.pinned);
  StreamBatch batch;
  if (content_.pixels) {
    const auto format = content_.channels_last ? torch::MemoryFormat::ChannelsLast : torch::MemoryFormat::Contiguous;
    batch.pixels = torch::empty({rows, 3, content_.image_size, content_.image_size}, floats, format);
  }
  if (content_.tokens) batch.tokens = torch::empty({rows, content_.context}, integers);
  if (content_.vectors) batch.vectors = torch::empty({rows, content_.vector_width}, floats);
  if (content_.labels) batch.labels = torch::empty({rows}, integers);
  batch.keys.resize(static_cast<std::size_t>(rows));
  return batch;
}

void BatchMaker::fill(StreamBatch& batch, std::int64_t slot, const SlotRow& row, std::vector<BrokenRow>& broken,
                      int retries) const {
  const std::size_t first = broken.size();
  for (int retry = 0;; ++retry) {
    try {
      fill_row(batch, slot, row(slot, retry));
      break;
    } catch (const RowError& e) {
      if (retries == 0) throw;
      broken.push_back({content_.stream, e.what(), "", retry});
      if (retry == retries) {
        throw DataError("data." + content_.stream + ": " + std::to_string(retries + 1) +
                        " rows in turn are broken, the last: " + e.what());
      }
    }
  }
  for (std::size_t i = first; i < broken.size(); ++i) {
    broken[i].replacement = printable(batch.keys[static_cast<std::size_t>(slot)]);
  }
  if (times_ != nullptr) times_->rows.fetch_add(1, std::memory_order_relaxed);
}

void BatchMaker::will_need(const RowBlock& block) const {
  try {
    sources_[static_cast<std::size_t>(block.source)]->will_need(block.first, block.count);
  } catch (...) {
    // Nothing was lost: the rows are read all the same, and then say what is wrong.
  }
}

void BatchMaker::fill_row(StreamBatch& batch, std::int64_t slot, const RowId& id) const {
  const Row row = read_row(id);
  try {
    if (content_.pixels) fill_pixels(batch, slot, row, id);
    if (content_.tokens) fill_tokens(batch, slot, row, id);
  } catch (const RowError& e) {
    throw RowError(name(id, row.key) + ": " + e.what());
  }
  if (content_.vectors) {
    if (static_cast<std::int64_t>(row.vector.size()) != content_.vector_width) {
      throw RowError(name(id, row.key) + ": its vector has " + std::to_string(row.vector.size()) + " numbers, not " +
                     std::to_string(content_.vector_width));
    }
    std::memcpy(batch.vectors.data_ptr<float>() + slot * content_.vector_width, row.vector.data(),
                row.vector.size() * sizeof(float));
  }
  if (content_.labels) batch.labels.data_ptr<std::int64_t>()[slot] = row.label.value_or(-1);
  batch.keys[static_cast<std::size_t>(slot)] = row.key;
}

Row BatchMaker::read_row(const RowId& id) const {
  const StageTimer read(times_, &StageTimes::read);
  const auto place = [&] { return "data." + content_.stream + ": " + name(id, "") + ": "; };
  try {
    return source(id).get(id.row);
  } catch (const RowError& e) {
    throw RowError(one_line(e));
  } catch (const DataError& e) {
    throw DataError(one_line(e));
  } catch (const Error&) {
    throw;
  } catch (const std::exception& e) {
    throw DataError(place() + one_line(e));
  } catch (...) {
    throw DataError(place() + "its source threw something that is no std::exception");
  }
}

std::string BatchMaker::name(const RowId& id, const std::string& key) const {
  const std::string row = row_name(source(id), id.row, key);
  return sources_.size() == 1 ? row : "source " + std::to_string(id.source + 1) + ", " + row;
}

void BatchMaker::fill_pixels(StreamBatch& batch, std::int64_t slot, const Row& row, const RowId& id) const {
  CounterRandom random = row_random(key_, kAugmentPurpose, id);
  const std::int64_t side = content_.image_size;
  image_path_->run(row, transform_, random, content_.image_size,
                   batch.pixels.data_ptr<float>() + slot * 3 * side * side, times_);
}

void BatchMaker::fill_tokens(StreamBatch& batch, std::int64_t slot, const Row& row, const RowId& id) const {
  if (row.texts.empty()) throw RowError("it has no text");
  if (content_.vectors && row.texts.size() > 1) {
    // Not a RowError: every row of such a source is wrong, and a stand-in would hide it.
    throw DataError(
        "data." + content_.stream + ": " + name(id, row.key) + " has " + std::to_string(row.texts.size()) +
        " texts to draw from, but a stored vector belongs to one: use the text shard that `dime extract` wrote");
  }
  const StageTimer tokenise(times_, &StageTimes::tokenise);
  CounterRandom random = row_random(key_, kTextPurpose, id);
  const std::string& text = row.texts[random.below(row.texts.size())];
  tokenizer_->encode_padded(text, content_.context, batch.tokens.data_ptr<std::int64_t>() + slot * content_.context);
}

}  // namespace dime
