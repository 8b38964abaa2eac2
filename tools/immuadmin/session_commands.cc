// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <ostream>

#include "base/status_macros.h"
#include "cli/prompt.h"
#include "client/token_store.h"
#include "commands/command_util.h"
#include "commands/output.h"
#include "immuadmin/commands.h"

namespace immudb {
namespace {

constexpr char kAdministrator[] = "immudb";

std::string SecurityWarning(const Streams& streams, const std::string& warning) {
  const std::string text = "SECURITY WARNING: " + warning;
  const bool colour = streams.out_is_terminal && UseColour(STDOUT_FILENO);
  return colour ? "\033[33m" + text + "\033[0m" : text;
}

// The session that the old password began ends with it; the new one begins another.
Status ReplacePassword(Client* client, const std::string& old_password) {
  const auto password = ReadNewPassword(kAdministrator);
  IMMUDB_RETURN_IF_ERROR(password);
  IMMUDB_RETURN_IF_ERROR(client->ChangePassword(kAdministrator, old_password, *password));
  return client->Login(kAdministrator, *password).status();
}

Outcome Login(const CommandContext& context, const CommandArguments& arguments) {
  if (arguments[0] != kAdministrator) {
    return Failed({StatusCode::kPermissionDenied,
                   "Permission denied: user " + arguments[0] + " has no admin rights"});
  }
  const auto client = context.Connected();
  if (!client.ok()) return Failed(client.status());
  const auto password = ReadPassword("Password:");
  if (!password.ok()) return Failed(password.status());
  const auto warning = (*client)->Login(arguments[0], *password);
  if (!warning.ok()) return Failed(warning.status());
  Json json{{"user", arguments[0]}};
  if (warning->empty()) return Said("logged in", std::move(json));
  json["warning"] = *warning;
  // Shown before the questions that follow from it.
  if (OutputFormOf(context.settings()) == OutputForm::kText) {
    std::ostream& out = *context.streams().out;
    out << "logged in\n" << SecurityWarning(context.streams(), *warning) << std::endl;
  }
  const Status replaced = ReplacePassword(*client, *password);
  if (!replaced.ok()) return Failed(replaced);
  json["password_changed"] = true;
  return Said("immudb's password has been changed", std::move(json));
}

Outcome Logout(const CommandContext& context, const CommandArguments& /*arguments*/) {
  // As the original: whatever the server says, this machine forgets the session.
  Status ended = Status::Ok();
  const auto client = context.Connected();
  ended = client.ok() ? (*client)->Logout() : client.status();
  const auto removed = TokenStore(context.session().TokenFile()).Remove();
  if (!removed.ok()) return Failed(removed.status());
  return Done("logged out", {{"logged_out", true}}, ended);
}

Outcome ShowStatus(const CommandContext& context, const CommandArguments& /*arguments*/) {
  const auto client = context.Connected();
  if (!client.ok()) return Failed(client.status());
  const auto health = (*client)->Health();
  if (!health.ok()) return Failed(health.status());
  if (!health->healthy) {
    return Failed({StatusCode::kDataLoss,
                   "server is reachable, but says that it is not healthy: its newest entry cannot "
                   "be read; see its log, and immuadmin verify"});
  }
  return Said("OK - server is reachable and responding to queries",
              {{"healthy", true}, {"version", health->version}});
}

}  // namespace

std::vector<Command> AdminSessionCommands() {
  return {
      {{.name = "login",
        .alias = "l",
        .arguments = "immudb",
        .min_arguments = 1,
        .max_arguments = 1,
        .help = "Login as the system administrator, immudb; the password is asked for, or one "
                "line of standard input. The default password must be changed at once"},
       Login},
      {{.name = "logout",
        .alias = "x",
        .help = "End all sessions of the administrator, and forget this one"},
       Logout},
      {{.name = "status", .alias = "p", .help = "Ask whether the server is alive"}, ShowStatus}};
}

}  // namespace immudb
