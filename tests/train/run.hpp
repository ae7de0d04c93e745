// SPDX-License-Identifier: Apache-2.0
// Experiments of the tests, run in this process with the build folder's plugins.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "support/scratch_folder.hpp"
#include "train/build.hpp"
#include "train/trainer.hpp"

namespace dime::test {

inline Installation build_folder() {
  const std::filesystem::path root = DIME_TEST_BINARY_DIR;
  return {root / "bin/plugins", root / "share/dime"};
}

inline std::filesystem::path golden_file(const std::string& name) {
  return std::filesystem::path(DIME_TEST_SOURCE_DIR) / "tests/golden" / name;
}

/// Keeps every report.
class Recorder final : public Hook {
 public:
  explicit Recorder(std::vector<StepReport>& reports) : reports_(reports) {}
  void after_step(Trainer&, const StepReport& report) override { reports_.push_back(report); }

 private:
  std::vector<StepReport>& reports_;
};

/// An experiment, ready to train.
class TrainingRun {
 public:
  TrainingRun(const std::filesystem::path& file, const std::vector<std::string>& overrides)
      : loaded_(load_experiment(file, overrides, build_folder())),
        models_(build_models(loaded_)),
        trainer_(build_trainer(loaded_, models_, comm_)) {}

  /// Trains to the end; true when the run is complete.
  bool train(std::unique_ptr<Hook> hook = nullptr) {
    std::vector<std::unique_ptr<Hook>> hooks;
    hooks.push_back(std::make_unique<Recorder>(reports));
    if (hook != nullptr) hooks.push_back(std::move(hook));
    return trainer_.run(hooks);
  }
  Trainer& trainer() { return trainer_; }
  const RunModels& models() const { return models_; }

  std::vector<StepReport> reports;

 private:
  LoadedExperiment loaded_;
  RunModels models_;
  WorldOfOne comm_;
  Trainer trainer_;
};

inline std::map<std::string, torch::Tensor> by_name(const NamedTensors& tensors) {
  std::map<std::string, torch::Tensor> all;
  for (const auto& [name, tensor] : tensors) all[name] = tensor.detach().clone();
  return all;
}

}  // namespace dime::test
