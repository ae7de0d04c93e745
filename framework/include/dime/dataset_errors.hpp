// SPDX-License-Identifier: Apache-2.0
// The errors of data sources, each with its component's name before the message. Torch-free.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include <dime/error.hpp>

namespace dime {

/// Calls `work` and returns what it returns. A RowError, DataError or IoError that leaves it is thrown again with
/// "[name] " before its message: RowError stays RowError, the others become DataError, for to a stream it is the source
/// that cannot be used.
template <class F>
decltype(auto) with_name(const char* name, F&& work) {
  const auto named = [name](const Error& e) { return "[" + std::string(name) + "] " + e.what(); };
  try {
    return std::forward<F>(work)();
  } catch (const RowError& e) {
    throw RowError(named(e));
  } catch (const DataError& e) {
    throw DataError(named(e));
  } catch (const IoError& e) {
    throw DataError(named(e));
  }
}

/// Throws ArgumentError unless 0 <= i < size.
inline void check_row(const char* name, std::int64_t i, std::int64_t size) {
  if (i >= 0 && i < size) return;
  throw ArgumentError("[" + std::string(name) + "] there is no row " + std::to_string(i) + ": the rows are 0 to " +
                      std::to_string(size - 1));
}

}  // namespace dime
