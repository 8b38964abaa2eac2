// SPDX-License-Identifier: Apache-2.0
#include "server/access_control.h"

#include <string>

#include "base/status_macros.h"

namespace immudb {
namespace {

Status Unauthenticated(std::string_view text) {
  return {StatusCode::kUnauthenticated, std::string(text)};
}

bool Allows(Access access, Permission permission) {
  const bool admin =
      permission == Permission::kDatabaseAdmin || permission == Permission::kSystemAdmin;
  switch (access) {
    case Access::kOpen:
    case Access::kSession:
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

Status AuthorizeWithoutAuth(const Method& method, const Services& services, CallContext& call) {
  if (!services.options.devmode && !call.PeerIsLocal()) {
    return {StatusCode::kPermissionDenied,
            "server has authentication disabled: only local connections are accepted"};
  }
  if (method.access == Access::kSession) {
    return Status::FailedPrecondition("this command is available only with authentication on");
  }
  call.database = services.databases.default_database().get();
  return Status::Ok();
}

Status AuthorizeDataCall(const Method& method, const CallContext& call) {
  if (call.session == nullptr) return Unauthenticated(method.login_text);
  if (call.database == nullptr) {
    return Status::FailedPrecondition("please select a database first");
  }
  if (!Allows(method.access, call.session->permission)) {
    return {StatusCode::kPermissionDenied, "you do not have permission for this operation"};
  }
  return Status::Ok();
}

}  // namespace

std::string_view TokenOf(std::string_view authorization) {
  static constexpr std::string_view kScheme = "Bearer ";
  if (authorization.starts_with(kScheme)) authorization.remove_prefix(kScheme.size());
  return authorization;
}

bool IsLocalPeer(std::string_view peer) {
  for (const std::string_view local : {"unix:", "ipv4:127.", "ipv6:[::1]", "ipv6:%5B::1%5D",
                                       "ipv6:[::ffff:127.", "ipv6:%5B::ffff:127."}) {
    if (peer.starts_with(local)) return true;
  }
  return false;
}

Status Authorize(const Method& method, const Services& services, CallContext& call) {
  call.services = &services;
  if (!services.options.auth) return AuthorizeWithoutAuth(method, services, call);
  if (call.authorization) call.session = services.sessions.Find(TokenOf(*call.authorization));
  if (call.session != nullptr) call.database = call.session->database.get();
  switch (method.access) {
    case Access::kOpen:
      return Status::Ok();
    case Access::kSession:
      return call.session == nullptr ? Unauthenticated(method.login_text) : Status::Ok();
    default:
      return AuthorizeDataCall(method, call);
  }
}

}  // namespace immudb
