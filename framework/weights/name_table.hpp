// SPDX-License-Identifier: Apache-2.0
// Tables that map the names of a public scheme to those of dime's models, and back.
#pragma once

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

/// One line of a table. In both names `{}` stands for one part between dots, `{+1}` for a number that is one more than
/// the one that stands in its place on the other side, and a last `{*}` for the rest; they are filled in the order in
/// which they stand. `.weight` and `.bias` are parts like any other. All lines with one name on a side stand together
/// where that name's tensor is cut:
///   {"vision_model.encoder.layers.{}.self_attn.q_proj.weight", "visual.transformer.resblocks.{}.attn.in_proj_weight",
///    Change::none, {}, {0, 1, 3}}                     // theirs is the first third of ours
///   {"vision_model.head.attention.in_proj_weight", "visual.trunk.attn_pool.q.weight", Change::none, {0, 1, 3}}
struct NameRule {
  std::string_view theirs;
  std::string_view ours;
  Change change = Change::none;
  RowSpan from{};  ///< the rows of theirs
  RowSpan to{};    ///< the rows of ours that they are
};

/// A public scheme of names for one family of models.
struct NameScheme {
  std::string_view family;          ///< whose names are `ours`: "clip", "siglip", "unicl", "fastvit"
  std::string_view name;            ///< "openai", "open_clip", "huggingface", "timm", "dime_fm"
  std::string_view title;           ///< in a message: "Hugging Face's names of CLIPModel"
  std::span<const NameRule> rules;  ///< tried in order; a name that fits none makes the scheme unfit
};

/// All schemes that dime knows; each family's stand in a file of their own in weights/schemes/.
std::span<const NameScheme> name_schemes();

}  // namespace dime
