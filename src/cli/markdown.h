// SPDX-License-Identifier: Apache-2.0
//
// The option table as tables of Markdown, for the pages of docs/. Hidden commands and defaults of
// secrets are left out. Pure functions.
#pragma once

#include <string>

#include "cli/option_table.h"

namespace immudb {

// Flag, environment variable, kind and bounds, default and meaning of each option.
std::string MarkdownOptions(const ProgramSpec& program);

// The commands; behind them, for each that has some, the options of its own.
std::string MarkdownCommands(const ProgramSpec& program);

}  // namespace immudb
