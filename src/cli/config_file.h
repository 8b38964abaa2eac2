// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "immudb/status.h"

namespace immudb {

// One setting of a configuration file.
struct ConfigEntry {
  std::string key;
  std::string value;  // without quotes, escapes resolved
  int line = 0;       // 1-based
};

// Our configuration files are flat: one `key = value` a line, nothing nested. Both readers are
// strict, because a line that is half understood is worse than a start that fails (a password must
// not end at its '#'). Errors name the line and never repeat what stands in it.

// The flat part of TOML: "basic" and 'literal' strings, integers, booleans, comments.
Result<std::vector<ConfigEntry>> ParseToml(std::string_view text);

// `key = value`, quotes optional; comments with ; or #, at the start of a line or behind white
// space. The sections [default] and [<program>] are understood, others are refused.
Result<std::vector<ConfigEntry>> ParseIni(std::string_view text, std::string_view program);

// Reads a .toml or .ini file. kFailedPrecondition, naming the file, for anything that is wrong.
Result<std::vector<ConfigEntry>> ReadConfigFile(const std::string& path, std::string_view program);

}  // namespace immudb
