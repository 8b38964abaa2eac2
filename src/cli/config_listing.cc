// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "cli/option_table.h"

namespace immudb {
namespace {

using Row = std::array<std::string, 3>;  // name, value, origin

// A value stays on its line, whatever is in it.
std::string OnOneLine(std::string_view text) {
  std::string line;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7f) {
      line += c;
      continue;
    }
    std::array<char, 5> escaped{};
    std::snprintf(escaped.data(), escaped.size(), "\\x%02x", static_cast<unsigned>(byte));
    line += escaped.data();
  }
  return line;
}

std::string OriginText(const ProgramSpec& program, const Settings& settings,
                       const std::string& name) {
  switch (settings.origin(name)) {
    case OptionOrigin::kFile:
      return "file " + settings.config_file();
    case OptionOrigin::kEnvironment:
      return "environment " + EnvironmentName(program.name, name);
    case OptionOrigin::kFlag:
      return "flag";
    case OptionOrigin::kDefault:
      break;
  }
  return "default";
}

std::string ValueText(const OptionSpec& spec, const Settings& settings) {
  if (spec.secret) return "********";
  if (spec.name == "config") return OnOneLine(settings.config_file());  // also one that was found
  return OnOneLine(settings.Written(spec.name));
}

}  // namespace

std::string ConfigListing(const ProgramSpec& program, const Settings& settings) {
  std::vector<Row> rows;
  size_t name_width = 0;
  size_t value_width = 0;
  for (const auto& spec : program.options) {
    if (spec.flag_only) continue;
    rows.push_back(
        {spec.name, ValueText(spec, settings), OriginText(program, settings, spec.name)});
    name_width = std::max(name_width, rows.back()[0].size());
    value_width = std::max(value_width, rows.back()[1].size());
  }
  std::string listing;
  for (auto& [name, value, origin] : rows) {
    name.resize(name_width + 2, ' ');
    value.resize(value_width + 2, ' ');
    listing += name;
    listing += value;
    listing += origin;
    listing += '\n';
  }
  return listing;
}

}  // namespace immudb
