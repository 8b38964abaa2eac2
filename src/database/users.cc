// SPDX-License-Identifier: Apache-2.0
#include "database/users.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/status_macros.h"
#include "database/audit_trail.h"
#include "database/password.h"
#include "database/system_records.h"
#include "database/user_rules.h"
#include "immudb/store.h"

namespace immudb {
namespace {

using nlohmann::json;

constexpr size_t kPieceUsers = 256;

std::string RecordKey(std::string_view name) {
  return std::string(1, kUserRecord).append(name);
}

std::string ToRecord(const User& user) {
  json grants = json::array();
  for (const GrantedPermission& grant : user.grants) {
    grants.push_back(
        {{"permission", static_cast<uint32_t>(grant.permission)}, {"database", grant.database}});
  }
  return json{{"username", user.name},        {"hashedpassword", user.password_hash},
              {"permissions", grants},        {"active", user.active},
              {"createdBy", user.created_by}, {"createdat", user.created_at}}
      .dump();
}

Result<User> FromRecord(const Entry& record) {
  try {
    const json object = json::parse(record.value);
    User user;
    user.version = record.index;
    user.name = object.at("username").get<std::string>();
    user.password_hash = object.at("hashedpassword").get<std::string>();
    for (const json& grant : object.at("permissions")) {
      user.grants.push_back({grant.at("database").get<std::string>(),
                             static_cast<Permission>(grant.at("permission").get<uint32_t>())});
    }
    user.active = object.at("active").get<bool>();
    user.created_by = object.at("createdBy").get<std::string>();
    user.created_at = object.at("createdat").get<std::string>();
    if (RecordKey(user.name) == record.key) return user;
  } catch (const json::exception&) {  // its text may quote the record, which holds a password hash
  }
  return Status::DataLoss("the record of a user in the system database cannot be understood");
}

Status WrongNameOrPassword() {
  return {StatusCode::kPermissionDenied, "invalid user name or password"};
}

Status CreateSystemAdmin(Users& users, std::string_view password) {
  if (password.empty()) return Status::InvalidArgument("admin-password: must not be empty");
  if (password.size() > kMaxGivenPasswordBytes) {
    return Status::InvalidArgument("admin-password: must not be longer than " +
                                   std::to_string(kMaxGivenPasswordBytes) + " bytes");
  }
  auto hash = users.passwords().Hash(password);
  IMMUDB_RETURN_IF_ERROR(hash);
  const std::string name(kSystemAdminName);
  User admin;
  admin.name = name;
  admin.password_hash = *std::move(hash);
  admin.Grant(kAnyDatabase, Permission::kSystemAdmin);
  admin.created_by = name;
  admin.created_at = CreationTimeText(std::chrono::system_clock::now());
  IMMUDB_RETURN_IF_ERROR(users.Create(
      admin, {.act = "create user", .target = name, .detail = "the system administrator"}));
  spdlog::info("created the system administrator {}", name);
  if (password == kDefaultAdminPassword) {
    spdlog::warn("user {} has the default password: change it", name);
  }
  return Status::Ok();
}

}  // namespace

Permission User::PermissionIn(std::string_view database) const {
  if (is_system_admin()) return Permission::kSystemAdmin;
  for (const GrantedPermission& grant : grants) {
    if (grant.database == database) return grant.permission;
  }
  return Permission::kNone;
}

bool User::IsAdminSomewhere() const {
  return is_system_admin() || std::any_of(grants.begin(), grants.end(), [](const auto& grant) {
           return grant.permission == Permission::kDatabaseAdmin;
         });
}

void User::Grant(std::string_view database, Permission permission) {
  for (GrantedPermission& grant : grants) {
    if (grant.database == database) {
      grant.permission = permission;
      return;
    }
  }
  grants.push_back({std::string(database), permission});
}

void User::Revoke(std::string_view database) {
  std::erase_if(grants, [database](const auto& grant) { return grant.database == database; });
}

std::string CreationTimeText(std::chrono::system_clock::time_point time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  const auto nanoseconds =
      std::chrono::duration_cast<std::chrono::nanoseconds>(time - seconds).count();
  return fmt::format("{:%Y-%m-%d %H:%M:%S}.{:09} +0000 UTC",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(seconds)), nanoseconds);
}

