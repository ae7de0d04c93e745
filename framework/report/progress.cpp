// SPDX-License-Identifier: Apache-2.0
#include "report/progress.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <utility>

namespace dime {
namespace {

constexpr double kTerminalInterval = 0.1;
constexpr double kShortest = 10;
constexpr double kLongest = 600;
constexpr const char* kClearLine = "\r\x1b[K";

double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

template <class... Args>
std::string format(const char* pattern, Args... args) {
  char text[64];
  std::snprintf(text, sizeof text, pattern, args...);
  return text;
}

std::string rate_text(double rate) { return format(rate < 10 ? "%.2f" : "%.0f", rate); }

}  // namespace

std::string duration_text(double seconds) {
  const auto all = static_cast<long long>(std::llround(std::max(0.0, seconds)));
  const auto days = all / 86400;
  const auto hours = all / 3600 % 24;
  const auto minutes = all / 60 % 60;
  if (days > 0) return format("%lld d %lld:%02lld:%02lld", days, hours, minutes, all % 60);
  if (hours > 0) return format("%lld:%02lld:%02lld", hours, minutes, all % 60);
  return format("%lld:%02lld", minutes, all % 60);
}

bool stderr_is_terminal() {
  const char* kind = std::getenv("TERM");
  return ::isatty(STDERR_FILENO) == 1 && kind != nullptr && std::string_view(kind) != "dumb";
}

Progress::Progress(std::ostream& out, Options options) : out_(out), options_(std::move(options)), done_(options_.done) {
  if (!options_.seconds) options_.seconds = steady_seconds;
  start_ = options_.seconds();
}

Progress::~Progress() {
  if (open_line_) out_ << std::endl;
}

void Progress::update(std::int64_t done, const ProgressNote& note) {
  done_ = done;
  note_ = note;
  pending_ = true;
  const double now = options_.seconds();
  if (due(now)) print(now);
}

void Progress::finish() {
  if (pending_) print(options_.seconds());
  if (open_line_) out_ << std::endl;
  open_line_ = false;
}

bool Progress::due(double now) const {
  if (!printed_at_) return true;
  const double plain = std::clamp((now - start_) / 10, kShortest, kLongest);
  return now - *printed_at_ >= (options_.terminal ? kTerminalInterval : plain);
}

std::string Progress::line(double now) const {
  std::string text = options_.what + " " + std::to_string(done_);
  if (options_.total > 0) text += "/" + std::to_string(options_.total);
  if (note_.loss) text += "  loss " + format("%.4f", *note_.loss);
  if (note_.rate > 0) text += "  " + rate_text(note_.rate) + " " + options_.unit + "/s";
  const auto here = done_ - options_.done;
  if (options_.total > done_ && here > 0) {
    text += "  " +
            duration_text((now - start_) / static_cast<double>(here) * static_cast<double>(options_.total - done_)) +
            " left";
  } else if (done_ >= options_.total && here > 0) {
    text += "  took " + duration_text(now - start_);
  }
  return text;
}

void Progress::print(double now) {
  printed_at_ = now;
  pending_ = false;
  if (options_.terminal) {
    out_ << kClearLine << line(now) << std::flush;
    open_line_ = true;
  } else {
    out_ << line(now) << std::endl;
  }
}

}  // namespace dime
