// SPDX-License-Identifier: Apache-2.0
// The errors of data sources, each with its component's name before the message, and the checks that they share.
// Torch-free.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <span>
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

namespace detail {

/// The sum of the squares, in sums side by side that fill wide registers.
template <class Number>
Number sum_of_squares(std::span<const float> vector) {
  constexpr std::size_t lanes = 64 / sizeof(Number);
  std::array<Number, lanes> sums{};
  std::size_t k = 0;
  for (; k + lanes <= vector.size(); k += lanes) {
    for (std::size_t l = 0; l < lanes; ++l) {
      sums[l] += static_cast<Number>(vector[k + l]) * static_cast<Number>(vector[k + l]);
    }
  }
  for (; k < vector.size(); ++k) sums[0] += static_cast<Number>(vector[k]) * static_cast<Number>(vector[k]);
  return std::accumulate(sums.begin(), sums.end(), Number{0});
}

}  // namespace detail

/// What keeps `vector` from being compared with others, or "": no number, a number that is not finite, all zeros, or a
/// norm that float32 does not hold.
inline std::string vector_problem(std::span<const float> vector) {
  if (vector.empty()) return "the vector is empty";
  // Nearly all vectors are far from every limit, which float32 tells; what is not finite makes a sum that is not.
  constexpr float low = 1e-30F, high = 1e30F;
  const float rough = detail::sum_of_squares<float>(vector);
  if (rough > low && rough < high) return "";
  // A float32's square is finite in double.
  const double squares = detail::sum_of_squares<double>(vector);
  if (!std::isfinite(squares)) {
    const auto bad = std::find_if_not(vector.begin(), vector.end(), [](float x) { return std::isfinite(x); });
    return "number " + std::to_string(bad - vector.begin()) + " of the vector is not finite";
  }
  if (squares == 0) return "the vector is all zeros";
  // The norm is taken in float32, from the sum of the squares.
  if (squares > std::numeric_limits<float>::max()) return "the vector's norm is not finite";
  if (squares < std::numeric_limits<float>::min()) return "the vector's norm is too small for float32";
  return "";
}

}  // namespace dime
