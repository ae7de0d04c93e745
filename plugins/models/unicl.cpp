// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include "unicl/swin.hpp"

namespace {

using dime::plugins::TextTower;
using dime::plugins::unicl::Options;
using dime::plugins::unicl::SwinTower;

class Unicl final : public dime::plugins::TwoTowers {
 public:
  explicit Unicl(Options options)
      : TwoTowers(options.checkpointing, options.logit_scale_init),
        options_(std::move(options)),
        shape_(dime::plugins::unicl::resolve(options_)) {
    if (shape_.image) add_image(std::make_shared<SwinTower>(*shape_.image, shape_.embed_dim));
    if (shape_.text) add_text(std::make_shared<TextTower>("unicl", *shape_.text, shape_.embed_dim, *this));
  }

  static dime::Schema<Options> schema() { return Options::schema(); }

  dime::ModelSpec spec() const override {
    dime::ModelSpec all;
    all.embed_dim = shape_.embed_dim;
    if (shape_.image) {
      all.image = {shape_.image->image_size, options_.mean,       options_.std, options_.interpolation, "gelu", 0,
                   shape_.image->eps,        options_.resize_mode};
    }
    if (shape_.text) all.text = text_spec(*shape_.text);
    return all;
  }

 private:
  Options options_;
  dime::plugins::unicl::Shape shape_;
};

}  // namespace

DIME_MODEL("unicl", Unicl)
