// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include <dime/schema.hpp>

namespace dime {

/// Tells an error whose message begins with its place.
struct Placed {
  virtual ~Placed() = default;
};

/// Call inside a catch block: throws the current exception again, with the component's place and "[kind/name] " in
/// front of its message. The type stays for each dime::Error; all else becomes a PluginError. An exception that went
/// through here before is thrown on as it is.
[[noreturn]] void rethrow_placed(const std::string& kind, const Component& component);

}  // namespace dime
