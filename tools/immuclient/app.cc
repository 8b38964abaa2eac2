// SPDX-License-Identifier: Apache-2.0
#include "immuclient/app.h"

#include <unistd.h>

#include <iostream>
#include <utility>

#include "cli/exit_code.h"
#include "cli/generator_commands.h"
#include "cli/version.h"
#include "immuclient/audit.h"
#include "immuclient/commands.h"
#include "immuclient/output.h"
#include "immuclient/shell.h"
#include "support/connection_options.h"

namespace immudb {
namespace {

int RunInvocation(const Invocation& invocation, std::istream& in, std::ostream& out,
                  std::ostream& err) {
  Session session(invocation.settings);
  const Streams streams{.in = &in,
                        .out = &out,
                        .err = &err,
                        .err_is_terminal = &err == &std::cerr && ::isatty(STDERR_FILENO) == 1};
  const CommandContext context(session, invocation.settings, streams);
  const Outcome outcome =
      RunCommand(*FindCommand(invocation.command), context, invocation.arguments);
  PrintNote(session.TakeNote(), OutputFormOf(invocation.settings), err);
  return PrintOutcome(outcome, invocation.settings, out, err);
}

// For errors of the command line itself, when there are no settings yet.
OutputForm ProbableForm(const std::vector<std::string>& arguments,
                        const Surroundings& surroundings) {
  std::string form;
  if (const auto it = surroundings.environment.find("IMMUCLIENT_OUTPUT");
      it != surroundings.environment.end()) {
    form = it->second;
  }
  constexpr std::string_view kFlag = "--output";
  for (size_t i = 0; i < arguments.size() && arguments[i] != "--"; ++i) {
    if (arguments[i].starts_with("--output=")) form = arguments[i].substr(kFlag.size() + 1);
    if (arguments[i] == kFlag && i + 1 < arguments.size()) form = arguments[i + 1];
  }
  return form == "json" || form == "jsonl" ? OutputForm::kJson : OutputForm::kText;
}

int Fail(std::ostream& err, OutputForm form, const Status& status, ExitCode code) {
  PrintError(status, code, form, err);
  return static_cast<int>(code);
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
  const OutputForm form = ProbableForm(arguments, surroundings);
  const ProgramSpec program = ImmuclientProgram();
  if (const auto code = RunGenerator(program, arguments, out, err)) return *code;
  const auto invocation = ParseCommandLine(program, arguments, surroundings);
  if (!invocation.ok()) {
    const bool usage = invocation.status().code() == StatusCode::kInvalidArgument;
    return Fail(err, form, invocation.status(), usage ? ExitCode::kUsage : ExitCode::kFailed);
  }
  if (invocation->version) {
    const std::string text = VersionText("immuclient");
    out << (form == OutputForm::kJson ? ToLine(Json{{"version", text}}) : text) << '\n';
    return static_cast<int>(ExitCode::kDone);
  }
  if (invocation->help) {
    const std::string about = !invocation->command.empty()    ? invocation->command
                              : invocation->arguments.empty() ? ""
                                                              : invocation->arguments.front();
    out << HelpText(program, about);
    return static_cast<int>(ExitCode::kDone);
  }
  const auto connection = ToClientOptions(invocation->settings);
  if (!connection.ok()) return Fail(err, form, connection.status(), ExitCode::kUsage);
  for (const auto& warning : invocation->warnings) PrintNote(warning, form, err);
  if (invocation->command == AuditCommandSpec().name) {
    return RunAuditMode({*invocation, arguments, surroundings, report, in, out, err});
  }
  const bool shell = invocation->command.empty() || invocation->command == ShellCommand().name;
  if (shell) return RunShell(invocation->settings, out, err);
  return RunInvocation(*invocation, in, out, err);
}

}  // namespace immudb
