// SPDX-License-Identifier: Apache-2.0
#include "immuadmin/commands.h"

#include <algorithm>
#include <istream>
#include <iterator>

namespace immudb {
namespace {

std::vector<Command> AllCommands() {
  std::vector<Command> all;
  for (auto* part : {AdminSessionCommands, AdministrationCommands, ServerCommands, DumpCommands,
                     BackupCommands, StoreCommands, MachineCommands}) {
    std::ranges::move(part(), std::back_inserter(all));
  }
  return all;
}

}  // namespace

const std::vector<Command>& AdminCommands() {
  static const std::vector<Command> kCommands = AllCommands();
  return kCommands;
}

OptionSpec YesOption() {
  return {.name = "yes",
          .type = OptionType::kBool,
          .default_value = "false",
          .help = "do not ask",
          .flag_only = true};
}

Status ConfirmByName(const CommandContext& context, std::string_view question,
                     const std::string& name) {
  if (context.settings().Bool("yes")) return Status::Ok();
  std::ostream& err = *context.streams().err;
  err << question << "\nType its name, " << name << ", to go on: " << std::flush;
  std::string answer;
  std::getline(*context.streams().in, answer);
  if (answer == name) return Status::Ok();
  return Status::FailedPrecondition("Canceled");
}

}  // namespace immudb
