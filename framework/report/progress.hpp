// SPDX-License-Identifier: Apache-2.0
// How far a long work is: one line that is rewritten on a terminal, a few plain lines elsewhere.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <ostream>
#include <string>

namespace dime {

/// What a progress line tells beside the step.
struct ProgressNote {
  std::optional<double> loss;
  double rate = 0;  ///< things a second; 0 leaves it out
};

class Progress {
 public:
  struct Options {
    std::string what = "step";        ///< what is counted: "step", "image"
    std::string unit = "images";      ///< what `rate` counts
    std::int64_t total = 0;           ///< 0: not known
    std::int64_t done = 0;            ///< before this run, where it is resumed
    bool terminal = false;            ///< rewrite one line
    std::function<double()> seconds;  ///< a clock; empty: the steady one
  };

  /// `out` must outlive the object. Plain lines come first, last, and between at intervals of a tenth of the time gone,
  /// never under 10 seconds and never over 10 minutes; a terminal's line changes ten times a second at most.
  Progress(std::ostream& out, Options options);
  /// Ends a terminal's line that is still open.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Says that `done` of the total are done.
  void update(std::int64_t done, const ProgressNote& note = {});
  /// Prints the last state once more if it has not been printed, and ends a terminal's line.
  void finish();

 private:
  bool due(double now) const;
  std::string line(double now) const;
  void print(double now);

  std::ostream& out_;
  Options options_;
  double start_;
  std::optional<double> printed_at_;
  std::int64_t done_;
  ProgressNote note_;
  bool pending_ = false;
  bool open_line_ = false;
};

/// "0:07", "12:05", "3:02:01", "2 d 3:02:01".
std::string duration_text(double seconds);

/// True when standard error is a terminal that can move its cursor.
bool stderr_is_terminal();

}  // namespace dime
