// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>

#include "immudb/status.h"
#include "server/call_context.h"
#include "server/dispatcher.h"
#include "server/method.h"

namespace immudb {

class AuditTrail;

// Records in the audit trail who was denied a call that administers users, databases, settings or
// the server: {"act": "denied", "target": <method>, "detail": <what the caller was told>}. Data
// calls are not recorded: many of them may fail each second. Thread-safe; does not wait.
class DeniedActs final : public CallObserver {
 public:
  // `trail` outlives this.
  explicit DeniedActs(AuditTrail& trail) : trail_(trail) {}

  void OnEnd(const Method& method, const CallContext& call, const Status& status,
             std::chrono::nanoseconds took) override;

 private:
  AuditTrail& trail_;
};

}  // namespace immudb
