// SPDX-License-Identifier: Apache-2.0
//
// The commands of immuadmin as one table; the frame is that of immuclient (commands/command.h).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/option_table.h"
#include "commands/command.h"
#include "immudb/status.h"

namespace immudb {

// All commands, in the order of the help text.
const std::vector<Command>& AdminCommands();

// The row --yes, of commands that ask before they destroy something.
OptionSpec YesOption();

// Asks on `err` for the name of what is about to be changed, unless --yes was given.
// kFailedPrecondition "Canceled" when the answer is anything else.
Status ConfirmByName(const CommandContext& context, std::string_view question,
                     const std::string& name);

// The parts of the table; each stands in a file of its own.
std::vector<Command> AdminSessionCommands();  // login, logout, status
std::vector<Command> ServerCommands();        // set, print
std::vector<Command> StoreCommands();         // verify, rebuild: on files, with the server stopped

std::vector<Command> DumpCommands();     // dump, load
std::vector<Command> BackupCommands();   // backup, restore
std::vector<Command> MachineCommands();  // stats; tls, service: of the machine that it runs on

}  // namespace immudb
