// SPDX-License-Identifier: Apache-2.0
//
// The commands with which every program of ours describes itself, of its option table:
//   completion bash|zsh|fish   the script, on standard output
//   mangen [dir]               <dir>/<program>.1; the working directory if none is named (hidden)
//   mdgen options|commands     tables of Markdown, on standard output (hidden)
#pragma once

#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "cli/option_table.h"

namespace immudb {

// The rows, for ProgramSpec::commands.
std::vector<CommandSpec> GeneratorCommands();

// If the command line asks for one of them, does it and gives the exit code; else none, also when
// the command line is wrong. Looks at neither environment nor configuration file: what describes
// the program does not depend on how it is set up.
std::optional<int> RunGenerator(const ProgramSpec& program,
                                const std::vector<std::string>& arguments, std::ostream& out,
                                std::ostream& err);

}  // namespace immudb
