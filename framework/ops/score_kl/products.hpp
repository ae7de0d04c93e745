// SPDX-License-Identifier: Apache-2.0
// Matrix products of tiles, to be compiled for several kinds of processor. A Words says what one word of an operand is:
// one number, or two of bf16 whose products are added in fp32.
#pragma once

#include <algorithm>
#include <array>
#include <utility>

#include "ops/score_kl/kernels.hpp"
#include "ops/score_kl/lanes.hpp"

namespace dime::detail::products {

/// One number a word.
template <class T>
struct Whole {
  using Target = T;
  using Number = typename T::Number;
  using Lanes = typename T::Lanes;
  using Word = Number;
  using WordLanes = Lanes;
  static constexpr int packed = 1;
  [[gnu::always_inline]] static WordLanes broadcast(const Word* x) { return T::broadcast(x); }
  [[gnu::always_inline]] static Lanes multiply_add(WordLanes a, WordLanes b, Lanes sum) { return T::fma(a, b, sum); }
};

/// Two numbers of bf16 a word, the first in the low half.
template <class T>
struct Pairs {
  using Target = T;
  using Number = float;
  using Lanes = typename T::Lanes;
  using Word = std::uint32_t;
  using WordLanes = typename T::Words;
  static constexpr int packed = 2;
  [[gnu::always_inline]] static WordLanes broadcast(const Word* x) { return T::broadcast_word(x); }
  [[gnu::always_inline]] static Lanes multiply_add(WordLanes a, WordLanes b, Lanes sum) { return T::dot(a, b, sum); }
};

/// out [Rows][2 vectors] (+)= sum over k of a(row, k) * b [k][2 vectors]. a(row, k) is a[k * stride + row] if
/// AcrossRows, else a[row * stride + k].
template <class W, int Rows, bool AcrossRows>
void block(const typename W::Word* a, std::ptrdiff_t stride, const typename W::Word* b, int depth,
           typename W::Number* out, std::ptrdiff_t out_stride, bool add) {
  using Lanes = typename W::Lanes;
  using WordLanes = typename W::WordLanes;
  constexpr int lanes = sizeof(Lanes) / sizeof(typename W::Number);
  Lanes sums[Rows][2];
#pragma GCC unroll 16
  for (int r = 0; r < Rows; ++r) sums[r][0] = sums[r][1] = Lanes{};
  if (add) {
    for (int r = 0; r < Rows; ++r) {
      __builtin_prefetch(out + r * out_stride, 1);
      __builtin_prefetch(out + r * out_stride + lanes, 1);
    }
  }
  for (int k = 0; k < depth; ++k) {
    const auto b0 = lanes::load<WordLanes>(b), b1 = lanes::load<WordLanes>(b + lanes);
    b += 2 * lanes;
#pragma GCC unroll 16
    for (int r = 0; r < Rows; ++r) {
      const auto x = W::broadcast(AcrossRows ? a + k * stride + r : a + r * stride + k);
      sums[r][0] = W::multiply_add(x, b0, sums[r][0]);
      sums[r][1] = W::multiply_add(x, b1, sums[r][1]);
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < Rows; ++r) {
    auto* to = out + r * out_stride;
    if (add) {
      sums[r][0] += lanes::load<Lanes>(to);
      sums[r][1] += lanes::load<Lanes>(to + lanes);
    }
    lanes::store(to, sums[r][0]);
    lanes::store(to + lanes, sums[r][1]);
  }
}

template <class W>
using Block = void (*)(const typename W::Word*, std::ptrdiff_t, const typename W::Word*, int, typename W::Number*,
                       std::ptrdiff_t, bool);

/// The blocks of 1, 2, ... Target::group rows.
template <class W, bool AcrossRows>
inline constexpr auto blocks = []<std::size_t... I>(std::index_sequence<I...>) {
  return std::array<Block<W>, sizeof...(I)>{&block<W, static_cast<int>(I) + 1, AcrossRows>...};
}
(std::make_index_sequence<W::Target::group>{});

template <class W>
inline constexpr int panel = 2 * lanes::width<typename W::Target>;

/// to [columns][padded] = the transpose of from [rows][stride], with zeros past `rows`.
template <class Vector, class T>
void transpose(const T* from, std::ptrdiff_t stride, int rows, int columns, int padded, T* to) {
  constexpr int size = sizeof(Vector) / sizeof(T);
  const int whole = columns / size * size;
  for (int i = 0; i < padded; i += size) {
    const bool square = i + size <= rows;
    for (int j = 0; square && j < whole; j += size) {
      Vector part[size];
#pragma GCC unroll 16
      for (int r = 0; r < size; ++r) part[r] = lanes::load<Vector>(from + (i + r) * stride + j);
      lanes::transpose(part);
#pragma GCC unroll 16
      for (int r = 0; r < size; ++r) lanes::store(to + static_cast<std::ptrdiff_t>(j + r) * padded + i, part[r]);
    }
    for (int j = square ? whole : 0; j < columns; ++j) {
      T* out = to + static_cast<std::ptrdiff_t>(j) * padded + i;
      for (int r = 0; r < std::min(size, padded - i); ++r) out[r] = i + r < rows ? from[(i + r) * stride + j] : 0;
    }
  }
}

template <class W>
void pack(const void* rows, std::ptrdiff_t stride, int count, int words, void* panels) {
  const auto* from = static_cast<const typename W::Word*>(rows);
  auto* to = static_cast<typename W::Word*>(panels);
  for (int first = 0; first < count; first += panel<W>, to += static_cast<std::ptrdiff_t>(words) * panel<W>) {
    transpose<typename W::WordLanes>(from + first * stride, stride, std::min(panel<W>, count - first), words, panel<W>,
                                     to);
  }
}

/// Vectors are new to the caches when the first panel meets them.
template <class Word>
inline void prefetch_rows(const Word* x, std::ptrdiff_t stride, int count, int words) {
  constexpr int line = 64 / static_cast<int>(sizeof(Word));
  for (int r = 0; r < count; ++r, x += stride) {
    for (int k = 0; k < words; k += line) __builtin_prefetch(x + k);
  }
}

template <class W>
void tile_products(const void* packed, int panels, const void* vectors, std::ptrdiff_t stride, int columns, int words,
                   int part, typename W::Number* out) {
  constexpr int group = W::Target::group;
  const auto* panel_words = static_cast<const typename W::Word*>(packed);
  const auto* x = static_cast<const typename W::Word*>(vectors);
  const int height = panels * panel<W>, parts = (words + part - 1) / part, step = (words + parts - 1) / parts;
  for (int p = 0; p < panels; ++p, panel_words += static_cast<std::ptrdiff_t>(words) * panel<W>, out += panel<W>) {
    for (int k = 0; k < words; k += step) {
      const int depth = std::min(step, words - k);
      for (int j = 0; j < columns; j += group) {
        const int count = std::min(group, columns - j);
        if (p == 0) prefetch_rows(x + (j + group) * stride + k, stride, std::min(group, columns - j - group), depth);
        blocks<W, false>[static_cast<std::size_t>(count - 1)](
            x + j * stride + k, stride, panel_words + static_cast<std::ptrdiff_t>(k) * panel<W>, depth,
            out + static_cast<std::ptrdiff_t>(j) * height, height, k > 0);
      }
    }
  }
}

/// A strip of `panel` numbers of some vectors, from number `from` on, with zeros past `width`: [words][panel].
template <class Target>
void strip(const Whole<Target>*, const void* vectors, std::ptrdiff_t stride, int count,
           const typename Target::Number* scale, int from, int width, typename Target::Number* out) {
  using Number = typename Target::Number;
  using Lanes = typename Target::Lanes;
  constexpr int size = panel<Whole<Target>>, half = size / 2;
  const auto* x = static_cast<const Number*>(vectors) + from;
  const int real = std::min(size, width - from);
  for (int k = 0; k < count; ++k, x += stride, out += size) {
    const Number factor = scale == nullptr ? 1 : scale[k];
    __builtin_prefetch(x + size);  // of the next strip
    __builtin_prefetch(x + size + half);
    if (real == size) {
      lanes::store(out, lanes::load<Lanes>(x) * factor);
      lanes::store(out + half, lanes::load<Lanes>(x + half) * factor);
    } else {
      for (int c = 0; c < size; ++c) out[c] = c < real ? x[c] * factor : 0;
    }
  }
}

/// Vectors 2 k and 2 k + 1 share words. bf16 vectors are stored scaled: `scale` is not used.
template <class Target>
void strip(const Pairs<Target>*, const void* vectors, std::ptrdiff_t stride, int count, const float*, int from,
           int width, std::uint32_t* out) {
  constexpr int size = panel<Pairs<Target>>, half = size / 2;
  const auto* x = static_cast<const std::uint16_t*>(vectors) + from;
  const int real = std::min(size, width - from);
  for (int k = 0; k < count; k += 2, x += 4 * stride, out += size) {
    const auto* second = k + 1 < count ? x + 2 * stride : nullptr;
    __builtin_prefetch(x + size);
    __builtin_prefetch(x + 2 * stride + size);
    if (real == size && second != nullptr) {
      for (int c = 0; c < size; c += half) {
        lanes::store(out + c, lanes::load_halves<Target>(x + c) | lanes::load_halves<Target>(second + c) << 16);
      }
      continue;
    }
    for (int c = 0; c < size; ++c) {
      const std::uint32_t low = c < real ? x[c] : 0, high = c < real && second != nullptr ? second[c] : 0;
      out[c] = low | high << 16;
    }
  }
}

/// The factors as the gradient's products take them: themselves.
template <class Target, class Number>
const Number* encode(const Whole<Target>*, const Number* factors, int, int, bool, void*) {
  return factors;
}

/// As words of bf16: columns 2 k and 2 k + 1 of one row if `across`, else rows 2 k and 2 k + 1 of one column.
template <class Target>
const std::uint32_t* encode(const Pairs<Target>*, const float* factors, int height, int columns, bool across,
                            void* out) {
  using Lanes = typename Target::Lanes;
  constexpr int step = lanes::width<Target>;
  if (!across) {
    auto* to = static_cast<std::uint16_t*>(out);
    for (std::ptrdiff_t i = 0; i < static_cast<std::ptrdiff_t>(height) * columns; i += step) {
      lanes::store_low_halves<Target>(to + i, lanes::to_bf16<Target>(lanes::load<Lanes>(factors + i)));
    }
    return static_cast<const std::uint32_t*>(out);
  }
  auto* to = static_cast<std::uint32_t*>(out);
  for (int j = 0; j < columns; j += 2) {
    const float* first = factors + static_cast<std::ptrdiff_t>(j) * height;
    for (int i = 0; i < height; i += step, to += step) {
      const auto low = lanes::to_bf16<Target>(lanes::load<Lanes>(first + i));
      const auto high =
          j + 1 < columns ? lanes::to_bf16<Target>(lanes::load<Lanes>(first + height + i)) : typename Target::Words{};
      lanes::store(to, low | high << 16);
    }
  }
  return static_cast<const std::uint32_t*>(out);
}

/// Room for the encoded factors, and behind it for a strip.
template <class W>
std::size_t encoded_bytes(int height, int columns) {
  if (W::packed == 1) return 0;
  return static_cast<std::size_t>(height) * static_cast<std::size_t>((columns + 1) / 2) * sizeof(typename W::Word);
}

template <class W>
std::size_t scratch_bytes(int height, int columns) {
  return encoded_bytes<W>(height, columns) +
         static_cast<std::size_t>(std::max(height, columns)) * panel<W> * sizeof(typename W::Word);
}

/// gradient (+)= factors * vectors, a strip at a time: of the rows if AcrossRows, else of the columns.
template <class W, bool AcrossRows>
void gradient(const GradientInput<typename W::Number>& in, bool add, typename W::Number* out, std::ptrdiff_t out_stride,
              void* scratch) {
  using Word = typename W::Word;
  constexpr int group = W::Target::group;
  constexpr const W* kind = nullptr;
  const int outputs = AcrossRows ? in.rows : in.columns, count = AcrossRows ? in.columns : in.rows;
  const Word* words = encode(kind, in.factors, in.height, in.columns, AcrossRows, scratch);
  Word* x = reinterpret_cast<Word*>(static_cast<std::byte*>(scratch) + encoded_bytes<W>(in.height, in.columns));
  const int depth = (count + W::packed - 1) / W::packed;
  const std::ptrdiff_t words_stride = AcrossRows ? in.height : in.height / W::packed;
  for (int from = 0; from < in.width; from += panel<W>) {
    strip(kind, in.vectors, in.stride, count, in.scale, from, in.width, x);
    for (int r = 0; r < outputs; r += group) {
      const int rows = std::min(group, outputs - r);
      blocks<W, AcrossRows>[static_cast<std::size_t>(rows - 1)](AcrossRows ? words + r : words + r * words_stride,
                                                                words_stride, x, depth, out + r * out_stride + from,
                                                                out_stride, add);
    }
  }
}

}  // namespace dime::detail::products
