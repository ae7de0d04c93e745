// SPDX-License-Identifier: Apache-2.0
#include "eval/extract.hpp"

#include <gtest/gtest.h>

#include <cstring>

#include <dime/base64.hpp>
#include <dime/tsv.hpp>
#include <nlohmann/json.hpp>

#include "io/exif.hpp"
#include "io/png_write.hpp"
#include "io/tokenizer.hpp"
#include "support/errors.hpp"
#include "support/golden_images.hpp"
#include "support/plugins.hpp"
#include "support/tensors.hpp"
#include "train/run.hpp"
#include "train/weights.hpp"

namespace dime::test {
namespace {

const char* const kModel =
    "{type: clip, embed_dim: 24, init: teacher.safetensors, image: {image_size: 32, patch_size: 16, width: 64, layers: "
    "1, "
    "heads: 1}, text: {width: 64, layers: 1, heads: 1, context: 12, vocabulary: 49408}}";

class ExtractTest : public testing::Test {
 protected:
  ExtractTest() {
    const std::string golden = golden_file("trajectory_vit").string();
    folder_.write("texts-0.tsv",
                  "a\tone cat\nb\t{\"captions\": [\"two dogs\", \"{three}\"]}\nc\t[\"a bird\", \"unused\"]\n");
    folder_.write("texts.list", "texts-0.tsv\n");
    folder_.write("more-0.tsv", "m\ta boat\n");
    folder_.write("more.list", "more-0.tsv\n");
    folder_.write("e.yaml",
                  "schema: 1\nname: extract\nmodels:\n  teacher: " + std::string(kModel) +
                      "\ndata:\n  images: {source: {type: tsv_images, list: " + golden +
                      "/image.list}, rows: {from: 5, to: 308}, batch_size: 32}\n"
                      "  texts:\n    batch_size: 2\n    sources:\n"
                      "      - {source: {type: tsv_texts, list: texts.list}}\n"
                      "      - {source: {type: tsv_texts, list: more.list}}\n"
                      "extract:\n"
                      "  images: {of: data.images, to: {type: tsv_features, stem: out/images, rows_per_shard: 100}}\n"
                      "  texts: {of: data.texts, to: {type: tsv_features, stem: out/texts}}\n");
  }

  LoadedExperiment load(const std::vector<std::string>& overrides = {}) const {
    return load_experiment(folder_ / "e.yaml", overrides, build_folder());
  }
  /// The experiment with weights for its teacher.
  LoadedExperiment ready() {
    ModelEntry fresh = *load().experiment.models.teacher;
    fresh.init.reset();
    const auto loaded = load();
    teacher_ = make_frozen_model(fresh, *loaded.plugins, 3, torch::kCPU, "models.teacher");
    save_tensors(folder_ / "teacher.safetensors", named_tensors(*teacher_));
    return loaded;
  }
  static torch::Tensor vector(const TsvRow& row) {
    std::vector<std::uint8_t> bytes;
    base64_decode(row.payload, bytes);
    auto x = torch::empty({static_cast<std::int64_t>(bytes.size() / sizeof(float))});
    std::memcpy(x.data_ptr(), bytes.data(), bytes.size());
    return x;
  }
  torch::Tensor text_vector(const std::string& text) {
    auto tokens = torch::empty({1, 12}, torch::kInt64);
    load_tokenizer(build_folder())->encode_padded(text, 12, tokens.data_ptr<std::int64_t>());
    ForwardContext context;
    return teacher_->encode_text(tokens, context)[0];
  }
  void expect_texts(const Extracted& done, const std::string& stem, const std::vector<std::string>& keys,
                    const std::vector<std::string>& texts) {
    const TsvShards vectors(folder_ / ("out/" + stem + ".list"), {}),
        strings(folder_ / ("out/" + stem + "-text.list"), {});
    ASSERT_EQ(vectors.size(), static_cast<std::int64_t>(keys.size()));
    ASSERT_EQ(strings.size(), vectors.size());
    for (std::size_t i = 0; i < keys.size(); ++i) {
      const TsvRow row = vectors.row(static_cast<std::int64_t>(i)), text = strings.row(static_cast<std::int64_t>(i));
      EXPECT_EQ(row.key, keys[i]);
      EXPECT_EQ(text.key, keys[i]);
      EXPECT_EQ(nlohmann::json::parse(text.payload), texts[i]);
      EXPECT_EQ(vector(row).size(0), done.width);
      EXPECT_LE(relative_distance(vector(row), text_vector(texts[i])), 1e-5) << keys[i];
    }
  }

