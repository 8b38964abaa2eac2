// SPDX-License-Identifier: Apache-2.0
#include <spdlog/spdlog.h>

#include <cstdint>
#include <string>

#include "base/status_macros.h"
#include "database/audit_trail.h"
#include "database/databases.h"
#include "database/users.h"
#include "immudb/status.h"
#include "server/call_context.h"
#include "server/caller.h"
#include "server/handlers.h"
#include "server/server.h"

namespace immudb::handlers {
namespace {

// AuthConfig.kind
constexpr uint32_t kNone = 0;
constexpr uint32_t kPassword = 1;

// Only a system administrator who has logged in may change what the next start does: without
// authentication, and in maintenance mode, the file is edited by those who can write it.
Result<Caller> SettingsCallerOf(const CallContext& call) {
  auto caller = CallerOf(call, "please login first", InMaintenance::kRefused);
  IMMUDB_RETURN_IF_ERROR(caller);
  if (caller->is_system_admin()) return caller;
  return Status(StatusCode::kPermissionDenied, "you do not have permission for this operation");
}

// Where the file lies is for the server's log only.
Status WithoutPath(const Status& updated) {
  switch (updated.code()) {
    case StatusCode::kOk:
    case StatusCode::kNotFound:
      return updated;
    case StatusCode::kFailedPrecondition:
      if (updated.message().starts_with("Server config already has")) return updated;
      return Status::FailedPrecondition("error reading config file: the server's log says why");
    default:
      return {updated.code(), "the server's log says why"};
  }
}

// Writes the setting for the next start, and records who did so.
Status SetForNextStart(const CallContext& call, const Caller& caller, const std::string& key,
                       bool value) {
  const Services& services = *call.services;
  const char* text = value ? "true" : "false";
  if (services.options.update_config == nullptr) {
    return Status::FailedPrecondition("config file does not exist");
  }
  const Status updated = services.options.update_config(key, text);
  if (!updated.ok()) {
    spdlog::warn("setting {} could not be changed: {}", key, updated.ToString());
    return WithoutPath(updated);
  }
  return services.databases.audit().Record(ActOf(call, caller, "change setting", key, text));
}

}  // namespace

Status UpdateAuthConfig(CallContext& call, const schema::AuthConfig& request, Empty&) {
  if (request.kind() != kNone && request.kind() != kPassword) {
    return Status::InvalidArgument(
        "unsupported auth mode: only none (0) and password (1) are supported");
  }
  const auto caller = SettingsCallerOf(call);
  IMMUDB_RETURN_IF_ERROR(caller);
  const bool on = request.kind() == kPassword;
  return SetForNextStart(call, *caller, "auth", on)
      .WithContext(std::string("auth set to ") + (on ? "true" : "false") +
                   ", but config file could not be updated");
}

Status UpdateMTLSConfig(CallContext& call, const schema::MTLSConfig& request, Empty&) {
  const auto caller = SettingsCallerOf(call);
  IMMUDB_RETURN_IF_ERROR(caller);
  return SetForNextStart(call, *caller, "mtls", request.enabled())
      .WithContext(std::string("MTLS could not be set to ") +
                   (request.enabled() ? "true" : "false"));
}

}  // namespace immudb::handlers
