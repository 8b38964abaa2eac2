// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cctype>
#include <cstddef>
#include <functional>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "cli/config_file.h"
#include "immudb/status.h"

namespace immudb {
namespace {

constexpr std::string_view kSpace = " \t\r";

std::string_view Trim(std::string_view text) {
  const auto first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

Status Malformed(int line, std::string_view why) {
  return Status::InvalidArgument("line " + std::to_string(line) + ": " + std::string(why));
}

bool IsKey(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '_';
  });
}

std::string_view Unquote(std::string_view text) {
  const bool quoted = text.size() >= 2 && text.front() == text.back() &&
                      (text.front() == '"' || text.front() == '\'');
  return quoted ? text.substr(1, text.size() - 2) : text;
}

std::optional<char> Escape(char c) {
  switch (c) {
    case '"':
    case '\\':
      return c;
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return std::nullopt;
  }
}

// Splits off a quoted string at the front of `rest`.
Result<std::string> TakeQuoted(std::string_view* rest, int line) {
  const char quote = rest->front();
  std::string value;
  for (size_t i = 1; i < rest->size(); ++i) {
    const char c = (*rest)[i];
    if (c == quote) {
      rest->remove_prefix(i + 1);
      return value;
    }
    if (c != '\\' || quote == '\'') {
      value += c;
      continue;
    }
    const auto escaped = ++i < rest->size() ? Escape((*rest)[i]) : std::nullopt;
    if (!escaped) return Malformed(line, "unknown escape sequence in a string");
    value += *escaped;
  }
  return Malformed(line, "a string is not closed");
}

bool IsTomlScalar(std::string_view word) {
  if (word == "true" || word == "false") return true;
  if (!word.empty() && (word.front() == '-' || word.front() == '+')) word.remove_prefix(1);
  return !word.empty() && std::ranges::all_of(word, [](unsigned char c) {
    return std::isdigit(c) != 0 || c == '_';
  });
}

Result<std::string> TomlValue(std::string_view rest, int line) {
  std::string value;
  if (!rest.empty() && (rest.front() == '"' || rest.front() == '\'')) {
    auto quoted = TakeQuoted(&rest, line);
    IMMUDB_RETURN_IF_ERROR(quoted);
    value = *std::move(quoted);
  } else {
    const auto word = rest.substr(0, rest.find_first_of(" \t\r#"));
    if (!IsTomlScalar(word)) {
      return Malformed(line, "the value is neither a quoted text, nor a number, nor true or false");
    }
    rest.remove_prefix(word.size());
    std::ranges::copy_if(word, std::back_inserter(value),
                         [](char c) { return c != '_' && c != '+'; });
  }
  rest = Trim(rest);
  if (!rest.empty() && rest.front() != '#') return Malformed(line, "text behind the value");
  return value;
}

Result<std::string> IniValue(std::string_view rest, int line) {
  if (!rest.empty() && (rest.front() == '"' || rest.front() == '\'')) {
    const auto end = rest.find(rest.front(), 1);
    if (end == std::string_view::npos) return Malformed(line, "a string is not closed");
    const auto behind = Trim(rest.substr(end + 1));
    if (!behind.empty() && behind.front() != ';' && behind.front() != '#') {
      return Malformed(line, "text behind the value");
    }
    return std::string(rest.substr(1, end - 1));
  }
  for (size_t i = 0; i < rest.size(); ++i) {
    const bool comment = rest[i] == ';' || rest[i] == '#';
    if (comment && (i == 0 || kSpace.find(rest[i - 1]) != std::string_view::npos)) {
      rest = rest.substr(0, i);
    }
  }
  return std::string(Trim(rest));
}

struct Dialect {
  std::string_view comments;
  std::function<bool(std::string_view)> knows_section;
  std::function<Result<std::string>(std::string_view, int)> value;
};

Result<std::vector<ConfigEntry>> ParseLines(std::string_view text, const Dialect& dialect) {
  std::vector<ConfigEntry> entries;
  for (int number = 1; !text.empty(); ++number) {
    const auto end = text.find('\n');
    const auto line = Trim(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.empty() || dialect.comments.find(line.front()) != std::string_view::npos) continue;
    if (line.front() == '[') {
      if (line.back() == ']' && dialect.knows_section(line.substr(1, line.size() - 2))) continue;
      return Malformed(number, "sections are not understood, settings stand at the top level");
    }
    const auto equals = line.find('=');
    const auto key = Unquote(Trim(line.substr(0, equals)));
    if (equals == std::string_view::npos || !IsKey(key)) {
      return Malformed(number, "not of the form key = value");
    }
    auto value = dialect.value(Trim(line.substr(equals + 1)), number);
    IMMUDB_RETURN_IF_ERROR(value);
    const auto same = [&](const ConfigEntry& entry) { return entry.key == key; };
    if (std::ranges::any_of(entries, same)) {
      return Malformed(number, "key " + std::string(key) + " stands in the file twice");
    }
    entries.push_back({std::string(key), *std::move(value), number});
  }
  return entries;
}

}  // namespace

Result<std::vector<ConfigEntry>> ParseToml(std::string_view text) {
  return ParseLines(text, {"#", [](std::string_view) { return false; }, TomlValue});
}

Result<std::vector<ConfigEntry>> ParseIni(std::string_view text, std::string_view program) {
  const auto known = [program](std::string_view section) {
    return section == "default" || section == "DEFAULT" || section == program;
  };
  return ParseLines(text, {";#", known, IniValue});
}

}  // namespace immudb
