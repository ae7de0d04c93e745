// SPDX-License-Identifier: Apache-2.0
#include <ATen/autocast_mode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

#include <dime/model.hpp>
#include <dime/random.hpp>

#include "ops/generator_state.hpp"

namespace dime {
namespace {

using Body = std::function<torch::Tensor(torch::Tensor)>;

// Autocast is a state of the thread, and backward may run in another one.
class AutocastState {
 public:
  explicit AutocastState(at::DeviceType device)
      : device_(device),
        enabled_(at::autocast::is_autocast_enabled(device)),
        dtype_(at::autocast::get_autocast_dtype(device)) {}

  void set() const {
    at::autocast::set_autocast_enabled(device_, enabled_);
    at::autocast::set_autocast_dtype(device_, dtype_);
  }

 private:
  at::DeviceType device_;
  bool enabled_;
  at::ScalarType dtype_;
};

// A cast that autocast cached without gradient in the first pass, or for another graph, must not serve the second.
class NoCastCache {
 public:
  NoCastCache() { at::autocast::set_autocast_cache_enabled(false); }
  ~NoCastCache() { at::autocast::set_autocast_cache_enabled(before_); }
  NoCastCache(const NoCastCache&) = delete;
  NoCastCache& operator=(const NoCastCache&) = delete;

 private:
  bool before_ = at::autocast::is_autocast_cache_enabled();
};

// What the second pass needs to be equal to the first.
struct Recipe final : torch::CustomClassHolder {
  Recipe(Body body, at::Device device) : fn(std::move(body)), autocast(device.type()), generators(device) {}
  Body fn;
  AutocastState autocast;
  GeneratorState generators;
};

// Restores the thread's states however the scope is left.
class Replay {
 public:
  Replay(Recipe& recipe, at::Device device) : autocast_(device.type()), generators_(device) {
    recipe.autocast.set();
    recipe.generators.set();
  }
  ~Replay() {
    autocast_.set();
    generators_.set();
  }
  Replay(const Replay&) = delete;
  Replay& operator=(const Replay&) = delete;

 private:
  AutocastState autocast_;
  GeneratorState generators_;
  NoCastCache cache_;
};

void check_probability(const char* function, double p) {
  if (p >= 0 && p < 1) return;
  throw ArgumentError(std::string(function) + "(): the probability must be in [0, 1), got " + c10::str(p));
}

CounterRandom random_of_row(const ForwardContext& context, std::int64_t site, std::int64_t row) {
  return CounterRandom(random_key({context.seed, context.step, static_cast<std::uint64_t>(site),
                                   static_cast<std::uint64_t>(context.first_row + row)}));
}

// Knuth's selection sampling: `kept` of `all`, ascending, each set equally likely.
void draw_in_order(CounterRandom& random, std::int64_t all, std::int64_t kept, std::int64_t first, std::int64_t* out) {
  for (std::int64_t i = 0, left = kept; left > 0; ++i) {
    if (random.uniform() * static_cast<double>(all - i) >= static_cast<double>(left)) continue;
    *out++ = first + i;
    --left;
  }
}

torch::Tensor compute_again(Recipe& recipe, const torch::Tensor& x) {
  const Replay replay(recipe, x.device());
  return recipe.fn(x);
}

struct Checkpoint : torch::autograd::Function<Checkpoint> {
  // `anchor` asks for a gradient, so that backward comes here even if `x` asks for none (the first block's input).
  static torch::Tensor forward(torch::autograd::AutogradContext* ctx, const torch::Tensor& x, const torch::Tensor&,
                               const c10::intrusive_ptr<Recipe>& recipe) {
    ctx->save_for_backward({x});
    ctx->saved_data["recipe"] = c10::IValue::make_capsule(recipe);
    const NoCastCache off;
    return recipe->fn(x);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* ctx,
                                                 torch::autograd::variable_list grads) {
    const auto saved = ctx->get_saved_variables()[0];
    const auto recipe = c10::static_intrusive_pointer_cast<Recipe>(ctx->saved_data["recipe"].toCapsule());
    const at::AutoGradMode enable(true);
    const auto x = saved.detach().requires_grad_(saved.requires_grad());
    const auto y = compute_again(*recipe, x);
    if (y.requires_grad()) torch::autograd::backward({y}, {grads[0]});
    return {x.grad(), torch::Tensor(), torch::Tensor()};
  }
};

}  // namespace

torch::Tensor ForwardContext::tap(const std::string& name, torch::Tensor x) {
  if (wanted_taps.empty() || !wanted_taps.contains(name)) return x;
  if (inside_checkpoint_) {
    throw ArgumentError("tap(): \"" + name +
                        "\" lies inside checkpoint(), where it would have no gradient; "
                        "tap what checkpoint() returns");
  }
  if (!x.defined() || x.dim() == 0) throw ArgumentError("tap(): \"" + name + "\" is not a tensor of rows");
  taps[name] = x;
  return x;
}

torch::Tensor ForwardContext::drop_path(torch::Tensor x, double p, std::int64_t site) const {
  check_probability("drop_path", p);
  if (!training || p == 0) return x;
  const auto keep = at::empty({x.size(0)}, at::kFloat);
  auto* data = keep.mutable_data_ptr<float>();
  for (std::int64_t row = 0; row < x.size(0); ++row) {
    CounterRandom random = random_of_row(*this, site, row);
    data[row] = random.uniform() < p ? 0.0F : static_cast<float>(1.0 / (1.0 - p));
  }
  std::vector<std::int64_t> shape(static_cast<std::size_t>(x.dim()), 1);
  shape[0] = x.size(0);
  return x * keep.to(x.options()).view(shape);
}

torch::Tensor ForwardContext::patch_dropout(torch::Tensor x, double p, std::int64_t leading, std::int64_t site) const {
  check_probability("patch_dropout", p);
  if (x.dim() != 3 || leading < 0 || x.size(1) < leading) {
    throw ArgumentError("patch_dropout(): takes [rows, positions, width] with at least " + std::to_string(leading) +
                        " positions, got " + c10::str(x.sizes()));
  }
  const std::int64_t patches = x.size(1) - leading;
  if (!training || p == 0 || patches == 0) return x;
  const auto kept = std::max<std::int64_t>(1, static_cast<std::int64_t>((1 - p) * static_cast<double>(patches)));
  const auto positions = at::empty({x.size(0), leading + kept}, at::kLong);
  for (std::int64_t row = 0; row < x.size(0); ++row) {
    auto* data = positions.mutable_data_ptr<std::int64_t>() + row * (leading + kept);
    for (std::int64_t i = 0; i < leading; ++i) data[i] = i;
    CounterRandom random = random_of_row(*this, site, row);
    draw_in_order(random, patches, kept, leading, data + leading);
  }
  const auto index = positions.to(x.device()).unsqueeze(2).expand({-1, -1, x.size(2)});
  return x.gather(1, index);
}

torch::Tensor ForwardContext::checkpoint(const std::function<torch::Tensor(torch::Tensor)>& fn, torch::Tensor x) const {
  if (!training || !checkpointing || !at::GradMode::is_enabled()) return fn(std::move(x));
  const auto anchor = at::empty({0}, x.options().dtype(at::kFloat)).requires_grad_();
  struct Inside {
    explicit Inside(bool& flag) : flag_(flag), before_(flag) { flag_ = true; }
    ~Inside() { flag_ = before_; }
    bool& flag_;
    bool before_;
  } const inside(inside_checkpoint_);
  return Checkpoint::apply(x, anchor, c10::make_intrusive<Recipe>(fn, x.device()));
}

}  // namespace dime
