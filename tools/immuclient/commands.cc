// SPDX-License-Identifier: Apache-2.0
#include "immuclient/commands.h"

#include <algorithm>
#include <utility>

#include "immuclient/output.h"
#include "support/connection_options.h"

namespace immudb {
namespace {

constexpr char kNoUuidWarning[] =
    "!IMPORTANT WARNING: immudb-uuid header is not published by the immudb server; this client "
    "MUST NOT be used to connect to different immudb servers!";

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

Result<Client*> Session::Connected() {
  if (client_ != nullptr) return client_.get();
  auto options = ToClientOptions(settings_);
  if (!options.ok()) return options.status();
  options->token_file = settings_.Text("tokenfile");
  options->root_directory = settings_.Text("dir");
  auto client = Client::Connect(*options);
  if (!client.ok()) return client.status();
  client_ = *std::move(client);
  if (client_->server_uuid().empty()) note_ = kNoUuidWarning;
  return client_.get();
}

std::string Session::TakeNote() {
  return std::exchange(note_, {});
}

}  // namespace immudb
