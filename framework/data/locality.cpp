// SPDX-License-Identifier: Apache-2.0
#include "data/locality.hpp"

#include <algorithm>

namespace dime {
namespace {

constexpr std::uint64_t kBlocks = 1;
constexpr std::uint64_t kWindow = 2;

std::int64_t image(const Permutation& p, std::int64_t i) {
  return static_cast<std::int64_t>(p(static_cast<std::uint64_t>(i)));
}

std::int64_t blocks_in(std::int64_t n, std::int64_t block) { return (n - 1) / block + 1; }

}  // namespace

LocalPermutation::LocalPermutation(std::int64_t n, const Locality& locality, std::uint64_t key)
    : locality_(locality),
      key_(key),
      n_(n),
      lacking_(blocks_in(n, locality.block) * locality.block - n),
      blocks_(static_cast<std::uint64_t>(blocks_in(n, locality.block)), random_key({key, kBlocks})),
      gap_(n) {
  if (lacking_ == 0) return;
  const auto last = static_cast<std::uint64_t>(n / locality.block);
  gap_ = static_cast<std::int64_t>(blocks_.inverse(last)) * locality.block + locality.block - lacking_;
}

std::int64_t LocalPermutation::operator()(std::int64_t place) const {
  const std::int64_t window = window_of(place);
  const std::int64_t begin = without_gap(window * locality_.window);
  const std::int64_t end = std::min(n_, without_gap((window + 1) * locality_.window));
  const Permutation within(static_cast<std::uint64_t>(end - begin),
                           random_key({key_, kWindow, static_cast<std::uint64_t>(window)}));
  const std::int64_t shuffled = with_gap(begin + image(within, place - begin));
  return image(blocks_, shuffled / locality_.block) * locality_.block + shuffled % locality_.block;
}

std::int64_t LocalPermutation::windows() const {
  return (blocks_in(n_, locality_.block) - 1) / (locality_.window / locality_.block) + 1;
}

std::vector<std::int64_t> LocalPermutation::blocks_of(std::int64_t window) const {
  const std::int64_t each = locality_.window / locality_.block;
  const std::int64_t end = std::min((window + 1) * each, blocks_in(n_, locality_.block));
  std::vector<std::int64_t> first_rows;
  for (std::int64_t i = window * each; i < end; ++i) first_rows.push_back(image(blocks_, i) * locality_.block);
  return first_rows;
}

}  // namespace dime
