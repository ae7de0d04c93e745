// SPDX-License-Identifier: Apache-2.0
// Whether a file may be given to libsentencepiece, which trusts what it reads. Torch-free.
#pragma once

#include <string>
#include <string_view>

namespace dime::detail {

/// Throws DataError, `name` first, unless `model` is a whole sentencepiece model of type unigram: a ModelProto
/// (sentencepiece_model.proto) with pieces, a trainer_spec and a normalizer_spec, whose trie of normalisation leads
/// nowhere outside itself. The library follows that trie without looking, and takes a file that was cut between two
/// fields for a whole one.
void check_spiece(std::string_view model, const std::string& name);

}  // namespace dime::detail
