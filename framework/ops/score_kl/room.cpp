// SPDX-License-Identifier: Apache-2.0
#include "ops/score_kl/room.hpp"

#include <sys/mman.h>

#include <cstdlib>
#include <new>

namespace dime::detail {
namespace {

constexpr std::size_t kLargePage = std::size_t{2} << 20;
constexpr std::size_t kMuch = 4 * kLargePage;

}  // namespace

torch::Tensor make_room(at::IntArrayRef shape, at::ScalarType type) {
  const auto bytes = static_cast<std::size_t>(c10::multiply_integers(shape)) * c10::elementSize(type);
  if (bytes < kMuch) return at::empty(shape, type);
  const std::size_t whole = (bytes + kLargePage - 1) / kLargePage * kLargePage;
  void* memory = std::aligned_alloc(kLargePage, whole);
  if (memory == nullptr) throw std::bad_alloc();
  // Only advice: without large pages the memory is as good.
  madvise(memory, whole, MADV_HUGEPAGE);
  return torch::from_blob(memory, shape, std::free, at::TensorOptions(type));
}

}  // namespace dime::detail
