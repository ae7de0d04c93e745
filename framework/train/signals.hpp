// SPDX-License-Identifier: Apache-2.0
// SIGTERM and SIGUSR1 ask a run to checkpoint and leave; a second one leaves at once.
#pragma once

namespace dime {

/// Listens while it lives. One made while another lives hears what that one heard. For one thread.
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;
  /// The name of the signal that came, or nullptr.
  const char* received() const;
};

}  // namespace dime
