// SPDX-License-Identifier: Apache-2.0
// The rules between keys of an experiment.
#include <gmock/gmock.h>

#include "config/files.hpp"

namespace dime {
namespace {

using test::mistakes;

std::string data(const std::string& text) { return mistakes("{schema: 1, name: x, data:\n " + text + "}"); }

TEST(Streams, TheShortFormBecomesOneSource) {
  const Experiment e = test::experiment(
      "{schema: 1, name: x, data: {images: {source: {type: a}, features: {type: b}, rows: {from: 2, to: 5}, "
      "batch_size: 4}}}");
  ASSERT_EQ(e.data.images->sources.size(), 1u);
  const SourceEntry& s = e.data.images->sources[0];
  EXPECT_EQ(s.weight, 1);
  EXPECT_EQ(s.source->type, "a");
  EXPECT_EQ(s.features->type, "b");
  EXPECT_EQ(s.rows->from, 2);
  EXPECT_EQ(s.rows->to, 5);
}

TEST(Streams, Mistakes) {
  EXPECT_EQ(data("{images: {batch_size: 1}}"), "f.yaml:2:11: \"images\" of \"data\" needs a `source` or `features`");
  EXPECT_EQ(data("{images: {source: {type: a}}}"),
            "f.yaml:2:11: \"images\" of \"data\" needs option \"batch_size\" (Rows of a step, over all processes.)");
  EXPECT_EQ(data("{images: {source: {type: a}, batch_size: 0}}"),
            "f.yaml:2:43: option \"batch_size\" of \"images\" of \"data\" must be between 1 and 16777216, got 0");
  EXPECT_EQ(
      data("{images: {source: {type: a}, batch_size: 16777217}}"),
      "f.yaml:2:43: option \"batch_size\" of \"images\" of \"data\" must be between 1 and 16777216, got 16777217");
  EXPECT_EQ(data("{images: {source: {type: a}, batch_size: 16777216}}"), "");
  EXPECT_EQ(
      data("{images: {source: {type: a}, sources: [{source: {type: b}}], rows: {from: 1}, batch_size: 1}}"),
      "f.yaml:2:20: option \"source\" of \"images\" of \"data\" cannot stand beside `sources`; move it into an entry "
      "of "
      "`sources`\n"
      "f.yaml:2:69: option \"rows\" of \"images\" of \"data\" cannot stand beside `sources`; move it into an entry of "
      "`sources`");
  EXPECT_EQ(data("{images: {sources: [], batch_size: 1}}"),
            "f.yaml:2:21: option \"sources\" of \"images\" of \"data\" takes at least one source, got an empty list");
  EXPECT_EQ(data("{images: {sources: [{weight: 0, source: {type: a}}, {weight: 1}], batch_size: 1}}"),
            "f.yaml:2:31: option \"weight\" of item 1 of \"sources\" of \"images\" of \"data\" must be strictly "
            "between 0 and "
            "1000000000, got 0\n"
            "f.yaml:2:54: item 2 of \"sources\" of \"images\" of \"data\" needs a `source` or `features`");
  EXPECT_EQ(data("{texts: {features: {type: a}, rows: {from: 1}, batch_size: 1}}"),
            "f.yaml:2:38: option \"rows\" of \"texts\" of \"data\" needs a `source` to take rows of");
  EXPECT_EQ(data("{texts: {source: {type: a}, rows: {from: 5, to: 5}, batch_size: 1}}"),
            "f.yaml:2:50: option \"to\" of \"rows\" of \"texts\" of \"data\" must be > \"from\" (5), got \"5\"");
  EXPECT_EQ(data("{texts: 3}"), "f.yaml:2:10: option \"texts\" of \"data\" takes a map, got \"3\"");
}

TEST(Streams, Locality) {
  const auto said = [](const std::string& options) {
    return data("{images: {source: {type: a}, batch_size: 1, " + options + "}}");
  };
  const std::string of = " of \"locality\" of \"images\" of \"data\" ";
  EXPECT_EQ(said("locality: {block: 64, window: 4096}"), "");
  EXPECT_EQ(said("locality: {block: 64, window: 64}, shuffle: true"), "");
  EXPECT_EQ(said("locality: null, shuffle: false"), "");
  EXPECT_EQ(said("locality: {block: 64, window: 4100}"),
            "f.yaml:2:76: option \"window\"" + of + "must be a whole number of blocks of 64 rows, got 4100");
  EXPECT_EQ(said("locality: {block: 64, window: 32}"),
            "f.yaml:2:76: option \"window\"" + of + "must be a whole number of blocks of 64 rows, got 32");
  EXPECT_EQ(said("locality: {block: 0, window: 0}"),
            "f.yaml:2:64: option \"block\"" + of + "must be between 1 and 16777216, got 0\n" +
                "f.yaml:2:75: option \"window\"" + of + "must be between 1 and 16777216, got 0");
  EXPECT_EQ(said("locality: {block: 8, window: 1099511627776}"),
            "f.yaml:2:75: option \"window\"" + of + "must be between 1 and 16777216, got 1099511627776");
  EXPECT_EQ(said("locality: {block: 8}"),
            "f.yaml:2:56: \"locality\" of \"images\" of \"data\" needs option "
            "\"window\" (Rows that are shuffled among themselves: a whole number of blocks.)");
  EXPECT_EQ(said("locality: 64"), "f.yaml:2:56: option \"locality\" of \"images\" of \"data\" takes a map, got \"64\"");
  EXPECT_EQ(said("shuffle: false, locality: {block: 8, window: 64}"),
            "f.yaml:2:72: option \"locality\" of \"images\" of \"data\" cannot stand beside `shuffle: false`; "
            "remove one of them");
}

const std::string streams = "data: {images: {source: {type: a}, batch_size: 1}}";
const std::string student = "models: {student: {type: m}}";

std::string with(const std::string& rest) { return mistakes("schema: 1\nname: x\n" + rest); }

TEST(Rules, LengthOfTheRun) {
  const std::string losses = streams + "\n" + student + "\nlosses: {vl: {type: vl}}\n";
  EXPECT_EQ(with(losses + "train: {epochs: 1}"), "");
  EXPECT_EQ(with(losses + "train: {steps: 1}"), "");
  EXPECT_EQ(with(losses + "train: {}"),
            "f.yaml:6:8: \"train\" needs `epochs` or `steps`: there are losses to train with");
  EXPECT_EQ(with(losses), "f.yaml:1:1: \"train\" needs `epochs` or `steps`: there are losses to train with");
  EXPECT_EQ(with("train: {epochs: 1, steps: 2}"),
            "f.yaml:3:27: \"train\" takes `epochs` or `steps`, got both; remove one");
  EXPECT_EQ(with("train: {steps: 2, epochs: 1}"),
            "f.yaml:3:27: \"train\" takes `epochs` or `steps`, got both; remove one");
  EXPECT_EQ(with("train: {}"), "");
  EXPECT_EQ(with("train: {epochs: 1e9}"),
            "f.yaml:3:17: option \"epochs\" of \"train\" must be strictly between 0 and 1000000000, got 1e9");
}

TEST(Rules, LossesNeedTheirRows) {
  const std::string head = "train: {steps: 1}\n" + student + "\n";
  EXPECT_EQ(with(head + streams + "\nlosses: {c: {type: clip, on: pairs}}"),
            "f.yaml:6:30: loss \"c\" works on pairs, but there is no data.pairs");
  EXPECT_EQ(
      with(head + "data: {pairs: {source: {type: a}, batch_size: 1}}\nlosses: {c: {type: clip}}"),
      "f.yaml:6:13: loss \"c\" works on images and texts, but there is no data.images and no data.texts; give one, or "
      "say `on: pairs`");
  EXPECT_EQ(with("train: {steps: 1}\n" + streams + "\nlosses: {c: {type: clip}}"),
            "f.yaml:1:1: there are losses, but no models.student to train");
}

TEST(Rules, Betas) {
  EXPECT_EQ(with("train: {optimizer: {betas: [1, 0.9]}}"),
            "f.yaml:3:28: option \"betas\" of \"optimizer\" of \"train\" must be < 1, got 1");
}

TEST(Rules, Extractions) {
  EXPECT_EQ(
      with(student + "\n" + streams +
           "\nextract:\n  a: {of: data.texts, to: {stem: t}}\n"
           "  b: {model: student, of: data.image, to: {stem: t, type: npy}}\n  c: {model: student, of: data.images}\n"),
      "f.yaml:6:6: extraction \"a\" encodes with the teacher, but there is no models.teacher\n"
      "f.yaml:6:11: extraction \"a\" is of data.texts, which is not there\n"
      "f.yaml:7:27: option \"of\" of \"b\" of \"extract\" takes one of data.images, data.texts, data.pairs, got "
      "\"data.image\" (did you mean \"data.images\"?)\n"
      "f.yaml:7:59: option \"type\" of \"to\" of \"b\" of \"extract\" takes one of tsv_features, got \"npy\"\n"
      "f.yaml:8:6: \"c\" of \"extract\" needs option \"to\" (Where the vectors go.)");
  EXPECT_EQ(with(student + "\ndata: {pairs: {source: {type: a}, batch_size: 1}}\nextract:\n"
                           "  a: {model: student, of: data.pairs, to: {stem: t}}\n"),
            "f.yaml:6:6: extraction \"a\" needs option \"part\" (image or text: the side of the pairs)");
  EXPECT_EQ(with(student + "\n" + streams +
                 "\nextract:\n  a: {model: student, of: data.images, part: image, to: {stem: t}}\n"),
            "f.yaml:6:46: option \"part\" of extraction \"a\" belongs to of: data.pairs; remove it");
}

TEST(Rules, PrefixesOfWeights) {
  EXPECT_EQ(
      with("models: {student: {type: m, init: {path: w, skip: [a, ''], allow_missing: ['**']}}}"),
      "f.yaml:3:55: item 2 of option \"skip\" of \"init\" of model \"m\" takes a prefix of names, got \"\"; every name "
      "has it\n"
      "f.yaml:3:76: item 1 of option \"allow_missing\" of \"init\" of model \"m\" takes a prefix of names, got \"**\"; "
      "every name has it");
}

TEST(Rules, ComponentsWithoutATypeAreNotVisited) {
  Problems problems;
  const Experiment e = read_experiment(
      test::yaml("{schema: 1, name: x, data: {images: {source: {list: a}, features: {type: f}, batch_size: 1}}}"),
      problems);
  EXPECT_EQ(join(problems.lines()),
            "f.yaml:1:46: \"source\" of \"images\" of \"data\" needs option \"type\" (the name of its plugin)");
  std::vector<std::string> visited;
  for_each_component(e, [&](const std::string& kind, const Component& c) { visited.push_back(kind + "/" + c.type); });
  EXPECT_THAT(visited, testing::ElementsAre("dataset/f"));
}

TEST(Rules, Evaluations) {
  const auto said = [](const std::string& text) { return with("evaluate:\n  e: " + text); };
  EXPECT_EQ(
      said(
          "{task: zero_shot, data: {type: a}, text: {type: m, init: w.st}, templates: ['a {}.'], classes: [cat, dog]}"),
      "");
  EXPECT_EQ(said("{task: zero_shoot}"),
            "f.yaml:4:13: option \"task\" of \"e\" of \"evaluate\" takes one of zero_shot, losses, got \"zero_shoot\" "
            "(did you "
            "mean \"zero_shot\"?)");
  EXPECT_EQ(said("{data: {type: a}}"), "f.yaml:4:6: \"e\" of \"evaluate\" needs option \"task\" (What is measured.)");
  EXPECT_EQ(
      said("{task: losses, batch_size: 1000000000}"),
      "f.yaml:4:33: option \"batch_size\" of \"e\" of \"evaluate\" must be between 1 and 16777216, got 1000000000");
  EXPECT_EQ(said("{task: zero_shot}"),
            "f.yaml:4:6: \"e\" of \"evaluate\" needs option \"data\" (a data source with labels)");
  EXPECT_EQ(said("{task: zero_shot, data: {root: a}, text: nobody, templates: [photo], models: [students]}"),
            "f.yaml:4:30: \"data\" of \"e\" of \"evaluate\" needs option \"type\" (the name of its plugin)\n"
            "f.yaml:4:47: option \"text\" of \"e\" of \"evaluate\" takes one of teacher, student, got \"nobody\"\n"
            "f.yaml:4:67: item 1 of option \"templates\" of \"e\" of \"evaluate\" has no {} for the class name, got "
            "\"photo\"\n"
            "f.yaml:4:84: item 1 of option \"models\" of \"e\" of \"evaluate\" takes one of student, teacher, got "
            "\"students\" "
            "(did you mean \"student\"?)");
  const std::string zero_shot = "{task: zero_shot, data: {type: a}, ";
  EXPECT_EQ(
      said("{task: losses, models: []}"),
      "f.yaml:4:29: option \"models\" of \"e\" of \"evaluate\" takes at least one of student, teacher, got an empty "
      "list");
  EXPECT_EQ(said("{task: losses, models: [student, teacher, student]}"),
            "f.yaml:4:48: item 3 of option \"models\" of \"e\" of \"evaluate\" says \"student\" again; remove it");
  EXPECT_EQ(said(zero_shot + "templates: []}"),
            "f.yaml:4:52: option \"templates\" of \"e\" of \"evaluate\" takes at least one prompt, got an empty list");
  EXPECT_EQ(said(zero_shot + "classes: []}"),
            "f.yaml:4:50: option \"classes\" of \"e\" of \"evaluate\" takes at least one name, got an empty list");
  EXPECT_EQ(said(zero_shot + "text: {type: m, init: w.st, freeze: [a]}}"),
            "f.yaml:4:78: option \"freeze\" of \"text\" of \"e\" of \"evaluate\": this model is never trained; remove "
            "it");
  EXPECT_EQ(said("{task: losses, exif_orientation: true, data: {images: {source: {type: a}}}}"),
            "f.yaml:4:39: option \"exif_orientation\" of \"e\" of \"evaluate\" belongs to task zero_shot; remove it");
  EXPECT_EQ(
      said("{task: losses, classes: x, data: {images: {source: {type: a}, shufle: true}}}"),
      "f.yaml:4:30: option \"classes\" of \"e\" of \"evaluate\" belongs to task zero_shot; remove it\n"
      "f.yaml:4:68: unknown option \"shufle\" of \"images\" of \"data\" of \"e\" of \"evaluate\" (did you mean "
      "\"shuffle\"?); it takes: batch_size, broken_rate, exif_orientation, features, last, locality, memory_format, "
      "resampling, rows, shuffle, source, sources, "
      "transform");
}

}  // namespace
}  // namespace dime
