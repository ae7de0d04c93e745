// SPDX-License-Identifier: Apache-2.0
#include "report/log.hpp"

#include <fcntl.h>
#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <cerrno>
#include <string>

#include "io/file_descriptor.hpp"

namespace dime {
namespace {

constexpr const char* kClearLine = "\r\x1b[K";

// "warning: " before a warning, nothing before a plain line.
class LevelWord final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&, spdlog::memory_buf_t& out) override {
    std::string_view word;
    if (message.level == spdlog::level::warn) word = "warning: ";
    if (message.level >= spdlog::level::err) word = "error: ";
    out.append(word.data(), word.data() + word.size());
  }
  std::unique_ptr<custom_flag_formatter> clone() const override { return std::make_unique<LevelWord>(); }
};

std::shared_ptr<spdlog::sinks::sink> stderr_sink(const LogOptions& options) {
  auto formatter = std::make_unique<spdlog::pattern_formatter>();
  formatter->add_flag<LevelWord>('*').set_pattern(std::string(options.terminal ? kClearLine : "") + "%*%v");
  auto sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  sink->set_formatter(std::move(formatter));
  sink->set_level(options.quiet ? spdlog::level::warn : spdlog::level::trace);
  return sink;
}

std::shared_ptr<spdlog::sinks::sink> file_sink(const std::filesystem::path& file) {
  // spdlog would say the same in several lines of its own.
  const io::FileDescriptor probe(::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666));
  if (!probe.valid()) throw io::io_error("write", file, errno);
  auto sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(file.string());
  sink->set_pattern("%Y-%m-%d %H:%M:%S.%e %l %v");
  return sink;
}

}  // namespace

void Logger::info(const std::string& line) { sink_->info("{}", line); }
void Logger::warn(const std::string& line) { sink_->warn("{}", line); }
void Logger::error(const std::string& line) { sink_->error("{}", line); }

void Logger::record_error(const std::string& line) {
  for (std::size_t i = 1; i < sink_->sinks().size(); ++i) {
    spdlog::logger("file", sink_->sinks()[i]).error("{}", line);
    sink_->sinks()[i]->flush();
  }
}

Log make_log(const LogOptions& options) {
  auto log = std::make_shared<spdlog::logger>("dime", stderr_sink(options));
  if (!options.file.empty()) log->sinks().push_back(file_sink(options.file));
  log->set_level(spdlog::level::info);
  log->flush_on(spdlog::level::trace);
  return std::make_shared<Logger>(std::move(log));
}

}  // namespace dime
