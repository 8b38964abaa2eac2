// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "base/status_macros.h"
#include "database/database_name.h"
#include "server/handlers.h"

namespace immudb::handlers {
namespace {

constexpr char kDefaultPasswordWarning[] =
    "immudb user has the default password: please change it to ensure proper security";

Status Unauthenticated(const char* text) {
  return {StatusCode::kUnauthenticated, text};
}

// Reads the newest entry, its log record and its leaf.
bool CanRead(Database& database) {
  const Snapshot snapshot = database.store().Latest();
  return snapshot.size().empty() || snapshot.GetByIndex(snapshot.size().Last()).ok();
}

// The database may be null: then the token selects none.
std::string IssueToken(const Services& services, const User& user,
                       std::shared_ptr<Database> database) {
  Session session;
  session.user = user.name;
  if (database != nullptr) session.permission = user.PermissionIn(database->name());
  session.database = std::move(database);
  return services.sessions.Issue(std::move(session));
}

}  // namespace

Status Health(CallContext& call, const Empty&, schema::HealthResponse& response) {
  const Services& services = *call.services;
  response.set_status(
      CanRead(call.database != nullptr ? *call.database : *services.databases.default_database()));
  response.set_version(services.options.version_text);
  return Status::Ok();
}

Status Login(CallContext& call, const schema::LoginRequest& request,
             schema::LoginResponse& response) {
  const Services& services = *call.services;
  if (!services.options.auth) {
    return Status::FailedPrecondition(
        "server is running with authentication disabled, please enable authentication to login "
        "(authentication is disabled on server)");
  }
  const auto user = services.users.CheckPassword(request.user(), request.password());
  IMMUDB_RETURN_IF_ERROR(user);
  const bool choose = services.databases.multiple();
  response.set_token(
      IssueToken(services, *user, choose ? nullptr : services.databases.default_database()));
  if (user->is_system_admin() && request.password() == kDefaultAdminPassword) {
    response.set_warning(kDefaultPasswordWarning);
  }
  return Status::Ok();
}

Status Logout(CallContext& call, const Empty&, Empty&) {
  if (!call.has_metadata) return Status::Internal("no headers found on request");
  if (!call.authorization) return Unauthenticated("no Authorization header found on request");
  if (call.session == nullptr) return Unauthenticated("invalid token");
  call.services->sessions.EndAllOf(call.session->user);
  return Status::Ok();
}

Status UseDatabase(CallContext& call, const schema::Database& request,
                   schema::UseDatabaseReply& response) {
  const Services& services = *call.services;
  const std::string& name = request.databasename();
  if (name == kSystemDatabase) {
    return Status::InvalidArgument("this database can not be selected");
  }
  const auto user = services.users.Find(call.session->user);
  IMMUDB_RETURN_IF_ERROR(user);
  if (user->PermissionIn(name) == Permission::kNone) {
    return {StatusCode::kPermissionDenied,
            "Logged in user does not have permission on this database"};
  }
  auto database = services.databases.Find(name);
  if (database == nullptr) return Status::NotFound(name + " does not exist");
  response.set_token(IssueToken(services, *user, std::move(database)));
  return Status::Ok();
}

}  // namespace immudb::handlers
