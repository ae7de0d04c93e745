// SPDX-License-Identifier: Apache-2.0
#include "train/signals.hpp"

#include <csignal>

namespace dime {
namespace {

// A signal handler can reach nothing but an object of static storage.
volatile std::sig_atomic_t received_signal = 0;
int listeners = 0;

// The default comes back with the first signal, so that a second one of either kind ends the process.
extern "C" void note_signal(int number) {
  received_signal = number;
  std::signal(SIGTERM, SIG_DFL);
  std::signal(SIGUSR1, SIG_DFL);
}

void listen(int number, bool on) {
  struct sigaction action {};
  action.sa_handler = on ? note_signal : SIG_DFL;
  sigemptyset(&action.sa_mask);
  sigaction(number, &action, nullptr);
}

}  // namespace

StopSignals::StopSignals() {
  if (listeners++ > 0) return;
  received_signal = 0;
  listen(SIGTERM, true);
  listen(SIGUSR1, true);
}

StopSignals::~StopSignals() {
  if (--listeners > 0) return;
  listen(SIGTERM, false);
  listen(SIGUSR1, false);
}

const char* StopSignals::received() const {
  if (received_signal == SIGTERM) return "SIGTERM";
  if (received_signal == SIGUSR1) return "SIGUSR1";
  return nullptr;
}

}  // namespace dime
