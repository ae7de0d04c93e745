// SPDX-License-Identifier: Apache-2.0
#include "train/checkpoint.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>

#include <dime/error.hpp>
#include <nlohmann/json.hpp>

#include "support/errors.hpp"
#include "support/scratch_folder.hpp"

namespace dime {
namespace {

namespace fs = std::filesystem;

CheckpointTensors tensors(float value) {
  return {{{"w", torch::full({64}, value)}},
          {{"fd.p", torch::full({2}, value)}},
          {{"exp_avg/w", torch::full({64}, value)}}};
}

TrainState state_at(std::int64_t step) {
  TrainState s;
  s.step = step;
  s.seed = 9;
  s.skipped = 3;
  s.broken_rows = 4;
  s.rows_seen = 5000000000;
  s.loss_scale = 1024.5;
  s.loss_scale_growth = 77;
  s.compute_threads = 2;
  s.processes = 1;
  s.cpu_capability = "AVX2";
  s.device = "cpu";
  return s;
}

/// No file may grow past `bytes` while this lives: a disk that is full.
class SmallDisk {
 public:
  explicit SmallDisk(rlim_t bytes) {
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit small{bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &small);
    signal_ = std::signal(SIGXFSZ, SIG_IGN);
  }
  ~SmallDisk() {
    setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, signal_);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

 private:
  rlimit before_{};
  void (*signal_)(int) = nullptr;
};

struct Checkpoints : testing::Test {
  test::ScratchFolder scratch;
  fs::path folder = scratch / "checkpoints";

