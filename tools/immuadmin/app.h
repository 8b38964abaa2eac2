// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "cli/option_table.h"

namespace immudb {

// The option table of immuadmin, with its commands.
ProgramSpec ImmuadminProgram();

// One run of immuadmin: confirmations are read from `in`, passwords from the terminal or standard
// input; results go to `out`, errors (one line) and notes to `err`. Returns an ExitCode.
int RunImmuadmin(const std::vector<std::string>& arguments, const Surroundings& surroundings,
                 std::istream& in, std::ostream& out, std::ostream& err);

}  // namespace immudb
