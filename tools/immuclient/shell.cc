// SPDX-License-Identifier: Apache-2.0
#include "immuclient/shell.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <limits>
#include <ostream>
#include <utility>

#include "cli/exit_code.h"
#include "cli/history_file.h"
#include "cli/shell_words.h"
#include "cli/version.h"
#include "commands/output.h"
#include "immuclient/commands.h"
#include "immudb/client.h"
#include "immudb/status.h"

namespace immudb {
namespace {

// Set by the handler of SIGINT, which can reach nothing else.
std::atomic<bool> interrupted = false;
static_assert(std::atomic<bool>::is_always_lock_free);

// While it lives Ctrl-C ends at most a command, never the process.
class InterruptGuard {
 public:
  InterruptGuard() {
    struct sigaction action {};
    action.sa_handler = [](int) { interrupted = true; };
    ::sigemptyset(&action.sa_mask);
    ::sigaction(SIGINT, &action, &saved_);  // without SA_RESTART: what waits for a key wakes up
  }
  ~InterruptGuard() { ::sigaction(SIGINT, &saved_, nullptr); }
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;

 private:
  struct sigaction saved_ {};
};

// The table of the shell, but nothing is wrong with too few or too many arguments: the shell has
// words of its own for that.
ProgramSpec Lenient(ProgramSpec program) {
  for (auto& command : program.commands) {
    command.min_arguments = 0;
    command.max_arguments = std::numeric_limits<size_t>::max();
  }
  return program;
}

const CommandSpec& SpecOf(const std::string& command) {
  return FindCommand(command)->spec;
}

// "key,value" of "key value".
std::string ArgumentList(const CommandSpec& spec) {
  std::string list = spec.arguments;
  std::ranges::replace(list, ' ', ',');
  return list;
}

std::string Padded(std::string text, size_t width) {
  if (text.size() < width) text.resize(width, ' ');
  return text;
}

std::string FlagLines(const std::vector<OptionSpec>& options) {
  size_t width = 0;
  for (const auto& option : options) width = std::max(width, option.name.size());
  std::string text;
  for (const auto& option : options) {
    text += "  --" + Padded(option.name, width + 2) + option.help + '\n';
  }
  return text;
}

bool IsHelpFlag(const std::string& word) {
  return word == "--help" || word == "-h";
}

int AsInt(ExitCode code) {
  return static_cast<int>(code);
}

}  // namespace

CommandSpec ShellCommand() {
  return {.name = "it",
          .alias = "cli-mode",
          .help = "Start the interactive shell, as no command at all does"};
}

OptionSpec HistoryOption() {
  return {.name = "history-file",
          .default_value = ".immuclient_history",
          .help =
              "where the shell keeps the lines typed, but for logins and those that start "
              "with a space; a bare name stands in $HOME; none: they are not kept"};
}

Shell::Shell(const Settings& settings, LineSource& lines, std::ostream& out, std::ostream& err)
    : settings_(settings),
      lines_(lines),
      out_(out),
      err_(err),
      program_(Lenient(ShellProgram())),
      session_(settings) {}

int Shell::Run() {
  const InterruptGuard guard;
  const OutputForm form = OutputFormOf(settings_);
  const auto client = session_.Connected();
  if (!client.ok()) {
    const ExitCode code = ExitCodeFor(client.status().code());
    PrintError(client.status(), code, form, err_);
    return AsInt(code);
  }
  PrintNote(session_.TakeNote(), form, err_);
  database_ = (*client)->database();
  while (true) {
    const LineSource::Input input = lines_.Next(Prompt());
    if (input.event == LineSource::Event::kEnd) break;
    if (input.event == LineSource::Event::kCancelled) continue;
    if (BelongsToHistory(input.line)) lines_.Remember(input.line);
    if (RunLine(input.line) == Next::kLeave) break;
  }
  return AsInt(ExitCode::kDone);
}

std::string Shell::Prompt() const {
  std::string who = user_;
  if (!database_.empty()) who += (who.empty() ? "" : "@") + database_;
  return who.empty() ? "immuclient>" : "immuclient(" + who + ")>";
}

Shell::Next Shell::RunLine(const std::string& line) {
  const auto words = SplitShellWords(line);
  if (!words.ok()) {
    Error(words.status().message(), AsInt(ExitCode::kUsage));
    return Next::kGoOn;
  }
  if (words->empty()) return Next::kGoOn;
  const std::string& first = words->front();
  if (first == "exit" || first == "quit") return Next::kLeave;
  if (first == "clear") {
    out_ << "\x1b[H\x1b[2J" << std::flush;
  } else if (first == "help" || IsHelpFlag(first)) {
    ShowHelp(words->size() > 1 ? (*words)[1] : "");
  } else {
    RunWords(*words);
  }
  return Next::kGoOn;
}

void Shell::RunWords(const std::vector<std::string>& words) {
  const CommandSpec* known = FindCommandSpec(program_, words.front());
  if (known == nullptr && words.front() != "version") {
    return Unknown("Unknown command", words.front());
  }
  if (words.size() == 2 && IsHelpFlag(words[1])) return ShowHelp(words.front());
  auto call = ParseCommandWords(program_, words, settings_);
  if (!call.ok()) return Error(call.status().message(), AsInt(ExitCode::kUsage));
  if (call->help) return ShowHelp(words.front());
  if (call->version) {
    out_ << VersionText("immuclient") << " \n" << std::flush;
    return;
  }
  const CommandSpec& spec = SpecOf(call->command);
  const size_t given = call->arguments.size();
  if (given < spec.min_arguments) {
    return Error("Not enough arguments | " + spec.name + " needs " +
                     std::to_string(spec.min_arguments) + " , have " + std::to_string(given) +
                     " . Use [command] --help for documentation.",
                 AsInt(ExitCode::kUsage));
  }
  Failed(Call(spec, *std::move(call)));
}

int Shell::Call(const CommandSpec& spec, Invocation call) {
  auto& arguments = call.arguments;
  if (arguments.size() > spec.max_arguments) {
    std::string redundant;
    for (size_t i = spec.max_arguments; i < arguments.size(); ++i) {
      redundant += (redundant.empty() ? "" : " ") + arguments[i];
    }
    err_ << "INFO: Redunant argument(s) | [" << redundant << "] \n" << std::flush;
    arguments.resize(spec.max_arguments);
  }
  interrupted = false;
  const Streams streams{.out = &out_, .err = &err_, .interrupted = &interrupted};
  const CommandContext context(session_, call.settings, streams);
  const Outcome outcome = RunCommand(*FindCommand(spec.name), context, arguments);
  PrintNote(session_.TakeNote(), OutputFormOf(call.settings), err_);
  ShowOutcome(outcome, call.settings);
  if (outcome.status.ok()) NoteSession(spec.name, arguments);
  return AsInt(ExitCodeOf(outcome));
}

void Shell::NoteSession(const std::string& command, const std::vector<std::string>& arguments) {
  if (command == "logout") {
    user_.clear();
    database_.clear();
  } else if (const auto client = session_.Connected(); client.ok()) {
    if (command == "login") user_ = arguments.front();
    database_ = (*client)->database();
  }
}

void Shell::ShowOutcome(const Outcome& outcome, const Settings& settings) {
  const OutputForm form = OutputFormOf(settings);
  if (form != OutputForm::kText) {
    static_cast<void>(PrintOutcome(outcome, settings, out_, err_));
    return;
  }
  PrintNote(outcome.note, form, err_);
  if (!outcome.printed && !outcome.text.empty()) out_ << outcome.text << " \n";
  out_.flush();
  if (!outcome.status.ok()) err_ << "ERROR: " << outcome.status.message() << " \n" << std::flush;
}

void Shell::ShowHelp(const std::string& command) {
  if (!command.empty()) {
    const CommandSpec* spec = FindCommandSpec(program_, command);
    if (spec == nullptr) return Unknown("Command not found", command);
    out_ << spec->name << ' ' << spec->help << " args:" << ArgumentList(*spec) << " \n"
         << FlagLines(spec->options) << std::flush;
    return;
  }
  std::vector<CommandSpec> rows = program_.commands;
  rows.push_back({.name = "help", .arguments = "[command]", .help = "Show this list"});
  rows.push_back({.name = "clear", .help = "Clear the screen"});
  rows.push_back({.name = "version", .help = "Show the version"});
  rows.push_back({.name = "exit", .help = "Leave the shell, as quit and Ctrl-D do"});
  size_t name_width = 0;
  size_t help_width = 0;
  for (const auto& row : rows) {
    name_width = std::max(name_width, row.name.size());
    help_width = std::max(help_width, row.help.size());
  }
  for (const auto& row : rows) {
    out_ << Padded(row.name, name_width + 2) << Padded(row.help, help_width + 2)
         << "args: " << ArgumentList(row) << '\n';
  }
  out_ << "\nFlags of every command:\n" << FlagLines(program_.options) << std::flush;
}

void Shell::Unknown(std::string_view error, const std::string& word) {
  std::vector<std::string> names = {"help", "clear", "version", "exit", "quit"};
  for (const auto& command : program_.commands) names.push_back(command.name);
  std::string message(error);
  message += "  | " + word + ' ';
  Error(message, AsInt(ExitCode::kUsage));
  const auto similar = SimilarNames(word, names);
  if (!similar.empty()) err_ << "\nDid you mean this ?\n";
  for (const auto& name : similar) err_ << '\t' << name << " \n";
  err_ << "\nRun --help for usage \n" << std::flush;
}

void Shell::Error(const std::string& message, int exit_code) {
  err_ << "ERROR: " << message << " \n" << std::flush;
  Failed(exit_code);
}

void Shell::Failed(int exit_code) {
  if (first_failure_ == 0) first_failure_ = exit_code;
}

bool BelongsToHistory(const std::string& line) {
  if (line.empty() || line.front() == ' ') return false;
  const auto words = SplitShellWords(line);
  if (!words.ok()) return true;
  if (words->empty()) return false;
  const ProgramSpec program = ShellProgram();
  const CommandSpec* spec = FindCommandSpec(program, words->front());
  return spec == nullptr || spec->name != "login";
}

int RunShell(const Settings& settings, std::ostream& out, std::ostream& err) {
  const char* home = std::getenv("HOME");  // NOLINT(concurrency-mt-unsafe): nobody sets it
  HistoryFile history(HistoryPath(settings.Text("history-file"), home == nullptr ? "" : home));
  auto editor = LineEditor::Open("immuclient", std::move(history), [&settings](auto before) {
    return CompleteShellLine(settings, before);
  });
  if (editor.ok()) return Shell(settings, **editor, out, err).Run();
  PlainLines lines(STDIN_FILENO);
  Shell script(settings, lines, out, err);
  const int started = script.Run();
  return started != 0 ? started : script.first_failure();
}

}  // namespace immudb
