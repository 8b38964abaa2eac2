// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
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
constexpr char kNotAdminHere[] = "you do not have permission on this database";

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

Status NotFoundOrNotCreatedBy(const std::string& name) {
  return Status::NotFound("user " + name + " was not found or it was not created by you");
}

// The name of the database that a new user is for. Who does not administer it does not learn here
// whether there is one of this name.
Result<std::string> DatabaseOfNewUser(const Services& services, const Caller& caller,
                                      const std::string& requested) {
  if (requested.empty() && !caller.maintenance && services.databases.multiple()) {
    return Status::InvalidArgument(
        "database name can not be empty when there are multiple databases");
  }
  const std::string& name =
      requested.empty() ? services.databases.default_database()->name() : requested;
  if (caller.IsAdminOf(name) && services.databases.Find(name) == nullptr) {
    return NoSuchDatabase(name);
  }
  return name;
}

Status CheckPermissionOfNewUser(const Caller& caller, const std::string& database,
                                uint32_t permission) {
  const bool system_admin = permission == static_cast<uint32_t>(Permission::kSystemAdmin);
  if (!MayBeGranted(permission) && !system_admin) {
    return Status::InvalidArgument(caller.maintenance ? "unknown permission"
                                                      : "unrecognized permission");
  }
  if (!caller.IsAdminOf(database)) return Denied(kNotAdminHere);
  if (system_admin) return Status::InvalidArgument("can not create another system admin");
  return Status::Ok();
}

// A database administrator manages the account of a user whom it created, as long as it administers
// every database that the user has: else it could log in as that user and reach the others.
// `not_created` is the answer for others.
Status CheckManages(const Caller& caller, const User& user, Status not_created) {
  if (caller.is_system_admin()) return Status::Ok();
  if (!caller.user.IsAdminSomewhere()) return Denied(kNoSuchAdmin);
  if (user.created_by != caller.user.name) return not_created;
  for (const GrantedPermission& grant : user.grants) {
    if (caller.IsAdminOf(grant.database)) continue;
    return Denied("user " + user.name +
                  " has permissions on databases that you do not administer: only the system "
                  "administrator may do this");
  }
  return Status::Ok();
}

// Users::Change with the rights that the caller has at that moment.
Status ChangeUser(const CallContext& call, const Caller& caller, const std::string& name,
                  const AuditRecord& act,
                  const std::function<Status(const Caller& caller, User& user)>& change,
                  const std::function<void()>& changed) {
  return call.services->users.Change(
      name, act,
      [&](User& user) -> Status {
        const auto now = CallerNow(call, caller);
        IMMUDB_RETURN_IF_ERROR(now);
        return change(*now, user);
      },
      changed);
}

// Guessing the old password with a stolen token is slowed down like guessing at the login.
Status CheckOldPassword(const CallContext& call, const Caller& caller,
                        const std::string& password) {
  LoginThrottle& throttle = call.services->throttle;
  const std::string& name = caller.user.name;
  const std::string address = AddressForLimits(call.Peer());
  if (const Status admitted = throttle.Admit(name, address); !admitted.ok()) {
    call.services->databases.audit().RecordRepeatable(
        ActOf(call, caller, "throttled password change", name));
    return admitted;
  }
  if (MayBeCredentials(name, password)) {
    const auto matches =
        call.services->users.passwords().Matches(caller.user.password_hash, password);
    IMMUDB_RETURN_IF_ERROR(matches);
    if (*matches) return Status::Ok();
  }
  throttle.Failed(name, address);
  call.services->databases.audit().RecordRepeatable(
      ActOf(call, caller, "failed password change", name, "wrong old password"));
  return Denied("old password is incorrect");
}

// With the permissions that `may_see` allows.
template <typename MaySee>
void FillUser(const User& user, const MaySee& may_see, schema::User& out) {
  out.set_user(user.name);
  for (const GrantedPermission& grant : user.grants) {
    if (!may_see(grant)) continue;
    auto& permission = *out.add_permissions();
    permission.set_database(grant.database);
    permission.set_permission(static_cast<uint32_t>(grant.permission));
  }
  out.set_createdby(user.created_by);
  out.set_createdat(user.created_at);
  out.set_active(user.active);
}

// Looks nobody up: the thread of the network asks.
Result<LoginTicket> TicketOfManager(const CallContext& call, std::string_view login_text,
                                    InMaintenance in_maintenance) {
  const std::string address = AddressForLimits(call.Peer());
  if (call.session != nullptr) return LoginTicket{call.session->user, address, /*known=*/true};
  const auto caller = UserManagerOf(call, login_text, in_maintenance);
  IMMUDB_RETURN_IF_ERROR(caller);
  return LoginTicket{caller->user.name, address, /*known=*/true};
}

}  // namespace

Result<LoginTicket> TicketOfCreateUser(const CallContext& call, const google::protobuf::Message&) {
  return TicketOfManager(call, "please login", InMaintenance::kAllowed);
}

Result<LoginTicket> TicketOfChangePassword(const CallContext& call,
                                           const google::protobuf::Message&) {
  return TicketOfManager(call, "please login first", InMaintenance::kRefused);
}

