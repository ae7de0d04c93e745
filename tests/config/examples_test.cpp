// SPDX-License-Identifier: Apache-2.0
// Whole files of the experiment language, read without a problem.
#include <gmock/gmock.h>
#include <stdlib.h>

#include "config/files.hpp"

namespace dime {
namespace {

const std::filesystem::path folder = std::filesystem::path(DIME_TEST_SOURCE_DIR) / "tests/config/examples";

Experiment read(const std::string& name, Problems& problems, const std::vector<std::string>& overrides = {}) {
  return read_experiment(compose(folder / name, overrides), problems);
}

std::vector<std::string> components(const Experiment& e) {
  std::vector<std::string> all;
  for_each_component(e, [&](const std::string& kind, const Component& c) { all.push_back(kind + "/" + c.type); });
  return all;
}

TEST(Examples, FullLanguage) {
  Problems problems;
  const Experiment e = read("full_language.yaml", problems);
  ASSERT_EQ(join(problems.lines(), "\n"), "");
  EXPECT_EQ(e.seed, 3);
  EXPECT_THAT(e.plugins, testing::ElementsAre(Path(folder / "my_plugins")));
  EXPECT_EQ(e.models.teacher->init->path, folder / "ViT-L-14.safetensors");
  EXPECT_EQ(e.models.student->text, "teacher");
  EXPECT_EQ(e.models.student->component.options.find("text"), nullptr);
  ASSERT_EQ(e.data.images->sources.size(), 2u);
  EXPECT_EQ(e.data.images->sources[0].weight, 2);
  EXPECT_EQ(e.data.images->sources[1].source->type, "webdataset");
  EXPECT_EQ(e.data.images->transform.size(), 4u);
  EXPECT_EQ(e.data.images->resampling, "fused");
  EXPECT_TRUE(e.data.images->exif_orientation);
  EXPECT_EQ(e.data.images->memory_format, "channels_last");
  EXPECT_EQ(e.data.pairs->memory_format, "contiguous");
  EXPECT_EQ(e.data.images->locality->block, 64);
  EXPECT_EQ(e.data.images->locality->window, 4096);
  EXPECT_FALSE(e.data.texts->locality);
  EXPECT_FALSE(e.data.pairs->exif_orientation);
  EXPECT_FALSE(e.evaluate[0].second.exif_orientation);
  ASSERT_EQ(e.data.texts->sources.size(), 1u);
  EXPECT_FALSE(e.data.texts->sources[0].source);
  EXPECT_EQ(e.data.pairs->batch_size, 4096);
  ASSERT_EQ(e.losses.size(), 3u);
  EXPECT_EQ(e.losses[0].second.weight.to, 0.7);
  EXPECT_EQ(e.losses[1].second.weight.at(50, 50), 0.15);
  EXPECT_EQ(e.losses[1].second.component.options.entries().size(), 1u);
  EXPECT_EQ(e.losses[2].second.on, "pairs");
  EXPECT_EQ(e.train.log_every, 50);
  EXPECT_EQ(e.train.optimizer.betas[1], 0.98);
  EXPECT_EQ(e.train.schedule_options.type, "cosine");
  EXPECT_EQ(e.train.schedule_options.warmup.text(), "4 epochs");
  EXPECT_EQ(e.train.stop_after->seconds, 23 * 3600);
  EXPECT_EQ(e.evaluate[0].second.text.text(), "teacher");
  EXPECT_EQ(e.evaluate[1].second.every->text(), "1 epoch");
  EXPECT_EQ(e.extract[0].second.to.type, "tsv_features");
  EXPECT_THAT(components(e),
              testing::ElementsAre("model/clip", "model/clip", "dataset/tsv_images", "dataset/tsv_features",
                                   "dataset/webdataset", "dataset/tsv_features", "dataset/tsv_features",
                                   "dataset/csv_pairs", "loss/vl", "loss/pvl", "loss/clip", "dataset/image_folder",
                                   "dataset/tsv_images", "dataset/tsv_features"));
  DataOptions held_out;
  read_streams(e.evaluate[1].second, held_out, problems);
  EXPECT_EQ(join(problems.lines(), "\n"), "");
  EXPECT_EQ(held_out.images->batch_size, 256);
  EXPECT_FALSE(held_out.texts);
}

TEST(Examples, GoldenTrajectory) {
  Problems problems;
  const Experiment e = read("golden_trajectory.yaml", problems, {"train.epochs=2"});
  ASSERT_EQ(join(problems.lines(), "\n"), "");
  EXPECT_EQ(e.train.epochs, 2);
  EXPECT_FALSE(e.train.steps);
  EXPECT_FALSE(e.data.images->shuffle);
  EXPECT_EQ(e.train.schedule_options.warmup.amount, 0);
  EXPECT_EQ(e.train.precision, "fp32");
}

TEST(Examples, DimeFm) {
  ::unsetenv("DIME_DATA");
  EXPECT_THAT(
      test::error_text<ConfigError>([] { compose(folder / "dime_fm_vit_b32.yaml"); }),
      testing::HasSubstr("dime_fm_vit_b32.yaml:8:38: the environment variable \"DIME_DATA\" is not set; set it or "
                         "write the value here\n"));
  ::setenv("DIME_DATA", "/data", 1);
  Problems problems;
  const Experiment e = read("dime_fm_vit_b32.yaml", problems);
  ::unsetenv("DIME_DATA");
  ASSERT_EQ(join(problems.lines(), "\n"), "");
  EXPECT_EQ(e.data.images->sources[0].source->options.find("list")->text(), "/data/image.list");
  EXPECT_THAT(components(e), testing::Contains("model/clip").Times(2));
}

TEST(Examples, TheResolvedFileMeansTheSameElsewhere) {
  const test::ScratchFolder scratch;
  Problems problems;
  const Value v = compose(folder / "full_language.yaml");
  read_experiment(v, problems);
  const auto file = scratch.write("experiment.yaml", to_yaml(absolute_paths(v, problems)));
  Problems again;
  const Experiment e = read_experiment(compose(file), again);
  EXPECT_EQ(join(again.lines(), "\n"), "");
  EXPECT_EQ(e.models.teacher->init->path, folder / "ViT-L-14.safetensors");
  EXPECT_EQ(e.plugins.at(0), folder / "my_plugins");
  EXPECT_EQ(e.losses.size(), 3u);
}

}  // namespace
}  // namespace dime
