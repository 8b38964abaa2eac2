// SPDX-License-Identifier: Apache-2.0
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "cli/option_table.h"
#include "cli/prompt.h"
#include "client/token_store.h"
#include "commands/command.h"
#include "commands/command_util.h"
#include "commands/output.h"
#include "immudb/client.h"
#include "immudb/status.h"
#include "immudb/types.h"

namespace immudb {
namespace {

Outcome Login(const CommandContext& context, const CommandArguments& arguments) {
  const auto client = context.Connected();
  if (!client.ok()) return Failed(client.status());
  const auto password = ReadPassword("Password:");
  if (!password.ok()) return Failed(password.status());
  const auto warning = (*client)->Login(arguments[0], *password);
  if (warning.status().code() == StatusCode::kPermissionDenied) {
    return Failed({StatusCode::kPermissionDenied, "username or password is not valid"});
  }
  if (!warning.ok()) return Failed(warning.status());
  Json json{{"user", arguments[0]}};
  if (!warning->empty()) json["warning"] = *warning;
  return Said("Successfully logged in." + (warning->empty() ? "" : '\n' + *warning),
              std::move(json));
}

// Only this machine forgets the session: the server's Logout would end the user's others too.
Outcome Logout(const CommandContext& context, const CommandArguments& /*arguments*/) {
  const auto removed = TokenStore(context.settings().Text("tokenfile")).Remove();
  if (!removed.ok()) return Failed(removed.status());
  context.session().Disconnect();
  return Said(*removed ? "Successfully logged out" : "User not logged in.",
              {{"logged_out", *removed}});
}

Outcome Use(const CommandContext& context, const CommandArguments& arguments) {
  const auto client = context.Connected();
  if (!client.ok()) return Failed(client.status());
  const Status used = (*client)->UseDatabase(arguments[0]);
  if (!used.ok()) return Failed(used);
  return Said("Now using " + arguments[0], {{"database", arguments[0]}});
}

Outcome Current(const CommandContext& context, const CommandArguments& /*arguments*/) {
  const auto client = context.Connected();
  if (!client.ok()) return Failed(client.status());
  const auto root = (*client)->CurrentRoot();
  if (!root.ok()) return Failed(root.status());
  if (!*root) return Said("immudb is empty\n", {{"empty", true}});
  return Said(RootBlock(**root), {{"index", (*root)->index.value}, {"hash", ToHex((*root)->hash)}});
}

Outcome ShowStatus(const CommandContext& context, const CommandArguments& /*arguments*/) {
  const auto client = context.Connected();
  if (!client.ok()) return Failed(client.status());
  const auto health = (*client)->Health();  // a kept connection says nothing about now
  if (!health.ok()) return Failed(health.status());
  if (!health->healthy) return Failed(Status::Unavailable("health check failed"));
  return Said("Health check OK", {{"healthy", true}, {"version", health->version}});
}

}  // namespace

std::vector<Command> SessionCommands() {
  return {
      {{.name = "login",
        .alias = "l",
        .arguments = "username",
        .min_arguments = 1,
        .max_arguments = 1,
        .help = "Login using the specified username; the password is asked for, or one line "
                "of standard input"},
       Login},
      {{.name = "logout", .alias = "x", .help = "Forget the session"}, Logout},
      {{.name = "use",
        .arguments = "databasename",
        .min_arguments = 1,
        .max_arguments = 1,
        .help = "Select a database"},
       Use},
      {{.name = "current",
        .alias = "crt",
        .help = "Show the server's last index and the root of its Merkle tree"},
       Current},
      {{.name = "status", .alias = "p", .help = "Ask whether the server is alive"}, ShowStatus}};
}

}  // namespace immudb
