// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/line_editor.h"
#include "cli/option_table.h"
#include "cli/shell_words.h"
#include "immuclient/commands.h"
#include "immuclient/shell.h"
#include "immudb/client.h"
#include "immudb/status.h"
#include "support/connection_options.h"

namespace immudb {
namespace {

constexpr std::chrono::milliseconds kPatience{1000};  // to connect, and again to be answered

// Over a connection of its own: that of the shell would wait as long as a command does.
std::vector<std::string> Databases(const Settings& settings) {
  auto options = ToClientOptions(settings);
  if (!options.ok()) return {};
  options->token_file = settings.Text("tokenfile");
  options->root_directory = settings.Text("dir");
  options->connect_timeout = kPatience;
  options->call_timeout = kPatience;
  const auto client = Client::Connect(*options);
  if (!client.ok()) return {};
  auto databases = (*client)->ListDatabases();
  return databases.ok() ? *std::move(databases) : std::vector<std::string>();
}

std::vector<std::string> CommandNames(const ProgramSpec& program) {
  std::vector<std::string> names = {"help", "clear", "version", "exit", "quit"};
  for (const auto& command : program.commands) {
    if (!command.hidden) names.push_back(command.name);
  }
  return names;
}

std::vector<std::string> Flags(const ProgramSpec& program, const CommandSpec& command) {
  std::vector<std::string> flags = {"--help"};
  for (const auto* options : {&command.options, &program.options}) {
    for (const auto& option : *options) flags.push_back("--" + option.name);
  }
  return flags;
}

// What may stand at the place of a word, `before` being all words in front of it.
std::vector<std::string> Choices(const Settings& settings, const std::vector<std::string>& before,
                                 std::string_view word) {
  const ProgramSpec program = ShellProgram();
  if (before.empty()) return CommandNames(program);
  if (before.front() == "help") return CommandNames(program);
  const CommandSpec* command = FindCommandSpec(program, before.front());
  if (command == nullptr) return {};
  if (word.starts_with('-')) return Flags(program, *command);
  const bool names_database =
      (command->name == "use" && before.size() == 1) ||
      (command->name == "database" && before.size() == 2 && before[1] == "use");
  return names_database ? Databases(settings) : std::vector<std::string>();
}

}  // namespace

Completion CompleteShellLine(const Settings& settings, std::string_view before_cursor) {
  const size_t blank = before_cursor.find_last_of(" \t");
  const size_t begin = blank == std::string_view::npos ? 0 : blank + 1;
  const std::string_view word = before_cursor.substr(begin);
  const auto before = SplitShellWords(before_cursor.substr(0, begin));
  Completion completion{.replaced = word.size()};
  if (!before.ok()) return completion;  // inside of a quoted value
  for (auto& choice : Choices(settings, *before, word)) {
    if (choice.starts_with(word)) completion.candidates.push_back(std::move(choice));
  }
  std::ranges::sort(completion.candidates);
  return completion;
}

}  // namespace immudb