Result<bool> Users::HasAdministrator(const Store& system_database) {
  const auto found = system_database.Latest().Get(RecordKey(kSystemAdminName));
  if (found.status().code() == StatusCode::kNotFound) return false;
  IMMUDB_RETURN_IF_ERROR(found);
  return true;
}

Result<std::unique_ptr<Users>> Users::Open(Store& system_database, AuditTrail& trail,
                                           std::string_view admin_password,
                                           std::unique_ptr<PasswordHasher> passwords) {
  std::unique_ptr<Users> users(new Users(system_database, trail, std::move(passwords)));
  const auto admin = users->Find(kSystemAdminName);
  if (admin.ok()) return users;
  if (admin.status().code() != StatusCode::kNotFound) return admin.status();
  IMMUDB_RETURN_IF_ERROR(CreateSystemAdmin(*users, admin_password));
  return users;
}

Result<User> Users::Find(std::string_view name) const {
  const auto entry = store_.Latest().Get(RecordKey(name));
  if (entry.ok()) return FromRecord(*entry);
  if (entry.status().code() != StatusCode::kNotFound) return entry.status();
  return Status::NotFound("user " + std::string(name) + " not found");
}

Status Users::Visit(const std::function<bool(const User&)>& visit) const {
  const Snapshot snapshot = store_.Latest();
  const std::string prefix(1, kUserRecord);
  std::string after;
  while (true) {
    const auto records = snapshot.Scan({.prefix = prefix, .offset = after, .limit = kPieceUsers});
    IMMUDB_RETURN_IF_ERROR(records);
    for (const Entry& record : *records) {
      const auto user = FromRecord(record);
      IMMUDB_RETURN_IF_ERROR(user);
      if (!visit(*user)) return Status::Ok();
    }
    if (records->size() < kPieceUsers) return Status::Ok();
    after = records->back().key;
  }
}

Result<User> Users::CheckPassword(std::string_view name, std::string_view password) const {
  if (!MayBeCredentials(name, password)) return WrongNameOrPassword();
  auto user = Find(name);
  if (!user.ok()) {
    IMMUDB_RETURN_IF_ERROR(passwords_->SpendTimeOfMatch(password));
    return user.status().code() == StatusCode::kNotFound ? WrongNameOrPassword() : user.status();
  }
  const auto matches = passwords_->Matches(user->password_hash, password);
  IMMUDB_RETURN_IF_ERROR(matches);
  if (!*matches) return WrongNameOrPassword();
  return user;
}

Status Users::Create(const User& user, const AuditRecord& act) {
  const std::unique_lock lock(change_mutex_);
  const auto existing = Find(user.name);
  if (existing.ok()) return {StatusCode::kAlreadyExists, "user already exists"};
  if (existing.status().code() != StatusCode::kNotFound) return existing.status();
  return Put(user, act);
}

Status Users::Change(std::string_view name, const AuditRecord& act,
                     const std::function<Status(User&)>& change,
                     const std::function<void()>& changed) {
  const std::unique_lock lock(change_mutex_);
  auto user = Find(name);
  IMMUDB_RETURN_IF_ERROR(user);
  const std::string before = ToRecord(*user);
  IMMUDB_RETURN_IF_ERROR(change(*user));
  if (ToRecord(*user) == before) return Status::Ok();
  IMMUDB_RETURN_IF_ERROR(Put(*user, act));
  changed();
  return Status::Ok();
}

Status Users::WhileCurrent(const User& user, const std::function<Status(const User&)>& use) const {
  const std::shared_lock lock(change_mutex_);
  const auto recorded = Find(user.name);
  IMMUDB_RETURN_IF_ERROR(recorded);
  if (recorded->password_hash != user.password_hash || recorded->active != user.active) {
    return {StatusCode::kUnauthenticated, "the user was changed just now, please login again"};
  }
  return use(*recorded);
}

Status Users::Put(const User& user, const AuditRecord& act) {
  Transaction transaction;
  IMMUDB_RETURN_IF_ERROR(transaction.Set(RecordKey(user.name), ToRecord(user)));
  IMMUDB_RETURN_IF_ERROR(trail_.AddTo(transaction, act));
  return store_.Commit(std::move(transaction)).status();
}

}  // namespace immudb
