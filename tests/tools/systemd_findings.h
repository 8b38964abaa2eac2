// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace immudb::testing {

// What `systemd-analyze verify` has to say about a unit; "" if it finds nothing wrong. The program
// that the unit starts need not exist.
std::string SystemdFindings(const std::string& unit);

}  // namespace immudb::testing
