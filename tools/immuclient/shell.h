// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include "cli/line_editor.h"
#include "cli/line_source.h"
#include "cli/option_table.h"
#include "commands/command.h"

namespace immudb {

// The row of `it`: the shell, which immuclient also is when no command is given.
CommandSpec ShellCommand();
// The row history-file.
OptionSpec HistoryOption();

// The interactive shell of immuclient: the commands of the table, called by typing them, over one
// connection. Not thread-safe; takes SIGINT while it runs.
//
// The prompt shows user and database: "immuclient(alice@defaultdb)>". The user is not shown before
// a login: a token file does not say whose session it holds.
class Shell {
 public:
  // All must outlive the shell.
  Shell(const Settings& settings, LineSource& lines, std::ostream& out, std::ostream& err);

  // Connects, then runs line by line until `exit`, `quit` or the end of the lines. A failed command
  // does not end it. Returns kUnreachable (or what else went wrong) if there is no connection at
  // the start.
  int Run();
  // The exit code of the first command that failed: how a script ends.
  int first_failure() const { return first_failure_; }

 private:
  enum class Next : uint8_t { kGoOn, kLeave };

  std::string Prompt() const;
  Next RunLine(const std::string& line);
  void RunWords(const std::vector<std::string>& words);
  int Call(const CommandSpec& spec, Invocation call);
  void NoteSession(const std::string& command, const std::vector<std::string>& arguments);
  void ShowHelp(const std::string& command);
  void Unknown(std::string_view error, const std::string& word);
  void ShowOutcome(const Outcome& outcome, const Settings& settings);
  void Error(const std::string& message, int exit_code);
  void Failed(int exit_code);

  const Settings& settings_;
  LineSource& lines_;
  std::ostream& out_;
  std::ostream& err_;
  const ProgramSpec program_;  // any number of arguments may be given to each command
  Session session_;
  std::string user_;
  std::string database_;
  int first_failure_ = 0;
};

// Is this line put into the history? Not one that starts with a space, and not a login.
bool BelongsToHistory(const std::string& line);

// What Tab offers: commands and their flags, databases behind `use` and `database use`. The server
// is asked for them, for two seconds at most.
Completion CompleteShellLine(const Settings& settings, std::string_view before_cursor);

// Runs the shell on the terminal or, if stdin or stdout is none, on the lines of stdin. The exit
// code: on a terminal 0; of a script that of the first command that failed.
int RunShell(const Settings& settings, std::ostream& out, std::ostream& err);

}  // namespace immudb
