// SPDX-License-Identifier: Apache-2.0
// What TorchScript throws, as one line.
#pragma once

#include <exception>
#include <string>

#include <c10/util/Exception.h>
#include <torch/csrc/jit/runtime/jit_exception.h>

#include <dime/model.hpp>
#include <dime/printable.hpp>

namespace dime::plugins::torchscript {

/// The first line that says something. The interpreter puts the program's lines in front of "RuntimeError: MESSAGE".
inline std::string first_line(const std::string& text) {
  const std::string mark = "\nRuntimeError: ";
  const auto at = text.find(mark);
  const auto from = text.find_first_not_of(" \n", at == std::string::npos ? 0 : at + mark.size());
  if (from == std::string::npos) return "it says no more";
  return printable(text.substr(from, text.find('\n', from) - from), 300);
}

inline std::string said(const std::exception& error) {
  if (const auto* raised = dynamic_cast<const torch::jit::JITException*>(&error)) {
    return first_line(raised->getOriginalMsg().value_or(error.what()));
  }
  const auto* of_torch = dynamic_cast<const c10::Error*>(&error);
  return first_line(of_torch != nullptr ? of_torch->what_without_backtrace() : error.what());
}

/// "Float [2, 5]".
inline std::string described(const torch::Tensor& x) {
  return c10::toString(x.scalar_type()) + (" " + c10::str(x.sizes()));
}

inline std::string shown(const std::filesystem::path& path) { return printable(path.string(), 4096); }

/// What `work` throws of dime's, with the place of the option in front.
template <class F>
decltype(auto) at_place(const Mark& mark, F&& work) {
  const std::string place = mark.origin ? mark.text() + ": " : "";
  try {
    return work();
  } catch (const IoError& e) {
    throw IoError(place + e.what());
  } catch (const PluginError& e) {
    throw PluginError(place + e.what());
  } catch (const ArgumentError& e) {
    throw ArgumentError(place + e.what());
  }
}

}  // namespace dime::plugins::torchscript
