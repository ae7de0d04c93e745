// SPDX-License-Identifier: Apache-2.0
// Tables that map the names of a public scheme to those of dime's models, and back.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace dime {

/// Rows first/of to last/of of a tensor's first dimension; the whole tensor by default.
struct RowSpan {
  std::int64_t first = 0;
  std::int64_t last = 1;
  std::int64_t of = 1;

  constexpr bool whole() const { return first == 0 && last == of; }
  friend constexpr bool operator==(const RowSpan&, const RowSpan&) = default;
};

/// How the numbers differ between the two schemes.
enum class Change {
  none,
  transposed,  ///< a matrix, lying the other way
  reshaped,    ///< the same numbers in C order, in another shape: what the model wants
  dropped,     ///< theirs holds nothing that a model needs (a buffer that is computed); `ours` is empty
};

/// One line of a table. In both names `{}` stands for a part between dots, or for the rest of one that begins as
/// written (`in_proj_{}`: in_proj_weight, in_proj_bias); `{+1}` for a number that is one more than the one in its place
/// on the other side (on both: for a number but 0); and a last `{*}` for the rest of the name, dots too. A place ends
/// at a dot or with the name, and is never empty; places are filled in the order in which they stand. `.weight` and
/// `.bias` are parts like any other. All lines with one name on a side stand together where that name's tensor is cut:
///   rows_of_ours({0, 1, 3}, "encoder.layers.{}.self_attn.q_proj.{}", "resblocks.{}.attn.in_proj_{}")
///   rows_of_theirs({0, 1, 3}, "head.attention.in_proj_{}", "attn_pool.q.{}")
struct NameRule {
  std::string_view theirs;
  std::string_view ours;
  Change change = Change::none;
  RowSpan from{};  ///< the rows of theirs
  RowSpan to{};    ///< the rows of ours that they are
};

/// A line where the whole of theirs is `rows` of ours.
constexpr NameRule rows_of_ours(RowSpan rows, std::string_view theirs, std::string_view ours) {
  return {theirs, ours, Change::none, {}, rows};
}

/// A line where `rows` of theirs are the whole of ours.
constexpr NameRule rows_of_theirs(RowSpan rows, std::string_view theirs, std::string_view ours) {
  return {theirs, ours, Change::none, rows, {}};
}

/// The lines of several lists, one after the other: of `{{"theirs", "ours"}, …}`, and of arrays by name.
template <std::size_t... Counts>
constexpr auto joined(const NameRule (&... lists)[Counts]) {
  std::array<NameRule, (Counts + ...)> all{};
  std::size_t at = 0;
  const auto add = [&](std::span<const NameRule> list) {
    for (const NameRule& rule : list) all[at++] = rule;
  };
  (add(lists), ...);
  return all;
}

/// A public scheme of names for one family of models.
struct NameScheme {
  std::string_view family;          ///< whose names are `ours`: "clip", "siglip", "unicl", "fastvit"
  std::string_view name;            ///< "openai", "open_clip", "huggingface", "timm", "swin", "dime_fm"
  std::string_view title;           ///< in a message: "Hugging Face's names of CLIPModel"
  std::span<const NameRule> rules;  ///< tried in order; a name that fits none makes the scheme unfit
};

/// All schemes that dime knows; each family's stand in a file of their own in weights/schemes/.
std::span<const NameScheme> name_schemes();

}  // namespace dime
