// SPDX-License-Identifier: Apache-2.0
#include "cli/completion.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <vector>

namespace immudb {
namespace {

std::string Replaced(std::string text, std::string_view from, std::string_view to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

std::string Joined(const std::vector<std::string>& words, std::string_view separator) {
  std::string text;
  for (const auto& word : words) {
    if (!text.empty()) text += separator;
    text += word;
  }
  return text;
}

// Of sh, bash and zsh; fish takes a backslash inside of quotes for an escape.
std::string Quoted(const std::string& text) {
  return '\'' + Replaced(text, "'", "'\\''") + '\'';
}
std::string FishQuoted(const std::string& text) {
  return '\'' + Replaced(Replaced(text, "\\", "\\\\"), "'", "\\'") + '\'';
}

std::vector<std::string> Spellings(const CommandSpec& command) {
  if (command.alias.empty()) return {command.name};
  return {command.name, command.alias};
}

std::vector<std::string> Spellings(const OptionSpec& option) {
  std::vector<std::string> flags = {"--" + option.name};
  if (option.short_name != '\0') flags.push_back(std::string("-") + option.short_name);
  return flags;
}

// With those that every program has; without hidden ones.
std::vector<CommandSpec> VisibleCommands(const ProgramSpec& program) {
  std::vector<CommandSpec> commands;
  std::ranges::copy_if(program.commands, std::back_inserter(commands),
                       [](const CommandSpec& command) { return !command.hidden; });
  if (program.commands.empty()) return commands;
  commands.push_back({.name = "help", .help = "Help about any command"});
  commands.push_back({.name = "version", .help = "Show the version"});
  return commands;
}

std::vector<OptionSpec> AllOptions(const ProgramSpec& program) {
  std::vector<OptionSpec> options = program.options;
  options.push_back({.name = "help",
                     .short_name = 'h',
                     .type = OptionType::kBool,
                     .help = "help for " + program.name});
  options.push_back({.name = "version", .type = OptionType::kBool, .help = "show the version"});
  return options;
}

std::vector<std::string> Names(const std::vector<CommandSpec>& commands) {
  std::vector<std::string> names;
  names.reserve(commands.size());
  for (const auto& command : commands) names.push_back(command.name);
  return names;
}

// What stands behind the command, where the table knows it.
std::vector<std::string> ArgumentChoices(const CommandSpec& command,
                                         const std::vector<CommandSpec>& commands) {
  if (command.name == "help") return Names(commands);
  if (command.name == "completion") return {"bash", "zsh", "fish"};
  return {};
}

// Every option of the program and of its commands, each name once.
std::vector<OptionSpec> OptionsAnywhere(const ProgramSpec& program) {
  std::vector<OptionSpec> options = AllOptions(program);
  for (const auto& command : program.commands) {
    for (const auto& option : command.options) {
      const auto known = std::ranges::find(options, option.name, &OptionSpec::name);
      if (known == options.end()) options.push_back(option);
    }
  }
  return options;
}

std::string BashFlags(const std::vector<OptionSpec>& options) {
  std::vector<std::string> flags;
  flags.reserve(options.size());
  for (const auto& option : options) flags.push_back("--" + option.name);
  return Joined(flags, " ");
}

// The cases of options whose value is one of a few, and one of all that take a value.
std::string BashValueCases(const std::vector<OptionSpec>& options) {
  std::string cases;
  std::vector<std::string> others;
  for (const auto& option : options) {
    if (option.type == OptionType::kBool) continue;
    const auto spellings = Spellings(option);
    if (option.choices.empty()) {
      others.insert(others.end(), spellings.begin(), spellings.end());
      continue;
    }
    cases += "        " + Joined(spellings, "|") + ") COMPREPLY=($(compgen -W " +
             Quoted(Joined(option.choices, " ")) + " -- \"$cur\")); return ;;\n";
  }
  if (!others.empty()) cases += "        " + Joined(others, "|") + ") return ;;\n";
  return cases;
}

std::string BashCommandCases(const std::vector<CommandSpec>& commands) {
  std::string cases;
  for (const auto& command : commands) {
    const auto arguments = ArgumentChoices(command, commands);
    if (command.options.empty() && arguments.empty()) continue;
    cases += "        " + Joined(Spellings(command), "|") + ')';
    if (!command.options.empty()) cases += " options+=' " + BashFlags(command.options) + "';";
    if (!arguments.empty()) cases += " words=" + Quoted(Joined(arguments, " ")) + ';';
    cases += ";\n";
  }
  return cases;
}

std::string BashScript(const ProgramSpec& program) {
  const std::vector<OptionSpec> anywhere = OptionsAnywhere(program);
  const std::vector<CommandSpec> commands = VisibleCommands(program);
  std::vector<std::string> with_value;
  for (const auto& option : anywhere) {
    if (option.type == OptionType::kBool) continue;
    for (const auto& flag : Spellings(option)) with_value.push_back(flag);
  }
  std::string script = R"(# bash completion for @name@
_@name@() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
    local options=@options@
    local words=@commands@
    local command= assigned= i
    COMPREPLY=()
    # "--option=value" comes as three words.
    if [[ $cur == = ]]; then
        cur= assigned=1
    elif [[ $prev == = ]]; then
        prev=${COMP_WORDS[COMP_CWORD-2]} assigned=1
    fi
    case $prev in
@values@    esac
    if [[ $assigned ]]; then
        COMPREPLY=($(compgen -W 'true false' -- "$cur"))
        return
    fi
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
            @with_value@) [[ ${COMP_WORDS[i+1]} == = ]] || ((i++)) ;;
            =) ((i++)) ;;
            -*) ;;
            *) command=${COMP_WORDS[i]}; words=; break ;;
        esac
    done
    case $command in
