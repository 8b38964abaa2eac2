// SPDX-License-Identifier: Apache-2.0
#include "immuclient/commands.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "cli/prompt.h"
#include "client/token_store.h"
#include "immuclient/output.h"
#include "support/connection_options.h"

namespace immudb {
namespace {

using Arguments = std::vector<std::string>;

constexpr char kNoUuidWarning[] =
    "!IMPORTANT WARNING: immudb-uuid header is not published by the immudb server; this client "
    "MUST NOT be used to connect to different immudb servers!";

// What `set` stores: the value and the time of this machine, as the original's programs do.
std::string Structured(const std::string& value) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now).count();
  return EncodeStructured({static_cast<uint64_t>(seconds), value});
}

std::string Block(const CommandContext& context, const Item& item, ValueForm form,
                  std::optional<bool> verified = std::nullopt) {
  return context.value_only() ? ValueBlock(item, form) : ItemBlock(item, form, verified);
}

Outcome Failed(const Status& status) {
  return {.status = status};
}

Outcome KeyFailed(const Status& status, const std::string& key) {
  if (status.code() != StatusCode::kNotFound) return Failed(status);
  return Failed(Status::NotFound("key not found: " + key));
}

Outcome Login(CommandContext& context, const Arguments& arguments) {
  const auto client = context.Connected();
  if (!client.ok()) return Failed(client.status());
  const auto password = ReadPassword("Password:");
  if (!password.ok()) return Failed(password.status());
  const auto warning = (*client)->Login(arguments[0], *password);
  if (warning.status().code() == StatusCode::kPermissionDenied) {
    return Failed({StatusCode::kPermissionDenied, "username or password is not valid"});
  }
  if (!warning.ok()) return Failed(warning.status());
  return {.text = "Successfully logged in." + (warning->empty() ? "" : '\n' + *warning)};
}

// Only this machine forgets the session: the server's Logout would end the user's others too.
Outcome Logout(CommandContext& context, const Arguments& /*arguments*/) {
  const auto removed = TokenStore(context.settings().Text("tokenfile")).Remove();
  if (!removed.ok()) return Failed(removed.status());
  return {.text = *removed ? "Successfully logged out" : "User not logged in."};
}

Outcome Use(CommandContext& context, const Arguments& arguments) {
  const auto client = context.Connected();
  if (!client.ok()) return Failed(client.status());
  const Status used = (*client)->UseDatabase(arguments[0]);
  if (!used.ok()) return Failed(used);
  return {.text = "Now using " + arguments[0]};
}

Outcome Set(CommandContext& context, const Arguments& arguments) {
  const auto client = context.Connected();
  if (!client.ok()) return Failed(client.status());
  const std::string value = Structured(arguments[1]);
  const auto index = (*client)->Set(arguments[0], value);
  if (!index.ok()) return Failed(index.status());
  return {.text = Block(context, {arguments[0], value, *index}, ValueForm::kStructured)};
}

Outcome Get(CommandContext& context, const Arguments& arguments) {
  const auto client = context.Connected();
  if (!client.ok()) return Failed(client.status());
  const auto item = (*client)->Get(arguments[0]);
  if (!item.ok()) return KeyFailed(item.status(), arguments[0]);
  return {.text = Block(context, *item, ValueForm::kStructured)};
}

// Shows a verified item, or what was answered instead of one and why it is not believed.
Outcome ShowVerified(const CommandContext& context, const Result<VerifiedItem>& result,
                     const VerifiedItem& rejected, ValueForm form) {
  if (result.ok()) {
    Outcome outcome{.text = Block(context, result->item, form, true)};
    if (result->key_match == KeyMatch::kUnprovenReference) {
      outcome.note =
          "note: the key was answered as a reference, which could not be proven because "
          "its history is too large";
    }
    return outcome;
  }
  if (!IsVerificationFailure(result.status()) || rejected.item.key.empty()) {
    return Failed(result.status());
  }
  return {.text = ItemBlock(rejected.item, form, false), .status = result.status()};
}

Outcome SafeSetAs(CommandContext& context, const std::string& key, const std::string& value,
                  ValueForm form) {
  const auto client = context.Connected();
  if (!client.ok()) return Failed(client.status());
  VerifiedItem rejected;
  const auto result = (*client)->SafeSet(key, value, &rejected);
  return ShowVerified(context, result, rejected, form);
}

Outcome SafeSet(CommandContext& context, const Arguments& arguments) {
  return SafeSetAs(context, arguments[0], Structured(arguments[1]), ValueForm::kStructured);
}
Outcome RawSafeSet(CommandContext& context, const Arguments& arguments) {
  return SafeSetAs(context, arguments[0], arguments[1], ValueForm::kRaw);
}

