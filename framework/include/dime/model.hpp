// SPDX-License-Identifier: Apache-2.0
// What a model gives: image and text vectors, and the facts that data and weights are checked against.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <torch/nn/module.h>

#include <dime/api.hpp>
#include <dime/error.hpp>
#include <dime/plugin.hpp>
#include <dime/schema.hpp>

namespace dime {

struct Needs;

/// What an image tower expects.
struct ImageSpec {
  std::int64_t size = 224;                                        ///< pixels on each side
  std::array<double, 3> mean{0.48145466, 0.4578275, 0.40821073};  ///< of RGB in [0, 1]
  std::array<double, 3> std{0.26862954, 0.26130258, 0.27577711};
  std::string interpolation = "bicubic";  ///< of resizing: "bicubic" or "bilinear"
  /// "quick_gelu", "gelu", "gelu_tanh", …, held against the config of weights; empty: not held
  std::string activation{};
  std::int64_t heads{};     ///< attention heads of a block, held likewise; 0: not held
  double layer_norm_eps{};  ///< added to the variances, held likewise; 0: not held
  /// How an image becomes a square: "shortest", its shorter side is resized to `size` and the middle is cut out (CLIP),
  /// or "squash", both sides are resized (SigLIP)
  std::string resize_mode = "shortest";
};

/// What a text tower expects.
struct TextSpec {
  std::int64_t context = 77;  ///< tokens in a row
  std::int64_t vocabulary = 49408;
  std::string tokenizer = "clip";
  std::string activation{};      ///< as of ImageSpec
  std::int64_t heads{};          ///< likewise
  double layer_norm_eps{};       ///< likewise
  std::optional<bool> causal{};  ///< whether a position sees itself and those before it only, held likewise
};

struct ModelSpec {
  std::optional<ImageSpec> image;  ///< absent: no image tower
  std::optional<TextSpec> text;    ///< absent: no text tower
  std::int64_t embed_dim = 0;      ///< width of the vectors that both towers give
};

/// A parameter with one row for each position of a grid: `init: {interpolate_positions: true}` fits it to another size.
struct PositionTable {
  std::string name;          ///< of the parameter, [..., leading + height x width, w]
  std::int64_t leading = 0;  ///< rows before the grid's (the class token's), which are kept
  std::int64_t height = 0;
  std::int64_t width = 0;
};

/// What one step asks of a model, and the step's random numbers. One context belongs to one forward of one tower.
class DIME_API ForwardContext {
 public:
  /// Outside training: no taps, no drop path, no checkpointing.
  ForwardContext() = default;

  /// Names of the taps that the step wants; taps of other names cost nothing.
  std::set<std::string> wanted_taps;
  /// What `tap` kept, by name.
  std::map<std::string, torch::Tensor> taps;
  /// True in training: drop path is drawn, and `checkpoint` recomputes if `checkpointing` is set too.
  bool training = false;
  bool checkpointing = false;
  /// The key of random draws: they depend on seed, step, site and the *global* row, never on the process or
  /// micro-batch.
  std::uint64_t seed = 0;
  std::uint64_t step = 0;
  std::int64_t first_row = 0;  ///< the global number of row 0 of this forward

  /// Keeps `x` under `name` if the step wants it; returns `x`. Throws ArgumentError for a wanted tap inside
  /// `checkpoint`, where `x` has no gradient: tap what `checkpoint` returns; and for one that has no rows.
  torch::Tensor tap(const std::string& name, torch::Tensor x);
  /// Stochastic depth: drops whole rows of `x` [B, ...] with probability `p` and scales the rest by 1 / (1 - p).
  /// `site` numbers the call within the model. The identity outside training or when p is 0.
  /// Throws ArgumentError when p is not in [0, 1).
  torch::Tensor drop_path(torch::Tensor x, double p, std::int64_t site) const;
  /// Patch dropout (arXiv 2212.00794): keeps of each row of `x` [B, leading + L, w] the first `leading` positions and
  /// max(1, floor((1 - p) L)) of the L others, drawn without replacement and in their order; nothing is rescaled.
  /// `site` as of drop_path. The identity outside training or when p is 0. Throws ArgumentError when p is not in [0, 1)
  /// or `x` is no [B, >= leading, w].
  torch::Tensor patch_dropout(torch::Tensor x, double p, std::int64_t leading, std::int64_t site) const;
  /// fn(x), keeping only `x` for backward and computing the inside again then, under the autocast state and the default
  /// generators of the first time. Parameters inside get their gradients by accumulation, so backward() works and
  /// torch::autograd::grad() does not. What `fn` captures must live until backward; no context by reference.
  torch::Tensor checkpoint(const std::function<torch::Tensor(torch::Tensor)>& fn, torch::Tensor x) const;

 private:
  mutable bool inside_checkpoint_ = false;
};

/// A model. Parameters are named as they shall stand in a checkpoint: OpenAI's names for CLIP, where those of the image
/// tower begin with `visual.`. A model that may have two towers takes an option `towers` (both, image or text): dime
/// sets `image` for a student whose text is the teacher's.
class DIME_API Model : public torch::nn::Module {
 public:
  ~Model() override;
  virtual ModelSpec spec() const = 0;
  /// pixels [B, 3, size, size] float, normalised -> [B, embed_dim], not L2-normalised.
  /// Throws ArgumentError when the model has no image tower.
  virtual torch::Tensor encode_image(const torch::Tensor& pixels, ForwardContext& context);
  /// tokens [N, context] int64 -> [N, embed_dim], not L2-normalised. Throws ArgumentError when there is no text tower.
  virtual torch::Tensor encode_text(const torch::Tensor& tokens, ForwardContext& context);
  /// The learnable scale of scores as used (already exponentiated), a scalar; undefined when the model has none.
  virtual torch::Tensor logit_scale() const { return {}; }
  /// The tables that may be fitted to another image size when weights are loaded.
  virtual std::vector<PositionTable> position_tables() const { return {}; }
  /// The tensors of the form to deploy, where that differs from the form to train (branches merged into one
  /// convolution, say), named as its public implementation names them; empty where there is one form only.
  virtual std::map<std::string, torch::Tensor> deployed() const { return {}; }
  /// True where the weights come with the model, from a file that its options name: it needs no `init` to be measured
  /// or to teach.
  virtual bool brings_weights() const { return false; }
  /// Draws the initial weights; called once, under a seeded generator, before weights are loaded.
  virtual void initialise() {}
};

}  // namespace dime

/// Exports class T (constructed from its Options, with `static Schema<Options> schema()`) as model `name`.
#define DIME_MODEL(name, T) DIME_EXPORT_PLUGIN(model, name, T)
