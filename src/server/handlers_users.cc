// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "base/status_macros.h"
#include "database/audit_trail.h"
#include "database/database.h"
#include "database/database_name.h"
#include "database/databases.h"
#include "database/login_throttle.h"
#include "database/password.h"
#include "database/permissions.h"
#include "database/sessions.h"
#include "database/user_rules.h"
#include "database/users.h"
#include "immudb/status.h"
#include "server/call_context.h"
#include "server/caller.h"
#include "server/handlers.h"
#include "server/message_limits.h"
#include "server/peer_address.h"
#include "server/server.h"

namespace immudb::handlers {
namespace {

constexpr char kNoSuchAdmin[] = "user is not system admin nor admin in any of the databases";

Status Denied(std::string text) {
  return {StatusCode::kPermissionDenied, std::move(text)};
}

bool MayBeGranted(uint32_t permission) {
  switch (static_cast<Permission>(permission)) {
    case Permission::kRead:
    case Permission::kReadWrite:
    case Permission::kDatabaseAdmin:
      return true;
    default:
      return false;
  }
}

std::string PermissionOn(uint32_t permission, const std::string& database) {
  const char* name = permission == 1 ? "read" : permission == 2 ? "read/write" : "admin";
  return std::string(name).append(" on ").append(database);
}

Status NoSuchDatabase(const std::string& name) {
  return Status::NotFound("database " + name + " does not exist");
}

// The name of the database that a new user is for.
Result<std::string> DatabaseOfNewUser(const Services& services, const std::string& requested,
                                      bool maintenance) {
  if (requested.empty() && !maintenance && services.databases.multiple()) {
    return Status::InvalidArgument(
        "database name can not be empty when there are multiple databases");
  }
  const std::string& name =
      requested.empty() ? services.databases.default_database()->name() : requested;
  if (services.databases.Find(name) == nullptr) return NoSuchDatabase(name);
  return name;
}

Status CheckPermissionOfNewUser(const Caller& caller, const std::string& database,
                                uint32_t permission) {
  const bool system_admin = permission == static_cast<uint32_t>(Permission::kSystemAdmin);
  if (!MayBeGranted(permission) && !system_admin) {
    return Status::InvalidArgument(caller.maintenance ? "unknown permission"
                                                      : "unrecognized permission");
  }
  if (!caller.IsAdminOf(database)) return Denied("you do not have permission on this database");
  if (system_admin) return Status::InvalidArgument("can not create another system admin");
  return Status::Ok();
}

Status EndSessionsAfter(const CallContext& call, const std::string& name, const AuditRecord& act,
                        const std::function<Status(User&)>& change) {
  return call.services->users.Change(name, act, change,
                                     [&] { call.services->sessions.EndAllOf(name); });
}

// Guessing the old password with a stolen token is slowed down like guessing at the login.
Status CheckOldPassword(const CallContext& call, const Caller& caller,
                        const std::string& password) {
  LoginThrottle& throttle = call.services->throttle;
  const std::string address = PeerAddress(call.Peer());
  if (const Status admitted = throttle.Admit(caller.user.name, address); !admitted.ok()) {
    call.services->databases.audit().RecordRepeatable(
        ActOf(call, caller, "throttled password change", caller.user.name));
    return admitted;
  }
  if (PasswordMatches(caller.user.password_hash, password)) return Status::Ok();
  throttle.Failed(caller.user.name, address);
  call.services->databases.audit().RecordRepeatable(
      ActOf(call, caller, "failed password change", caller.user.name, "wrong old password"));
  return Denied("old password is incorrect");
}

void FillUser(const User& user, schema::User& out) {
  out.set_user(user.name);
  for (const GrantedPermission& grant : user.grants) {
    auto& permission = *out.add_permissions();
    permission.set_database(grant.database);
    permission.set_permission(static_cast<uint32_t>(grant.permission));
  }
  out.set_createdby(user.created_by);
  out.set_createdat(user.created_at);
  out.set_active(user.active);
}

}  // namespace

Status CreateUser(CallContext& call, const schema::CreateUserRequest& request, Empty&) {
  const Services& services = *call.services;
  const auto caller = UserManagerOf(call, "please login", InMaintenance::kAllowed);
  IMMUDB_RETURN_IF_ERROR(caller);
  if (request.user().empty()) return Status::InvalidArgument("username can not be empty");
  const auto database = DatabaseOfNewUser(services, request.database(), caller->maintenance);
  IMMUDB_RETURN_IF_ERROR(database);
  IMMUDB_RETURN_IF_ERROR(CheckPermissionOfNewUser(*caller, *database, request.permission()));
  if (services.users.Find(request.user()).ok()) {
    return {StatusCode::kAlreadyExists, "user already exists"};
  }
  IMMUDB_RETURN_IF_ERROR(CheckUserName(request.user()));
  IMMUDB_RETURN_IF_ERROR(CheckNewPassword(request.password()));
  auto hash = HashPassword(request.password());
  IMMUDB_RETURN_IF_ERROR(hash);

  User user;
  user.name = request.user();
  user.password_hash = *std::move(hash);
  user.Grant(*database, static_cast<Permission>(request.permission()));
  user.created_by = caller->user.name;
  user.created_at = CreationTimeText(std::chrono::system_clock::now());
  return services.users.Create(user, ActOf(call, *caller, "create user", user.name,
                                           PermissionOn(request.permission(), *database)));
}

Status ListUsers(CallContext& call, const Empty&, schema::UserList& response) {
  const Services& services = *call.services;
  const auto caller = UserManagerOf(call, "please login", InMaintenance::kAllowed);
  IMMUDB_RETURN_IF_ERROR(caller);
  if (!caller->is_system_admin()) {
    if (call.database == nullptr) {
      return Status::FailedPrecondition("please select a database first");
    }
    if (!caller->IsAdminOf(call.database->name())) {
      FillUser(caller->user, *response.add_users());
      return Status::Ok();
    }
  }
  size_t bytes = 0;
  const size_t limit = LargestAnswerBytes(services.options);
  IMMUDB_RETURN_IF_ERROR(services.users.Visit([&](const User& user) {
    if (!caller->is_system_admin() &&
        user.PermissionIn(call.database->name()) == Permission::kNone) {
      return true;
    }
    FillUser(user, *response.add_users());
    bytes += response.users().rbegin()->ByteSizeLong() + sizeof(uint64_t);
    return bytes <= limit;
  }));
  if (bytes <= limit) return Status::Ok();
  return Status::ResourceExhausted("there are more users than a message can hold");
}

Status ChangePassword(CallContext& call, const schema::ChangePasswordRequest& request, Empty&) {
  const Services& services = *call.services;
  const auto caller = UserManagerOf(call, "please login first", InMaintenance::kRefused);
  IMMUDB_RETURN_IF_ERROR(caller);
  const std::string& name = request.user();
  const bool own = name == caller->user.name;
  if (own || name == kSystemAdminName) {
    IMMUDB_RETURN_IF_ERROR(CheckOldPassword(call, *caller, request.oldpassword()));
  }
  if (!own) {
    if (!caller->user.IsAdminSomewhere()) return Denied(kNoSuchAdmin);
    if (name.empty()) return Status::InvalidArgument("username can not be empty");
    const auto user = services.users.Find(name);
    const bool unknown = user.status().code() == StatusCode::kNotFound;
    if (!unknown) IMMUDB_RETURN_IF_ERROR(user);
    if (unknown || (!caller->is_system_admin() && user->created_by != caller->user.name)) {
      return Status::NotFound("user " + name + " was not found or it was not created by you");
    }
  }
  if (request.newpassword().empty()) return Status::InvalidArgument("password is empty");
  IMMUDB_RETURN_IF_ERROR(CheckNewPassword(request.newpassword()));
  auto hash = HashPassword(request.newpassword());
  IMMUDB_RETURN_IF_ERROR(hash);
  return EndSessionsAfter(call, name, ActOf(call, *caller, "change password", name),
                          [&](User& user) {
                            user.password_hash = *std::move(hash);
                            return Status::Ok();
                          });
}

Status ChangePermission(CallContext& call, const schema::ChangePermissionRequest& request, Empty&) {
  const std::string& database = request.database();
  const std::string& name = request.username();
  const bool grant = request.action() == schema::GRANT;
  if (database == kSystemDatabase) {
    return Status::InvalidArgument("this database can not be assigned");
  }
  const auto caller = UserManagerOf(call, "Please login", InMaintenance::kAllowed);
  IMMUDB_RETURN_IF_ERROR(caller);
  if (name.empty()) return Status::InvalidArgument("username can not be empty");
  if (database.empty()) return Status::InvalidArgument("database can not be empty");
  if (!grant && request.action() != schema::REVOKE) {
    return Status::InvalidArgument("action not recognized");
  }
  if (!MayBeGranted(request.permission())) {
    return Status::InvalidArgument("unrecognized permission");
  }
  if (name == caller->user.name && !caller->maintenance) {
    return Status::InvalidArgument("changing you own permissions is not allowed");
  }
  return EndSessionsAfter(
      call, name,
      ActOf(call, *caller, grant ? "grant permission" : "revoke permission", name,
            PermissionOn(request.permission(), database)),
      [&](User& user) -> Status {
        if (!user.active) {
          return Status::FailedPrecondition("user " + name + " is not active");
        }
        if (!caller->IsAdminOf(database)) {
          return Denied("you do not have permission on this database");
        }
        if (user.is_system_admin()) {
          return Denied("the permissions of the system administrator can not be changed");
        }
        if (!grant) {
          user.Revoke(database);
          return Status::Ok();
        }
        if (call.services->databases.Find(database) == nullptr) return NoSuchDatabase(database);
        user.Grant(database, static_cast<Permission>(request.permission()));
        return Status::Ok();
      });
}

Status SetActiveUser(CallContext& call, const schema::SetActiveUserRequest& request, Empty&) {
  const std::string& name = request.username();
  if (name.empty()) return Status::InvalidArgument("username can not be empty");
  const auto caller = UserManagerOf(call, "please login first", InMaintenance::kAllowed);
  IMMUDB_RETURN_IF_ERROR(caller);
  if (!caller->is_system_admin() && !caller->user.IsAdminSomewhere()) {
    return Denied(kNoSuchAdmin);
  }
  if (name == caller->user.name && !caller->maintenance) {
    return Status::InvalidArgument("changing your own status is not allowed");
  }
  return EndSessionsAfter(
      call, name,
      ActOf(call, *caller, request.active() ? "activate user" : "deactivate user", name),
      [&](User& user) -> Status {
        if (!caller->is_system_admin() && user.created_by != caller->user.name) {
          return Denied(name + " was not created by you");
        }
        user.active = request.active();
        return Status::Ok();
      });
}

}  // namespace immudb::handlers
