// SPDX-License-Identifier: Apache-2.0
// One TorchScript file, and the one method of it that dime calls.
#pragma once

#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <ATen/autocast_mode.h>
#include <torch/csrc/jit/api/function_impl.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/csrc/jit/serialization/import.h>

#include "messages.hpp"

namespace dime::plugins::torchscript {

class AutocastOff {
 public:
  explicit AutocastOff(at::DeviceType device) : device_(device), before_(at::autocast::is_autocast_enabled(device)) {
    at::autocast::set_autocast_enabled(device_, false);
  }
  ~AutocastOff() { at::autocast::set_autocast_enabled(device_, before_); }
  AutocastOff(const AutocastOff&) = delete;
  AutocastOff& operator=(const AutocastOff&) = delete;

 private:
  at::DeviceType device_;
  bool before_;
};

class Script {
 public:
  Script(std::filesystem::path path, std::string tower, std::string method, std::string output)
      : path_(std::move(path)), tower_(std::move(tower)), method_(std::move(method)), output_(std::move(output)) {}

  /// Loads the file, its tensors and what it makes on `device`. Throws IoError, PluginError, ArgumentError.
  torch::jit::Module load(const torch::Device& device) const {
    require_readable();
    try {
      auto module = torch::jit::load(path_.string(), device);
      use_device(module, device);
      if (!module.find_method(method_)) throw ArgumentError(no_method(module));
      module.eval();
      return module;
    } catch (const ArgumentError&) {
      throw;
    } catch (const std::exception& e) {
      const std::string why = said(e);
      throw PluginError(name() + " is no TorchScript file that this LibTorch loads (" + why.substr(0, why.find(". ")) +
                        "); torch.jit.save writes one, torch.save does not");
    }
  }

  /// What the method gives for `input`: one vector a row, in its own type. Throws ArgumentError.
  torch::Tensor run(const torch::jit::Module& module, const torch::Tensor& input, bool autocast) const {
    const at::NoGradGuard frozen;
    // Off: it rewrites the program after the first calls, and what a row gives must not hang on how many there were.
    const torch::jit::GraphOptimizerEnabledGuard as_written(false);
    std::optional<AutocastOff> off;
    if (!autocast) off.emplace(input.device().type());
    torch::Tensor vectors;
    try {
      vectors = chosen(call(module, input));
    } catch (const ArgumentError&) {
      throw;
    } catch (const std::exception& e) {
      throw ArgumentError(name() + ": " + method_ + "(" + described(input) + ") failed: " + said(e));
    }
    if (vectors.dim() != 2 || vectors.size(0) != input.size(0) || !vectors.is_floating_point()) {
      throw ArgumentError(name() + ": " + method_ + "(" + described(input) +
                          ") must give a vector of floats a row, gave " + described(vectors));
    }
    return vectors;
  }

  /// "[model/torchscript] PATH".
  std::string name() const { return "[model/torchscript] " + shown(path_); }

 private:
  using Parts = std::vector<std::pair<std::string, c10::IValue>>;

  void require_readable() const {
    std::error_code error;
    const auto status = std::filesystem::status(path_, error);
    const auto refuse = [&](const std::string& why) {
      throw IoError("[model/torchscript] cannot open " + shown(path_) + ": " + why);
    };
    if (error && error != std::errc::no_such_file_or_directory) refuse(error.message());
    if (!std::filesystem::exists(status)) refuse("No such file or directory");
    if (!std::filesystem::is_regular_file(status)) refuse("it is no regular file");
    if (!std::ifstream(path_)) refuse("Permission denied");
  }

  std::string no_method(const torch::jit::Module& module) const {
    std::vector<std::string> names;
    for (const auto& method : module.get_methods()) names.push_back(printable(method.name(), longest_shown));
    return name() + " has no method \"" + printable(method_, longest_shown) + "\"; " +
           (names.empty() ? "it has none" : "it has: " + join(names) + " (option \"method\" of \"" + tower_ + "\")");
  }

  // A trace names the device that it was made on wherever it makes a tensor.
  static void use_device(const torch::jit::Module& module, const torch::Device& device) {
    namespace jit = torch::jit;
    for (auto* function : module._ivalue()->compilation_unit()->get_functions()) {
      auto* of_graph = jit::tryToGraphFunction(*function);
      if (of_graph == nullptr) continue;
      of_graph->ensure_defined();
      for (jit::Node* node : jit::findAllNodes(*of_graph->graph(), c10::prim::Constant, true)) {
        if (node->output()->type()->kind() == c10::TypeKind::DeviceObjType) node->s_(jit::attr::value, device.str());
      }
    }
  }

  c10::IValue call(torch::jit::Module module, const torch::Tensor& input) const {
    // Hooks belong to the call of a module, not to its method `forward`.
    return method_ == "forward" ? module({input}) : module.get_method(method_)({input});
  }

  torch::Tensor chosen(const c10::IValue& given) const {
    const auto refuse = [&](const std::string& what) { throw ArgumentError(name() + ": " + what); };
    const std::string option = "option \"output\" of \"" + tower_ + "\"";
    if (given.isTensor()) {
      if (!output_.empty()) refuse(method_ + " gives a tensor: leave out " + option);
      return given.toTensor();
    }
    const Parts parts = parts_of(given);
    std::vector<std::string> names;
    for (const auto& [part, value] : parts) {
      if (part == output_ && value.isTensor()) return value.toTensor();
      if (part == output_) refuse(option + " names what is no tensor but " + value.tagKind());
      names.push_back(printable(part, longest_shown));
    }
    if (parts.empty()) refuse(method_ + " gives " + given.tagKind() + ", no tensor");
    refuse(method_ + " gives " + given.tagKind() + " of " + join(names) + ": " + option + " must be one of them" +
           (output_.empty() ? "" : ", not \"" + printable(output_, longest_shown) + "\""));
    return {};
  }

  static Parts parts_of(const c10::IValue& given) {
    Parts parts;
    if (given.isTuple()) {
      const auto& schema = given.type()->expectRef<c10::TupleType>().schema();
      for (const auto& item : given.toTupleRef().elements()) {
        const std::size_t i = parts.size();
        parts.emplace_back(schema ? schema->arguments()[i].name() : std::to_string(i), item);
      }
    } else if (given.isList()) {
      for (const c10::IValue& item : given.toListRef()) parts.emplace_back(std::to_string(parts.size()), item);
    } else if (given.isGenericDict()) {
      for (const auto& item : given.toGenericDict()) {
        parts.emplace_back(item.key().isString() ? item.key().toStringRef() : c10::str(item.key()), item.value());
      }
    }
    return parts;
  }

  std::filesystem::path path_;
  std::string tower_;
  std::string method_;
  std::string output_;
};

}  // namespace dime::plugins::torchscript
