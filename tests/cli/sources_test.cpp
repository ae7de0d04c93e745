// SPDX-License-Identifier: Apache-2.0
// Sources that stand on other files, as the source of a stream.
#include "cli/program.hpp"

namespace dime::test {
namespace {

class Sources : public CliTest {
 protected:
  /// An experiment like toy.yaml whose images are `source`, with their `features`.
  void write_images(const std::string& source, const std::string& features) const {
    folder_.write("part.yaml", "extends: toy.yaml\nname: part\ndata:\n  images:\n    source: " + source +
                                   "\n    features: " + features + "\n");
  }
  /// A subset by `options` of the golden shards of `list`.
  static std::string part(const std::string& options, const std::string& type, const std::string& list) {
    return "{type: subset, " + options + ", of: {type: " + type + ", list: \"" + (golden_folder() / list).string() +
           "\"}}";
  }
};

TEST_F(Sources, APartOfTheImagesWithTheirFeatures) {
  folder_.write("rows.txt", "1279\n5\n0\n");
  const std::vector<std::pair<std::string, std::string>> parts{
      {"fraction: 0.5", "640"}, {"first: 32", "32"}, {"rows: rows.txt", "3"}};
  for (const auto& [options, rows] : parts) {
    write_images(part(options, "tsv_images", "image.list"), part(options, "tsv_features", "image-feat.list"));
    const Outcome checked = dime({"check", "part.yaml", "data.images.batch_size=2", "data.texts.batch_size=2"});
    EXPECT_EQ(checked.status, 0) << checked.err;
    EXPECT_NE(checked.out.find("data.images: " + rows + " rows, batches of 2, stored vectors of 48\n"),
              std::string::npos)
        << checked.out;
  }
}

TEST_F(Sources, APartWithTheFeaturesOfAnotherPart) {
  write_images(part("first: 32", "tsv_images", "image.list"), part("first: 33", "tsv_features", "image-feat.list"));
  const Outcome checked = dime({"check", "part.yaml"});
  EXPECT_EQ(checked.status, 1);
  EXPECT_NE(checked.err.find("its features have 33 rows, its source has 32; they must correspond row by row"),
            std::string::npos)
      << checked.err;
}

TEST_F(Sources, AMistakeInASubsetIsNamedWithItsPlace) {
  write_images(part("first: 2000", "tsv_images", "image.list"), part("first: 32", "tsv_features", "image-feat.list"));
  expect_error(dime({"check", "part.yaml"}),
               "part.yaml:5:20: [dataset/subset] first: there are no 2000 rows, the source has 1280");
}

TEST_F(Sources, PairsOfATable) {
  std::string table = "filepath\ttitle\n";
  for (const char* image : {"420.jpg", "444.jpg", "lossy.webp", "grey.png"}) {
    table += std::string(image) + "\t\"a picture,\nnamed \"\"" + image + "\"\"\"\n";
  }
  folder_.write("tables/pairs.csv", table);
  folder_.write("pairs.yaml",
                "extends: toy.yaml\nname: pairs\n"
                "data:\n  images: null\n  texts: null\n  pairs:\n"
                "    source: {type: csv_pairs, file: tables/pairs.csv, root: \"" +
                    (golden_folder().parent_path() / "images").string() +
                    "\"}\n"
                    "    transform: [{type: random_resized_crop, size: 32}, {type: normalize, preset: clip}]\n"
                    "    batch_size: 2\n"
                    "models: {student: {text: {width: 32, layers: 1, heads: 1, context: 16}}}\n"
                    "losses: {vl: null, pvl: null, clip: {type: clip, on: pairs}}\n");
  const Outcome checked = dime({"check", "pairs.yaml"});
  EXPECT_EQ(checked.status, 0) << checked.err;
  EXPECT_NE(checked.out.find("data.pairs: 4 rows, batches of 2\n"), std::string::npos) << checked.out;
  const Outcome trained = dime({"train", "pairs.yaml", "--run-dir", "r"});
  ASSERT_EQ(trained.status, 0) << trained.err;
  EXPECT_EQ(metrics("r").back().at("broken_rows"), 0);
}

}  // namespace
}  // namespace dime::test
