// SPDX-License-Identifier: Apache-2.0
#include "commands/program.h"

#include <unistd.h>

#include <iostream>
#include <utility>

#include "cli/exit_code.h"
#include "cli/generator_commands.h"
#include "cli/version.h"
#include "immudb/status.h"
#include "support/connection_options.h"

namespace immudb {
namespace {

int Fail(std::ostream& err, OutputForm form, const Status& status, ExitCode code) {
  PrintError(status, code, form, err);
  return static_cast<int>(code);
}

}  // namespace

OutputForm ProbableForm(std::string_view program, const std::vector<std::string>& arguments,
                        const Surroundings& surroundings) {
  std::string form;
  if (const auto it = surroundings.environment.find(EnvironmentName(program, "output"));
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

std::variant<int, Invocation> StartProgram(const ProgramSpec& program,
                                           const std::vector<std::string>& arguments,
                                           const Surroundings& surroundings, std::ostream& out,
                                           std::ostream& err) {
  const OutputForm form = ProbableForm(program.name, arguments, surroundings);
  if (const auto code = RunGenerator(program, arguments, out, err)) return *code;
  auto invocation = ParseCommandLine(program, arguments, surroundings);
  if (!invocation.ok()) {
    const bool usage = invocation.status().code() == StatusCode::kInvalidArgument;
    return Fail(err, form, invocation.status(), usage ? ExitCode::kUsage : ExitCode::kFailed);
  }
  if (invocation->version) {
    const std::string text = VersionText(program.name);
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
  return *std::move(invocation);
}

Streams StreamsOf(std::istream& in, std::ostream& out, std::ostream& err) {
  return {.in = &in,
          .out = &out,
          .err = &err,
          .err_is_terminal = &err == &std::cerr && ::isatty(STDERR_FILENO) == 1,
          .out_is_terminal = &out == &std::cout && ::isatty(STDOUT_FILENO) == 1};
}

}  // namespace immudb
