// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "cli/option_table.h"
#include "immudb/status.h"

namespace immudb {

// The script with which a shell ("bash", "zsh" or "fish") completes the program's commands, their
// options and the values that an option may have. It is made of the table alone: completing starts
// no process of ours and asks no server. kInvalidArgument for another shell.
Result<std::string> CompletionScript(const ProgramSpec& program, std::string_view shell);

}  // namespace immudb
