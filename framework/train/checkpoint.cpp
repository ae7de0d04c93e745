// SPDX-License-Identifier: Apache-2.0
#include "train/checkpoint.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <system_error>

#include <dime/error.hpp>
#include <nlohmann/json.hpp>

#include "report/environment.hpp"
#include "report/json_file.hpp"
#include "train/weights.hpp"

namespace dime {
namespace fs = std::filesystem;
namespace {

constexpr int kVersion = 1;
constexpr const char* kPrefix = "step_";
constexpr const char* kPartial = ".partial_step_";

std::string name_of(std::int64_t step) {
  char name[32];
  std::snprintf(name, sizeof(name), "%s%010lld", kPrefix, static_cast<long long>(step));
  return name;
}

/// The step in a checkpoint's name. Other folders (a user's copy) are none of ours.
std::optional<std::int64_t> step_of(const fs::path& path) {
  const std::string name = path.filename().string();
  std::int64_t step = -1;
  const std::size_t digits = std::string(kPrefix).size();
  if (name.starts_with(kPrefix)) std::from_chars(name.data() + digits, name.data() + name.size(), step);
  return step >= 0 && name == name_of(step) ? std::optional(step) : std::nullopt;
}

std::vector<fs::path> newest_first(const fs::path& folder) {
  std::vector<fs::path> all;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    if (entry.is_directory() && step_of(entry.path())) all.push_back(entry.path());
  }
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return *step_of(a) > *step_of(b); });
  return all;
}

void sync_folder(const fs::path& folder) {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  ::fsync(fd);
  ::close(fd);
}

constexpr const char* kOwnChecksum = "checksum";

/// Of the state's own fields.
std::string own_checksum(nlohmann::ordered_json state) {
  state.erase(kOwnChecksum);
  return text_xxhash(state.dump());
}

nlohmann::ordered_json state_json(const TrainState& s, const fs::path& folder) {
  nlohmann::ordered_json j{{"version", kVersion},
                           {"step", s.step},
                           {"seed", s.seed},
                           {"streams", {{"images", s.step}, {"texts", s.step}, {"pairs", s.step}}},
                           {"skipped", s.skipped},
                           {"broken_rows", s.broken_rows},
                           {"broken_by_stream", s.broken_by_stream},
                           {"rows_seen", s.rows_seen},
                           {"loss_scale", s.loss_scale},
                           {"loss_scale_growth", s.loss_scale_growth},
                           {"compute_threads", s.compute_threads},
                           {"processes", s.processes},
                           {"cpu_capability", s.cpu_capability},
                           {"device", s.device},
                           {"precision", s.precision}};
  for (const auto& entry : fs::directory_iterator(folder)) {
    j["checksums"][entry.path().filename().string()] = file_xxhash(entry.path());
  }
  j[kOwnChecksum] = own_checksum(j);
  return j;
}

void write_files(const fs::path& folder, const TrainState& state, const CheckpointTensors& tensors) {
  fs::create_directories(folder);
  std::map<std::string, std::string> metadata{{"format", "pt"}, {"step", std::to_string(state.step)}};
  if (!tensors.about.empty()) metadata["dime.model"] = tensors.about;
  save_tensors(folder / "model.safetensors", tensors.model, metadata);
  if (!tensors.losses.empty()) save_tensors(folder / "losses.safetensors", tensors.losses);
  save_tensors(folder / "optimizer.safetensors", tensors.optimizer);
  write_json(folder / "state.json", state_json(state, folder));
  sync_folder(folder);
}

/// What a kill left of checkpoints that were being written.
void remove_partial(const fs::path& folder) {
  std::vector<fs::path> left;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().filename().string().starts_with(kPartial)) left.push_back(entry.path());
  }
  for (const auto& path : left) fs::remove_all(path);
}

}  // namespace

