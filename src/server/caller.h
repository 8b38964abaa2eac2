// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "database/audit_trail.h"
#include "database/database.h"
#include "database/permissions.h"
#include "database/users.h"
#include "immudb/status.h"
#include "server/call_context.h"

namespace immudb {

// Who makes a call of user or database management.
struct Caller {
  User user;  // in maintenance mode that of nobody, acting as the system administrator
  bool maintenance = false;

  bool is_system_admin() const { return maintenance || user.is_system_admin(); }
  bool IsAdminOf(std::string_view database) const {
    return is_system_admin() || user.PermissionIn(database) == Permission::kDatabaseAdmin;
  }
};

enum class InMaintenance : bool { kRefused, kAllowed };

// The caller, if it is logged in: else kUnauthenticated with this text, or kFailedPrecondition
// without authentication. In maintenance mode nobody is logged in.
Result<Caller> CallerOf(const CallContext& call, std::string_view login_text,
                        InMaintenance in_maintenance);

// As CallerOf, for the calls that manage users, which may be restricted to this machine.
Result<Caller> UserManagerOf(const CallContext& call, std::string_view login_text,
                             InMaintenance in_maintenance);

// The audit record of what the caller does.
AuditRecord ActOf(const CallContext& call, const Caller& caller, std::string_view act,
                  std::string_view target, std::string_view detail = {});

// The caller as it is recorded now, while it changes a user (see Users::Change): its rights may
// have been changed since the call began. kUnauthenticated if its sessions were ended meanwhile.
Result<Caller> CallerNow(const CallContext& call, const Caller& caller);

// A token for this user and database, which may be null: then it selects none. `login` is that of
// the token it was asked for with; 0: a new login. To be called from Users::WhileCurrent, so that
// no token outlives the permission it was given for.
std::string NewToken(const Services& services, const User& user, std::shared_ptr<Database> database,
                     uint64_t login);

}  // namespace immudb
