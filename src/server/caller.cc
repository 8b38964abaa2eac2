// SPDX-License-Identifier: Apache-2.0
#include "server/caller.h"

#include <utility>

#include "base/status_macros.h"
#include "database/sessions.h"
#include "server/access_control.h"
#include "server/peer_address.h"
#include "server/server.h"

namespace immudb {

Result<Caller> CallerOf(const CallContext& call, std::string_view login_text,
                        InMaintenance in_maintenance) {
  const Services& services = *call.services;
  if (services.options.maintenance && in_maintenance == InMaintenance::kAllowed) {
    Caller caller;
    caller.user.name = kSystemAdminName;
    caller.maintenance = true;
    return caller;
  }
  if (!services.AuthIsOn()) return NeedsAuthentication();
  if (call.session == nullptr) return Status(StatusCode::kUnauthenticated, std::string(login_text));
  auto user = services.users.Find(call.session->user);
  IMMUDB_RETURN_IF_ERROR(user);
  return Caller{*std::move(user), false};
}

Result<Caller> UserManagerOf(const CallContext& call, std::string_view login_text,
                             InMaintenance in_maintenance) {
  if (call.services->options.local_user_management && !call.PeerIsLocal()) {
    return Status(StatusCode::kPermissionDenied,
                  "users can be managed only from the machine of the server");
  }
  return CallerOf(call, login_text, in_maintenance);
}

AuditRecord ActOf(const CallContext& call, const Caller& caller, std::string_view act,
                  std::string_view target, std::string_view detail) {
  return {.user = caller.maintenance ? "(maintenance mode)" : caller.user.name,
          .peer = PeerAddress(call.Peer()),
          .act = std::string(act),
          .target = std::string(target),
          .detail = std::string(detail)};
}

Result<Caller> CallerNow(const CallContext& call, const Caller& caller) {
  if (caller.maintenance) return caller;
  auto now = call.services->users.Find(caller.user.name);
  IMMUDB_RETURN_IF_ERROR(now);
  if (!now->active || now->password_hash != caller.user.password_hash) {
    return Status(StatusCode::kUnauthenticated, "please login first");
  }
  return Caller{*std::move(now), false};
}

std::string NewToken(const Services& services, const User& user, std::shared_ptr<Database> database,
                     uint64_t login) {
  Session session;
  session.user = user.name;
  if (database != nullptr) session.permission = user.PermissionIn(database->name());
  session.database = std::move(database);
  session.login = login;
  return services.sessions.Issue(std::move(session));
}

}  // namespace immudb
