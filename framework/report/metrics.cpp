// SPDX-License-Identifier: Apache-2.0
#include "report/metrics.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <string_view>

#include <dime/error.hpp>

#include "report/json_file.hpp"
#include "report/text_file.hpp"

namespace dime {
namespace {

using Json = nlohmann::ordered_json;

std::int64_t step_of(const std::string& line, const std::filesystem::path& path, std::int64_t number) {
  const Json value = Json::parse(line, nullptr, false);
  if (value.is_object() && value.contains("step") && value["step"].is_number_integer()) return value["step"];
  throw DataError(path.string() + ":" + std::to_string(number) + ": no metrics line; remove the line to go on");
}

void keep_until(const std::filesystem::path& path, std::int64_t last_step) {
  const auto text = read_file_if_any(path);
  if (!text) return;
  std::string kept;
  std::int64_t number = 0;
  for (std::size_t begin = 0, end = 0; (end = text->find('\n', begin)) != std::string::npos; begin = end + 1) {
    const std::string line = text->substr(begin, end - begin);
    if (step_of(line, path, ++number) <= last_step) kept += line + "\n";
  }
  if (kept != *text) replace_file(path, kept);
}

}  // namespace

std::string MetricsLine::text() const {
  Json named = Json::object();
  for (const auto& [name, value] : losses) named[name] = value;
  Json line = {{"step", step},
               {"epoch", epoch},
               {"texts_epoch", texts_epoch},
               {"lr", lr},
               {"loss", loss},
               {"losses", std::move(named)},
               {"grad_norm", grad_norm},
               {"loss_scale", loss_scale},
               {"skipped", skipped},
               {"broken_rows", broken_rows},
               {"images_per_second", images_per_second},
               {"data_seconds", data_seconds},
               {"step_seconds", step_seconds},
               {"memory_mib", memory_mib}};
  for (const auto& [key, value] : extras.items()) {
    if (line.contains(key)) throw ArgumentError("metrics key \"" + key + "\" is taken; give the extra another name");
    line[key] = value;
  }
  return json_line(line);
}

std::int64_t resident_memory_mib() {
  std::ifstream statm("/proc/self/statm");
  std::int64_t total = 0;
  std::int64_t resident = 0;
  statm >> total >> resident;
  return resident * ::sysconf(_SC_PAGESIZE) / (1 << 20);
}

MetricsWriter::MetricsWriter(std::filesystem::path path, std::optional<std::int64_t> resumed_step)
    : path_(std::move(path)) {
  if (resumed_step) keep_until(path_, *resumed_step);
  file_.reset(::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666));
  if (!file_.valid()) throw io::io_error("write", path_, errno);
}

void MetricsWriter::write(const MetricsLine& line) {
  const std::string text = line.text() + "\n";
  std::string_view rest = text;
  while (!rest.empty()) {
    const auto n = ::write(file_.get(), rest.data(), rest.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw io::io_error("write", path_, errno);
    rest.remove_prefix(static_cast<std::size_t>(n));
  }
}

}  // namespace dime
