// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "cli/byte_form.h"
#include "cli/option_table.h"
#include "commands/command.h"
#include "commands/command_util.h"
#include "commands/output.h"
#include "immudb/client.h"
#include "immudb/status.h"
#include "immudb/types.h"
#include "immudb/verify.h"

namespace immudb {
namespace {

Outcome Get(const CommandContext& context, const CommandArguments& arguments) {
  const auto key = BytesArgument(context, arguments[0], "key");
  if (!key.ok()) return WrongUsage(key.status().message());
  const auto client = context.Connected();
  if (!client.ok()) return Failed(client.status());
  const auto item = (*client)->Get(*key);
  if (!item.ok()) return KeyFailed(item.status(), arguments[0]);
  Outcome outcome;
  AddItem(context.settings(), *item, ValueForm::kStructured, std::nullopt, &outcome);
  return outcome;
}

Outcome SafeGetAs(const CommandContext& context, const std::string& argument, ValueForm form) {
  const auto key = BytesArgument(context, argument, "key");
  if (!key.ok()) return WrongUsage(key.status().message());
  const auto client = context.Connected();
  if (!client.ok()) return Failed(client.status());
  VerifiedItem rejected;
  const auto result = (*client)->SafeGet(*key, &rejected);
  if (result.status().code() == StatusCode::kNotFound) return KeyFailed(result.status(), argument);
  return ShowVerified(context, result, rejected, form, context.settings().Bool("explain"));
}

Outcome SafeGet(const CommandContext& context, const CommandArguments& arguments) {
  return SafeGetAs(context, arguments[0], ValueForm::kStructured);
}
Outcome RawSafeGet(const CommandContext& context, const CommandArguments& arguments) {
  return SafeGetAs(context, arguments[0], ValueForm::kRaw);
}

// As a text form of a message shows bytes: escaped, in quotes.
std::string Quoted(std::string_view bytes) {
  std::string text = "\"";
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n') {
      text += "\\n";
    } else if (c == '\r') {
      text += "\\r";
    } else if (c == '\t') {
      text += "\\t";
    } else if (c == '"' || c == '\\') {
      text += '\\';
      text += c;
    } else if (byte < 0x20 || byte >= 0x7f) {
      std::array<char, 5> octal{};
      std::snprintf(octal.data(), octal.size(), "\\%03o", byte);
      text += octal.data();
    } else {
      text += c;
    }
  }
  return text + '"';
}

// Without the spaces of the other blocks, and with the value as the text of its message.
std::string IndexItemBlock(const Item& item, ByteForm bytes) {
  const ShownValue shown = Show(item, ValueForm::kStructured);
  std::string text = "index:\t\t" + std::to_string(item.index.value);
  text += "\nkey:\t\t" + ToForm(item.key, bytes) + "\nvalue:\t\t";
  if (shown.time && bytes == ByteForm::kText) {
    text += "timestamp:" + std::to_string(*shown.time) + " payload:" + Quoted(shown.value);
  } else {
    text += ToForm(shown.value, bytes);
  }
  text += "\nhash:\t\t" + ToHex(LeafDigest(item.index, item.key, item.value)) + '\n';
  if (shown.time) text += "time:\t\t" + TimeText(*shown.time) + '\n';
  return text;
}

Outcome GetByIndex(const CommandContext& context, const CommandArguments& arguments) {
  const auto index = ParseNumber(arguments[0], "index number");
  if (!index.ok()) return WrongUsage(index.status().message());
  const auto client = context.Connected();
  if (!client.ok()) return Failed(client.status());
  const auto item = (*client)->ByIndex({*index});
  if (item.status().code() == StatusCode::kNotFound) {
    return Failed(Status::NotFound("no item exists in index:" + arguments[0]));
  }
  if (!item.ok()) return Failed(item.status());
  Outcome outcome;
  AddItem(context.settings(), *item, ValueForm::kStructured, std::nullopt, &outcome);
  if (!context.value_only()) outcome.text = IndexItemBlock(*item, ByteFormOf(context.settings()));
  return outcome;
}

Outcome GetRawBySafeIndex(const CommandContext& context, const CommandArguments& arguments) {
  const auto index = ParseNumber(arguments[0], "index number");
  if (!index.ok()) return WrongUsage(index.status().message());
  const auto client = context.Connected();
  if (!client.ok()) return Failed(client.status());
  VerifiedItem rejected;
  const auto result = (*client)->BySafeIndex({*index}, &rejected);
  if (result.status().code() == StatusCode::kNotFound) {
    return Failed(Status::NotFound("no item exists in index:" + arguments[0]));
  }
  return ShowVerified(context, result, rejected, ValueForm::kRaw,
                      context.settings().Bool("explain"));
}

CommandSpec Spec(const char* name, const char* alias, const char* argument, const char* help) {
  return {.name = name,
          .alias = alias,
          .arguments = argument,
          .min_arguments = 1,
          .max_arguments = 1,
          .help = help};
}

CommandSpec SafeSpec(const char* name, const char* alias, const char* argument, const char* help) {
  CommandSpec spec = Spec(name, alias, argument, help);
  spec.options = {ExplainOption()};
  return spec;
}

}  // namespace

std::vector<Command> ReadCommands() {
  return {
      {Spec("get", "g", "key", "Get the item having the specified key"), Get},
      {SafeSpec("safeget", "sg", "key", "Get and verify an item"), SafeGet},
      {SafeSpec("rawsafeget", "rg", "key", "Get and verify an item, its value as stored"),
       RawSafeGet},
      {Spec("getByIndex", "bi", "index", "Get the entry that was written as this number"),
       GetByIndex},
      {SafeSpec("getRawBySafeIndex", "brsi", "index",
                "Get and verify the entry that was written as this number, its value as stored"),
       GetRawBySafeIndex}};
}

}  // namespace immudb
