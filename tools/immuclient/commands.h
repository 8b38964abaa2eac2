// SPDX-License-Identifier: Apache-2.0
//
// The commands of immuclient as one table. Command line and shell are made of it:
//
//   Session session(settings);                              // one connection, made when needed
//   const CommandContext context(session, call_settings, streams);   // one call
//   const Outcome outcome = FindCommand("get")->run(context, {"key"});
//   const int exit_code = PrintOutcome(outcome, call_settings, out, err);
#pragma once

#include <string_view>
#include <vector>

#include "cli/option_table.h"
#include "commands/command.h"

namespace immudb {

// All commands, in the order of the help text.
const std::vector<Command>& Commands();

// Precondition: a name (not an alias) of the table.
const Command* FindCommand(std::string_view name);

// The table of the shell: the commands that can be called there, and of the options those that can
// differ from call to call (output, hex, base64, value-only). For ParseCommandWords.
ProgramSpec ShellProgram();

// The parts of the table; each stands in a file of its own.
std::vector<Command> SessionCommands();  // login, logout, use, status, current
std::vector<Command> ReadCommands();
std::vector<Command> WriteCommands();
std::vector<Command> ListCommands();
std::vector<Command> ProofCommands();
std::vector<Command> BulkCommands();  // import, export

}  // namespace immudb
