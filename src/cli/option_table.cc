// SPDX-License-Identifier: Apache-2.0
#include "cli/option_table.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <iterator>
#include <utility>

#include "base/file_system.h"
#include "base/status_macros.h"
#include "cli/config_file.h"
#include "cli/option_value.h"

namespace immudb {
namespace {

const OptionSpec* FindOption(const std::vector<OptionSpec>& options, std::string_view name) {
  const auto it = std::ranges::find(options, name, &OptionSpec::name);
  return it == options.end() ? nullptr : &*it;
}

// "-p=1" and "-s=false" as CLI11 understands them: with the long name. An option that is given an
// empty value is left out of CLI11's sight, which would take the next word for the value.
Result<std::vector<std::string>> Normalise(const ProgramSpec& program,
                                           std::vector<std::string> words) {
  for (auto& word : words) {
    if (word.size() > 3 && word[0] == '-' && word[1] != '-' && word[2] == '=') {
      const auto it = std::ranges::find(program.options, word[1], &OptionSpec::short_name);
      if (it != program.options.end()) word = "--" + it->name + word.substr(2);
    }
    if (word.size() > 3 && word.starts_with("--") && word.find('=') == word.size() - 1) {
      return Status::InvalidArgument("option " + word.substr(0, word.size() - 1) +
                                     " needs a value");
    }
  }
  return words;
}

// A word that starts with '-' and is neither a negative number nor "-" alone.
bool LooksLikeFlag(const std::string& word) {
  return word.size() > 1 && word[0] == '-' && word[1] != '.' &&
         std::isdigit(static_cast<unsigned char>(word[1])) == 0;
}

struct Words {
  std::map<std::string, std::string, std::less<>> flags;  // by option name
  std::vector<std::string> plain;
};

// CLI11 is used for flags only: command and arguments are what it leaves over, because it would
// read an argument like "[a,b]" as a list.
Result<Words> SplitWords(const ProgramSpec& program, const std::vector<std::string>& arguments) {
  const auto stop = std::ranges::find(arguments, "--");
  auto head = Normalise(program, {arguments.begin(), stop});
  IMMUDB_RETURN_IF_ERROR(head);
  CLI::App app;
  app.set_help_flag("");
  app.allow_extras();
  std::vector<std::pair<std::string, CLI::Option*>> rows;
  try {
    for (const auto& spec : program.options) {
      const std::string names =
          (spec.short_name != '\0' ? std::string("-") + spec.short_name + "," : "") + "--" +
          spec.name;
      auto* row = spec.type == OptionType::kBool ? app.add_flag(names) : app.add_option(names);
      row->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
      rows.emplace_back(spec.name, row);
    }
    std::vector<std::string> reversed(head->rbegin(), head->rend());  // the order that CLI11 wants
    app.parse(reversed);
  } catch (const CLI::Error& error) {
    return Status::InvalidArgument(error.what());
  }
  Words words;
  for (const auto& [name, row] : rows) {
    if (row->count() > 0) words.flags[name] = row->results().back();
  }
  words.plain = app.remaining();
  for (const auto& word : words.plain) {
    if (LooksLikeFlag(word)) {
      return Status::InvalidArgument("unknown option " + word.substr(0, word.find('=')));
    }
  }
  if (stop != arguments.end()) words.plain.insert(words.plain.end(), stop + 1, arguments.end());
  return words;
}

bool SameWord(std::string_view a, std::string_view b) {
  return std::ranges::equal(
      a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

bool IsBuiltIn(std::string_view command) {
  return SameWord(command, "help") || SameWord(command, "version");
}

// A flag of another command would be silently without effect.
Status CheckCommandFlags(const ProgramSpec& program, const CommandSpec& command,
                         const Words& words) {
  for (const auto& [name, text] : words.flags) {
    if (FindOption(program.options, name) == nullptr &&
        FindOption(command.options, name) == nullptr) {
      return Status::InvalidArgument("option --" + name + " is not one of command " + command.name);
    }
  }
  return Status::Ok();
}

Status TakeCommand(const ProgramSpec& program, const Words& words, Invocation* invocation) {
  const std::vector<std::string>& plain = words.plain;
  if (plain.empty()) return CheckCommandFlags(program, {.name = "(none was given)"}, words);
  const std::string& word = plain.front();
  invocation->arguments.assign(plain.begin() + 1, plain.end());
  const size_t given = invocation->arguments.size();
  if (IsBuiltIn(word)) {
    const bool help = SameWord(word, "help");
    (help ? invocation->help : invocation->version) = true;
    const std::string topic = help && given > 0 ? invocation->arguments.front() : word;
    if (IsBuiltIn(topic) || FindCommandSpec(program, topic) != nullptr) return Status::Ok();
    return Status::InvalidArgument("unknown help topic \"" + topic + "\" for \"" + program.name +
                                   '"');
  }
  const CommandSpec* it = FindCommandSpec(program, word);
  if (it == nullptr) {
    return Status::InvalidArgument("unknown command \"" + word + "\" for \"" + program.name + '"');
  }
  invocation->command = it->name;
  IMMUDB_RETURN_IF_ERROR(CheckCommandFlags(program, *it, words));
  if (invocation->help || (given >= it->min_arguments && given <= it->max_arguments)) {
    return Status::Ok();
  }
  std::string wanted = std::to_string(it->min_arguments);
  if (it->max_arguments != it->min_arguments) wanted += " to " + std::to_string(it->max_arguments);
  return Status::InvalidArgument(it->name + " accepts " + wanted + " argument(s), received " +
                                 std::to_string(given) + "; usage: " + program.name + ' ' +
                                 it->name + ' ' + it->arguments);
}

// The table with all that may stand before the command is known: the flags that every program has
// and those of all commands.
ProgramSpec WithAllFlags(ProgramSpec program) {
  program.options.push_back({.name = "help", .short_name = 'h', .type = OptionType::kBool});
  program.options.push_back({.name = "version", .type = OptionType::kBool});
  for (const auto& command : program.commands) {
    for (const auto& option : command.options) {
      if (FindOption(program.options, option.name) == nullptr) program.options.push_back(option);
    }
  }
  return program;
}

Result<bool> TakeSwitch(const char* name, Words* words) {
  const auto node = words->flags.extract(name);
  if (node.empty()) return false;
  const auto value = ParseOptionValue({.name = name, .type = OptionType::kBool}, node.mapped(),
                                      std::string("flag --") + name);
  IMMUDB_RETURN_IF_ERROR(value);
  return std::get<bool>(*value);
}

// All but the settings.
Result<Invocation> TakeInvocation(const ProgramSpec& program, Words* words) {
  Invocation invocation;
  const auto help = TakeSwitch("help", words);
  IMMUDB_RETURN_IF_ERROR(help);
  const auto version = TakeSwitch("version", words);
  IMMUDB_RETURN_IF_ERROR(version);
  invocation.help = *help;
  invocation.version = *version;
  IMMUDB_RETURN_IF_ERROR(TakeCommand(program, *words, &invocation));
  return invocation;
}

}  // namespace

// Lays the sources over each other, weakest first.
class SettingsBuilder {
 public:
  explicit SettingsBuilder(const ProgramSpec& program, Settings base = {})
      : program_(program), settings_(std::move(base)) {}

  Status Set(const OptionSpec& spec, std::string_view text, OptionOrigin origin,
             const std::string& origin_text) {
    auto value = ParseOptionValue(spec, text, origin_text);
    IMMUDB_RETURN_IF_ERROR(value);
    settings_.values_.insert_or_assign(spec.name,
                                       OptionValue{*std::move(value), origin, std::string(text)});
    return Status::Ok();
  }

  Status SetFromFlag(const OptionSpec& spec, const Words& words) {
    const auto it = words.flags.find(spec.name);
    if (it == words.flags.end()) return Status::Ok();
    return Set(spec, it->second, OptionOrigin::kFlag, "flag --" + spec.name);
  }

  // The options of the command that was given: default, then flag.
  Status SetOfCommand(std::string_view name, const Words& words) {
    const CommandSpec* command = FindCommandSpec(program_, name);
    if (command == nullptr) return Status::Ok();
    for (const auto& spec : command->options) {
      IMMUDB_RETURN_IF_ERROR(Set(spec, spec.default_value, OptionOrigin::kDefault, "default"));
      IMMUDB_RETURN_IF_ERROR(SetFromFlag(spec, words));
    }
    return Status::Ok();
  }

  Status SetFromFile(const std::string& path) {
    const auto entries = ReadConfigFile(path, program_.name);
    IMMUDB_RETURN_IF_ERROR(entries);
    for (const auto& [key, text, line] : *entries) {
      const std::string where = "file " + path + ", line " + std::to_string(line);
      const OptionSpec* spec = FindOption(program_.options, key);
      if (key == "config" || spec == nullptr || spec->flag_only) {
        return Status::FailedPrecondition("unknown option " + key).WithContext(where);
      }
      const Status set = Set(*spec, text, OptionOrigin::kFile, where);
      if (!set.ok()) return Status::FailedPrecondition(set.message());
    }
    settings_.config_file_ = path;
    return Status::Ok();
  }

  Settings Take() { return std::move(settings_); }

 private:
  const ProgramSpec& program_;
  Settings settings_;
};

namespace {

std::optional<std::string> FromEnvironment(const Surroundings& surroundings,
                                           const std::string& variable) {
  const auto it = surroundings.environment.find(variable);
  if (it == surroundings.environment.end() || it->second.empty()) return std::nullopt;
  return it->second;
}

// The file that `config` names, else the first that the search finds, else "".
std::string ChooseConfigFile(const ProgramSpec& program, const Words& words,
                             const Surroundings& surroundings) {
  if (FindOption(program.options, "config") == nullptr) return {};
  if (const auto it = words.flags.find("config"); it != words.flags.end()) return it->second;
  if (const auto named = FromEnvironment(surroundings, EnvironmentName(program.name, "config"))) {
    return *named;
  }
  for (const auto& directory : surroundings.config_directories) {
    for (const char* suffix : {".toml", ".ini"}) {
      std::string path = JoinPath(directory, program.name + suffix);
      const auto exists = FileSystem::Real().Exists(path);
      if (exists.ok() && *exists) return path;
    }
  }
  return {};
}

Result<Settings> MergeSources(const ProgramSpec& program, std::string_view command,
                              const Words& words, const Surroundings& surroundings) {
  SettingsBuilder builder(program);
  for (const auto& spec : program.options) {
    IMMUDB_RETURN_IF_ERROR(
        builder.Set(spec, spec.default_value, OptionOrigin::kDefault, "default"));
  }
  if (const auto path = ChooseConfigFile(program, words, surroundings); !path.empty()) {
    IMMUDB_RETURN_IF_ERROR(builder.SetFromFile(path));
  }
  for (const auto& spec : program.options) {
    const std::string variable = EnvironmentName(program.name, spec.name);
    const auto text = spec.flag_only ? std::nullopt : FromEnvironment(surroundings, variable);
    if (text) {
      IMMUDB_RETURN_IF_ERROR(
          builder.Set(spec, *text, OptionOrigin::kEnvironment, "environment variable " + variable));
    }
    IMMUDB_RETURN_IF_ERROR(builder.SetFromFlag(spec, words));
  }
  IMMUDB_RETURN_IF_ERROR(builder.SetOfCommand(command, words));
  return builder.Take();
}

// A variable that is silently without effect (IMMUDB_ATUH=true) would leave its owner with the
// wrong belief. Only a warning: others set variables too (Kubernetes, IMMUDB_SERVICE_HOST).
std::vector<std::string> WarnOfUnknownVariables(const ProgramSpec& program,
                                                const Surroundings& surroundings) {
  std::vector<std::string> warnings;
  const std::string prefix = EnvironmentName(program.name, "");
  for (const auto& entry : surroundings.environment) {
    const std::string& variable = entry.first;
    if (!variable.starts_with(prefix) || entry.second.empty()) continue;
    const bool known = std::ranges::any_of(program.options, [&](const OptionSpec& spec) {
      return !spec.flag_only && EnvironmentName(program.name, spec.name) == variable;
    });
    if (!known)
      warnings.push_back("environment variable " + variable + " names no option: ignored");
  }
  return warnings;
}

// The command line of a process can be read by every user of the machine, its environment cannot.
std::vector<std::string> WarnOfVisibleSecrets(const ProgramSpec& program,
                                              const Settings& settings) {
  std::vector<std::string> warnings;
  for (const auto& spec : program.options) {
    if (!spec.secret || settings.origin(spec.name) != OptionOrigin::kFlag) continue;
    const std::string file = spec.name + "-file";
    const bool has_file = FindOption(program.options, file) != nullptr;
    warnings.push_back("option " + spec.name +
                       ": on a command line every user of this machine can read it; use " +
                       (has_file ? "option " + file + " or " : "") + "environment variable " +
                       EnvironmentName(program.name, spec.name));
  }
  return warnings;
}

}  // namespace

OptionSpec ConfigOption(std::string_view program) {
  const std::string name(program);
  return {.name = "config",
          .help = "configuration file; if absent " + name + ".toml, then " + name +
                  ".ini is searched in ./configs, /etc/immudb and $HOME"};
}

OptionSpec PrintConfigOption() {
  return {.name = "print-config",
          .type = OptionType::kBool,
          .default_value = "false",
          .help = "print every option with its value and origin, and end",
          .flag_only = true};
}

std::string EnvironmentName(std::string_view program, std::string_view option) {
  std::string name = std::string(program) + '_' + std::string(option);
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) {
    return c == '-' ? '_' : static_cast<char>(std::toupper(c));
  });
  return name;
}

const OptionValue& Settings::At(std::string_view name) const {
  const auto it = values_.find(name);
  if (it == values_.end()) std::abort();
  return it->second;
}
const std::string& Settings::Text(std::string_view name) const {
  return std::get<std::string>(At(name).value);
}
bool Settings::Bool(std::string_view name) const {
  return std::get<bool>(At(name).value);
}
int64_t Settings::Int(std::string_view name) const {
  return std::get<int64_t>(At(name).value);
}
size_t Settings::Size(std::string_view name) const {
  return static_cast<size_t>(Int(name));
}
std::chrono::milliseconds Settings::Duration(std::string_view name) const {
  return std::chrono::duration_cast<std::chrono::milliseconds>(Microseconds(name));
}
std::chrono::microseconds Settings::Microseconds(std::string_view name) const {
  return std::chrono::microseconds(Int(name));
}
OptionOrigin Settings::origin(std::string_view name) const {
  return At(name).origin;
}
std::string Settings::Written(std::string_view name) const {
  const OptionValue& value = At(name);
  if (const bool* flag = std::get_if<bool>(&value.value)) return *flag ? "true" : "false";
  return value.text;
}

Surroundings Surroundings::OfProcess() {
  Surroundings surroundings;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view pair(*entry);
    const auto equals = pair.find('=');
    if (equals == std::string_view::npos) continue;
    surroundings.environment.emplace(pair.substr(0, equals), pair.substr(equals + 1));
  }
  surroundings.config_directories = {"./configs", "/etc/immudb"};
  const auto home = surroundings.environment.find("HOME");
  if (home != surroundings.environment.end() && !home->second.empty()) {
    surroundings.config_directories.push_back(home->second);
  }
  return surroundings;
}

