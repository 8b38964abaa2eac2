// SPDX-License-Identifier: Apache-2.0
#include "cli/man_page.h"

#include <algorithm>
#include <cctype>
#include <string_view>

#include "cli/exit_code.h"
#include "cli/option_value.h"

namespace immudb {
namespace {

// Text as roff shows it: a minus is one that can be copied, and a line that starts with a dot or a
// quote is no request.
std::string Escaped(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '\\') {
      escaped += "\\e";
    } else if (c == '-') {
      escaped += "\\-";
    } else if (c == '\'') {
      escaped += "\\(aq";
    } else if (c == '.' && (escaped.empty() || escaped.back() == '\n')) {
      escaped += "\\&.";
    } else {
      escaped += c;
    }
  }
  return escaped;
}

std::string Bold(std::string_view text) {
  return "\\fB" + Escaped(text) + "\\fR";
}
std::string Italic(std::string_view text) {
  return "\\fI" + Escaped(text) + "\\fR";
}

std::string Section(std::string_view name) {
  return ".SH " + std::string(name) + '\n';
}

// A term and, indented below it, what it means.
std::string Entry(const std::string& term, const std::string& meaning) {
  return ".TP\n" + term + '\n' + meaning + '\n';
}

std::string Sentence(std::string text) {
  if (text.empty()) return text;
  text[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[0])));
  if (!text.ends_with('.')) text += '.';
  return text;
}

std::string OptionEntry(const OptionSpec& option) {
  std::string term;
  if (option.short_name != '\0') term += Bold(std::string("-") + option.short_name) + ", ";
  term += Bold("--" + option.name);
  if (option.type != OptionType::kBool) term += '=' + Italic(ValueNoun(option.type));
  std::string meaning = Escaped(Sentence(option.help));
  if (!option.choices.empty()) {
    std::string choices;
    for (const auto& choice : option.choices) choices += (choices.empty() ? "" : ", ") + choice;
    meaning += "\nOne of: " + Escaped(choices) + '.';
  }
  if (!option.default_value.empty() && !option.secret) {
    meaning += "\nDefault: " + Bold(option.default_value) + '.';
  }
  return Entry(term, meaning);
}

std::string Synopsis(const ProgramSpec& program) {
  std::string text = Section("SYNOPSIS") + Bold(program.name) + " [" + Italic("options") + "]\n";
  if (!program.commands.empty()) {
    text += ".br\n" + Bold(program.name) + ' ' + Italic("command") + " [" + Italic("arguments") +
            "] [" + Italic("options") + "]\n";
  }
  return text;
}

std::string Commands(const ProgramSpec& program) {
  std::string text = Section("COMMANDS");
  for (const auto& command : program.commands) {
    if (command.hidden) continue;
    std::string term = Bold(command.name);
    if (!command.arguments.empty()) term += ' ' + Italic(command.arguments);
    std::string meaning = Escaped(Sentence(command.help));
    if (!command.alias.empty()) meaning += "\nShort: " + Bold(command.alias) + '.';
    text += Entry(term, meaning);
    if (command.options.empty()) continue;
    text += ".RS\n";
    for (const auto& option : command.options) text += OptionEntry(option);
    text += ".RE\n";
  }
  text += Entry(Bold("help") + " [" + Italic("command") + ']', "Help about any command.");
  return text + Entry(Bold("version"), "Show the version.");
}

std::string Options(const ProgramSpec& program) {
  std::string text = Section("OPTIONS");
  text += "Sizes are written 64KiB, 32MiB; durations 500ms, 30s, 1h.\n";
  for (const auto& option : program.options) text += OptionEntry(option);
  text += OptionEntry({.name = "help",
                       .short_name = 'h',
                       .type = OptionType::kBool,
                       .help = "help for " + program.name});
  return text;
}

std::string Environment(const ProgramSpec& program) {
  std::string text = Section("ENVIRONMENT");
  text +=
      "Precedence: flag, environment variable, configuration file, default.\n"
      "An empty variable counts as not set.\n";
  for (const auto& option : program.options) {
    if (option.flag_only) continue;
    text += Entry(Bold(EnvironmentName(program.name, option.name)),
                  "As " + Bold("--" + option.name) + '.');
  }
  return text;
}

std::string Files(const ProgramSpec& program) {
  const auto config = std::ranges::find(program.options, "config", &OptionSpec::name);
  if (config == program.options.end()) return {};
  const std::string meaning =
      "Options, one " + Italic("key = value") +
      " a line, the keys named as the flags.\nThe first file found is read: in each of " +
      Italic("./configs") + ", " + Italic("/etc/immudb") + " and " + Italic("$HOME") +
      " the one that ends in .toml before the one that ends in .ini.\n";
  return Section("FILES") +
         Entry(Italic(program.name + ".toml") + ", " + Italic(program.name + ".ini"), meaning);
}

std::string ExitStatus() {
  struct Row {
    ExitCode code;
    const char* meaning;
  };
  constexpr Row kRows[] = {
      {ExitCode::kDone, "Done."},
      {ExitCode::kFailed, "Failed."},
      {ExitCode::kUsage, "Wrong usage."},
      {ExitCode::kVerificationFailed, "A verification failed: tampering, or no proof at all."},
      {ExitCode::kNotFound, "Not found."},
      {ExitCode::kNotPermitted, "Not authenticated, or not permitted."},
      {ExitCode::kUnreachable, "The server cannot be reached."}};
  std::string text = Section("EXIT STATUS");
  for (const auto& [code, meaning] : kRows) {
    text += Entry(Bold(std::to_string(static_cast<int>(code))), meaning);
  }
  return text;
}

std::string SeeAlso(const ProgramSpec& program) {
  std::string text;
  for (const char* other : {"immuadmin", "immuclient", "immudb"}) {
    if (program.name == other) continue;
    text += (text.empty() ? "" : ", ") + Bold(other) + "(1)";
  }
  return Section("SEE ALSO") + text + '\n';
}

std::string UpperCase(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

// "name - the lightweight database" of a summary that repeats the name or not.
std::string Purpose(const ProgramSpec& program) {
  std::string text = program.summary;
  if (const std::string start = program.name + " - "; text.starts_with(start)) {
    text.erase(0, start.size());
  }
  if (text.ends_with('.')) text.pop_back();
  return text;
}

}  // namespace

std::string ManPage(const ProgramSpec& program, const std::string& version,
                    const std::string& date) {
  std::string text = ".TH " + UpperCase(program.name) + " 1 \"" + date + "\" \"immudb " +
                     Escaped(version) + "\" \"User Commands\"\n";
  text += Section("NAME") + program.name + " \\- " + Escaped(Purpose(program)) + '\n';
  text += Synopsis(program);
  text += Section("DESCRIPTION") + Escaped(Sentence(Purpose(program))) + '\n';
  if (!program.commands.empty()) text += Commands(program);
  text += Options(program) + Environment(program) + Files(program);
  return text + ExitStatus() + SeeAlso(program);
}

}  // namespace immudb
