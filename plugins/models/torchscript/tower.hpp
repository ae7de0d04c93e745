// SPDX-License-Identifier: Apache-2.0
// A TorchScript module as a frozen module of LibTorch's: its tensors can be counted, moved and loaded.
#pragma once

#include <map>
#include <set>

#include "script.hpp"

namespace dime::plugins::torchscript {

class Tower final : public torch::nn::Module {
 public:
  Tower(Script script, bool autocast) : script_(std::move(script)), autocast_(autocast), device_(torch::kCPU) {
    module_ = script_.load(device_);
    std::set<const void*> seen;
    mirror(module_, *this, "", seen);
  }

  /// input [rows, ...] -> [rows, width()], float32. Throws ArgumentError. Safe from several threads at a time, if the
  /// exported program does not change its own tensors.
  torch::Tensor encode(const torch::Tensor& input) const {
    if (input.size(0) == 0) return at::zeros({0, width_}, input.options().dtype(at::kFloat));
    // A copy: the program may work in place.
    const auto type = input.is_floating_point() ? compute_type() : input.scalar_type();
    auto vectors = script_.run(module_, input.to(type, false, true), autocast_).to(at::kFloat);
    if (width_ != 0 && vectors.size(1) != width_) {
      throw ArgumentError(script_.name() + " gave vectors of " + std::to_string(vectors.size(1)) +
                          " numbers, before of " + std::to_string(width_));
    }
    return vectors;
  }

  /// Finds the width, and that the number of rows was not fixed when the module was traced.
  void try_rows(const torch::Tensor& row) {
    width_ = encode(row).size(1);
    try {
      encode(at::cat({row, row}));
    } catch (const ArgumentError& e) {
      throw ArgumentError(std::string(e.what()) + "; one row it takes: was its batch size fixed when it was exported?");
    }
  }

  std::int64_t width() const { return width_; }
  const Script& script() const { return script_; }

  // Virtual in LibTorch, which calls them for children too.
  void to(torch::Device device, bool non_blocking) override {
    torch::nn::Module::to(device, non_blocking);
    move(device);
  }
  void to(torch::Device device, torch::Dtype dtype, bool non_blocking) override {
    torch::nn::Module::to(device, dtype, non_blocking);
    move(device);
  }
  using torch::nn::Module::to;

 private:
  template <class F>
  static void for_each_slot(const torch::jit::Module& module, F&& visit) {
    const auto type = module.type();
    for (std::size_t i = 0; i < type->numAttributes(); ++i) {
      visit(type->getAttributeName(i), module._ivalue()->getSlot(i), type->is_parameter(i));
    }
  }

  static bool is_tensor(const c10::IValue& value) { return value.isTensor() && value.toTensor().defined(); }

  /// Registers every tensor once (tied ones stand in several slots), under its name in Python, without gradient.
  void mirror(const torch::jit::Module& from, torch::nn::Module& to, const std::string& prefix,
              std::set<const void*>& seen) {
    for_each_slot(from, [&](const std::string& name, const c10::IValue& value, bool parameter) {
      if (value.isModule()) {
        mirror(value.toModule(), *to.register_module(name, std::make_shared<torch::nn::Module>()), prefix + name + ".",
               seen);
      } else if (is_tensor(value)) {
        const auto tensor = value.toTensor().set_requires_grad(false);
        tensors_.emplace(prefix + name, tensor);
        if (!typed_.defined() && tensor.is_floating_point()) typed_ = tensor;
        if (!seen.insert(tensor.unsafeGetTensorImpl()).second) return;
        parameter ? to.register_parameter(name, tensor, false) : to.register_buffer(name, tensor);
      }
    });
  }

  /// The registered tensors in the slots of a module that was loaded anew.
  void fill(const torch::jit::Module& module, const std::string& prefix) const {
    std::size_t i = 0;
    for_each_slot(module, [&](const std::string& name, const c10::IValue& value, bool) {
      if (value.isModule()) fill(value.toModule(), prefix + name + ".");
      if (is_tensor(value)) module._ivalue()->setSlot(i, tensors_.at(prefix + name));
      ++i;
    });
  }

  // Tensors outside the slots (constants, lists) and devices that the program names move by loading it there: what has
  // run once keeps its compiled form.
  void move(const torch::Device& device) {
    if (device == device_) return;
    auto module = script_.load(device);
    fill(module, "");
    module_ = std::move(module);
    device_ = device;
  }

  at::ScalarType compute_type() const { return typed_.defined() ? typed_.scalar_type() : at::kFloat; }

  Script script_;
  bool autocast_;
  torch::Device device_;
  torch::jit::Module module_;
  std::map<std::string, torch::Tensor> tensors_;
  torch::Tensor typed_;
  std::int64_t width_ = 0;
};

}  // namespace dime::plugins::torchscript
