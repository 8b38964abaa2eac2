// SPDX-License-Identifier: Apache-2.0
//
// What several commands need.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cli/option_table.h"
#include "commands/command.h"
#include "commands/output.h"
#include "immudb/client.h"
#include "immudb/status.h"

namespace immudb {

Outcome Failed(const Status& status);
// Exit code 2.
Outcome WrongUsage(std::string message);
// NotFound becomes "key not found: <key>".
Outcome KeyFailed(const Status& status, const std::string& key);
// Text and one object.
Outcome Said(std::string text, Json result);

// The same if the status is ok, else Failed.
Outcome Done(std::string text, Json result, const Status& status);

// Asks twice. kInvalidArgument: "Passwords don't match", or none was given.
Result<std::string> ReadNewPassword(const std::string& user);

// A decimal number without sign; kInvalidArgument: `"x" is not a valid <what>`.
Result<uint64_t> ParseNumber(const std::string& text, std::string_view what);

// A finite number or inf, -inf.
Result<double> ParseScore(const std::string& text);

// A key, prefix or set as --hex and --base64 say. kInvalidArgument, naming `what`.
Result<std::string> BytesArgument(const CommandContext& context, const std::string& text,
                                  std::string_view what);

// All of standard input, as it is. `what` goes into the error when it belongs to a shell.
Result<std::string> ReadInput(const CommandContext& context, std::string_view what);
Result<std::string> ReadWholeFile(const std::string& path);

// The rows limit, offset, reverse as scan and zscan have them.
std::vector<OptionSpec> PageOptions(std::string offset_help);

// The row explain.
OptionSpec ExplainOption();
// Adds the way from the leaf to the root; the proof was verified before.
void AddExplanation(const VerifiedItem& verified, Outcome* outcome);

// The item, with its proof if it is to be explained, or what was answered instead of one (never as
// value only) and why it is not believed.
Outcome ShowVerified(const CommandContext& context, const Result<VerifiedItem>& result,
                     const VerifiedItem& rejected, ValueForm form, bool explain = false);

}  // namespace immudb