@cases@    esac
    if [[ $cur == -* ]]; then
        COMPREPLY=($(compgen -W "$options" -- "$cur"))
    else
        COMPREPLY=($(compgen -W "$words" -- "$cur"))
    fi
}
complete -o bashdefault -o default -F _@name@ @name@
)";
  script = Replaced(script, "@name@", program.name);
  script = Replaced(script, "@options@", Quoted(BashFlags(AllOptions(program))));
  script = Replaced(script, "@commands@", Quoted(Joined(Names(commands), " ")));
  script = Replaced(script, "@values@", BashValueCases(anywhere));
  script = Replaced(script, "@with_value@", Joined(with_value, "|"));
  return Replaced(script, "@cases@", BashCommandCases(commands));
}

// One row of _arguments: '(-p --port)'{-p+,--port=}'[help]:number:'.
std::string ZshOption(const OptionSpec& option) {
  const bool flag = option.type == OptionType::kBool;
  std::string help = option.help;
  for (const char* special : {"\\", "[", "]"}) {
    help = Replaced(help, special, std::string("\\") + special);
  }
  std::string tail = '[' + help + ']';
  if (!flag) {
    tail += ":value:";
    if (!option.choices.empty()) {
      tail += '(' + Joined(option.choices, " ") + ')';
    } else if (option.type == OptionType::kString) {
      tail += "_files";
    }
  }
  const std::string name = "--" + option.name + (flag ? "" : "=");
  if (option.short_name == '\0') return Quoted(name + tail);
  const std::string letter = std::string("-") + option.short_name;
  return Quoted('(' + letter + " --" + option.name + ')') + '{' + letter + (flag ? "" : "+") + ',' +
         name + '}' + Quoted(tail);
}

std::string ZshScript(const ProgramSpec& program) {
  const std::vector<CommandSpec> commands = VisibleCommands(program);
  std::string script = "#compdef " + program.name + "\n_" + program.name + "() {\n";
  script += "  local curcontext=$curcontext state line\n  typeset -A opt_args\n";
  script += "  local -a options commands own\n  options=(\n";
  for (const auto& option : AllOptions(program)) script += "    " + ZshOption(option) + '\n';
  script += "  )\n";
  if (commands.empty()) {
    script += "  _arguments -s $options\n";
  } else {
    script += "  commands=(\n";
    for (const auto& command : commands) {
      script += "    " + Quoted(command.name + ':' + Replaced(command.help, ":", "\\:")) + '\n';
    }
    script +=
        "  )\n"
        "  _arguments -s -C $options '1:command:->command' '*::argument:->argument' && return\n"
        "  case $state in\n"
        "    command) _describe -t commands command commands ;;\n"
        "    argument)\n"
        "      own=('*:argument:_files')\n"
        "      case $line[1] in\n";
    for (const auto& command : commands) {
      const auto arguments = ArgumentChoices(command, commands);
      if (command.options.empty() && arguments.empty()) continue;
      script += "        " + Joined(Spellings(command), "|") + ")\n";
      if (!arguments.empty()) {
        script += "          own=(" + Quoted("1:argument:(" + Joined(arguments, " ") + ')') + ")\n";
      }
      for (const auto& option : command.options) {
        script += "          own+=(" + ZshOption(option) + ")\n";
      }
      script += "          ;;\n";
    }
    script += "      esac\n      _arguments -s $options $own ;;\n  esac\n";
  }
  script += "}\nif [[ $funcstack[1] == _" + program.name + " ]]; then\n  _" + program.name +
            " \"$@\"\nelse\n  compdef _" + program.name + ' ' + program.name + "\nfi\n";
  return script;
}

std::string FishOption(const std::string& start, const OptionSpec& option) {
  std::string line = start + " -l " + option.name;
  if (option.short_name != '\0') line += std::string(" -s ") + option.short_name;
  if (!option.choices.empty()) {
    line += " -x -a " + FishQuoted(Joined(option.choices, " "));
  } else if (option.type == OptionType::kString) {
    line += " -r";
  } else if (option.type != OptionType::kBool) {
    line += " -x";
  }
  return line + " -d " + FishQuoted(option.help) + '\n';
}

std::string FishScript(const ProgramSpec& program) {
  const std::vector<CommandSpec> commands = VisibleCommands(program);
  const std::string start = "complete -c " + program.name;
  std::string script = "# fish completion for " + program.name + '\n';
  for (const auto& option : AllOptions(program)) script += FishOption(start, option);
  for (const auto& command : commands) {
    script += start + " -n __fish_use_subcommand -f -a " + command.name + " -d " +
              FishQuoted(command.help) + '\n';
    const std::string inside =
        start + " -n " +
        FishQuoted("__fish_seen_subcommand_from " + Joined(Spellings(command), " "));
    for (const auto& option : command.options) script += FishOption(inside, option);
    const auto arguments = ArgumentChoices(command, commands);
    if (!arguments.empty()) {
      script += inside + " -f -a " + FishQuoted(Joined(arguments, " ")) + '\n';
    }
  }
  return script;
}

}  // namespace

Result<std::string> CompletionScript(const ProgramSpec& program, std::string_view shell) {
  if (shell == "bash") return BashScript(program);
  if (shell == "zsh") return ZshScript(program);
  if (shell == "fish") return FishScript(program);
  return Status::InvalidArgument("no completion for \"" + std::string(shell) +
                                 "\": bash, zsh and fish are known");
}

}  // namespace immudb
