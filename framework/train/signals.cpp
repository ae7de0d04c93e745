// SPDX-License-Identifier: Apache-2.0
#include "train/signals.hpp"

#include <csignal>

namespace dime {
namespace {

// A signal handler can reach nothing but an object of static storage.
volatile std::sig_atomic_t received_signal = 0;

extern "C" void note_signal(int number) { received_signal = number; }

void listen(int number, bool on) {
  struct sigaction action {};
  action.sa_handler = on ? note_signal : SIG_DFL;
  // The default comes back with the first signal, so that the second one ends the process.
  action.sa_flags = SA_RESETHAND;
  sigemptyset(&action.sa_mask);
  sigaction(number, &action, nullptr);
}

}  // namespace

StopSignals::StopSignals() {
  received_signal = 0;
  listen(SIGTERM, true);
  listen(SIGUSR1, true);
}

StopSignals::~StopSignals() {
  listen(SIGTERM, false);
  listen(SIGUSR1, false);
}

const char* StopSignals::received() const {
  if (received_signal == SIGTERM) return "SIGTERM";
  if (received_signal == SIGUSR1) return "SIGUSR1";
  return nullptr;
}

}  // namespace dime
