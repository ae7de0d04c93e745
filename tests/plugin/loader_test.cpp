// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include <dime/dataset.hpp>
#include <dime/loss.hpp>

#include "plugin/fixtures.hpp"

namespace dime {
namespace {

using test::component;

class Loader : public test::PluginFolder {
 protected:
  void SetUp() override {
    add("good", "losses/good.so");
    add("throwing", "losses/throwing.so");
    add("wrapper", "datasets/wrapper.so");
    plugins_ = std::make_unique<Plugins>(folders());
  }
  std::string said(const std::string& kind, const std::string& text) {
    Problems problems;
    plugins_->check(kind, component(text), problems);
    return shown(join(problems.lines(), "\n"));
  }
  template <class E>
  std::string thrown(const std::string& what) {
    return error<E>([&] { plugins_->make_loss(component("{type: throwing, what: " + what + "}")); });
  }

  std::unique_ptr<Plugins> plugins_;
};

TEST_F(Loader, MakesALoss) {
  const auto loss = plugins_->make_loss(component("{type: good, temperature: 3}"));
  LossInput in;
  in.student.image = torch::ones({2, 2});
  EXPECT_EQ(loss->forward(in).item<float>(), 12);
}

TEST_F(Loader, NeedsFollowTheOptions) {
  const Needs needs = plugins_->needs(component("{type: good, image: {width: 5}}"));
  EXPECT_TRUE(needs.teacher_text);
  EXPECT_FALSE(needs.pairs);
  EXPECT_THAT(needs.taps, testing::ElementsAre("width 5"));
  EXPECT_EQ(error<PluginError>([&] { plugins_->needs(component("{type: throwing}")); }),
            "e.yaml:1:8: [loss/throwing] could not be made: no needs for runtime_error");
}

TEST_F(Loader, KnowsWhatItOpenedAlsoByReference) {
  EXPECT_TRUE(plugins_->opened().empty());
  EXPECT_NE(said("dataset", "{type: wrapper, source: {type: wrappr}}"), "");
  said("loss", "{type: good}");
  std::vector<std::string> names;
  for (const auto* library : plugins_->opened()) names.push_back(library->file().kind + "/" + library->file().name);
  EXPECT_THAT(names, testing::ElementsAre("dataset/wrapper", "loss/good"));
}

TEST_F(Loader, ChecksOptions) {
  EXPECT_EQ(
      said("loss", "{type: good, temprature: 2}"),
      "e.yaml:1:14: unknown option \"temprature\" of loss \"good\" (did you mean \"temperature\"?); it takes: image, "
      "scale, temperature");
  EXPECT_EQ(
      said("loss", "{type: good, wieght: 2}"),
      "e.yaml:1:14: unknown option \"wieght\" of loss \"good\" (did you mean \"weight\"?); it takes: image, scale, "
      "temperature");
  EXPECT_EQ(
      said("loss", "{type: good, image: {widht: 2}}"),
      "e.yaml:1:22: unknown option \"widht\" of \"image\" of loss \"good\" (did you mean \"width\"?); it takes: width");
  EXPECT_EQ(said("loss", "{type: good, temperature: warm}"),
            "e.yaml:1:27: option \"temperature\" of loss \"good\" takes a number, got \"warm\"");
  EXPECT_EQ(said("loss", "{type: good}"), "");
}

TEST_F(Loader, ReportsAMissingPluginAtItsPlace) {
  EXPECT_EQ(
      said("loss", "{type: godo}"),
      "e.yaml:1:8: [loss/godo] no such plugin; did you mean \"good\"? losses found: good, throwing (searched: P)");
}

TEST_F(Loader, ReportsAPluginThatCannotBeLoadedAtItsPlace) {
  scratch_.write("losses/text.so", "hello");
  Problems problems;
  plugins().check("loss", component("{type: text}"), problems);
  EXPECT_EQ(shown(join(problems.lines())),
            "e.yaml:1:8: [loss/text] P/losses/text.so: no shared library (not an ELF file)");
}

TEST_F(Loader, FollowsReferences) {
  EXPECT_EQ(
      said("dataset", "{type: wrapper, of: {type: wrapper, rows: -1}, more: [{type: wrapper, rwos: 2}, {type: gone}]}"),
      "e.yaml:1:43: option \"rows\" of dataset \"wrapper\" must be >= 0, got -1\n"
      "e.yaml:1:71: unknown option \"rwos\" of dataset \"wrapper\" (did you mean \"rows\"?); it takes: more, of, rows\n"
      "e.yaml:1:88: [dataset/gone] no such plugin; datasets found: wrapper (searched: P)");
}

TEST_F(Loader, WrongOptionsKeepTheirPlaces) {
  EXPECT_EQ(error<ConfigError>([&] { plugins_->make_loss(component("{type: good, scale: x,\n zoom: 1}")); }),
            "e.yaml:1:21: option \"scale\" of loss \"good\" takes a number, got \"x\"\n"
            "e.yaml:2:2: unknown option \"zoom\" of loss \"good\"; it takes: image, scale, temperature");
}

TEST_F(Loader, WhatAConstructorThrows) {
  EXPECT_EQ(thrown<PluginError>("runtime_error"), "e.yaml:1:8: [loss/throwing] could not be made: no memory left");
  EXPECT_EQ(thrown<PluginError>("int"),
            "e.yaml:1:8: [loss/throwing] could not be made: it threw something that is no std::exception");
  EXPECT_EQ(thrown<ConfigError>("config"), "e.yaml:1:8: [loss/throwing] two options exclude each other");
  EXPECT_EQ(thrown<DataError>("prefixed"), "e.yaml:1:8: [loss/throwing] says its own name");
  EXPECT_EQ(thrown<RowError>("row"), "e.yaml:1:8: [loss/throwing] shard.tsv:7 k7: broken row");
  EXPECT_EQ(thrown<WeightsError>("weights"), "e.yaml:1:8: [loss/throwing] weights do not fit");
  EXPECT_EQ(thrown<IoError>("io"), "e.yaml:1:8: [loss/throwing] cannot read /x");
  EXPECT_EQ(thrown<ArgumentError>("argument"), "e.yaml:1:8: [loss/throwing] widths differ");
  EXPECT_EQ(thrown<TrainError>("train"), "e.yaml:1:8: [loss/throwing] not finite");
}

TEST_F(Loader, WithoutAFileThereIsNoPlace) {
  Component c;
  c.type = "throwing";
  EXPECT_EQ(error<PluginError>([&] { plugins_->make_loss(c); }), "[loss/throwing] could not be made: no memory left");
  c.type = "gone";
  EXPECT_EQ(error<PluginError>([&] { plugins_->make_loss(c); }),
            "[loss/gone] no such plugin; losses found: good, throwing (searched: P)");
}

TEST_F(Loader, NestedSources) {
  const auto outer = plugins_->make_dataset(component("{type: wrapper, of: {type: wrapper, rows: 7}}"));
  EXPECT_EQ(outer->size(), 7);
  EXPECT_EQ(error<DataError>([&] { plugins_->make_dataset(component("{type: wrapper, of: {type: wrapper}}")); }),
            "e.yaml:1:28: [dataset/wrapper] there are no rows");
}

}  // namespace
}  // namespace dime
