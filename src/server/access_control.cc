// SPDX-License-Identifier: Apache-2.0
#include "server/access_control.h"

#include <string>

#include "base/status_macros.h"
#include "database/database.h"
#include "database/databases.h"
#include "database/permissions.h"
#include "database/sessions.h"
#include "server/server.h"

namespace immudb {
namespace {

bool Allows(Access access, Permission permission) {
  const bool admin =
      permission == Permission::kDatabaseAdmin || permission == Permission::kSystemAdmin;
  switch (access) {
    case Access::kOpen:
      return true;
    case Access::kRead:
      return admin || permission == Permission::kReadWrite || permission == Permission::kRead;
    case Access::kWrite:
      return admin || permission == Permission::kReadWrite;
    case Access::kDatabaseAdmin:
      return admin;
    case Access::kSystemAdmin:
      return permission == Permission::kSystemAdmin;
  }
  return false;
}

Status AuthorizeDataCall(const Method& method, const Services& services, CallContext& call) {
  if (services.options.maintenance) {
    if (call.database != nullptr) return Status::Ok();  // UseDatabase gives the right to everything
    return Status::FailedPrecondition("please select database first");
  }
  if (!services.options.auth) {
    call.database = services.databases.default_database().get();
    return Status::Ok();
  }
  if (call.session == nullptr) return {StatusCode::kUnauthenticated, "please login first"};
  if (call.database == nullptr) {
    return Status::FailedPrecondition("please select a database first");
  }
  if (!Allows(method.access, call.session->permission)) {
    return {StatusCode::kPermissionDenied, "you do not have permission for this operation"};
  }
  return Status::Ok();
}

// What was tampered with is shown to nobody but those who have to look into it.
Status RefuseTampered(const Method& method, const CallContext& call) {
  if (call.database == nullptr || !call.database->tampered()) return Status::Ok();
  const bool operates =
      call.services->options.maintenance ||
      (call.session != nullptr && call.session->permission == Permission::kSystemAdmin);
  if (operates && method.access != Access::kWrite) return Status::Ok();
  return Status::DataLoss(kTamperedText);
}

}  // namespace

Status NeedsAuthentication() {
  return Status::FailedPrecondition("this command is available only with authentication on");
}

std::string_view TokenOf(std::string_view authorization) {
  static constexpr std::string_view kScheme = "Bearer ";
  if (authorization.starts_with(kScheme)) authorization.remove_prefix(kScheme.size());
  return authorization;
}

Status Authorize(const Method& method, const Services& services, CallContext& call) {
  call.services = &services;
  // devmode lets strangers at the data, not at users and other databases as maintenance does.
  const bool strangers = services.options.devmode && !services.options.maintenance;
  if (!services.AuthIsOn() && !strangers && !call.PeerIsLocal()) {
    return {StatusCode::kPermissionDenied,
            "server has authentication disabled: only local connections are accepted"};
  }
  if (call.authorization) call.session = services.sessions.Find(TokenOf(*call.authorization));
  if (call.session != nullptr) call.database = call.session->database.get();
  if (method.access == Access::kOpen) return Status::Ok();
  IMMUDB_RETURN_IF_ERROR(AuthorizeDataCall(method, services, call));
  return RefuseTampered(method, call);
}

}  // namespace immudb
