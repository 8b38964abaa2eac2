// SPDX-License-Identifier: Apache-2.0
#include "cli/generator_commands.h"

#include <ostream>

#include "base/file_system.h"
#include "base/status_macros.h"
#include "cli/completion.h"
#include "cli/exit_code.h"
#include "cli/man_page.h"
#include "cli/markdown.h"
#include "cli/version.h"
#include "immudb/status.h"

namespace immudb {
namespace {

constexpr char kCompletion[] = "completion";
constexpr char kManGen[] = "mangen";
constexpr char kMarkdown[] = "mdgen";

Status WriteCompletion(const ProgramSpec& program, const std::string& shell, std::ostream& out) {
  const auto script = CompletionScript(program, shell);
  IMMUDB_RETURN_IF_ERROR(script);
  out << *script << std::flush;
  return out.good() ? Status::Ok() : Status::IoError("the script cannot be written");
}

Status WriteManPage(const ProgramSpec& program, const std::string& directory, std::ostream& out) {
  IMMUDB_RETURN_IF_ERROR(FileSystem::Real().CreateDirectory(directory));
  const std::string path = JoinPath(directory, program.name + ".1");
  const std::string page = ManPage(program, std::string(VersionNumber()), std::string(BuildDay()));
  IMMUDB_RETURN_IF_ERROR(ReplaceFile(FileSystem::Real(), path, page));
  out << path << '\n';
  return Status::Ok();
}

Status WriteMarkdown(const ProgramSpec& program, const std::string& what, std::ostream& out) {
  if (what == "options") {
    out << MarkdownOptions(program);
  } else if (what == "commands") {
    out << MarkdownCommands(program);
  } else {
    return Status::InvalidArgument("there are tables of options and of commands, none of " + what);
  }
  out << std::flush;
  return out.good() ? Status::Ok() : Status::IoError("the tables cannot be written");
}

}  // namespace

std::vector<CommandSpec> GeneratorCommands() {
  return {{.name = kCompletion,
           .arguments = "bash|zsh|fish",
           .min_arguments = 1,
           .max_arguments = 1,
           .help = "Print the script that completes commands and flags in a shell"},
          {.name = kManGen,
           .arguments = "[dir]",
           .min_arguments = 0,
           .max_arguments = 1,
           .help = "Write the manual page into a directory",
           .hidden = true},
          {.name = kMarkdown,
           .arguments = "options|commands",
           .min_arguments = 1,
           .max_arguments = 1,
           .help = "Print the tables of docs/configuration.md, docs/commands.md",
           .hidden = true}};
}

std::optional<int> RunGenerator(const ProgramSpec& program,
                                const std::vector<std::string>& arguments, std::ostream& out,
                                std::ostream& err) {
  const auto asked = ParseCommandLine(program, arguments, {});
  if (!asked.ok() || asked->help || asked->version) return std::nullopt;
  Status status;
  if (asked->command == kCompletion) {
    status = WriteCompletion(program, asked->arguments.front(), out);
  } else if (asked->command == kManGen) {
    status = WriteManPage(program, asked->arguments.empty() ? "." : asked->arguments.front(), out);
  } else if (asked->command == kMarkdown) {
    status = WriteMarkdown(program, asked->arguments.front(), out);
  } else {
    return std::nullopt;
  }
  if (status.ok()) return static_cast<int>(ExitCode::kDone);
  err << program.name << ": " << status.message() << '\n';
  const bool usage = status.code() == StatusCode::kInvalidArgument;
  return static_cast<int>(usage ? ExitCode::kUsage : ExitCode::kFailed);
}

}  // namespace immudb
