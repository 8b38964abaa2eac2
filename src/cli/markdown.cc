// SPDX-License-Identifier: Apache-2.0
#include "cli/markdown.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "cli/option_value.h"

namespace immudb {
namespace {

struct Unit {
  std::string_view name;
  int64_t factor;
};

constexpr std::array<Unit, 4> kSizes = {{{"TiB", int64_t{1} << 40},
                                         {"GiB", int64_t{1} << 30},
                                         {"MiB", int64_t{1} << 20},
                                         {"KiB", int64_t{1} << 10}}};
constexpr std::array<Unit, 3> kTimes = {{{"h", 3'600'000}, {"m", 60'000}, {"s", 1000}}};

// What would end a cell, or be read as markup.
std::string Escaped(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (std::string_view("\\|<*`").find(c) != std::string_view::npos) escaped += '\\';
    escaped += c;
  }
  return escaped;
}

// In a code span of a table only the bar ends anything.
std::string Code(std::string_view text) {
  std::string code;
  for (const char c : text) {
    if (c == '|') code += '\\';
    code += c;
  }
  return code.empty() ? code : '`' + code + '`';
}

template <size_t kCount>
std::string InUnits(int64_t number, const std::array<Unit, kCount>& units,
                    std::string_view smallest) {
  for (const auto& unit : units) {
    if (number != 0 && number % unit.factor == 0) {
      return std::to_string(number / unit.factor) + std::string(unit.name);
    }
  }
  return std::to_string(number) + (number == 0 ? "" : std::string(smallest));
}

std::string BoundText(OptionType type, int64_t bound) {
  if (type == OptionType::kSize) return InUnits(bound, kSizes, "B");
  if (type == OptionType::kDuration) return InUnits(bound, kTimes, "ms");
  return std::to_string(bound);
}

std::string KindText(const OptionSpec& option) {
  if (!option.choices.empty()) {
    std::string choices;
    for (const auto& choice : option.choices) {
      choices += (choices.empty() ? "" : ", ") + Code(choice);
    }
    return choices;
  }
  if (option.type == OptionType::kBool) return "`true`, `false`";
  std::string text(ValueNoun(option.type));
  const auto bound = [&](int64_t value) { return BoundText(option.type, value); };
  if (option.min && option.max) {
    text += ", " + bound(*option.min) + " to " + bound(*option.max);
  } else if (option.min) {
    text += ", at least " + bound(*option.min);
  } else if (option.max) {
    text += ", at most " + bound(*option.max);
  }
  return text;
}

std::string Row(const std::vector<std::string>& cells) {
  std::string row = "|";
  for (const auto& cell : cells) row += cell.empty() ? " |" : ' ' + cell + " |";
  return row + '\n';
}

std::string Head(const std::vector<std::string>& names) {
  return Row(names) + Row(std::vector<std::string>(names.size(), "---"));
}

std::string FlagText(const OptionSpec& option) {
  std::string text = Code("--" + option.name);
  if (option.short_name != '\0') text += ", " + Code(std::string("-") + option.short_name);
  return text;
}

std::string DefaultText(const OptionSpec& option) {
  return option.secret ? std::string() : Code(option.default_value);
}

std::string OptionsOfCommand(const CommandSpec& command) {
  std::string text = "\nOptions of `" + command.name + "`:\n\n";
  text += Head({"option", "value", "default", "meaning"});
  for (const auto& option : command.options) {
    text += Row({FlagText(option), KindText(option), DefaultText(option), Escaped(option.help)});
  }
  return text;
}

}  // namespace

std::string MarkdownOptions(const ProgramSpec& program) {
  std::string text = Head({"option", "environment", "value", "default", "meaning"});
  for (const auto& option : program.options) {
    const std::string variable =
        option.flag_only ? "" : Code(EnvironmentName(program.name, option.name));
    text += Row(
        {FlagText(option), variable, KindText(option), DefaultText(option), Escaped(option.help)});
  }
  return text;
}

std::string MarkdownCommands(const ProgramSpec& program) {
  std::string text = Head({"command", "short", "meaning"});
  std::string options;
  for (const auto& command : program.commands) {
    if (command.hidden) continue;
    std::string usage = command.name;
    if (!command.arguments.empty()) usage += ' ' + command.arguments;
    text += Row({Code(usage), Code(command.alias), Escaped(command.help)});
    if (!command.options.empty()) options += OptionsOfCommand(command);
  }
  return text + options;
}

}  // namespace immudb
