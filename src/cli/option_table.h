// SPDX-License-Identifier: Apache-2.0
//
// The option table: the one place where a program says what can be set. Each row is at once a flag,
// an environment variable, a key of the configuration file and a line of the help text:
//
//     {.name = "max-message-size", .type = OptionType::kSize, .default_value = "32MiB", ...}
//     --max-message-size=64MiB   IMMUDB_MAX_MESSAGE_SIZE=64MiB   max-message-size = "64MiB"
//
// Precedence: flag > environment > file > default. An empty environment variable counts as not set.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "immudb/status.h"

namespace immudb {

enum class OptionType : uint8_t {
  kString,
  kInt,
  kBool,      // true/false, yes/no, on/off, 1/0; as a flag alone: true
  kSize,      // bytes: "4096", "64KiB", "32MiB", "1GiB" (K, M, G, T mean the same)
  kDuration,  // "500us", "500ms", "30s", "1h30m"; at least one unit, but "0" needs none
};

struct OptionSpec {
  std::string name = {};
  char short_name = '\0';
  OptionType type = OptionType::kString;
  std::string default_value = {};  // as a user would write it
  std::string help = {};
  std::optional<int64_t> min = {};  // of kInt; bytes of kSize; milliseconds of kDuration
  std::optional<int64_t> max = {};
  std::vector<std::string> choices = {};  // of kString; empty: any text
  bool secret = false;                    // its value never appears in messages or help
  bool flag_only = false;                 // neither an environment variable nor a key of a file
};

struct CommandSpec {
  std::string name = {};
  std::string alias = {};
  std::string arguments = {};  // for the help text, "key value"
  size_t min_arguments = 0;
  size_t max_arguments = 0;
  std::string help = {};
  // Of this command alone: flags only, before or behind it; Settings has them when it was given.
  // Commands that share a name share its type and letter; none is that of a program's option.
  std::vector<OptionSpec> options = {};
  bool hidden = false;  // not in help texts, manual pages and completions
};

// What a program understands. `help` and `version` (command and flag) are added to every program.
struct ProgramSpec {
  std::string name = {};  // "immudb": prefix IMMUDB_, files immudb.toml and immudb.ini
  std::string summary = {};
  std::vector<OptionSpec> options = {};
  std::vector<CommandSpec> commands = {};
};

// The row `config`, the same for every program: the file to read.
OptionSpec ConfigOption(std::string_view program);

// The row `print-config`, the same for every program: show ConfigListing and end.
OptionSpec PrintConfigOption();

// "IMMUDB_MAX_MESSAGE_SIZE" for ("immudb", "max-message-size").
std::string EnvironmentName(std::string_view program, std::string_view option);

enum class OptionOrigin : uint8_t { kDefault, kFile, kEnvironment, kFlag };

struct OptionValue {
  std::variant<std::string, bool, int64_t> value;  // int64_t: number, bytes or microseconds
  OptionOrigin origin = OptionOrigin::kDefault;
  std::string text = {};  // as it was written
};

// Every option of a program, and of the command that was given, with its value and where it came
// from. Immutable once parsed, so safe
// to read from any thread. Asking for a name or a type that the table does not have is a defect.
class Settings {
 public:
  const std::string& Text(std::string_view name) const;
  bool Bool(std::string_view name) const;
  int64_t Int(std::string_view name) const;
  size_t Size(std::string_view name) const;
  std::chrono::milliseconds Duration(std::string_view name) const;  // what is less, is dropped
  std::chrono::microseconds Microseconds(std::string_view name) const;
  OptionOrigin origin(std::string_view name) const;
  // The value as it was written, of any type ("64MiB"); of a bool: "true" or "false".
  std::string Written(std::string_view name) const;

  // The configuration file that was read; empty: none.
  const std::string& config_file() const { return config_file_; }

 private:
  friend class SettingsBuilder;
  const OptionValue& At(std::string_view name) const;

  std::map<std::string, OptionValue, std::less<>> values_;
  std::string config_file_;
};

// What a program was asked to do.
struct Invocation {
  Settings settings;
  std::string command;  // the canonical name; empty: none was given
  std::vector<std::string> arguments;
  bool help = false;  // then (and for `version`) only the command line was looked at
  bool version = false;
  std::vector<std::string>
      warnings;  // for example: a variable with our prefix that names no option
};

// What is read besides the arguments; comes from outside so that tests can choose it.
struct Surroundings {
  std::map<std::string, std::string> environment;
  // Searched in this order for <program>.toml, then <program>.ini, when `config` is not set.
  std::vector<std::string> config_directories;

  // The environment of this process; ./configs, /etc/immudb and $HOME.
  static Surroundings OfProcess();
};

// Reads arguments (without the program's name), environment and configuration file. Options may
// stand before and after the command; behind "--" everything is an argument, also "-x".
//   kInvalidArgument     the command line or the environment is wrong (exit code 2)
//   kFailedPrecondition  the configuration file is missing, malformed or has a wrong key or value
// Messages are one line and name the option, its origin and (unless secret) the bad value.
Result<Invocation> ParseCommandLine(const ProgramSpec& program,
                                    const std::vector<std::string>& arguments,
                                    const Surroundings& surroundings);

// One command of a shell: flags are laid over a copy of `base`, whose origin stays visible; neither
// environment nor file is looked at. `program` has the options that may be given there: fewer than
// `base` came from. Errors as above.
Result<Invocation> ParseCommandWords(const ProgramSpec& program,
                                     const std::vector<std::string>& words, const Settings& base);

// The command with this name or alias, in any case; null if there is none.
const CommandSpec* FindCommandSpec(const ProgramSpec& program, std::string_view word);

// Every option with its value and where it came from (default, file PATH, environment NAME, flag),
// in columns. Secrets are shown as ********.
std::string ConfigListing(const ProgramSpec& program, const Settings& settings);

// The text of `help`: usage, commands, options with default and environment name.
std::string HelpText(const ProgramSpec& program);
// Usage, own options and those of the program for one command; the whole text for an unknown name.
std::string HelpText(const ProgramSpec& program, std::string_view command);

}  // namespace immudb
