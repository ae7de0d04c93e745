// SPDX-License-Identifier: Apache-2.0
#include "cli/model_lines.hpp"

#include <array>

#include "report/table.hpp"

namespace dime::cli {
namespace {

/// `value` in the largest unit that leaves at least 1 of it: "8.73 G".
std::string scaled(std::int64_t value, double step, const std::array<const char*, 5>& units) {
  auto x = static_cast<double>(value);
  std::size_t unit = 0;
  while (x >= step && unit + 1 < units.size()) {
    x /= step;
    ++unit;
  }
  return number_text(x, unit == 0 ? 0 : x < 10 ? 2 : 1) + " " + units[unit];
}

std::string flops_text(std::int64_t flops) { return scaled(flops, 1000, {"FLOP", "kFLOP", "MFLOP", "GFLOP", "TFLOP"}); }

std::string bytes_text(std::int64_t bytes) { return scaled(bytes, 1024, {"bytes", "KiB", "MiB", "GiB", "TiB"}); }

/// "32 images and 96 texts", or nothing.
std::string rows_text(const std::vector<TowerRows>& forwards) {
  std::int64_t images = 0, texts = 0;
  for (const auto& forward : forwards) (forward.image ? images : texts) += forward.rows;
  std::vector<std::string> parts;
  if (images > 0) parts.push_back(count_text(images) + " images");
  if (texts > 0) parts.push_back(count_text(texts) + " texts");
  return join(parts, " and ");
}

/// "A an image, B a text"
template <class F>
std::string each_row(const ModelCost& cost, F&& text) {
  std::vector<std::string> parts;
  if (cost.image) parts.push_back(text(*cost.image) + " an image");
  if (cost.text) parts.push_back(text(*cost.text) + " a text");
  return join(parts);
}

std::string trained_text(const ModelCost& cost, bool student) {
  if (!student) return "none trained";
  if (cost.trained == cost.parameters) return "all trained";
  return count_text(cost.trained) + " trained, " + count_text(cost.parameters - cost.trained) + " frozen";
}

}  // namespace

std::string model_lines(const std::string& name, const Model& model, const ModelCost& cost,
                        const std::vector<TowerRows>& forwards, std::int64_t micro_batch_size) {
  const bool student = cost.trained > 0;
  const std::string rows = rows_text(forwards);
  const std::string micro = micro_batch_size > 0 ? " in micro-batches of " + count_text(micro_batch_size) : "";
  std::string text = name + ": " + count_text(cost.parameters) + " parameters (" + trained_text(cost, student) + "; " +
                     count_text(cost.image_parameters) + " in the image tower), vectors of " +
                     std::to_string(model.spec().embed_dim) + "\n";
  text += "  forward:     " + each_row(cost, [](const TowerCost& t) { return flops_text(t.flops); });
  if (!rows.empty()) text += "; a step " + flops_text(step_flops(cost, forwards, micro_batch_size)) + " for " + rows;
  text += "\n  activations: " + each_row(cost, [](const TowerCost& t) { return bytes_text(t.row_bytes); });
  if (!rows.empty()) text += "; " + bytes_text(step_bytes(cost, forwards, micro_batch_size)) + " for " + rows + micro;
  return text + "\n  state:       " + bytes_text(cost.state_bytes) + " of weights" +
         (student ? ", gradients and AdamW's moments" : "") + "\n";
}

}  // namespace dime::cli
