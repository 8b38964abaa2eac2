// SPDX-License-Identifier: Apache-2.0
//
// The members of Client for those who run the server: users, databases, settings, inspection.
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "client/client_impl.h"
#include "client/proof_check.h"
#include "client/rpc.h"
#include "immudb/client.h"
#include "immudb/status.h"

namespace immudb {
namespace {

// AuthConfig.kind
constexpr uint32_t kNoAuth = 0;
constexpr uint32_t kPasswordAuth = 1;

UserInfo ToUser(schema::User&& message) {
  UserInfo user{.name = std::move(*message.mutable_user()),
                .permissions = {},
                .created_by = std::move(*message.mutable_createdby()),
                .created_at = std::move(*message.mutable_createdat()),
                .active = message.active()};
  for (auto& permission : *message.mutable_permissions()) {
    user.permissions.push_back({std::move(*permission.mutable_database()),
                                static_cast<UserPermission>(permission.permission())});
  }
  return user;
}

Result<TreeNode> ToNode(schema::Node&& message) {
  const auto hash = ToDigest(message.h());
  if (!hash) return Status::Internal("the server's tree has a node without a hash of 32 bytes");
  return TreeNode{.storage_key = std::move(*message.mutable_i()),
                  .hash = *hash,
                  .key = std::move(*message.mutable_refk()),
                  .cached = message.cache(),
                  .root = message.root()};
}

DumpRecord ToRecord(const pb::KV& message) {
  return {.key = message.key(),
          .value = message.value(),
          .user_meta = message.user_meta(),
          .version = message.version(),
          .serialised = message.SerializeAsString()};
}

schema::ChangePermissionRequest PermissionRequest(schema::PermissionAction action,
                                                  std::string_view user, std::string_view database,
                                                  UserPermission permission) {
  schema::ChangePermissionRequest request;
  request.set_action(action);
  request.set_username(std::string(user));
  request.set_database(std::string(database));
  request.set_permission(static_cast<uint32_t>(permission));
  return request;
}

}  // namespace

Result<std::optional<ServerStatus>> Client::QueryStatus() {
  operations::GetStatusResponse response;
  const auto known = impl_->rpc->GetStatus(impl_->token(), &response);
  IMMUDB_RETURN_IF_ERROR(known);
  if (!*known) return std::optional<ServerStatus>();
  ServerStatus status;
  status.ready = response.ready();
  for (auto& check : *response.mutable_checks()) {
    status.checks.push_back(
        {std::move(*check.mutable_name()), check.ok(), std::move(*check.mutable_reason())});
  }
  if (const auto& checker = response.checker(); checker.enabled()) {
    status.checker = {.progress = checker.progress(),
                      .database = checker.database(),
                      .passes = checker.passes(),
                      .last_pass_seconds = checker.last_pass_seconds(),
                      .last_pass_end = checker.last_pass_end(),
                      .entries = checker.entries(),
                      .damages = checker.damages(),
                      .read_errors = checker.read_errors()};
  }
  for (auto& tampered : *response.mutable_tampered()) {
    status.tampered.push_back({std::move(*tampered.mutable_database()),
                               std::move(*tampered.mutable_time()),
                               std::move(*tampered.mutable_damage())});
  }
  return std::optional(std::move(status));
}

Status Client::ClearTamper(std::string_view database) {
  operations::ClearTamperRequest request;
  request.set_database(std::string(database));
  return impl_->rpc->ClearTamper(impl_->token(), request);
}

Result<std::vector<UserInfo>> Client::ListUsers() {
  schema::UserList response;
  IMMUDB_RETURN_IF_ERROR(impl_->rpc->ListUsers(impl_->token(), &response));
  std::vector<UserInfo> users;
  users.reserve(static_cast<size_t>(response.users_size()));
  for (auto& user : *response.mutable_users()) users.push_back(ToUser(std::move(user)));
  return users;
}

Status Client::CreateUser(std::string_view name, std::string_view password,
                          UserPermission permission, std::string_view database) {
  schema::CreateUserRequest request;
  request.set_user(std::string(name));
  request.set_password(std::string(password));
  request.set_permission(static_cast<uint32_t>(permission));
  request.set_database(std::string(database));
  return impl_->rpc->CreateUser(impl_->token(), request);
}

Status Client::ChangePassword(std::string_view name, std::string_view old_password,
                              std::string_view new_password) {
  schema::ChangePasswordRequest request;
  request.set_user(std::string(name));
  request.set_oldpassword(std::string(old_password));
  request.set_newpassword(std::string(new_password));
  return impl_->rpc->ChangePassword(impl_->token(), request);
}

Status Client::GrantPermission(std::string_view user, std::string_view database,
                               UserPermission permission) {
  return impl_->rpc->ChangePermission(impl_->token(),
                                      PermissionRequest(schema::GRANT, user, database, permission));
}

Status Client::RevokePermission(std::string_view user, std::string_view database,
                                UserPermission permission) {
  return impl_->rpc->ChangePermission(
      impl_->token(), PermissionRequest(schema::REVOKE, user, database, permission));
}

Status Client::SetActiveUser(std::string_view user, bool active) {
  schema::SetActiveUserRequest request;
  request.set_username(std::string(user));
  request.set_active(active);
  return impl_->rpc->SetActiveUser(impl_->token(), request);
}

Status Client::CreateDatabase(std::string_view name) {
  schema::Database request;
  request.set_databasename(std::string(name));
  return impl_->rpc->CreateDatabase(impl_->token(), request);
}

Result<std::vector<std::string>> Client::ListDatabases() {
  schema::DatabaseListResponse response;
  IMMUDB_RETURN_IF_ERROR(impl_->rpc->DatabaseList(impl_->token(), &response));
  std::vector<std::string> names;
  for (auto& database : *response.mutable_databases()) {
    names.push_back(std::move(*database.mutable_databasename()));
  }
  return names;
}

Status Client::UpdateAuthConfig(bool password_required) {
  schema::AuthConfig request;
  request.set_kind(password_required ? kPasswordAuth : kNoAuth);
  return impl_->rpc->UpdateAuthConfig(impl_->token(), request);
}

Status Client::UpdateMtlsConfig(bool enabled) {
  schema::MTLSConfig request;
  request.set_enabled(enabled);
  return impl_->rpc->UpdateMtlsConfig(impl_->token(), request);
}

Result<std::vector<std::vector<TreeNode>>> Client::PrintTree() {
  schema::Tree response;
  IMMUDB_RETURN_IF_ERROR(impl_->rpc->PrintTree(impl_->token(), &response));
  std::vector<std::vector<TreeNode>> layers;
  for (auto& layer : *response.mutable_t()) {
    auto& nodes = layers.emplace_back();
    nodes.reserve(static_cast<size_t>(layer.l_size()));
    for (auto& message : *layer.mutable_l()) {
      auto node = ToNode(std::move(message));
      IMMUDB_RETURN_IF_ERROR(node);
      nodes.push_back(*std::move(node));
    }
  }
  return layers;
}

Result<uint64_t> Client::Dump(const std::function<Status(const DumpRecord&)>& visit) {
  uint64_t visited = 0;
  IMMUDB_RETURN_IF_ERROR(impl_->rpc->Dump(impl_->token(), [&](const pb::KVList& list) {
    for (const auto& record : list.kv()) {
      IMMUDB_RETURN_IF_ERROR(visit(ToRecord(record)));
      ++visited;
    }
    return Status::Ok();
  }));
  return visited;
}

}  // namespace immudb
