// SPDX-License-Identifier: Apache-2.0
// Tells whose names a file of weights has, and what of it differs from what a model wants. Torch-free.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "config/experiment.hpp"
#include "io/weights_file.hpp"
#include "weights/name_map.hpp"

namespace dime {

/// A tensor of a model.
struct WantedTensor {
  std::string name;
  io::DType dtype = io::DType::f32;
  std::vector<std::int64_t> shape;
};

/// One tensor that differs.
struct Difference {
  std::string name;  ///< the model's, or of one that the model does not have: what the scheme calls it
  std::string file;  ///< the file's name, where that is another
  std::string note;  ///< "[2] in the file, [3] in the model"
};

/// All that differs, each kind in the order of the model or of the file.
struct Differences {
  std::vector<Difference> missing, unexpected, misshaped, mistyped;

  std::size_t names() const { return missing.size() + unexpected.size(); }
  std::size_t all() const { return names() + misshaped.size() + mistyped.size(); }
};

/// A file of weights in the model's names.
struct RecognisedWeights {
  const NameScheme* scheme = nullptr;  ///< null: the file has the model's names
  NameMap map;                         ///< without what `skip` leaves out; its views are the file's
  Differences differences;

  /// "a safetensors file, Hugging Face's names of CLIPModel", or the first half where names are the model's own.
  std::string text(const io::WeightsFile& file) const;
  /// The tensor of this name, or nullptr.
  const MappedTensor* find(const std::string& name) const;
};

/// The names of the model itself when all of the file's fit, else those of the scheme that leaves the fewest
/// differences. `skip` and `allow_missing` of `from` are taken out of them. Throws WeightsError, which begins with
/// `what`, when two schemes fit and place the tensors differently, and for a prefix of `from` that fits no name.
RecognisedWeights recognise(const io::WeightsFile& file, const std::vector<WantedTensor>& wanted,
                            const InitOptions& from, const std::string& what,
                            std::span<const NameScheme> schemes = name_schemes());

/// Throws WeightsError, which begins with `what` and lists what differs with the nearest match beside each name.
void require_fit(const io::WeightsFile& file, const RecognisedWeights& weights, const InitOptions& from,
                 const std::string& what);

}  // namespace dime
