// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <string>
#include <utility>

#include "base/status_macros.h"
#include "database/database.h"
#include "database/database_name.h"
#include "database/databases.h"
#include "database/permissions.h"
#include "database/users.h"
#include "immudb/status.h"
#include "server/call_context.h"
#include "server/caller.h"
#include "server/handlers.h"

namespace immudb::handlers {
namespace {

Status NotPermittedHere() {
  return {StatusCode::kPermissionDenied,
          "Logged in user does not have permission on this database"};
}

}  // namespace

Status CreateDatabase(CallContext& call, const schema::Database& request, Empty&) {
  const auto caller = CallerOf(call, "could not get loggedin user data", InMaintenance::kRefused);
  IMMUDB_RETURN_IF_ERROR(caller);
  if (!caller->is_system_admin()) {
    return {StatusCode::kPermissionDenied,
            "Logged In user does not have permissions for this operation"};
  }
  const std::string name = LowerCased(request.databasename());
  return call.services->databases.Create(name, ActOf(call, *caller, "create database", name));
}

Status UseDatabase(CallContext& call, const schema::Database& request,
                   schema::UseDatabaseReply& response) {
  const Services& services = *call.services;
  const auto caller = CallerOf(call, "Please login", InMaintenance::kAllowed);
  IMMUDB_RETURN_IF_ERROR(caller);
  const std::string& name = request.databasename();
  if (name == kSystemDatabase) {
    return Status::InvalidArgument("this database can not be selected");
  }
  if (!caller->is_system_admin() && caller->user.PermissionIn(name) == Permission::kNone) {
    return NotPermittedHere();
  }
  auto database = services.databases.Find(name);
  if (database == nullptr) return Status::NotFound(name + " does not exist");
  const uint64_t login = call.session != nullptr ? call.session->login : 0;
  const auto issue = [&](const User& user) {
    response.set_token(NewToken(services, user, std::move(database), login));
    return Status::Ok();
  };
  if (caller->maintenance) return issue(caller->user);
  return services.users.WhileCurrent(caller->user, [&](const User& user) {
    return user.PermissionIn(name) == Permission::kNone ? NotPermittedHere() : issue(user);
  });
}

Status DatabaseList(CallContext& call, const Empty&, schema::DatabaseListResponse& response) {
  const auto caller = CallerOf(call, "please login", InMaintenance::kRefused);
  IMMUDB_RETURN_IF_ERROR(caller);
  if (caller->is_system_admin()) {
    for (std::string& name : call.services->databases.Names()) {
      response.add_databases()->set_databasename(std::move(name));
    }
    return Status::Ok();
  }
  for (const GrantedPermission& grant : caller->user.grants) {
    response.add_databases()->set_databasename(grant.database);
  }
  return Status::Ok();
}

}  // namespace immudb::handlers
