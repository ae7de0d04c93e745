// SPDX-License-Identifier: Apache-2.0
#include "cli/weights_path.hpp"

#include <iostream>

#include <dime/error.hpp>

#include "train/checkpoint.hpp"

namespace dime::cli {
namespace {

std::filesystem::path newest_of_run(const std::filesystem::path& run) {
  bool damaged = false;
  const auto newest = newest_checkpoint(run / "checkpoints", [&](const std::string& line) {
    damaged = true;
    std::cerr << "warning: " << line << "\n";
  });
  if (!newest) throw IoError((damaged ? "every checkpoint is damaged in " : "no checkpoint in ") + run.string());
  return *newest;
}

}  // namespace

std::filesystem::path weights_path(std::filesystem::path path) {
  if (std::filesystem::is_directory(path / "checkpoints")) path = newest_of_run(path);
  if (!std::filesystem::exists(path / "state.json")) return path;
  const std::string why = checkpoint_damage(path);
  if (!why.empty()) throw IoError("checkpoint " + path.string() + " is damaged: " + why);
  return path / "model.safetensors";
}

}  // namespace dime::cli
