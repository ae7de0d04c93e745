// SPDX-License-Identifier: Apache-2.0
#include "io/weights_folder.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include <dime/error.hpp>

#include "io/file_descriptor.hpp"

namespace dime::io {
namespace {

namespace fs = std::filesystem;

constexpr std::array<const char*, 6> kNames = {
    "model.safetensors", "open_clip_model.safetensors",  "model.safetensors.index.json",
    "pytorch_model.bin", "pytorch_model.bin.index.json", "open_clip_pytorch_model.bin"};

// The number of a checkpoint's folder, step_0000000240.
std::optional<std::uint64_t> step_of(const std::string& name) {
  constexpr std::string_view prefix = "step_";
  if (!name.starts_with(prefix)) return std::nullopt;
  std::uint64_t step = 0;
  const char* const end = name.data() + name.size();
  const auto [stop, error] = std::from_chars(name.data() + prefix.size(), end, step);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return step;
}

fs::path newest_checkpoint(const fs::path& folder) {
  fs::path newest;
  std::uint64_t newest_step = 0;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    const auto step = step_of(entry->path().filename().string());
    if (!step || (!newest.empty() && *step <= newest_step) || !is_there(entry->path() / kNames[0])) continue;
    newest = entry->path();
    newest_step = *step;
  }
  if (error && error != std::errc::no_such_file_or_directory && error != std::errc::not_a_directory) {
    throw io_error("read", folder, error.value());
  }
  return newest;
}

}  // namespace

fs::path find_weights_file(const fs::path& path) {
  std::error_code error;
  if (!fs::is_directory(path, error)) return path;
  std::string looked_for;
  for (const char* name : kNames) {
    if (is_there(path / name)) return path / name;
    looked_for.append(name).append(", ");
  }
  const fs::path checkpoint = newest_checkpoint(path / "checkpoints");
  if (!checkpoint.empty()) return checkpoint / kNames[0];
  throw WeightsError(shown(path) + " is a folder without weights: looked for " + looked_for +
                     "checkpoints/step_*/model.safetensors");
}

}  // namespace dime::io