const CommandSpec* FindCommandSpec(const ProgramSpec& program, std::string_view word) {
  const auto it = std::ranges::find_if(program.commands, [&](const CommandSpec& command) {
    return SameWord(command.name, word) ||
           (!command.alias.empty() && SameWord(command.alias, word));
  });
  return it == program.commands.end() ? nullptr : &*it;
}

Result<Invocation> ParseCommandLine(const ProgramSpec& program,
                                    const std::vector<std::string>& arguments,
                                    const Surroundings& surroundings) {
  auto words = SplitWords(WithAllFlags(program), arguments);
  IMMUDB_RETURN_IF_ERROR(words);
  auto invocation = TakeInvocation(program, &*words);
  IMMUDB_RETURN_IF_ERROR(invocation);
  if (invocation->help || invocation->version) return invocation;
  auto settings = MergeSources(program, invocation->command, *words, surroundings);
  IMMUDB_RETURN_IF_ERROR(settings);
  invocation->settings = *std::move(settings);
  invocation->warnings = WarnOfUnknownVariables(program, surroundings);
  std::ranges::move(WarnOfVisibleSecrets(program, invocation->settings),
                    std::back_inserter(invocation->warnings));
  return invocation;
}

Result<Invocation> ParseCommandWords(const ProgramSpec& program,
                                     const std::vector<std::string>& arguments,
                                     const Settings& base) {
  auto words = SplitWords(WithAllFlags(program), arguments);
  IMMUDB_RETURN_IF_ERROR(words);
  auto invocation = TakeInvocation(program, &*words);
  IMMUDB_RETURN_IF_ERROR(invocation);
  if (invocation->help || invocation->version) return invocation;
  SettingsBuilder builder(program, base);
  for (const auto& spec : program.options) {
    IMMUDB_RETURN_IF_ERROR(builder.SetFromFlag(spec, *words));
  }
  IMMUDB_RETURN_IF_ERROR(builder.SetOfCommand(invocation->command, *words));
  invocation->settings = builder.Take();
  return invocation;
}

}  // namespace immudb