  fs::path save(std::int64_t step, std::int64_t keep = 0) {
    return save_checkpoint(folder, state_at(step), tensors(static_cast<float>(step)), keep);
  }
  std::set<std::string> names() const {
    std::set<std::string> all;
    for (const auto& entry : fs::directory_iterator(folder)) all.insert(entry.path().filename());
    return all;
  }
  float loaded(const fs::path& checkpoint) const {
    const CheckpointTensors into = tensors(0);
    load_checkpoint(checkpoint, into);
    EXPECT_TRUE(torch::equal(into.model[0].second, into.optimizer[0].second));
    EXPECT_TRUE(torch::equal(into.model[0].second.slice(0, 0, 2), into.losses[0].second));
    return into.model[0].second[0].item<float>();
  }
};

TEST_F(Checkpoints, EverythingComesBack) {
  const fs::path path = save(240);
  EXPECT_EQ(path, folder / "step_0000000240");
  EXPECT_EQ(path, checkpoint_path(folder, 240));
  EXPECT_EQ(newest_checkpoint(folder), path);
  EXPECT_EQ(loaded(path), 240);
  const TrainState want = state_at(240), got = read_state(path);
  EXPECT_EQ(got.step, want.step);
  EXPECT_EQ(got.seed, want.seed);
  EXPECT_EQ(got.skipped, want.skipped);
  EXPECT_EQ(got.broken_rows, want.broken_rows);
  EXPECT_EQ(got.rows_seen, want.rows_seen);
  EXPECT_EQ(got.loss_scale, want.loss_scale);
  EXPECT_EQ(got.loss_scale_growth, want.loss_scale_growth);
  EXPECT_EQ(got.compute_threads, want.compute_threads);
  EXPECT_EQ(got.processes, want.processes);
  EXPECT_EQ(got.cpu_capability, want.cpu_capability);
  EXPECT_EQ(got.device, want.device);
}

TEST_F(Checkpoints, TheNewestAreKept) {
  for (const std::int64_t step : {1, 2, 9, 10}) save(step, 2);
  EXPECT_EQ(names(), (std::set<std::string>{"step_0000000009", "step_0000000010"}));
  save(11, 0);
  EXPECT_EQ(names().size(), 3U);
}

TEST_F(Checkpoints, ALaterOneThatIsDamagedDoesNotTakeThePlaceOfAGoodOne) {
  save(2);
  fs::resize_file(save(10) / "model.safetensors", 40);
  save(3, 1);
  EXPECT_EQ(names(), (std::set<std::string>{"step_0000000003", "step_0000000010"}));
  EXPECT_EQ(newest_checkpoint(folder), folder / "step_0000000003");
}

TEST_F(Checkpoints, ADamagedOneIsPassedOver) {
  const fs::path good = save(1);
  const fs::path cut = save(2), changed = save(3), no_state = save(4), no_model = save(5);
  fs::resize_file(cut / "model.safetensors", 40);
  std::fstream(changed / "optimizer.safetensors", std::ios::in | std::ios::out | std::ios::binary)
          .seekp(-1, std::ios::end)
      << '\x42';
  fs::remove(no_state / "state.json");
  fs::remove(no_model / "model.safetensors");
  std::vector<std::string> heard;
  EXPECT_EQ(newest_checkpoint(folder, [&](const std::string& line) { heard.push_back(scratch.shown(line)); }), good);
  EXPECT_EQ(
      heard,
      (std::vector<std::string>{
          "checkpoint checkpoints/step_0000000005 is damaged (cannot open "
          "checkpoints/step_0000000005/model.safetensors: No such file or directory): going on from the one before",
          "checkpoint checkpoints/step_0000000004 is damaged (its state.json is missing or has no checksums): going "
          "on from the one before",
          "checkpoint checkpoints/step_0000000003 is damaged (optimizer.safetensors does not match its checksum): "
          "going on from the one before",
          "checkpoint checkpoints/step_0000000002 is damaged (model.safetensors does not match its checksum): going "
          "on from the one before"}));
  EXPECT_EQ(save(3), changed);
  EXPECT_EQ(loaded(changed), 3);
}

TEST_F(Checkpoints, AStateThatWasChangedOrMoved) {
  const fs::path good = save(1), changed = save(2), moved = save(3);
  auto state = nlohmann::ordered_json::parse(scratch.read(changed / "state.json"));
  state["seed"] = 10;
  scratch.write(changed / "state.json", state.dump());
  fs::rename(moved, folder / "step_0000000004");
  EXPECT_EQ(checkpoint_damage(good), "");
  EXPECT_EQ(checkpoint_damage(changed), "state.json does not match its checksum");
  EXPECT_EQ(checkpoint_damage(folder / "step_0000000004"), "its state.json is of another step");
  EXPECT_EQ(newest_checkpoint(folder), good);
}

TEST_F(Checkpoints, FoldersOfOtherNamesAreNotOurs) {
  save(1);
  for (const char* name : {"step_best", "step_7", "step_0000000008.keep"}) {
    fs::copy(folder / "step_0000000001", folder / name, fs::copy_options::recursive);
  }
  EXPECT_EQ(newest_checkpoint(folder), folder / "step_0000000001");
  save(9, 1);
  EXPECT_EQ(names(), (std::set<std::string>{"step_0000000009", "step_7", "step_0000000008.keep", "step_best"}));
}

TEST_F(Checkpoints, NoneAndPartialOnesAreNothing) {
  EXPECT_EQ(newest_checkpoint(folder), std::nullopt);
  fs::create_directories(folder / ".partial_step_0000000007");
  scratch.write("checkpoints/.partial_step_0000000007/model.safetensors", "half");
  scratch.write("checkpoints/notes.txt", "mine");
  EXPECT_EQ(newest_checkpoint(folder), std::nullopt);
  save(8);
  EXPECT_EQ(names(), (std::set<std::string>{"notes.txt", "step_0000000008"}));
}

// A complete run that is resumed must not be without its checkpoint for a moment.
TEST_F(Checkpoints, AWholeOneIsNotWrittenAgain) {
  const fs::path path = save(5);
  const auto written = fs::last_write_time(path / "model.safetensors");
  EXPECT_EQ(save(5), path);
  EXPECT_EQ(fs::last_write_time(path / "model.safetensors"), written);
}

TEST_F(Checkpoints, AFullDiskLeavesTheLastGoodOne) {
  const fs::path good = save(1);
  std::string message;
  {
    const SmallDisk full(100);
    message = test::error_text<IoError>([&] { save(2); });
  }
  EXPECT_EQ(scratch.shown(message),
            "cannot write the checkpoint checkpoints/step_0000000002: cannot write "
            "checkpoints/.partial_step_0000000002/model.safetensors: File too large; the last good one is "
            "checkpoints/step_0000000001");
  EXPECT_EQ(names(), (std::set<std::string>{"step_0000000001"}));
  EXPECT_EQ(loaded(good), 1);
  EXPECT_EQ(loaded(save(2)), 2);
}

TEST_F(Checkpoints, AFullDiskAtTheFirstOne) {
  std::string message;
  {
    const SmallDisk full(100);
    message = test::error_text<IoError>([&] { save(2); });
  }
  EXPECT_EQ(scratch.shown(message),
            "cannot write the checkpoint checkpoints/step_0000000002: cannot write "
            "checkpoints/.partial_step_0000000002/model.safetensors: File too large; there is none before it");
}

TEST_F(Checkpoints, AFileInTheWay) {
  scratch.write("checkpoints", "a file");
  EXPECT_EQ(scratch.shown(test::error_text<IoError>([&] { save(2); }))
                .rfind("cannot write the checkpoint checkpoints/step_0000000002: ", 0),
            0U);
  EXPECT_EQ(scratch.read("checkpoints"), "a file");
}

TEST_F(Checkpoints, OtherVersionsAndOtherFiles) {
  fs::create_directories(folder / "step_1");
  scratch.write("checkpoints/step_1/state.json", R"({"version": 2, "step": 1})");
  EXPECT_EQ(scratch.shown(test::error_text<DataError>([&] { read_state(folder / "step_1"); })),
            "checkpoints/step_1/state.json: its version is 2, this program reads version 1");
  scratch.write("checkpoints/step_1/state.json", R"({"version": 1})");
  EXPECT_EQ(scratch.shown(test::error_text<DataError>([&] { read_state(folder / "step_1"); })),
            "checkpoints/step_1/state.json: not a checkpoint's state: [json.exception.out_of_range.403] key 'step' not "
            "found");
}

TEST_F(Checkpoints, AnotherModelsCheckpoint) {
  const fs::path path = save(1);
  CheckpointTensors other = tensors(0);
  other.model = {{"other", torch::zeros({64})}};
  EXPECT_EQ(scratch.shown(test::error_text<WeightsError>([&] { load_checkpoint(path, other); })),
            "checkpoint: the weights in checkpoints/step_0000000001/model.safetensors do not fit; missing: other; "
            "unexpected: w");
}

}  // namespace
}  // namespace dime
