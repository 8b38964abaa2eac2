// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <string_view>
#include <utility>

#include "base/status_macros.h"
#include "database/audit_trail.h"
#include "database/database.h"
#include "database/databases.h"
#include "database/login_throttle.h"
#include "database/permissions.h"
#include "database/sessions.h"
#include "database/user_rules.h"
#include "database/users.h"
#include "immudb/status.h"
#include "immudb/store.h"
#include "immudb/types.h"
#include "server/call_context.h"
#include "server/caller.h"
#include "server/handlers.h"
#include "server/message_limits.h"
#include "server/peer_address.h"
#include "server/server.h"

namespace immudb::handlers {
namespace {

constexpr char kDefaultPasswordWarning[] =
    "immudb user has the default password: please change it to ensure proper security";

Status Unauthenticated(const char* text) {
  return {StatusCode::kUnauthenticated, text};
}

// Passwords that were typed into the wrong field do not look like names.
std::string NameForAudit(const std::string& name) {
  return CheckUserName(name).ok() ? name : "(not a user name)";
}

// Is it worth a password hash? What is too long for any user is refused with the text of all wrong
// logins; it is counted, but neither kept nor recorded.
Status AdmitLogin(const CallContext& call, const schema::LoginRequest& request) {
  const Services& services = *call.services;
  if (!services.AuthIsOn()) {
    return Status::FailedPrecondition(
        "server is running with authentication disabled, please enable authentication to login "
        "(authentication is disabled on server)");
  }
  const std::string address = AddressForLimits(call.Peer());
  const bool possible = MayBeCredentials(request.user(), request.password());
  const std::string_view name = possible ? std::string_view(request.user()) : std::string_view();
  if (const Status admitted = services.throttle.Admit(name, address); !admitted.ok()) {
    services.databases.audit().RecordRepeatable({.peer = PeerAddress(call.Peer()),
                                                 .act = "throttled login",
                                                 .target = NameForAudit(request.user())});
    return admitted;
  }
  if (possible) return Status::Ok();
  services.throttle.Failed(name, address);
  return {StatusCode::kPermissionDenied, "invalid user name or password"};
}

}  // namespace

// Anybody may ask: on the poller it tells what is remembered.
Status Health(CallContext& call, const Empty&, schema::HealthResponse& response) {
  const Services& services = *call.services;
  Database& database =
      call.database != nullptr ? *call.database : *services.databases.default_database();
  const auto remembered = services.health.RememberedRead(database);
  if (!remembered && call.at_once) return call.WouldWait();
  response.set_status(remembered ? *remembered : services.health.NewestEntryCanBeRead(database));
  response.set_version(services.options.version_text);
  call.AddAnswerHeader(kLargestAnswerHeader, std::to_string(LargestAnswerBytes(services.options)));
  return Status::Ok();
}

Status Login(CallContext& call, const schema::LoginRequest& request,
             schema::LoginResponse& response) {
  const Services& services = *call.services;
  IMMUDB_RETURN_IF_ERROR(AdmitLogin(call, request));
  const std::string address = AddressForLimits(call.Peer());
  const auto user = services.users.CheckPassword(request.user(), request.password());
  if (user.ok() && user->active) {
    services.throttle.Succeeded(request.user(), address);
    if (user->is_system_admin() && request.password() == kDefaultAdminPassword) {
      response.set_warning(kDefaultPasswordWarning);
    }
    auto database = services.databases.multiple() ? nullptr : services.databases.default_database();
    IMMUDB_RETURN_IF_ERROR(services.users.WhileCurrent(*user, [&](const User& current) {
      response.set_token(NewToken(services, current, std::move(database), /*login=*/0));
      return Status::Ok();
    }));
    if (user->IsAdminSomewhere()) {
      services.databases.audit().RecordRepeatable(
          {.user = user->name, .peer = PeerAddress(call.Peer()), .act = "login"});
    }
    return Status::Ok();
  }
  const Status refused =
      user.ok() ? Status(StatusCode::kPermissionDenied, "user is not active") : user.status();
  if (refused.code() == StatusCode::kPermissionDenied) {
    services.throttle.Failed(request.user(), address);
    services.databases.audit().RecordRepeatable({.peer = PeerAddress(call.Peer()),
                                                 .act = "failed login",
                                                 .target = NameForAudit(request.user()),
                                                 .detail = refused.message()});
  }
  return refused;
}

Result<LoginTicket> TicketOfLogin(const CallContext& call,
                                  const google::protobuf::Message& request) {
  const auto& login = static_cast<const schema::LoginRequest&>(request);
  IMMUDB_RETURN_IF_ERROR(AdmitLogin(call, login));
  std::string address = AddressForLimits(call.Peer());
  const bool known = call.services->throttle.Knows(login.user(), address);
  return LoginTicket{login.user(), std::move(address), known};
}

Status Logout(CallContext& call, const Empty&, Empty&) {
  if (!call.has_metadata) return Status::Internal("no headers found on request");
  if (!call.authorization) return Unauthenticated("no Authorization header found on request");
  if (call.session == nullptr) return Unauthenticated("invalid token");
  call.services->sessions.EndAllOf(call.session->user);
  return Status::Ok();
}

}  // namespace immudb::handlers
