// SPDX-License-Identifier: Apache-2.0
// TensorBoard's event files, scalars only.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "io/file_descriptor.hpp"
#include "report/metrics.hpp"

namespace dime {

/// One event file, `events.out.tfevents.TIME.HOST.PID.N`, in a folder that TensorBoard watches.
class EventWriter {
 public:
  /// `resumed_step`: tells TensorBoard to forget the points of later steps, which other files of the folder may hold.
  /// Throws IoError.
  explicit EventWriter(const std::filesystem::path& folder, std::optional<std::int64_t> resumed_step = std::nullopt);

  /// Adds one point; it is in the file when this returns. TensorBoard's scalars are of single precision. Throws
  /// IoError.
  void scalar(std::string_view tag, std::int64_t step, double value);
  /// Adds a line of metrics under `Train/`: total_loss, NAME_loss, lr, grad_norm, loss_scale, epoch, texts_epoch,
  /// images_per_second, data_seconds, step_seconds, memory_mib. Throws IoError.
  void metrics(const MetricsLine& line);

  const std::filesystem::path& path() const { return path_; }

 private:
  void append(std::string_view record);

  std::filesystem::path path_;
  io::FileDescriptor file_;
};

/// The checksum of a TFRecord: CRC-32C of `bytes`, rotated and offset.
std::uint32_t masked_crc32c(std::string_view bytes);

}  // namespace dime
