// SPDX-License-Identifier: Apache-2.0
//
// What programs with a table of commands have in common around it.
#pragma once

#include <iosfwd>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "cli/option_table.h"
#include "commands/command.h"
#include "commands/output.h"

namespace immudb {

// For errors of the command line itself, when there are no settings yet.
OutputForm ProbableForm(std::string_view program, const std::vector<std::string>& arguments,
                        const Surroundings& surroundings);

// What the program is asked to do, its warnings printed; or, when that was to describe itself
// (completion, mangen, help, version) or the command line is wrong, the exit code.
std::variant<int, Invocation> StartProgram(const ProgramSpec& program,
                                           const std::vector<std::string>& arguments,
                                           const Surroundings& surroundings, std::ostream& out,
                                           std::ostream& err);

// The process's own terminals are seen as such.
Streams StreamsOf(std::istream& in, std::ostream& out, std::ostream& err);

}  // namespace immudb
