// SPDX-License-Identifier: Apache-2.0
#include "server/denied_acts.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "database/audit_trail.h"
#include "database/sessions.h"
#include "server/exception_barrier.h"
#include "server/peer_address.h"

namespace immudb {
namespace {

// Of the methods that apply the rules of the contract themselves.
constexpr std::string_view kAdministrative[] = {
    "CreateUser",    "ListUsers",      "ChangePassword", "ChangePermission",
    "SetActiveUser", "CreateDatabase", "ClearTamper",
};

bool IsAdministrative(const Method& method) {
  if (method.access == Access::kDatabaseAdmin || method.access == Access::kSystemAdmin) return true;
  return std::ranges::find(kAdministrative, method.name) != std::end(kAdministrative);
}

bool IsDenial(const Status& status) {
  return status.code() == StatusCode::kPermissionDenied ||
         status.code() == StatusCode::kUnauthenticated;
}

}  // namespace

void DeniedActs::OnEnd(const Method& method, const CallContext& call, const Status& status,
                       std::chrono::nanoseconds) {
  if (!IsDenial(status) || !IsAdministrative(method)) return;
  // Without memory there is no record, but the call ends.
  const Status recorded = RunGuarded([&] {
    trail_.RecordRepeatable({.user = call.session == nullptr ? std::string() : call.session->user,
                             .peer = PeerAddress(call.Peer()),
                             .act = "denied",
                             .target = std::string(method.name),
                             .detail = status.message()});
    return Status::Ok();
  });
  static_cast<void>(recorded);
}

}  // namespace immudb
