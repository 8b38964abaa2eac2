// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "cli/prompt.h"
#include "client/token_store.h"
#include "commands/command.h"
#include "commands/command_util.h"
#include "commands/output.h"
#include "immuadmin/commands.h"
#include "immudb/client.h"
#include "immudb/status.h"

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

std::string CheckerText(const ServerStatus::Checker& checker) {
  std::string text = "pass " + std::to_string(checker.passes + 1);
  if (checker.progress > 0) {
    text += ": " + std::to_string(static_cast<int>(checker.progress * 100)) + " % done";
    if (!checker.database.empty()) text += " (" + checker.database + ")";
  } else {
    text += " is to begin";
  }
  if (checker.last_pass_end != 0) {
    char seconds[32];
    std::snprintf(seconds, sizeof(seconds), "%.1f", checker.last_pass_seconds);
    text += std::string("; the last one took ") + seconds + " s and ended " +
            TimeText(static_cast<uint64_t>(checker.last_pass_end));
  }
  return text;
}

// A line a check, then what was tampered with.
std::string StatusText(const ServerStatus& status) {
  size_t width = 0;
  for (const auto& check : status.checks) width = std::max(width, check.name.size());
  std::string text = status.ready ? "OK - server is reachable and responding to queries"
                                  : "server is reachable, but not ready";
  for (const auto& check : status.checks) {
    text += '\n' + check.name + std::string(width + 2 - check.name.size(), ' ') +
            (check.ok ? "ok" : "FAILED");
    std::string detail = check.reason;
    if (check.name == "checker" && status.checker) {
      detail += (detail.empty() ? "" : "; ") + CheckerText(*status.checker);
    }
    if (!detail.empty()) text += (check.ok ? "      " : "  ") + detail;
  }
  for (const auto& tampered : status.tampered) {
    text += "\nTAMPERED: database " + tampered.database + ", found " + tampered.time + ": " +
            tampered.damage;
  }
  return text;
}

Json StatusJson(const ServerStatus& status) {
  Json json{{"ready", status.ready}, {"checks", Json::array()}, {"tampered", Json::array()}};
  for (const auto& check : status.checks) {
    json["checks"].push_back({{"name", check.name}, {"ok", check.ok}, {"reason", check.reason}});
  }
  if (const auto& checker = status.checker) {
    json["checker"] = {{"progress", checker->progress},
                       {"database", checker->database},
                       {"passes", checker->passes},
                       {"last_pass_seconds", checker->last_pass_seconds},
                       {"last_pass_end", checker->last_pass_end},
                       {"entries", checker->entries},
                       {"damages", checker->damages},
                       {"read_errors", checker->read_errors}};
  }
  for (const auto& tampered : status.tampered) {
    json["tampered"].push_back(
        {{"database", tampered.database}, {"time", tampered.time}, {"damage", tampered.damage}});
  }
  return json;
}

Status StatusOf(const ServerStatus& status) {
  if (!status.tampered.empty()) {
    return Status::DataLoss(std::to_string(status.tampered.size()) +
                            " database(s) were tampered with: see docs/operations.md, Damage");
  }
  if (status.ready) return Status::Ok();
  std::string reasons;
  for (const auto& check : status.checks) {
    if (check.ok) continue;
    reasons += (reasons.empty() ? "" : ", ") + check.name;
  }
  return {StatusCode::kResourceExhausted, "not ready: " + reasons};
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
  Json json{{"healthy", true}, {"version", health->version}};
  const auto status = (*client)->QueryStatus();
  if (!status.ok()) return Failed(status.status());
  if (!*status) {
    return Said("OK - server is reachable and responding to queries", std::move(json));
  }
  json.update(StatusJson(**status));
  Outcome outcome = Said(StatusText(**status), std::move(json));
  outcome.status = StatusOf(**status);
  return outcome;
}

}  // namespace

std::vector<Command> AdminSessionCommands() {
  return {{{.name = "login",
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
          {{.name = "status",
            .alias = "p",
            .help = "How the server is: whether it is ready, its checks, the walk over the stored "
                    "bytes; as the system administrator, also its databases and what was tampered "
                    "with"},
           ShowStatus}};
}

}  // namespace immudb
