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

}  // namespace
}  // namespace dime::test
