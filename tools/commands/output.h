// SPDX-License-Identifier: Apache-2.0
//
// What commands print: the blocks of text, to the space those that scripts were written against,
// and the same results as JSON objects.
//
// Fields of JSON: index, key, value, hash (hex), time (Unix seconds of a structured value),
// verified, set, score, ... Bytes (key, value, set) stand under their name when they are UTF-8,
// else under <name>_base64; with --hex always under <name>_hex, with --base64 under <name>_base64.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/byte_form.h"
#include "cli/exit_code.h"
#include "cli/option_table.h"
#include "commands/command.h"
#include "immudb/client.h"
#include "immudb/status.h"
#include "immudb/types.h"

namespace immudb {

enum class OutputForm : uint8_t { kText, kJson, kJsonl, kRaw };

// The rows output, hex, base64, value-only: what may differ from call to call of a shell.
std::vector<OptionSpec> OutputOptions();
OutputForm OutputFormOf(const Settings& settings);
// Of key and value arguments and of those that are shown.
ByteForm ByteFormOf(const Settings& settings);

// Runs and answers what goes wrong before: settings that exclude each other.
Outcome RunCommand(const Command& command, const CommandContext& context,
                   const CommandArguments& arguments);

// Results go to `out`; notes, then the error, to `err` (with json and jsonl as objects: {"note":
// "..."} and {"error": {"code", "message", "exit_code"}}). Never colours. Returns the exit code.
int PrintOutcome(const Outcome& outcome, const Settings& settings, std::ostream& out,
                 std::ostream& err);
ExitCode ExitCodeOf(const Outcome& outcome);
// One line, or one object.
void PrintError(const Status& status, ExitCode code, OutputForm form, std::ostream& err);
void PrintNote(const std::string& note, OutputForm form, std::ostream& err);
// Compact and on one line; bytes that are no UTF-8 (of a server's text) are replaced.
std::string ToLine(const Json& json);

enum class ValueForm : uint8_t {
  kStructured,  // payload and time, if the value is a structured one; else as kRaw
  kRaw,         // the bytes; there is no time then
};
struct ShownValue {
  std::string value;
  std::optional<uint64_t> time;
};
ShownValue Show(const Item& item, ValueForm form);

// "index:\t\t4 \nkey:\t\t..." with the leaf as hash; `verified` adds its line.
std::string ItemBlock(const Item& item, ValueForm form, std::optional<bool> verified,
                      ByteForm bytes = ByteForm::kText);
// "index:\t\t4\nhash:\t\t...\n".
std::string RootBlock(const TreeRoot& root);
// "2020-08-29 10:11:12 +0000 UTC", in the local zone.
std::string TimeText(uint64_t unix_seconds);

// Adds a field in the form that the head of this file describes.
void AddBytes(std::string_view name, std::string_view bytes, ByteForm form, Json* json);
Json ItemJson(const Item& item, ValueForm form, std::optional<bool> verified, ByteForm bytes);

// Adds one item to the results, in all forms; --value-only leaves only its value.
void AddItem(const Settings& settings, const Item& item, ValueForm form,
             std::optional<bool> verified, Outcome* outcome);

}  // namespace immudb
