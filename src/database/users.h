// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "database/permissions.h"
#include "immudb/status.h"

namespace immudb {

class Database;
class Store;

struct Grant {
  std::string database;  // or kAnyDatabase
  Permission permission = Permission::kNone;
};

// A user as recorded in the system database.
struct User {
  std::string name;
  std::string password_hash;  // as HashPassword() gives it
  std::vector<Grant> grants;
  bool active = true;
  std::string created_by;
  std::string created_at;  // as CreationTimeText() gives it

  bool is_system_admin() const { return name == kSystemAdminName; }
  // In that database: kSystemAdmin for the system administrator, else what was granted.
  Permission PermissionIn(std::string_view database) const;
};

// The time as clients have always seen it: "2020-08-29 10:11:12.123456789 +0000 UTC".
std::string CreationTimeText(std::chrono::system_clock::time_point time);

// The users: JSON records under 0x01 || name in the system database, each change a new version.
// Thread-safe. Errors besides those named: those of the store; kDataLoss for a record that cannot
// be understood.
class Users {
 public:
  // At the first start creates the system administrator with this password.
  // kInvalidArgument if it is needed and empty.
  static Result<std::unique_ptr<Users>> Open(Store& system_database,
                                             std::string_view admin_password);

  // kNotFound if there is none.
  Result<User> Find(std::string_view name) const;

  // The user, if the password is right and the user active; else kPermissionDenied with the text of
  // the contract. Takes the time of one password hash, also for unknown users.
  Result<User> CheckPassword(std::string_view name, std::string_view password) const;

  // Stores a new version of the user. Waits until it is durable.
  Status Put(const User& user);

 private:
  explicit Users(Store& store) : store_(store) {}

  Store& store_;
};

}  // namespace immudb
