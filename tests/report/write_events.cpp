// SPDX-License-Identifier: Apache-2.0
// write_events FOLDER: event files of a run and of its resumption, for another program to read.
#include <cstdio>

#include "report/tensorboard.hpp"

namespace {

void write_steps(dime::EventWriter& writer, std::int64_t from, std::int64_t to, double factor) {
  for (auto step = from; step <= to; ++step) {
    dime::MetricsLine line;
    line.step = step;
    line.loss = factor / static_cast<double>(step);
    line.losses = {{"vl", 0.5 * factor / static_cast<double>(step)}};
    line.lr = 1e-3;
    writer.metrics(line);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: write_events FOLDER\n");
    return 2;
  }
  dime::EventWriter first(argv[1]);
  write_steps(first, 1, 300, 1);
  dime::EventWriter resumed(argv[1], 200);
  write_steps(resumed, 201, 250, 3);
  return 0;
}
