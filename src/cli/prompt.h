// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "immudb/status.h"

namespace immudb {

// Asks for a password on stderr and reads it from stdin: without echo on a terminal, else one line.
// Errors: kInvalidArgument when stdin ends before a line, or the terminal's user gives up (Ctrl-C,
// Ctrl-D). Not thread-safe.
Result<std::string> ReadPassword(std::string_view prompt);

// May colours be written to this descriptor? Only to a terminal, and never when NO_COLOR is set.
bool UseColour(int descriptor);

}  // namespace immudb