  ScratchFolder folder_;
  std::shared_ptr<Model> teacher_;
};

TEST_F(ExtractTest, ImagesRowByRow) {
  const LoadedExperiment loaded = ready();
  std::vector<std::int64_t> progress;
  const Extracted done = extract(loaded, "images", [&](std::int64_t at, std::int64_t of) {
    progress.push_back(at);
    EXPECT_EQ(of, 303);
  });
  EXPECT_EQ(done.rows, 303);
  EXPECT_EQ(done.width, 24);
  EXPECT_EQ(done.list, folder_ / "out/images.list");
  EXPECT_EQ(progress, (std::vector<std::int64_t>{256, 303}));
  EXPECT_EQ(folder_.read("out/images.list"), "images-0.tsv\nimages-1.tsv\nimages-2.tsv\nimages-3.tsv\n");
  const TsvShards vectors(done.list, {});
  ASSERT_EQ(vectors.size(), 303);
  for (const std::int64_t i : {0, 99, 100, 302}) {
    EXPECT_EQ(vectors.row(i).key, "img" + std::to_string(i + 5));
    EXPECT_EQ(vector(vectors.row(i)).size(0), 24);
  }
  EXPECT_GT(relative_distance(vector(vectors.row(0)), vector(vectors.row(1))), 0.01);
}

TEST_F(ExtractTest, ImagesAreTurnedAsTheStreamSays) {
  ready();
  const Bytes stored = golden_image("orientation_6.png");
  Image image;
  decode_image(stored, image);
  apply_orientation(image, 6);
  const Bytes upright = encode_png(image.rgb, {image.height, image.width, 3});
  std::string first, second;
  base64_encode(stored, first);
  base64_encode(upright, second);
  folder_.write("turned.tsv", "stored\t" + first + "\nupright\t" + second + "\n");
  const auto distance = [&](const std::string& exif_orientation) {
    const auto loaded = load({"data.images={source: {type: tsv_images, list: " + (folder_ / "turned.tsv").string() +
                                  "}, rows: null, batch_size: 2, exif_orientation: " + exif_orientation + "}",
                              "extract.images.to.stem=" + (folder_ / exif_orientation).string()});
    const TsvShards vectors(extract(loaded, "images", [](std::int64_t, std::int64_t) {}).list, {});
    return relative_distance(vector(vectors.row(0)), vector(vectors.row(1)));
  };
  EXPECT_LE(distance("true"), 1e-5);
  EXPECT_GT(distance("false"), 0.001);
}

TEST_F(ExtractTest, EachStringOfATextHasAVectorOfItsOwn) {
  const LoadedExperiment loaded = ready();
  const Extracted done = extract(loaded, "texts", [](std::int64_t, std::int64_t) {});
  EXPECT_EQ(done.rows, 5);
  expect_texts(done, "texts-source1", {"a", "b#0", "b#1", "c"}, {"one cat", "two dogs", "{three}", "a bird"});
  expect_texts(done, "texts-source2", {"m"}, {"a boat"});
}

TEST_F(ExtractTest, ItsOwnTextShardIsASourceBesideTheVectors) {
  extract(ready(), "texts", [](std::int64_t, std::int64_t) {});
  const LoadedExperiment again =
      load({"data.texts.sources=null",
            "data.texts.source={type: tsv_texts, list: " + (folder_ / "out/texts-source1-text.list").string() + "}",
            "data.texts.features={type: tsv_features, list: " + (folder_ / "out/texts-source1.list").string() + "}"});
  const auto rows = open_sources("texts", *again.experiment.data.texts, *again.plugins, {}).front();
  EXPECT_EQ(rows->size(), 4);
  EXPECT_EQ(rows->get(2).texts, std::vector<std::string>{"{three}"});
  EXPECT_EQ(rows->get(2).vector.size(), 24U);
}

TEST_F(ExtractTest, Mistakes) {
  const std::string file = (folder_ / "e.yaml").string();
  const auto error = [&](const LoadedExperiment& loaded, const std::string& job) {
    return error_text<Error>([&] { extract(loaded, job, [](std::int64_t, std::int64_t) {}); });
  };
  EXPECT_EQ(error(load(), "image"), file + ": extract has no job \"image\"; it has: images, texts");
  EXPECT_EQ(error(load({"models.teacher.init=null"}), "images"),
            file + ": models.teacher has no init: its vectors would be those of random weights");
  const LoadedExperiment loaded = ready();
  EXPECT_EQ(
      error(load({"models.teacher.towers=text",
                  "models.teacher.init={path: " + (folder_ / "teacher.safetensors").string() + ", skip: [visual.]}"}),
            "images"),
      "extract.images: the model has no image tower");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "out/images.list"));
  extract(loaded, "images", [](std::int64_t, std::int64_t) {});
  EXPECT_EQ(error(loaded, "images"), "cannot write " + (folder_ / "out/images.list").string() +
                                         ": it exists; remove it, or choose another stem");
  extract(load({"extract.images.to.overwrite=true"}), "images", [](std::int64_t, std::int64_t) {});
}

TEST_F(ExtractTest, TextsOfATokenizerThatIsMissing) {
  const auto text = options({{"width", "16"}, {"layers", "1"}, {"heads", "1"}, {"context", "8"}, {"vocabulary", "64"}});
  save_tensors(folder_ / "siglip.safetensors", named_tensors(*make_model("siglip", Value::map({{"text", text, {}}}))));
  const auto loaded =
      load({"models.teacher={type: siglip, text: {width: 16, layers: 1, heads: 1, context: 8, vocabulary: 64}, init: " +
            (folder_ / "siglip.safetensors").string() + "}"});
  EXPECT_EQ(error_text<ConfigError>([&] { extract(loaded, "texts", [](std::int64_t, std::int64_t) {}); }),
            "extract.texts: the model has no tokenizer: there is no " + (folder_ / "spiece.model").string() +
                "; give it `tokenizer: path/to/spiece.model`, or lay spiece.model beside its weights");
}

TEST_F(ExtractTest, ABrokenRowIsAnError) {
  const LoadedExperiment loaded = ready();
  folder_.write("bad-0.tsv", "x\tbm8gaW1hZ2U=\n");
  const LoadedExperiment bad =
      load({"data.images.rows=null", "data.images.source.list=" + (folder_ / "bad-0.tsv").string()});
  const std::string message = error_text<DataError>([&] { extract(bad, "images", [](std::int64_t, std::int64_t) {}); });
  EXPECT_EQ(message.rfind("extract.images: bad-0.tsv:0 x: ", 0), 0U) << message;
  EXPECT_FALSE(std::filesystem::exists(folder_ / "out/images.list"));
}

}  // namespace
}  // namespace dime::test
