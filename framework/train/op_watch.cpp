// SPDX-License-Identifier: Apache-2.0
#include "train/op_watch.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <string_view>
#include <unordered_map>

#include <ATen/core/Tensor.h>
#include <ATen/record_function.h>
#include <c10/util/ThreadLocalDebugInfo.h>

namespace dime {
namespace {

/// The arithmetic of one call: known before it, and for each element that it gives.
struct Work final : at::ObserverContext {
  std::int64_t flops = 0;
  std::int64_t per_output = 0;
};

using Inputs = c10::ArrayRef<const c10::IValue>;

const at::Tensor* tensor_at(Inputs inputs, std::size_t i) {
  if (i >= inputs.size() || !inputs[i].isTensor() || !inputs[i].toTensor().defined()) return nullptr;
  return &inputs[i].toTensor();
}

/// 2 [.., n, k] x [.., k, m], of which the first is input `i`.
bool product(Inputs inputs, std::size_t i, Work& work) {
  const at::Tensor* a = tensor_at(inputs, i);
  const at::Tensor* b = tensor_at(inputs, i + 1);
  if (a == nullptr || b == nullptr) return false;
  work.flops = 2 * a->numel() * (b->dim() > 1 ? b->size(-1) : 1);
  return true;
}

/// x [.., k] and weights [m, k]
bool linear(Inputs inputs, Work& work) {
  const at::Tensor* x = tensor_at(inputs, 0);
  const at::Tensor* weight = tensor_at(inputs, 1);
  if (x == nullptr || weight == nullptr) return false;
  work.flops = 2 * x->numel() * (weight->dim() > 1 ? weight->size(0) : 1);
  return true;
}

/// Weights [out, in / groups, ..], or [in, out / groups, ..] of a transposed one, whose every input meets them.
bool convolution(Inputs inputs, Work& work) {
  constexpr std::size_t kTransposed = 6;
  const at::Tensor* x = tensor_at(inputs, 0);
  const at::Tensor* weight = tensor_at(inputs, 1);
  if (x == nullptr || weight == nullptr || weight->dim() == 0 || weight->size(0) == 0) return false;
  const std::int64_t each = 2 * weight->numel() / weight->size(0);
  const bool transposed = inputs.size() > kTransposed && inputs[kTransposed].isBool() && inputs[kTransposed].toBool();
  (transposed ? work.flops : work.per_output) = transposed ? each * x->numel() : each;
  return true;
}

/// q [.., L, e], k [.., S, e], v [.., S, f]
bool attention(Inputs inputs, Work& work) {
  const at::Tensor* q = tensor_at(inputs, 0);
  const at::Tensor* k = tensor_at(inputs, 1);
  const at::Tensor* v = tensor_at(inputs, 2);
  if (q == nullptr || k == nullptr || v == nullptr || q->dim() < 2 || q->size(-1) == 0) return false;
  work.flops = 2 * (q->numel() / q->size(-1)) * k->size(-2) * (q->size(-1) + v->size(-1));
  return true;
}

template <std::size_t N>
bool among(const std::array<std::string_view, N>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// Whether `name` is an operator with arithmetic; fills `work`.
bool arithmetic(std::string_view name, Inputs inputs, Work& work) {
  static constexpr std::array<std::string_view, 5> kProducts{"aten::mm", "aten::bmm", "aten::mv", "aten::dot",
                                                             "aten::vdot"};
  static constexpr std::array<std::string_view, 5> kAddedProducts{"aten::addmm", "aten::baddbmm", "aten::addbmm",
                                                                  "aten::addmv", "aten::_addmm_activation"};
  static constexpr std::array<std::string_view, 3> kLinears{"aten::linear", "aten::mkldnn_linear",
                                                            "mkldnn::_linear_pointwise"};
  static constexpr std::array<std::string_view, 4> kConvolutions{
      "aten::convolution", "aten::_convolution", "aten::mkldnn_convolution", "mkldnn::_convolution_pointwise"};
  if (name.ends_with('_')) name.remove_suffix(1);  // in place
  if (among(kProducts, name)) return product(inputs, 0, work);
  if (among(kAddedProducts, name)) return product(inputs, 1, work);
  if (among(kLinears, name)) return linear(inputs, work);
  if (among(kConvolutions, name)) return convolution(inputs, work);
  const bool attends = name == "aten::scaled_dot_product_attention" || name.starts_with("aten::_scaled_dot_product_");
  return attends && attention(inputs, work);
}

/// Lies where the observers of this thread find it.
class Watch final : public c10::DebugInfoBase {
 public:
  static constexpr auto kKind = c10::DebugInfoKind::INFERENCE_CONTEXT;

  static Watch* here() { return static_cast<Watch*>(c10::ThreadLocalDebugInfo::get(kKind)); }

  std::unique_ptr<at::ObserverContext> begin(const at::RecordFunction& op) {
    // What operators hand to each other inside may come from no operator.
    if (depth_++ == 0) {
      for (const auto& input : op.inputs()) see(input, false);
    }
    // An operator with arithmetic may be made of others: the outermost counts.
    auto work = std::make_unique<Work>();
    if (counting_ > 0 || !arithmetic(op.name(), op.inputs(), *work)) return nullptr;
    ++counting_;
    return work;
  }

  void end(const at::RecordFunction& op, const Work* work) {
    --depth_;
    if (work != nullptr) {
      --counting_;
      const auto& outputs = op.outputs();
      const bool tensor = !outputs.empty() && outputs[0].isTensor() && outputs[0].toTensor().defined();
      counts_.flops += work->flops + (tensor ? work->per_output * outputs[0].toTensor().numel() : 0);
    }
    for (const auto& output : op.outputs()) see(output, true);
    counts_.peak_bytes = std::max(counts_.peak_bytes, live_bytes());
  }

  OpCounts counts() {
    counts_.kept_bytes = live_bytes();
    return counts_;
  }

 private:
  struct Seen {
    // While it is held, no other storage lies at the same address.
    c10::weak_intrusive_ptr<c10::StorageImpl> storage;
    bool made;
  };

  void see(const c10::IValue& value, bool made) {
    if (value.isTensor()) see(value.toTensor(), made);
    if (!value.isTensorList()) return;
    for (const at::Tensor& tensor : value.toTensorVector()) see(tensor, made);
  }

  void see(const at::Tensor& tensor, bool made) {
    if (!tensor.defined() || !tensor.has_storage()) return;
    const auto& storage = tensor.storage();
    seen_.try_emplace(storage.unsafeGetStorageImpl(), Seen{storage.getWeakStorageImpl(), made});
  }

  std::int64_t live_bytes() {
    std::int64_t bytes = 0;
    for (auto it = seen_.begin(); it != seen_.end();) {
      const auto storage = it->second.storage.lock();
      if (storage && it->second.made) bytes += static_cast<std::int64_t>(storage->nbytes());
      it = storage ? std::next(it) : seen_.erase(it);
    }
    return bytes;
  }

  std::unordered_map<const c10::StorageImpl*, Seen> seen_;
  OpCounts counts_;
  int depth_ = 0;
  int counting_ = 0;
};

/// The observers, for its life.
class Observers {
 public:
  Observers()
      : handle_(
            at::addThreadLocalCallback(at::RecordFunctionCallback(
                                           [](const at::RecordFunction& op) -> std::unique_ptr<at::ObserverContext> {
                                             Watch* watch = Watch::here();
                                             return watch != nullptr ? watch->begin(op) : nullptr;
                                           },
                                           [](const at::RecordFunction& op, at::ObserverContext* work) {
                                             Watch* watch = Watch::here();
                                             if (watch != nullptr) watch->end(op, static_cast<const Work*>(work));
                                           })
                                           .needsInputs(true)
                                           .needsOutputs(true)
                                           .scopes({at::RecordScope::FUNCTION}))) {}
  ~Observers() { at::removeCallback(handle_); }
  Observers(const Observers&) = delete;
  Observers& operator=(const Observers&) = delete;

 private:
  at::RecordFunctionGuard enabled_{true};
  at::CallbackHandle handle_;
};

}  // namespace

OpCounts watch_ops(const std::function<void()>& work) {
  const auto watch = std::make_shared<Watch>();
  const c10::DebugInfoGuard guard(Watch::kKind, watch);
  {
    const Observers observers;
    work();
  }
  return watch->counts();
}

}  // namespace dime