Outcome SafeGetAs(CommandContext& context, const std::string& key, ValueForm form) {
  const auto client = context.Connected();
  if (!client.ok()) return Failed(client.status());
  VerifiedItem rejected;
  const auto result = (*client)->SafeGet(key, &rejected);
  if (result.status().code() == StatusCode::kNotFound) return KeyFailed(result.status(), key);
  return ShowVerified(context, result, rejected, form);
}

Outcome SafeGet(CommandContext& context, const Arguments& arguments) {
  return SafeGetAs(context, arguments[0], ValueForm::kStructured);
}
Outcome RawSafeGet(CommandContext& context, const Arguments& arguments) {
  return SafeGetAs(context, arguments[0], ValueForm::kRaw);
}

Outcome History(CommandContext& context, const Arguments& arguments) {
  const auto client = context.Connected();
  if (!client.ok()) return Failed(client.status());
  const auto items = (*client)->History(arguments[0]);
  if (!items.ok()) return Failed(items.status());
  if (items->empty()) return {.text = "No item found \n"};
  std::string text;
  for (const auto& item : *items) {
    text += ItemBlock(item, ValueForm::kStructured, std::nullopt) + '\n';
  }
  return {.text = std::move(text)};
}

Outcome Scan(CommandContext& context, const Arguments& arguments) {
  const auto client = context.Connected();
  if (!client.ok()) return Failed(client.status());
  const auto items = (*client)->Scan({.prefix = arguments[0]});
  if (!items.ok()) return Failed(items.status());
  if (items->empty()) return {.text = "0"};
  std::string text;
  for (const auto& item : *items) text += Block(context, item, ValueForm::kStructured) + '\n';
  return {.text = std::move(text)};
}

Outcome Current(CommandContext& context, const Arguments& /*arguments*/) {
  const auto client = context.Connected();
  if (!client.ok()) return Failed(client.status());
  const auto root = (*client)->CurrentRoot();
  if (!root.ok()) return Failed(root.status());
  return {.text = *root ? RootBlock(**root) : "immudb is empty\n"};
}

Outcome ShowStatus(CommandContext& context, const Arguments& /*arguments*/) {
  const auto client = context.Connected();  // which asks for the server's health
  if (!client.ok()) return Failed(client.status());
  return {.text = "Health check OK"};
}

CommandSpec Spec(const char* name, const char* alias, const char* arguments, size_t count,
                 const char* help) {
  return {.name = name,
          .alias = alias,
          .arguments = arguments,
          .min_arguments = count,
          .max_arguments = count,
          .help = help};
}

}  // namespace

std::span<const Command> Commands() {
  static const std::array kCommands = {
      Command{Spec("login", "l", "username", 1, "Login using the specified username"), Login},
      Command{Spec("logout", "x", "", 0, "Forget the session"), Logout},
      Command{Spec("use", "", "databasename", 1, "Select a database"), Use},
      Command{Spec("set", "s", "key value", 2, "Add a new item"), Set},
      Command{Spec("get", "g", "key", 1, "Get the item having the specified key"), Get},
      Command{Spec("safeset", "ss", "key value", 2, "Add and verify a new item"), SafeSet},
      Command{Spec("safeget", "sg", "key", 1, "Get and verify an item"), SafeGet},
      Command{Spec("rawsafeset", "rs", "key value", 2,
                   "Add and verify a new item, its value being the bytes alone"),
              RawSafeSet},
      Command{Spec("rawsafeget", "rg", "key", 1, "Get and verify an item, its value as stored"),
              RawSafeGet},
      Command{Spec("history", "h", "key", 1, "List all versions of an item, newest first"),
              History},
      Command{Spec("scan", "scn", "prefix", 1, "List the items whose keys have the prefix"), Scan},
      Command{Spec("current", "crt", "", 0,
                   "Show the server's last index and the root of its Merkle tree"),
              Current},
      Command{Spec("status", "p", "", 0, "Ask whether the server is alive"), ShowStatus},
  };
  return kCommands;
}

const Command* FindCommand(std::string_view name) {
  const auto commands = Commands();
  return &*std::ranges::find_if(
      commands, [name](const Command& command) { return command.spec.name == name; });
}

Result<Client*> CommandContext::Connected() {
  if (client_ != nullptr) return client_.get();
  auto options = ToClientOptions(settings_);
  if (!options.ok()) return options.status();
  options->token_file = settings_.Text("tokenfile");
  options->root_directory = settings_.Text("dir");
  auto client = Client::Connect(*options);
  if (!client.ok()) return client.status();
  client_ = *std::move(client);
  if (client_->server_uuid().empty()) note_ = kNoUuidWarning;
  return client_.get();
}

}  // namespace immudb
