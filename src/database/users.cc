// SPDX-License-Identifier: Apache-2.0
#include "database/users.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "base/status_macros.h"
#include "database/password.h"
#include "immudb/store.h"

namespace immudb {
namespace {

using nlohmann::json;

std::string RecordKey(std::string_view name) {
  return std::string(1, '\x01').append(name);
}

std::string ToRecord(const User& user) {
  json grants = json::array();
  for (const Grant& grant : user.grants) {
    grants.push_back(
        {{"permission", static_cast<uint32_t>(grant.permission)}, {"database", grant.database}});
  }
  return json{{"username", user.name},        {"hashedpassword", user.password_hash},
              {"permissions", grants},        {"active", user.active},
              {"createdBy", user.created_by}, {"createdat", user.created_at}}
      .dump();
}

Result<User> FromRecord(std::string_view name, std::string_view record) {
  try {
    const json object = json::parse(record);
    User user;
    user.name = object.at("username").get<std::string>();
    user.password_hash = object.at("hashedpassword").get<std::string>();
    for (const json& grant : object.at("permissions")) {
      user.grants.push_back({grant.at("database").get<std::string>(),
                             static_cast<Permission>(grant.at("permission").get<uint32_t>())});
    }
    user.active = object.at("active").get<bool>();
    user.created_by = object.at("createdBy").get<std::string>();
    user.created_at = object.at("createdat").get<std::string>();
    if (user.name == name) return user;
  } catch (const json::exception&) {  // its text may quote the record, which holds a password hash
  }
  return Status::DataLoss("the record of a user in the system database cannot be understood");
}

Status WrongNameOrPassword() {
  return {StatusCode::kPermissionDenied, "invalid user name or password"};
}

Status CreateSystemAdmin(Users& users, std::string_view password) {
  if (password.empty()) return Status::InvalidArgument("admin-password: must not be empty");
  auto hash = HashPassword(password);
  IMMUDB_RETURN_IF_ERROR(hash);
  const std::string name(kSystemAdminName);
  IMMUDB_RETURN_IF_ERROR(
      users.Put({.name = name,
                 .password_hash = *std::move(hash),
                 .grants = {{std::string(kAnyDatabase), Permission::kSystemAdmin}},
                 .active = true,
                 .created_by = name,
                 .created_at = CreationTimeText(std::chrono::system_clock::now())}));
  spdlog::info("created the system administrator {}", name);
  if (password == kDefaultAdminPassword) {
    spdlog::warn("user {} has the default password: change it", name);
  }
  return Status::Ok();
}

}  // namespace

Permission User::PermissionIn(std::string_view database) const {
  if (is_system_admin()) return Permission::kSystemAdmin;
  for (const Grant& grant : grants) {
    if (grant.database == database) return grant.permission;
  }
  return Permission::kNone;
}

std::string CreationTimeText(std::chrono::system_clock::time_point time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  const auto nanoseconds =
      std::chrono::duration_cast<std::chrono::nanoseconds>(time - seconds).count();
  return fmt::format("{:%Y-%m-%d %H:%M:%S}.{:09} +0000 UTC",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(seconds)), nanoseconds);
}

Result<std::unique_ptr<Users>> Users::Open(Store& system_database,
                                           std::string_view admin_password) {
  std::unique_ptr<Users> users(new Users(system_database));
  const auto admin = users->Find(kSystemAdminName);
  if (admin.ok()) return users;
  if (admin.status().code() != StatusCode::kNotFound) return admin.status();
  IMMUDB_RETURN_IF_ERROR(CreateSystemAdmin(*users, admin_password));
  return users;
}

Result<User> Users::Find(std::string_view name) const {
  const auto entry = store_.Latest().Get(RecordKey(name));
  if (entry.ok()) return FromRecord(name, entry->value);
  if (entry.status().code() != StatusCode::kNotFound) return entry.status();
  return Status::NotFound("user " + std::string(name) + " not found");
}

Result<User> Users::CheckPassword(std::string_view name, std::string_view password) const {
  auto user = Find(name);
  if (!user.ok()) {
    SpendTimeOfPasswordMatch(password);
    return user.status().code() == StatusCode::kNotFound ? WrongNameOrPassword() : user.status();
  }
  if (!PasswordMatches(user->password_hash, password)) return WrongNameOrPassword();
  if (!user->active) return Status(StatusCode::kPermissionDenied, "user is not active");
  return user;
}

Status Users::Put(const User& user) {
  Transaction transaction;
  IMMUDB_RETURN_IF_ERROR(transaction.Set(RecordKey(user.name), ToRecord(user)));
  return store_.Commit(std::move(transaction)).status();
}

}  // namespace immudb
