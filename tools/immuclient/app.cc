// SPDX-License-Identifier: Apache-2.0
#include "immuclient/app.h"

#include <ostream>

#include "cli/exit_code.h"
#include "cli/version.h"
#include "immuclient/commands.h"
#include "support/connection_options.h"

namespace immudb {
namespace {

int Fail(std::ostream& err, const Status& status, ExitCode code) {
  err << status.message() << '\n';
  return static_cast<int>(code);
}

int RunCommand(const Invocation& invocation, std::ostream& out, std::ostream& err) {
  CommandContext context(invocation.settings);
  const Outcome outcome = FindCommand(invocation.command)->run(context, invocation.arguments);
  if (!context.note().empty()) err << context.note() << '\n';
  if (!outcome.note.empty()) err << outcome.note << '\n';
  if (!outcome.text.empty()) out << outcome.text << '\n';
  out.flush();
  if (outcome.status.ok()) return static_cast<int>(ExitCode::kDone);
  return Fail(err, outcome.status,
              IsVerificationFailure(outcome.status) ? ExitCode::kVerificationFailed
                                                    : ExitCodeFor(outcome.status.code()));
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
                  {.name = "value-only",
                   .type = OptionType::kBool,
                   .default_value = "false",
                   .help = "show only values for get operations"},
                  {.name = "dir",
                   .default_value = ".",
                   .help = "directory of the trusted roots (files .root-<server>)"}}};
  const auto connection = ConnectionOptions();
  program.options.insert(program.options.begin(), connection.begin(), connection.end());
  for (const auto& command : Commands()) program.commands.push_back(command.spec);
  return program;
}

int RunImmuclient(const std::vector<std::string>& arguments, const Surroundings& surroundings,
                  std::ostream& out, std::ostream& err) {
  const ProgramSpec program = ImmuclientProgram();
  const auto invocation = ParseCommandLine(program, arguments, surroundings);
  if (!invocation.ok()) {
    const bool usage = invocation.status().code() == StatusCode::kInvalidArgument;
    return Fail(err, invocation.status(), usage ? ExitCode::kUsage : ExitCode::kFailed);
  }
  if (invocation->version) {
    out << VersionText("immuclient") << '\n';
    return static_cast<int>(ExitCode::kDone);
  }
  if (invocation->help) {
    const std::string about = !invocation->command.empty()    ? invocation->command
                              : invocation->arguments.empty() ? ""
                                                              : invocation->arguments.front();
    out << HelpText(program, about);
    return static_cast<int>(ExitCode::kDone);
  }
  if (invocation->command.empty()) {
    err << HelpText(program);
    return static_cast<int>(ExitCode::kUsage);
  }
  const auto connection = ToClientOptions(invocation->settings);
  if (!connection.ok()) return Fail(err, connection.status(), ExitCode::kUsage);
  for (const auto& warning : invocation->warnings) err << warning << '\n';
  return RunCommand(*invocation, out, err);
}

}  // namespace immudb
