// SPDX-License-Identifier: Apache-2.0
#include "immuclient/app.h"

#include <utility>
#include <variant>

#include "cli/detached.h"
#include "cli/generator_commands.h"
#include "commands/command.h"
#include "commands/output.h"
#include "commands/program.h"
#include "immuclient/audit.h"
#include "immuclient/commands.h"
#include "immuclient/shell.h"
#include "support/connection_options.h"

namespace immudb {
namespace {

int RunInvocation(const Invocation& invocation, std::istream& in, std::ostream& out,
                  std::ostream& err) {
  Session session(invocation.settings);
  const Streams streams = StreamsOf(in, out, err);
  const CommandContext context(session, invocation.settings, streams);
  const Outcome outcome =
      RunCommand(*FindCommand(invocation.command), context, invocation.arguments);
  PrintNote(session.TakeNote(), OutputFormOf(invocation.settings), err);
  return PrintOutcome(outcome, invocation.settings, out, err);
}

}  // namespace

ProgramSpec ImmuclientProgram() {
  ProgramSpec program = {
      .name = "immuclient",
      .summary =
          "CLI client for immudb - the lightweight, high-speed immutable database for "
          "systems and applications.",
      .options = {ConfigOption("immuclient"),
                  {.name = "tokenfile",
                   .default_value = "token",
                   .help = "authentication token file; a bare name stands in $HOME"},
                  {.name = "dir",
                   .default_value = ".",
                   .help = "directory of the trusted roots (files .root-<server>)"}}};
  const auto connection = ConnectionOptions();
  program.options.insert(program.options.begin(), connection.begin(), connection.end());
  const auto output = OutputOptions();
  program.options.insert(program.options.end(), output.begin(), output.end());
  const auto audit = AuditOptions();
  program.options.insert(program.options.end(), audit.begin(), audit.end());
  for (const auto& command : Commands()) program.commands.push_back(command.spec);
  program.options.push_back(HistoryOption());
  program.commands.push_back(ShellCommand());
  program.commands.push_back(AuditCommandSpec());
  for (auto& command : GeneratorCommands()) program.commands.push_back(std::move(command));
  return program;
}

int RunImmuclient(const std::vector<std::string>& all_arguments, const Surroundings& process,
                  std::istream& in, std::ostream& out, std::ostream& err) {
  std::vector<std::string> arguments = all_arguments;
  StartReport report = StartReport::Take(&arguments);
  const Surroundings surroundings = WithOddInterval(process);
  const ProgramSpec program = ImmuclientProgram();
  auto start = StartProgram(program, arguments, surroundings, out, err);
  if (const int* code = std::get_if<int>(&start)) return *code;
  const Invocation& invocation = std::get<Invocation>(start);
  if (invocation.command == AuditCommandSpec().name) {
    return RunAuditMode({invocation, arguments, surroundings, report, in, out, err});
  }
  const bool shell = invocation.command.empty() || invocation.command == ShellCommand().name;
  if (shell) return RunShell(invocation.settings, out, err);
  return RunInvocation(invocation, in, out, err);
}

}  // namespace immudb
