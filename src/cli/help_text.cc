// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "cli/option_table.h"

namespace immudb {
namespace {

std::string Padded(std::string text, size_t width) {
  if (text.size() < width) text.resize(width, ' ');
  return text;
}

std::string_view TypeName(OptionType type) {
  switch (type) {
    case OptionType::kInt:
      return " int";
    case OptionType::kSize:
      return " size";
    case OptionType::kDuration:
      return " duration";
    case OptionType::kString:
      return " string";
    case OptionType::kBool:
      break;
  }
  return "";
}

std::string FlagColumn(const OptionSpec& spec) {
  const std::string letter =
      spec.short_name == '\0' ? "    " : std::string("-") + spec.short_name + ", ";
  return "  " + letter + "--" + spec.name + std::string(TypeName(spec.type));
}

std::string CommandColumn(const CommandSpec& command) {
  std::string text = "  " + command.name;
  if (!command.arguments.empty()) text += ' ' + command.arguments;
  if (!command.alias.empty()) text += "  (" + command.alias + ")";
  return text;
}

// With those that every program has.
std::vector<CommandSpec> AllCommands(const ProgramSpec& program) {
  std::vector<CommandSpec> rows = program.commands;
  rows.push_back({.name = "help", .arguments = "[command]", .help = "Help about any command"});
  rows.push_back({.name = "version", .help = "Show the " + program.name + " version"});
  return rows;
}

std::string CommandLines(const ProgramSpec& program) {
  std::vector<CommandSpec> rows = AllCommands(program);
  std::erase_if(rows, [](const CommandSpec& row) { return row.hidden; });
  size_t width = 0;
  for (const auto& row : rows) width = std::max(width, CommandColumn(row).size());
  std::string text;
  for (const auto& row : rows) text += Padded(CommandColumn(row), width + 2) + row.help + '\n';
  return text;
}

std::string OptionLines(const std::vector<OptionSpec>& rows) {
  size_t width = 0;
  for (const auto& row : rows) width = std::max(width, FlagColumn(row).size());
  std::string text;
  for (const auto& row : rows) {
    text += Padded(FlagColumn(row), width + 2) + row.help;
    if (!row.default_value.empty() && !row.secret) text += " (default " + row.default_value + ")";
    text += '\n';
  }
  return text;
}

std::string ProgramOptionLines(const ProgramSpec& program) {
  std::vector<OptionSpec> rows = program.options;
  rows.push_back({.name = "help",
                  .short_name = 'h',
                  .type = OptionType::kBool,
                  .help = "help for " + program.name});
  return OptionLines(rows);
}

std::string EnvironmentLines(const ProgramSpec& program) {
  std::string text;
  for (const auto& spec : program.options) {
    if (spec.flag_only) continue;
    text += "  " + EnvironmentName(program.name, spec.name) + '=' +
            (spec.secret ? "" : spec.default_value) + '\n';
  }
  return text;
}

}  // namespace

std::string HelpText(const ProgramSpec& program) {
  std::string text = program.summary + "\n\nUsage:\n  " + program.name + " [flags]\n  " +
                     program.name + " [command] [flags]\n";
  text += "\nCommands:\n" + CommandLines(program);
  text +=
      "\nFlags (sizes: 64KiB, 32MiB; durations: 500ms, 30s, 1h):\n" + ProgramOptionLines(program);
  text += "\nEnvironment variables:\n" + EnvironmentLines(program);
  text += "\nPrecedence: flag, environment variable, configuration file, default.\n";
  return text;
}

std::string HelpText(const ProgramSpec& program, std::string_view command) {
  const ProgramSpec all{.name = program.name, .commands = AllCommands(program)};
  const CommandSpec* spec = FindCommandSpec(all, command);
  if (spec == nullptr) return HelpText(program);
  std::string text = spec->help + "\n\nUsage:\n  " + program.name + ' ' + spec->name;
  if (!spec->arguments.empty()) text += ' ' + spec->arguments;
  text += " [flags]\n";
  if (!spec->alias.empty()) text += "\nAlias: " + spec->alias + '\n';
  if (!spec->options.empty()) {
    text += "\nFlags of " + spec->name + ":\n" + OptionLines(spec->options);
  }
  return text + "\nFlags:\n" + ProgramOptionLines(program);
}

}  // namespace immudb