std::string checkpoint_damage(const fs::path& checkpoint) {
  try {
    const auto j = read_json_object(checkpoint / "state.json");
    if (!j.contains("checksums") || j["checksums"].empty()) return "its state.json is missing or has no checksums";
    if (j.value(kOwnChecksum, "") != own_checksum(j)) return "state.json does not match its checksum";
    for (const auto& [name, sum] : j["checksums"].items()) {
      if (file_xxhash(checkpoint / name) != sum.get<std::string>()) return name + " does not match its checksum";
    }
    const auto step = j.at("step").get<std::int64_t>();
    if (step_of(checkpoint).value_or(step) != step) return "its state.json is of another step";
  } catch (const std::exception& e) {
    return e.what();
  }
  return "";
}

fs::path checkpoint_path(const fs::path& folder, std::int64_t step) { return folder / name_of(step); }

fs::path save_checkpoint(const fs::path& folder, const TrainState& state, const CheckpointTensors& tensors,
                         std::int64_t keep) {
  fs::path final_path = checkpoint_path(folder, state.step);
  const fs::path aside = folder / (".partial_" + name_of(state.step));
  // Whole already: a run that was complete is resumed. Writing it again would leave a moment without it.
  if (fs::exists(final_path) && checkpoint_damage(final_path).empty()) return final_path;
  try {
    fs::create_directories(folder);
    remove_partial(folder);
    write_files(aside, state, tensors);
    fs::remove_all(final_path);
    fs::rename(aside, final_path);
    sync_folder(folder);
  } catch (const std::exception& e) {
    std::error_code ignored;
    fs::remove_all(aside, ignored);
    const auto good = newest_checkpoint(folder);
    throw IoError("cannot write the checkpoint " + final_path.string() + ": " + e.what() + "; " +
                  (good ? "the last good one is " + good->string() : "there is none before it"));
  }
  // Later ones than this are damaged, or the run would have gone on from them: they do not count.
  auto all = newest_first(folder);
  all.erase(all.begin(), std::find(all.begin(), all.end(), final_path));
  for (std::size_t i = static_cast<std::size_t>(keep); keep > 0 && i < all.size(); ++i) fs::remove_all(all[i]);
  return final_path;
}

std::optional<fs::path> newest_checkpoint(const fs::path& folder,
                                          const std::function<void(const std::string&)>& skipped) {
  for (const fs::path& path : newest_first(folder)) {
    const std::string why = checkpoint_damage(path);
    if (why.empty()) return path;
    if (skipped) skipped("checkpoint " + path.string() + " is damaged (" + why + "): going on from the one before");
  }
  return std::nullopt;
}

TrainState read_state(const fs::path& checkpoint) {
  const fs::path path = checkpoint / "state.json";
  const auto j = read_json_object(path);
  try {
    if (j.at("version").get<int>() != kVersion) {
      throw DataError(path.string() + ": its version is " + j.at("version").dump() + ", this program reads version " +
                      std::to_string(kVersion));
    }
    TrainState s;
    s.step = j.at("step");
    s.seed = j.at("seed");
    s.skipped = j.at("skipped");
    s.broken_rows = j.at("broken_rows");
    s.broken_by_stream = j.at("broken_by_stream").get<std::map<std::string, std::int64_t>>();
    s.rows_seen = j.at("rows_seen");
    s.loss_scale = j.at("loss_scale");
    s.loss_scale_growth = j.at("loss_scale_growth");
    s.compute_threads = j.at("compute_threads");
    s.processes = j.at("processes");
    s.cpu_capability = j.at("cpu_capability");
    s.device = j.at("device");
    s.precision = j.at("precision");
    return s;
  } catch (const nlohmann::json::exception& e) {
    throw DataError(path.string() + ": not a checkpoint's state: " + e.what());
  }
}

void load_checkpoint(const fs::path& checkpoint, const CheckpointTensors& tensors) {
  const auto load = [&](const char* file, const NamedTensors& into) {
    if (into.empty()) return;
    InitOptions from;
    from.path = checkpoint / file;
    load_tensors(from, into, "checkpoint");
  };
  load("model.safetensors", tensors.model);
  load("losses.safetensors", tensors.losses);
  load("optimizer.safetensors", tensors.optimizer);
}

}  // namespace dime
