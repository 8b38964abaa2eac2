// SPDX-License-Identifier: Apache-2.0
#include "immuadmin/app.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "cli/exit_code.h"
#include "cli/generator_commands.h"
#include "commands/command.h"
#include "commands/output.h"
#include "commands/program.h"
#include "immuadmin/commands.h"
#include "support/connection_options.h"

namespace immudb {

ProgramSpec ImmuadminProgram() {
  ProgramSpec program = {
      .name = "immuadmin",
      .summary =
          "CLI admin client for immudb - the lightweight, high-speed immutable database for "
          "systems and applications.",
      .options = {ConfigOption("immuadmin"),
                  {.name = "tokenfile",
                   .default_value = "token",
                   .help = "authentication token file, with _admin added to its name; a bare name "
                           "stands in $HOME"},
                  {.name = "output",
                   .default_value = "text",
                   .help = "form of results and errors: text, json or jsonl (an object a line)",
                   .choices = {"text", "json", "jsonl"}}}};
  const auto connection = ConnectionOptions();
  program.options.insert(program.options.begin(), connection.begin(), connection.end());
  for (const auto& command : AdminCommands()) program.commands.push_back(command.spec);
  for (auto& command : GeneratorCommands()) program.commands.push_back(std::move(command));
  return program;
}

int RunImmuadmin(const std::vector<std::string>& arguments, const Surroundings& surroundings,
                 std::istream& in, std::ostream& out, std::ostream& err) {
  const ProgramSpec program = ImmuadminProgram();
  auto start = StartProgram(program, arguments, surroundings, out, err);
  if (const int* code = std::get_if<int>(&start)) return *code;
  const Invocation& invocation = std::get<Invocation>(start);
  const auto& commands = AdminCommands();
  const auto command = std::ranges::find_if(
      commands, [&](const Command& each) { return each.spec.name == invocation.command; });
  if (command == commands.end()) {  // none was given
    out << HelpText(program);
    return static_cast<int>(ExitCode::kDone);
  }
  Session session(invocation.settings, Session::Kind::kAdministrator);
  const Streams streams = StreamsOf(in, out, err);
  const CommandContext context(session, invocation.settings, streams);
  const Outcome outcome = command->run(context, invocation.arguments);
  session.TakeNote();  // about trusted roots: there are none here
  return PrintOutcome(outcome, invocation.settings, out, err);
}

}  // namespace immudb
