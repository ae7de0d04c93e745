// SPDX-License-Identifier: Apache-2.0
// The windows of a Swin stage (arXiv 2103.14030, 3.2): cutting positions into them, and what a position adds to scores.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include <torch/csrc/autograd/custom_function.h>

#include "options.hpp"

namespace dime::plugins::unicl {

/// x [B, H, W, C] moved by `by` positions up and to the left, what leaves coming in at the other end; negative: back.
/// One copy, where at::roll makes two.
struct Roll : torch::autograd::Function<Roll> {
  static torch::Tensor forward(torch::autograd::AutogradContext* ctx, const torch::Tensor& x, std::int64_t by) {
    ctx->saved_data["by"] = by;
    return rolled(x, by);
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* ctx,
                                                 const torch::autograd::variable_list& grads) {
    return {rolled(grads[0], -ctx->saved_data["by"].toInt()), torch::Tensor()};
  }

 private:
  struct Part {
    std::int64_t to, from, length;
  };
  static torch::Tensor rolled(const torch::Tensor& x, std::int64_t by) {
    auto y = at::empty(x.sizes(), x.options());
    for (const auto& rows : parts(x.size(1), by)) {
      for (const auto& columns : parts(x.size(2), by)) {
        const auto from = x.narrow(1, rows.from, rows.length).narrow(2, columns.from, columns.length);
        y.narrow(1, rows.to, rows.length).narrow(2, columns.to, columns.length).copy_(from);
      }
    }
    return y;
  }
  static std::array<Part, 2> parts(std::int64_t side, std::int64_t by) {
    const auto first = by < 0 ? side + by : by;  // the position that comes to 0
    return {Part{0, first, side - first}, Part{side - first, 0, first}};
  }
};

/// What the blocks of a stage share. Its tensors follow from the sizes: they are no buffers, so that no checkpoint
/// holds them.
class Windows final : public torch::nn::Module {
 public:
  explicit Windows(const StageShape& shape)
      : side_(shape.side), window_(shape.window), shift_(shape.shift), across_((side_ + window_ - 1) / window_) {
    index_ = relative_index();
    if (shift_ > 0) mask_ = region_mask();
  }

  void to(torch::Device device, torch::Dtype, bool non_blocking) override { to(device, non_blocking); }
  void to(torch::Dtype, bool) override {}
  void to(torch::Device device, bool non_blocking) override {
    index_ = index_.to(device, non_blocking);
    if (mask_.defined()) mask_ = mask_.to(device, non_blocking);
  }

  std::int64_t window() const { return window_; }
  std::int64_t shift() const { return shift_; }

  /// x [B, side, side, C], its windows at the place of `shifted` blocks or not, padded with zeros to whole windows.
  torch::Tensor place(const torch::Tensor& x, bool shifted) const {
    const auto at_place = shifted ? Roll::apply(x, shift_) : x;
    const auto more = across_ * window_ - side_;
    return more == 0 ? at_place : at::constant_pad_nd(at_place, {0, 0, 0, more, 0, more});
  }
  /// The inverse of `place`.
  torch::Tensor replace(const torch::Tensor& x, bool shifted) const {
    const auto whole = across_ * window_ == side_ ? x : x.narrow(1, 0, side_).narrow(2, 0, side_);
    return shifted ? Roll::apply(whole, -shift_) : whole;
  }

  /// What `place` gave, [B, P, P, n heads d] -> n tensors for attention, in one copy: [B windows, heads, N, d] with N
  /// the positions of a window, or, where each window has a mask of its own, [B, windows heads, N, d].
  std::vector<torch::Tensor> cut(const torch::Tensor& x, std::int64_t n, std::int64_t heads, bool shifted) const {
    const auto d = x.size(3) / (n * heads);
    const auto windows = across_ * across_;
    const auto rows = shifted ? x.size(0) : x.size(0) * windows;
    return x.reshape({x.size(0), across_, window_, across_, window_, n, heads, d})
        .permute({5, 0, 1, 3, 6, 2, 4, 7})
        .reshape({n, rows, shifted ? windows * heads : heads, window_ * window_, d})
        .unbind(0);
  }
  /// The inverse of `cut` of one tensor: -> [B, P, P, heads d].
  torch::Tensor join(const torch::Tensor& x, std::int64_t rows, std::int64_t heads) const {
    const auto padded = across_ * window_;
    return x.reshape({rows, across_, across_, heads, window_, window_, x.size(3)})
        .permute({0, 1, 4, 2, 5, 3, 6})
        .reshape({rows, padded, padded, heads * x.size(3)});
  }

  /// table [(2 window - 1)^2, heads] -> what is added to scores, [1, heads, N, N], or with the mask of shifted windows
  /// [1, windows heads, N, N].
  torch::Tensor bias(const torch::Tensor& table, bool shifted) const {
    const auto positions = window_ * window_;
    const auto own = table.index_select(0, index_).view({positions, positions, -1}).permute({2, 0, 1}).contiguous();
    if (!shifted) return own.unsqueeze(0);
    return (own + mask_.to(own.scalar_type()).unsqueeze(1)).view({1, -1, positions, positions});
  }

 private:
  /// [N N]: the row of the table for each pair of positions, by how far they lie apart.
  torch::Tensor relative_index() const {
    const auto place = at::arange(window_ * window_);
    const auto row = place.div(window_, "floor"), column = place.remainder(window_);
    const auto apart = [&](const torch::Tensor& x) { return x.unsqueeze(1) - x.unsqueeze(0) + (window_ - 1); };
    return (apart(row) * (2 * window_ - 1) + apart(column)).flatten();
  }
  /// [windows, N, N]: -100 (timm's) between positions of a shifted window that were no neighbours, else 0.
  torch::Tensor region_mask() const {
    const auto padded = across_ * window_;
    const auto place = at::arange(padded);
    const auto region = place.ge(padded - window_).to(at::kLong) + place.ge(padded - shift_).to(at::kLong);
    const auto regions = (region.unsqueeze(1) * 3 + region.unsqueeze(0)).view({across_, window_, across_, window_});
    const auto of = regions.permute({0, 2, 1, 3}).reshape({across_ * across_, 1, window_ * window_});
    return of.ne(of.transpose(1, 2)).to(at::kFloat) * -100;
  }

  std::int64_t side_;
  std::int64_t window_;
  std::int64_t shift_;
  std::int64_t across_;  ///< windows on each side
  torch::Tensor index_;
  torch::Tensor mask_;
};

using WindowsPtr = std::shared_ptr<Windows>;

}  // namespace dime::plugins::unicl
