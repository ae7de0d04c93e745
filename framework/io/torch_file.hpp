// SPDX-License-Identifier: Apache-2.0
// The zip archives of torch.save (since PyTorch 1.6) and torch.jit.save.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "io/pickle.hpp"
#include "io/weights_content.hpp"
#include "io/zip_directory.hpp"

namespace dime::io {

/// Reads such an archive: the weights of a checkpoint, or the tensors of a TorchScript module by the paths of their
/// attributes. Throws WeightsError; see WeightsFile for which dictionary of a checkpoint holds its weights.
WeightsContent parse_torch_file(std::string_view bytes, const std::string& file);

/// The records of such an archive.
class TorchArchive {
 public:
  /// Throws WeightsError for a zip archive that is none of torch's, or of a big-endian machine.
  TorchArchive(std::string_view bytes, const std::string& file);

  /// Whether torch.jit.save wrote it.
  bool is_script() const;
  /// `data.pkl`, parsed.
  Pickle read_pickle() const;
  /// The tensor in the record of its storage, whose CRC-32 is checked. Throws WeightsError, naming file and tensor, for
  /// an unknown type, a record that is missing or of another size, and a view that does not lie in its storage.
  TensorView view(const Pickle& pickle, const PickleTensor& tensor, std::string name);

 private:
  const ZipEntry* record(std::string_view name) const;
  std::string_view storage(const PickleStorage& storage, const std::string& tensor);

  std::string file_;
  ZipDirectory zip_;
  std::string folder_;  // the archive's only folder, with "/"
  std::set<std::string_view> checked_;
};

}  // namespace dime::io
