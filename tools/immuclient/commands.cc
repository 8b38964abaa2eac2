// SPDX-License-Identifier: Apache-2.0
#include "immuclient/commands.h"

#include <algorithm>
#include <iterator>

#include "commands/output.h"

namespace immudb {
namespace {

std::vector<Command> AllCommands() {
  std::vector<Command> all;
  for (auto* part : {SessionCommands, ReadCommands, WriteCommands, ListCommands, ProofCommands,
                     AdministrationCommands, BulkCommands}) {
    std::ranges::move(part(), std::back_inserter(all));
  }
  return all;
}

}  // namespace

const std::vector<Command>& Commands() {
  static const std::vector<Command> kCommands = AllCommands();
  return kCommands;
}

const Command* FindCommand(std::string_view name) {
  return &*std::ranges::find_if(
      Commands(), [name](const Command& command) { return command.spec.name == name; });
}

ProgramSpec ShellProgram() {
  ProgramSpec program{.name = "immuclient", .options = OutputOptions()};
  for (const auto& command : Commands()) {
    if (command.in_shell) program.commands.push_back(command.spec);
  }
  return program;
}

}  // namespace immudb
