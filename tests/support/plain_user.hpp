// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <unistd.h>

#include <cstdlib>
#include <stdexcept>

namespace dime::test {

/// Gives up the rights of the superuser, who may write everywhere.
class PlainUser {
 public:
  PlainUser() : was_(::geteuid()) {
    if (was_ == 0 && ::seteuid(65534) != 0) throw std::runtime_error("seteuid failed");
  }
  ~PlainUser() {
    if (was_ == 0 && ::seteuid(0) != 0) std::abort();
  }
  PlainUser(const PlainUser&) = delete;
  PlainUser& operator=(const PlainUser&) = delete;

 private:
  uid_t was_;
};

}  // namespace dime::test