Status CreateUser(CallContext& call, const schema::CreateUserRequest& request, Empty&) {
  const Services& services = *call.services;
  const auto caller = UserManagerOf(call, "please login", InMaintenance::kAllowed);
  IMMUDB_RETURN_IF_ERROR(caller);
  if (request.user().empty()) return Status::InvalidArgument("username can not be empty");
  const auto database = DatabaseOfNewUser(services, *caller, request.database());
  IMMUDB_RETURN_IF_ERROR(database);
  IMMUDB_RETURN_IF_ERROR(CheckPermissionOfNewUser(*caller, *database, request.permission()));
  if (services.users.Find(request.user()).ok()) {
    return {StatusCode::kAlreadyExists, "user already exists"};
  }
  IMMUDB_RETURN_IF_ERROR(CheckUserName(request.user()));
  IMMUDB_RETURN_IF_ERROR(CheckNewPassword(request.password()));
  auto hash = services.users.passwords().Hash(request.password());
  IMMUDB_RETURN_IF_ERROR(hash);
  // Hashing took its time.
  const auto now = CallerNow(call, *caller);
  IMMUDB_RETURN_IF_ERROR(now);
  if (!now->IsAdminOf(*database)) return Denied(kNotAdminHere);

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
  const auto all = [](const GrantedPermission&) { return true; };
  if (!caller->is_system_admin()) {
    if (call.database == nullptr) {
      return Status::FailedPrecondition("please select a database first");
    }
    if (!caller->IsAdminOf(call.database->name())) {
      FillUser(caller->user, all, *response.add_users());
      return Status::Ok();
    }
  }
  // A database administrator sees who works in the selected database, and what concerns the
  // databases that it administers.
  const auto own = [&](const GrantedPermission& grant) {
    return caller->IsAdminOf(grant.database);
  };
  const auto shown = [&](const User& user) {
    return caller->is_system_admin() ||
           (!user.is_system_admin() &&
            user.PermissionIn(call.database->name()) != Permission::kNone);
  };
  size_t bytes = 0;
  const size_t limit = LargestAnswerBytes(services.options);
  IMMUDB_RETURN_IF_ERROR(services.users.Visit([&](const User& user) {
    if (!shown(user)) return true;
    schema::User& added = *response.add_users();
    if (user.name == caller->user.name) {
      FillUser(user, all, added);
    } else {
      FillUser(user, own, added);
    }
    bytes += added.ByteSizeLong() + sizeof(uint64_t);
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
  const auto check = [&](const Caller& who, const User& user) {
    return own ? Status::Ok() : CheckManages(who, user, NotFoundOrNotCreatedBy(name));
  };
  if (!own) {
    if (!caller->user.IsAdminSomewhere()) return Denied(kNoSuchAdmin);
    if (name.empty()) return Status::InvalidArgument("username can not be empty");
    const auto user = services.users.Find(name);
    if (user.status().code() == StatusCode::kNotFound) return NotFoundOrNotCreatedBy(name);
    IMMUDB_RETURN_IF_ERROR(user);
    IMMUDB_RETURN_IF_ERROR(check(*caller, *user));
  }
  if (request.newpassword().empty()) return Status::InvalidArgument("password is empty");
  IMMUDB_RETURN_IF_ERROR(CheckNewPassword(request.newpassword()));
  auto hash = services.users.passwords().Hash(request.newpassword());
  IMMUDB_RETURN_IF_ERROR(hash);
  return ChangeUser(
      call, *caller, name, ActOf(call, *caller, "change password", name),
      [&](const Caller& who, User& user) -> Status {
        IMMUDB_RETURN_IF_ERROR(check(who, user));
        user.password_hash = *std::move(hash);
        return Status::Ok();
      },
      [&] { services.sessions.EndAllOf(name); });
}

Status ChangePermission(CallContext& call, const schema::ChangePermissionRequest& request, Empty&) {
  const Services& services = *call.services;
  const std::string& database = request.database();
  const std::string& name = request.username();
  const auto permission = static_cast<Permission>(request.permission());
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
  // Before anything of the user is looked at.
  if (!caller->IsAdminOf(database)) return Denied(kNotAdminHere);
  const std::string what = PermissionOn(request.permission(), database);
  const Status not_granted =
      Status::NotFound("user " + name + " does not have the permission " + what);
  const Status done = ChangeUser(
      call, *caller, name,
      ActOf(call, *caller, grant ? "grant permission" : "revoke permission", name, what),
      [&](const Caller& who, User& user) -> Status {
        if (!who.IsAdminOf(database)) return Denied(kNotAdminHere);
        if (user.is_system_admin()) {
          return Denied("the permissions of the system administrator can not be changed");
        }
        if (!grant && user.PermissionIn(database) != permission) return not_granted;
        if (!user.active) return Status::FailedPrecondition("user " + name + " is not active");
        if (!grant) {
          user.Revoke(database);
          return Status::Ok();
        }
        if (services.databases.Find(database) == nullptr) return NoSuchDatabase(database);
        user.Grant(database, permission);
        return Status::Ok();
      },
      [&] { services.sessions.EndOn(name, database); });
  // Else a database administrator could ask for names without leaving a trace.
  const bool unknown = done.code() == StatusCode::kNotFound;
  return unknown && !grant && !caller->is_system_admin() ? not_granted : done;
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
  const Status not_created = Denied(name + " was not created by you");
  const Status done = ChangeUser(
      call, *caller, name,
      ActOf(call, *caller, request.active() ? "activate user" : "deactivate user", name),
      [&](const Caller& who, User& user) -> Status {
        IMMUDB_RETURN_IF_ERROR(CheckManages(who, user, not_created));
        user.active = request.active();
        return Status::Ok();
      },
      [&] { call.services->sessions.EndAllOf(name); });
  const bool unknown = done.code() == StatusCode::kNotFound;
  return unknown && !caller->is_system_admin() ? not_created : done;
}

}  // namespace immudb::handlers
