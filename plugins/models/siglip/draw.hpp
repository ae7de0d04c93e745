// SPDX-License-Identifier: Apache-2.0
// How SigLIP draws its initial weights: Glorot's uniform maps, biases near or at 0.
#pragma once

#include <cmath>

#include "../text_tower.hpp"
#include "../vit.hpp"

namespace dime::plugins::siglip {

/// `parts` maps that stand in one weight, each drawn as if alone.
inline void draw_glorot(torch::Tensor weight, std::int64_t parts = 1) {
  const auto outputs = weight.size(0) / parts;
  weight.uniform_(-1, 1).mul_(std::sqrt(6.0 / static_cast<double>(outputs + weight.size(1))));
}

inline void draw_glorot(Affine& map, std::int64_t parts = 1) {
  draw_glorot(map.weight, parts);
  map.bias.zero_();
}

/// Normal, with the variance 1 / inputs.
inline void draw_by_inputs(Affine& map) {
  map.weight.normal_(0, std::sqrt(static_cast<double>(map.weight.size(0)) / static_cast<double>(map.weight.numel())));
  if (map.bias.defined()) map.bias.zero_();
}

/// The two maps around a hidden layer.
inline void draw_hidden(Affine& in, Affine& out) {
  for (Affine* map : {&in, &out}) {
    draw_glorot(*map);
    map->bias.normal_(0, 1e-6);
  }
}

inline void draw(vit::Block& block) {
  draw_norm(*block.norm1);
  draw_norm(*block.norm2);
  draw_glorot(*block.attn->qkv, 3);
  draw_glorot(*block.attn->proj);
  draw_hidden(*block.mlp->fc1, *block.mlp->fc2);
}

inline void draw(vit::AttentionPool& pool) {
  draw_glorot(pool.latent.view({1, -1}));
  draw_glorot(*pool.q);
  draw_glorot(*pool.kv, 2);
  draw_glorot(*pool.proj);
  draw_norm(*pool.norm);
  draw_hidden(*pool.mlp->fc1, *pool.mlp->fc2);
}

inline void draw(Block& block) {
  draw_norm(*block.ln_1);
  draw_norm(*block.ln_2);
  draw_glorot(block.attn->in_proj_weight, 3);
  block.attn->in_proj_bias.zero_();
  draw_glorot(*block.attn->out_proj);
  draw_hidden(*block.mlp->c_fc, *block.mlp->c_proj);
}

}  // namespace dime::plugins::siglip
