// SPDX-License-Identifier: Apache-2.0
// From the tensors of a file to those that stand under other names, by a table. Torch-free.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "io/safetensors.hpp"
#include "weights/name_table.hpp"

namespace dime {

/// Some rows of a tensor, and which of another they are.
struct MappedPart {
  const io::TensorView* view = nullptr;
  RowSpan from{};  ///< the rows of `view`
  RowSpan to{};    ///< the rows that they are
};

/// One tensor, put together of parts of others.
struct MappedTensor {
  std::string name;
  std::vector<MappedPart> parts;  ///< at least one; in order of rows
  Change change = Change::none;
};

/// All of a list of tensors under other names.
struct NameMap {
  std::vector<MappedTensor> tensors;          ///< in the order of their first parts
  std::vector<const io::TensorView*> unfit;   ///< no rule has their names, or another tensor has their place
  std::vector<const io::TensorView*> unused;  ///< what the scheme drops
};

enum class Direction { to_ours, to_theirs };

/// The tensors of `views` under dime's names, or those of dime under the scheme's. Without a scheme: as they are. The
/// views must outlive the answer.
NameMap map_names(const std::vector<const io::TensorView*>& views, const NameScheme* scheme,
                  Direction direction = Direction::to_ours);

/// Whether the parts are all rows of the tensor.
bool is_complete(const MappedTensor& tensor);

/// The shape that the parts give together. `wanted` is that shape where only the arrangement differs. Nothing when rows
/// cannot be cut so, or the parts do not agree.
std::optional<std::vector<std::int64_t>> mapped_shape(const MappedTensor& tensor,
                                                      const std::vector<std::int64_t>& wanted);

}  // namespace dime
