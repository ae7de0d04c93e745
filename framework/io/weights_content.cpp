// SPDX-License-Identifier: Apache-2.0
#include "io/weights_content.hpp"

#include <algorithm>

#include <dime/error.hpp>

#include "io/torch_file.hpp"
#include "io/zip_directory.hpp"

namespace dime::io {
namespace {

constexpr std::size_t kLengthBytes = 8;

// The pickle of the number that PyTorch before 1.6 wrote first.
constexpr std::string_view kOldMagic{"\x80\x02\x8a\x0al\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", 15};

bool is_tar(std::string_view bytes) {
  constexpr std::size_t magic_at = 257;
  return bytes.size() > magic_at && bytes.substr(magic_at).starts_with("ustar");
}

// Also of a damaged safetensors file, whose length lies.
bool has_brace(std::string_view bytes) { return bytes.size() > kLengthBytes && bytes[kLengthBytes] == '{'; }

bool is_pickle(std::string_view bytes) {
  constexpr int lowest = 2, highest = 5;
  return bytes.size() > 1 && bytes[0] == '\x80' && bytes[1] >= lowest && bytes[1] <= highest;
}

[[noreturn]] void refuse(std::string_view bytes, const std::string& file) {
  const std::string anew = "; load it in Python and save its state_dict() with a current torch.save";
  if (bytes.starts_with(kOldMagic)) {
    throw WeightsError(file + " was saved by PyTorch before 1.6, or in its old format, which is not read" + anew);
  }
  if (is_tar(bytes)) {
    throw WeightsError(file + " is a tar archive, as PyTorch before 0.1.11 saved it, which is not read" + anew);
  }
  if (is_pickle(bytes)) {
    throw WeightsError(file + " is a bare pickle, which is not read" + anew);
  }
  if (bytes.starts_with("version https://git-lfs")) {
    throw WeightsError(file + " is a Git LFS pointer, not the weights themselves; fetch them with git lfs pull");
  }
  throw WeightsError(file +
                     " holds no weights that dime knows: it is no safetensors file, no PyTorch checkpoint, no "
                     "TorchScript archive and no index of shards");
}

WeightsContent safetensors(std::string_view bytes, const std::string& file) {
  SafetensorsContent content = parse_safetensors(bytes, file);
  return {WeightsFormat::safetensors, "", std::move(content.tensors), std::move(content.metadata)};
}

}  // namespace

bool is_safetensors(std::string_view bytes) {
  if (!has_brace(bytes)) return false;
  std::uint64_t length = 0;
  for (std::size_t i = kLengthBytes; i-- > 0;) length = length << 8 | static_cast<unsigned char>(bytes[i]);
  return length <= bytes.size() - kLengthBytes;
}

WeightsContent parse_weights(std::string_view bytes, const std::string& file) {
  WeightsContent content;
  if (is_zip(bytes)) {
    content = parse_torch_file(bytes, file);
  } else if (has_brace(bytes)) {
    content = safetensors(bytes, file);
  } else {
    refuse(bytes, file);
  }
  std::sort(content.tensors.begin(), content.tensors.end(),
            [](const TensorView& a, const TensorView& b) { return a.name < b.name; });
  return content;
}

}  // namespace dime::io
