// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <string>

#include "base/status_macros.h"
#include "database/audit_trail.h"
#include "database/databases.h"
#include "database/sessions.h"
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

// Writes the setting for the next start, and records who did so.
Status SetForNextStart(const CallContext& call, const std::string& key, bool value) {
  const Services& services = *call.services;
  const char* text = value ? "true" : "false";
  if (services.options.update_config == nullptr) {
    return Status::FailedPrecondition("config file does not exist");
  }
  IMMUDB_RETURN_IF_ERROR(services.options.update_config(key, text));
  Caller caller;
  caller.maintenance = services.options.maintenance;
  if (call.session != nullptr) caller.user.name = call.session->user;
  return services.databases.audit().Record(ActOf(call, caller, "change setting", key, text));
}

}  // namespace

Status UpdateAuthConfig(CallContext& call, const schema::AuthConfig& request, Empty&) {
  if (request.kind() != kNone && request.kind() != kPassword) {
    return Status::InvalidArgument(
        "unsupported auth mode: only none (0) and password (1) are supported");
  }
  const bool on = request.kind() == kPassword;
  return SetForNextStart(call, "auth", on)
      .WithContext(std::string("auth set to ") + (on ? "true" : "false") +
                   ", but config file could not be updated");
}

Status UpdateMTLSConfig(CallContext& call, const schema::MTLSConfig& request, Empty&) {
  return SetForNextStart(call, "mtls", request.enabled())
      .WithContext(std::string("MTLS could not be set to ") +
                   (request.enabled() ? "true" : "false"));
}

}  // namespace immudb::handlers
