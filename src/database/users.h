// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "database/password.h"
#include "database/permissions.h"
#include "immudb/status.h"
#include "immudb/types.h"

namespace immudb {

class AuditTrail;
class Store;
struct AuditRecord;

struct GrantedPermission {
  std::string database;  // or kAnyDatabase
  Permission permission = Permission::kNone;
};

// A user as recorded in the system database.
struct User {
  std::string name;
  std::string password_hash;  // as PasswordHasher::Hash() gives it
  std::vector<GrantedPermission> grants;
  bool active = true;
  std::string created_by;
  std::string created_at;  // as CreationTimeText() gives it
  LeafIndex version;       // the entry that holds this record

  bool is_system_admin() const { return name == kSystemAdminName; }
  // In that database: kSystemAdmin for the system administrator, else what was granted.
  Permission PermissionIn(std::string_view database) const;
  // The system administrator, or one of some database.
  bool IsAdminSomewhere() const;
  void Grant(std::string_view database, Permission permission);  // replaces what was granted there
  void Revoke(std::string_view database);
};

// The time as clients have always seen it: "2020-08-29 10:11:12.123456789 +0000 UTC".
std::string CreationTimeText(std::chrono::system_clock::time_point time);

// The users: JSON records in the system database, each change a new version, stored together with
// the audit record of the act. Thread-safe. Errors besides those named: those of the store;
// kDataLoss for a record that cannot be understood.
class Users {
 public:
  // Is there a record of the system administrator?
  static Result<bool> HasAdministrator(const Store& system_database);

  // At the first start creates the system administrator with this password.
  // kInvalidArgument if it is needed and empty. `system_database` and `trail` outlive the users.
  static Result<std::unique_ptr<Users>> Open(
      Store& system_database, AuditTrail& trail, std::string_view admin_password,
      std::unique_ptr<PasswordHasher> passwords = std::make_unique<PasswordHasher>());

  // kNotFound "user <name> not found".
  Result<User> Find(std::string_view name) const;

  // All, by name. Return false to stop.
  Status Visit(const std::function<bool(const User&)>& visit) const;

  // The user, if the password is right; else kPermissionDenied "invalid user name or password".
  // Takes the time of one password hash, also for unknown users. kResourceExhausted if there was no
  // memory for that: then nothing is known of the password.
  Result<User> CheckPassword(std::string_view name, std::string_view password) const;

  PasswordHasher& passwords() const { return *passwords_; }

  // kAlreadyExists "user already exists". Waits until it is durable, as Change does.
  Status Create(const User& user, const AuditRecord& act);

  // Has `change` alter the recorded user (an error ends it there), stores the result, and calls
  // `changed` before anybody can act on the old record (see WhileCurrent). If the record is what it
  // was, nothing is stored and `changed` is not called.
  Status Change(std::string_view name, const AuditRecord& act,
                const std::function<Status(User&)>& change, const std::function<void()>& changed);

  // Calls `use` with the recorded user while no user can be changed, and gives its result. For
  // giving out sessions: a change ends those that were given before it. kUnauthenticated if the
  // password is another than that of `user`, or if the user is not active any more.
  Status WhileCurrent(const User& user, const std::function<Status(const User&)>& use) const;

 private:
  Users(Store& store, AuditTrail& trail, std::unique_ptr<PasswordHasher> passwords)
      : store_(store), trail_(trail), passwords_(std::move(passwords)) {}

  Status Put(const User& user, const AuditRecord& act);

  Store& store_;
  AuditTrail& trail_;
  const std::unique_ptr<PasswordHasher> passwords_;
  mutable std::shared_mutex change_mutex_;  // exclusive: changing; held until that is durable
};

}  // namespace immudb
