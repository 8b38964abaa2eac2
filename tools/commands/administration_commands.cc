// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "cli/option_table.h"
#include "cli/prompt.h"
#include "cli/table.h"
#include "commands/command.h"
#include "commands/command_util.h"
#include "immudb/client.h"
#include "immudb/status.h"

namespace immudb {
namespace {

// "list", "create NAME": the first argument chooses; each choice has its own number of arguments.
struct Action {
  const char* name;
  const char* arguments;
  size_t min;
  size_t max;
  // Without the action.
  Outcome (*run)(const CommandContext& context, Client* client, const CommandArguments& arguments);
};

Outcome RunAction(const CommandContext& context, const char* command,
                  const std::vector<Action>& actions, const CommandArguments& arguments) {
  std::string known;
  for (const auto& action : actions) {
    if (arguments[0] != action.name) {
      known += known.empty() ? "" : ", ";
      known += action.name;
      continue;
    }
    const CommandArguments rest(arguments.begin() + 1, arguments.end());
    if (rest.size() < action.min || rest.size() > action.max) {
      return WrongUsage("usage: " + (std::string(command) + ' ' + action.name + ' ') +
                        action.arguments);
    }
    const auto client = context.Connected();
    return client.ok() ? action.run(context, *client, rest) : Failed(client.status());
  }
  return WrongUsage("unknown action \"" + arguments[0] + "\" of " + command + "; it has: " + known);
}

Outcome ListDatabases(const CommandContext& /*context*/, Client* client,
                      const CommandArguments& /*arguments*/) {
  const auto names = client->ListDatabases();
  if (!names.ok()) return Failed(names.status());
  TextTable table{.caption = std::to_string(names->size()) + " database(s)",
                  .header = {"Database Name"}};
  Outcome outcome{.list = true};
  for (const auto& name : *names) {
    const bool current = name == client->database();
    table.rows.push_back({(current ? "*" : "") + name});
    outcome.results.push_back({{"name", name}, {"current", current}});
  }
  outcome.text = ToText(table);
  if (outcome.text.ends_with('\n')) outcome.text.pop_back();
  return outcome;
}

Outcome CreateDatabase(const CommandContext& /*context*/, Client* client,
                       const CommandArguments& arguments) {
  return Done("database successfully created", {{"database", arguments[0]}},
              client->CreateDatabase(arguments[0]));
}

Outcome UseDatabase(const CommandContext& /*context*/, Client* client,
                    const CommandArguments& arguments) {
  return Done("Now using " + arguments[0], {{"database", arguments[0]}},
              client->UseDatabase(arguments[0]));
}

Outcome ClearTamper(const CommandContext& /*context*/, Client* client,
                    const CommandArguments& arguments) {
  return Done(arguments[0] + " is served again; the act stands in the audit trail",
              {{"database", arguments[0]}, {"cleared", true}}, client->ClearTamper(arguments[0]));
}

std::string PermissionText(UserPermission permission) {
  switch (permission) {
    case UserPermission::kRead:
      return "Read";
    case UserPermission::kReadWrite:
      return "Read/Write";
    case UserPermission::kAdmin:
      return "Admin";
    case UserPermission::kSystemAdmin:
      return "System Admin";
    case UserPermission::kNone:
      break;
  }
  return "unknown: " + std::to_string(static_cast<uint32_t>(permission));
}

// As it is written on the command line.
Json PermissionJson(UserPermission permission) {
  switch (permission) {
    case UserPermission::kRead:
      return "read";
    case UserPermission::kReadWrite:
      return "readwrite";
    case UserPermission::kAdmin:
      return "admin";
    case UserPermission::kSystemAdmin:
      return "sysadmin";
    case UserPermission::kNone:
      break;
  }
  return static_cast<uint32_t>(permission);
}

Result<UserPermission> ParsePermission(const std::string& text) {
  if (text == "read") return UserPermission::kRead;
  if (text == "readwrite") return UserPermission::kReadWrite;
  if (text == "admin") return UserPermission::kAdmin;
  return Status::InvalidArgument("Permission " + text +
                                 " not recognized: allowed permissions are read, readwrite, admin");
}

void AddUserRows(const UserInfo& user, TextTable* table) {
  std::vector<std::string> row = {
      user.name, user.active ? "true" : "false", "", "", user.created_by, user.created_at};
  if (user.permissions.empty()) table->rows.push_back(row);
  for (const auto& permission : user.permissions) {
    row[2] = permission.database;
    row[3] = PermissionText(permission.permission);
    table->rows.push_back(row);
    row[0] = row[1] = row[4] = row[5] = "";
  }
}

Outcome ListUsers(const CommandContext& /*context*/, Client* client,
                  const CommandArguments& /*arguments*/) {
  const auto users = client->ListUsers();
  if (!users.ok()) return Failed(users.status());
  TextTable table{
      .caption = std::to_string(users->size()) + " user(s)",
      .header = {"User", "Active", "Database", "Permission", "Created By", "Created At"}};
  Outcome outcome{.list = true};
  for (const auto& user : *users) {
    AddUserRows(user, &table);
    Json permissions = Json::array();
    for (const auto& permission : user.permissions) {
      permissions.push_back({{"database", permission.database},
                             {"permission", PermissionJson(permission.permission)}});
    }
    outcome.results.push_back({{"user", user.name},
                               {"active", user.active},
                               {"permissions", std::move(permissions)},
                               {"created_by", user.created_by},
                               {"created_at", user.created_at}});
  }
  outcome.text = ToText(table);
  if (outcome.text.ends_with('\n')) outcome.text.pop_back();
  return outcome;
}

// Before a password is asked for.
Status CheckNewUser(Client* client, const CommandArguments& arguments) {
  const auto users = client->ListUsers();
  if (!users.ok()) return users.status();
  if (std::ranges::find(*users, arguments[0], &UserInfo::name) != users->end()) {
    return {StatusCode::kAlreadyExists, "User " + arguments[0] + " already exists"};
  }
  if (arguments.size() < 3) return Status::Ok();
  const auto databases = client->ListDatabases();
  // In maintenance mode nobody gets the list; the server looks itself when the user is created.
  if (databases.status().code() == StatusCode::kFailedPrecondition) return Status::Ok();
  if (!databases.ok()) return databases.status();
  if (std::ranges::find(*databases, arguments[2]) == databases->end()) {
    return Status::NotFound("Database " + arguments[2] + " does not exist");
  }
  return Status::Ok();
}

Outcome CreateUser(const CommandContext& /*context*/, Client* client,
                   const CommandArguments& arguments) {
  const auto permission = ParsePermission(arguments[1]);
  if (!permission.ok()) return WrongUsage(permission.status().message());
  const Status fit = CheckNewUser(client, arguments);
  if (!fit.ok()) return Failed(fit);
  const auto password = ReadNewPassword(arguments[0]);
  if (!password.ok()) return Failed(password.status());
  const std::string database = arguments.size() > 2 ? arguments[2] : "";
  return Done("Created user " + arguments[0], {{"user", arguments[0]}},
              client->CreateUser(arguments[0], *password, *permission, database));
}

Outcome ChangePassword(const CommandContext& context, Client* client,
                       const CommandArguments& arguments) {
  std::string old_password;
  if (arguments[0] == "immudb" || context.settings().Bool("own")) {
    auto old = ReadPassword("Old password:");
    if (!old.ok()) return Failed(old.status());
    old_password = *std::move(old);
  }
  const auto password = ReadNewPassword(arguments[0]);
  if (!password.ok()) return Failed(password.status());
  return Done(arguments[0] + "'s password has been changed", {{"user", arguments[0]}},
              client->ChangePassword(arguments[0], old_password, *password));
}

Outcome Activate(const CommandContext& /*context*/, Client* client,
                 const CommandArguments& arguments) {
  return Done("User status changed successfully", {{"user", arguments[0]}, {"active", true}},
              client->SetActiveUser(arguments[0], true));
}
Outcome Deactivate(const CommandContext& /*context*/, Client* client,
                   const CommandArguments& arguments) {
  return Done("User status changed successfully", {{"user", arguments[0]}, {"active", false}},
              client->SetActiveUser(arguments[0], false));
}

Outcome ChangePermission(const CommandContext& /*context*/, Client* client,
                         const CommandArguments& arguments) {
  const bool grant = arguments[0] == "grant";
  if (!grant && arguments[0] != "revoke") {
    return WrongUsage("wrong permission action. Only grant or revoke are allowed. Provided: " +
                      arguments[0]);
  }
  const auto permission = ParsePermission(arguments[2]);
  if (!permission.ok()) return WrongUsage(permission.status().message());
  return Done("Permission changed successfully",
              {{"user", arguments[1]},
               {"action", arguments[0]},
               {"permission", arguments[2]},
               {"database", arguments[3]}},
              grant ? client->GrantPermission(arguments[1], arguments[3], *permission)
                    : client->RevokePermission(arguments[1], arguments[3], *permission));
}

Outcome Database(const CommandContext& context, const CommandArguments& arguments) {
  return RunAction(context, "database",
                   {{"list", "", 0, 0, ListDatabases},
                    {"create", "name", 1, 1, CreateDatabase},
                    {"use", "name", 1, 1, UseDatabase},
                    {"clear-tamper", "name", 1, 1, ClearTamper}},
                   arguments);
}

Outcome User(const CommandContext& context, const CommandArguments& arguments) {
  return RunAction(
      context, "user",
      {{"list", "", 0, 0, ListUsers},
       {"create", "name read|readwrite|admin [database]", 2, 3, CreateUser},
       {"changepassword", "name", 1, 1, ChangePassword},
       {"activate", "name", 1, 1, Activate},
       {"deactivate", "name", 1, 1, Deactivate},
       {"permission", "grant|revoke name read|readwrite|admin database", 4, 4, ChangePermission}},
      arguments);
}

}  // namespace

std::vector<Command> AdministrationCommands() {
  return {{{.name = "database",
            .alias = "d",
            .arguments = "list|create|use|clear-tamper [name]",
            .min_arguments = 1,
            .max_arguments = 2,
            .help = "List, create and select databases; clear-tamper: the damage that the server "
                    "found in a database was seen to, serve it again"},
           Database},
          {{.name = "user",
            .alias = "u",
            .arguments = "action ...",
            .min_arguments = 1,
            .max_arguments = 5,
            .help = "Users: list; create name read|readwrite|admin [database]; changepassword, "
                    "activate or deactivate name; permission grant|revoke name "
                    "read|readwrite|admin database",
            .options = {{.name = "own",
                         .type = OptionType::kBool,
                         .default_value = "false",
                         .help = "changepassword: of yourself; asks for the old password first"}}},
           User}};
}

}  // namespace immudb
