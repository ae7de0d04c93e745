// SPDX-License-Identifier: Apache-2.0
#include "io/weights_file.hpp"

#include <algorithm>
#include <array>
#include <set>

#include <dime/error.hpp>
#include <dime/printable.hpp>
#include <dime/schema.hpp>

#include "io/file_descriptor.hpp"
#include "io/shard_index.hpp"
#include "io/weights_content.hpp"
#include "io/weights_folder.hpp"

namespace dime::io {
namespace {

namespace fs = std::filesystem;

// What DistributedDataParallel and torch.compile put before every name.
constexpr std::array<std::string_view, 2> kPrefixes = {"module.", "_orig_mod."};

std::string in_quotes(std::string_view text) { return "\"" + printable(text) + "\""; }

bool all_begin_with(const std::vector<TensorView>& tensors, std::string_view prefix) {
  return !tensors.empty() && std::all_of(tensors.begin(), tensors.end(), [&](const TensorView& tensor) {
    return tensor.name.size() > prefix.size() && tensor.name.starts_with(prefix);
  });
}

// Takes off what all names begin with, and says what that was. The order of the names stays.
std::string take_prefixes(std::vector<TensorView>& tensors) {
  std::string taken;
  for (bool again = true; again;) {
    again = false;
    for (const std::string_view prefix : kPrefixes) {
      if (!all_begin_with(tensors, prefix)) continue;
      for (TensorView& tensor : tensors) tensor.name.erase(0, prefix.size());
      taken += prefix;
      again = true;
    }
  }
  return taken;
}

std::string checkpoint_format(const std::string& part, const std::string& prefix) {
  std::vector<std::string> words;
  if (!part.empty()) words.push_back("its " + in_quotes(part));
  if (!prefix.empty()) words.push_back("prefix " + in_quotes(prefix) + " taken off");
  return "a PyTorch checkpoint" + (words.empty() ? "" : " (" + join(words) + ")");
}

// The shards of an index, held against its map one by one.
class Shards {
 public:
  Shards(const WeightMap& map, const fs::path& index) : map_(map), index_(index) {}

  void add(const std::string& shard, const WeightsContent& content) {
    std::set<std::string_view> held;
    for (const TensorView& tensor : content.tensors) {
      held.insert(tensor.name);
      const auto mapped = map_.find(tensor.name);
      if (mapped == map_.end())
        disagree(in_quotes(shard) + " holds " + in_quotes(tensor.name) + ", which it does not list");
      if (mapped->second != shard) {
        disagree(in_quotes(tensor.name) + " is in " + in_quotes(shard) + ", but it lists it in " +
                 in_quotes(mapped->second));
      }
    }
    for (const auto& [name, file] : map_) {
      if (file == shard && !held.contains(name)) disagree(in_quotes(shard) + " lacks " + in_quotes(name));
    }
    formats_.insert(content.format);
    ++count_;
  }

  std::string format() const {
    const bool one = formats_.size() == 1;
    const char* const kind = one && formats_.contains(WeightsFormat::safetensors)  ? " safetensors"
                             : one && formats_.contains(WeightsFormat::checkpoint) ? " PyTorch checkpoint"
                                                                                   : " weights";
    return std::to_string(count_) + kind + (count_ == 1 ? " shard" : " shards");
  }

 private:
  [[noreturn]] void disagree(const std::string& how) const {
    throw WeightsError(shown(index_) + " and its shards disagree: " + how + "; fetch all files of one version again");
  }

  const WeightMap& map_;
  const fs::path& index_;
  std::set<WeightsFormat> formats_;
  std::size_t count_ = 0;
};

}  // namespace

WeightsFile::WeightsFile(const fs::path& path) : path_(find_weights_file(path)) {
  MappedFile file(path_);
  if (!is_safetensors(file.view()) && is_json(file.view())) {
    read_shards(file);
  } else {
    read_file(std::move(file));
  }
}

void WeightsFile::read_file(MappedFile file) {
  WeightsContent content = parse_weights(file.view(), shown(path_));
  files_.push_back(std::move(file));
  tensors_ = std::move(content.tensors);
  metadata_ = std::move(content.metadata);
  switch (content.format) {
    case WeightsFormat::safetensors:
      format_ = "a safetensors file";
      break;
    case WeightsFormat::script:
      format_ = "a TorchScript archive";
      break;
    case WeightsFormat::checkpoint:
      format_ = checkpoint_format(content.part, take_prefixes(tensors_));
      break;
  }
}

void WeightsFile::read_shards(const MappedFile& index) {
  const WeightMap map = parse_shard_index(index.view(), shown(path_));
  std::set<std::string> names;
  for (const auto& [name, shard] : map) names.insert(shard);
  for (const std::string& name : names) {
    if (!is_there(path_.parent_path() / name)) {
      throw WeightsError(shown(path_) + " lists the shard " + in_quotes(name) + ", which is not there");
    }
  }
  Shards shards(map, path_);
  for (const std::string& name : names) {
    const fs::path shard = path_.parent_path() / name;
    files_.emplace_back(shard);
    WeightsContent content = parse_weights(files_.back().view(), shown(shard));
    shards.add(name, content);
    std::move(content.tensors.begin(), content.tensors.end(), std::back_inserter(tensors_));
    metadata_.merge(content.metadata);
  }
  std::sort(tensors_.begin(), tensors_.end(), [](const TensorView& a, const TensorView& b) { return a.name < b.name; });
  format_ = shards.format();
}

const TensorView* WeightsFile::find(std::string_view name) const {
  const auto at =
      std::lower_bound(tensors_.begin(), tensors_.end(), name,
                       [](const TensorView& tensor, std::string_view wanted) { return tensor.name < wanted; });
  return at != tensors_.end() && at->name == name ? &*at : nullptr;
}

}  // namespace dime::io
