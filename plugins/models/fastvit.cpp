// SPDX-License-Identifier: Apache-2.0
#include <map>
#include <memory>
#include <string>

#include "fastvit/tower.hpp"

namespace {

using dime::plugins::TextTower;
using dime::plugins::fastvit::Options;
using dime::plugins::fastvit::TrunkTower;

class FastVit final : public dime::plugins::TwoTowers {
 public:
  explicit FastVit(const Options& options)
      : TwoTowers(options.checkpointing, options.logit_scale_init), shape_(dime::plugins::fastvit::resolve(options)) {
    if (shape_.image) add_image(std::make_shared<TrunkTower>(*shape_.image, shape_.embed_dim));
    if (shape_.text) add_text(std::make_shared<TextTower>("fastvit", *shape_.text, shape_.embed_dim, *this));
  }

  static dime::Schema<Options> schema() { return Options::schema(); }

  dime::ModelSpec spec() const override {
    dime::ModelSpec all;
    all.embed_dim = shape_.embed_dim;
    if (shape_.image) {
      all.image = {shape_.image->image_size, shape_.mean, shape_.std, shape_.interpolation, "gelu"};
      all.image->resize_mode = shape_.resize_mode;
    }
    if (shape_.text) all.text = text_spec(*shape_.text);
    return all;
  }

  std::map<std::string, torch::Tensor> deployed() const override {
    if (!shape_.image || shape_.image->deployed) return {};
    return dime::plugins::fastvit::deployed_tensors(*this);
  }

 private:
  dime::plugins::fastvit::Shape shape_;
};

}  // namespace

DIME_MODEL("fastvit", FastVit)
