// SPDX-License-Identifier: Apache-2.0
//
// From the text of an option to its value. All functions are pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "cli/option_table.h"
#include "immudb/status.h"

namespace immudb {

// The value that `text` stands for, checked against type, bounds and choices. `origin` ("flag
// --port") goes into the error, which is kInvalidArgument.
Result<std::variant<std::string, bool, int64_t>> ParseOptionValue(const OptionSpec& spec,
                                                                  std::string_view text,
                                                                  std::string_view origin);

// What stands for the value in a text about the option: "size". Empty for kBool.
std::string_view ValueNoun(OptionType type);

// A password as it may stand in a setting: plain text (surrounding white space is dropped), or
// "enc:" and base64. The error does not repeat the text.
Result<std::string> DecodePassword(std::string_view text);

}  // namespace immudb
