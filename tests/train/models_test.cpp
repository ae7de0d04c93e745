// SPDX-License-Identifier: Apache-2.0
#include "train/models.hpp"

#include <gtest/gtest.h>

#include <dime/error.hpp>

#include "support/errors.hpp"

namespace dime::test {
namespace {

ModelSpec good_spec() {
  ModelSpec spec;
  spec.embed_dim = 4;
  spec.image = ImageSpec{};
  spec.text = TextSpec{};
  return spec;
}

TEST(CheckSpec, OfAPluginThatSaysWhatNoModelCanMean) {
  EXPECT_NO_THROW(check_spec(good_spec()));
  const auto problem = [](const auto& change) {
    ModelSpec spec = good_spec();
    change(spec);
    return error_text<ArgumentError>([&] { check_spec(spec); });
  };
  EXPECT_EQ(problem([](ModelSpec& s) { s.embed_dim = 0; }), "its spec() has an embed_dim of 0");
  EXPECT_EQ(problem([](ModelSpec& s) { s.image->size = 0; }), "its spec() has an image size of 0");
  EXPECT_EQ(problem([](ModelSpec& s) { s.image->size = 65536; }), "its spec() has an image size of 65536");
  EXPECT_EQ(problem([](ModelSpec& s) { s.image->interpolation = "lanczos"; }),
            "its spec() has an interpolation of \"lanczos\", not of bicubic or bilinear");
  EXPECT_EQ(problem([](ModelSpec& s) { s.image->resize_mode = "longest"; }),
            "its spec() has a resize_mode of \"longest\", not of shortest or squash");
  EXPECT_EQ(problem([](ModelSpec& s) { s.text->context = 0; }), "its spec() has a context of 0");
  EXPECT_EQ(problem([](ModelSpec& s) { s.text->vocabulary = 0; }), "its spec() has a vocabulary of 0");
}

}  // namespace
}  // namespace dime::test
