// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <exception>
#include <string>
#include <utility>

#include <dime/error.hpp>

namespace dime {

/// Calls into a plugin's object that the experiment names `name` ("losses.vl", "models.student"). Whatever it throws
/// leaves as an ArgumentError "NAME: MESSAGE" of one line: LibTorch's messages go on with a stack trace.
template <class F>
decltype(auto) plugin_call(const std::string& name, F&& work) {
  try {
    return std::forward<F>(work)();
  } catch (const std::exception& e) {
    const std::string text = e.what();
    throw ArgumentError(name + ": " + text.substr(0, text.find('\n')));
  } catch (...) {
    throw ArgumentError(name + ": threw something that is no std::exception");
  }
}

}  // namespace dime
