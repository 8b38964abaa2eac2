// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "immudb/status.h"

namespace immudb {

// Sets one key of a TOML or INI file that ReadConfigFile understands: replaces the value of the
// line that sets it, or appends a line (in INI: at the end of the section [<program>], if there is
// one). All else stays byte for byte. The file is replaced atomically and keeps mode and owner; a
// symbolic link stays one. `value` is plain: numbers and booleans are written bare, text is quoted.
// Not to be called for one file from two threads at once. Errors:
//   kNotFound            config file does not exist
//   kFailedPrecondition  error reading config file <path>: ...; Server config already has <line>
//   kIoError             it cannot be written; it is as it was
Status SetConfigKey(const std::string& path, std::string_view program, std::string_view key,
                    std::string_view value);

}  // namespace immudb
