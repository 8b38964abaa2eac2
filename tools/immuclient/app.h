// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "cli/option_table.h"

namespace immudb {

// The option table of immuclient, with its commands.
ProgramSpec ImmuclientProgram();

// One run of immuclient: `in` is read where an argument says so; results go to `out`, errors (one
// line) and notes to `err`. Returns an ExitCode (cli/exit_code.h).
int RunImmuclient(const std::vector<std::string>& arguments, const Surroundings& surroundings,
                  std::istream& in, std::ostream& out, std::ostream& err);

}  // namespace immudb
