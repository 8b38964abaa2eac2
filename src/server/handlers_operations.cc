// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <cstddef>
#include <string>
#include <utility>

#include "base/status_macros.h"
#include "database/databases.h"
#include "database/tamper_latches.h"
#include "immudb/status.h"
#include "immudb/store.h"
#include "immudb/types.h"
#include "server/call_context.h"
#include "server/caller.h"
#include "server/handlers.h"
#include "server/health_checks.h"
#include "server/integrity_checker.h"
#include "server/message_limits.h"
#include "store/key_rules.h"

namespace immudb::handlers {
namespace {

// Without authentication everybody on this machine is as good as another; with devmode there are
// strangers too.
bool IsOperator(const CallContext& call) {
  if (!call.services->AuthIsOn()) return call.PeerIsLocal();
  const auto caller = CallerOf(call, "please login first", InMaintenance::kAllowed);
  return caller.ok() && caller->is_system_admin();
}

constexpr size_t kVersionOverheadBytes = 32;  // index, tags and lengths; a bit more than needed

void AddChecker(const IntegrityChecker::Figures& figures, bool names,
                operations::GetStatusResponse::Checker& checker) {
  checker.set_enabled(true);
  checker.set_progress(figures.progress);
  checker.set_passes(figures.passes);
  checker.set_last_pass_seconds(figures.last_pass.count());
  checker.set_last_pass_end(
      std::chrono::duration_cast<std::chrono::seconds>(figures.last_pass_end.time_since_epoch())
          .count());
  checker.set_entries(figures.entries);
  checker.set_damages(figures.damages);
  checker.set_read_errors(figures.read_errors);
  if (names) checker.set_database(figures.database);
}

}  // namespace

Status GetStatus(CallContext& call, const operations::GetStatusRequest&,
                 operations::GetStatusResponse& response) {
  const Services& services = *call.services;
  const bool names = IsOperator(call);
  const auto report = services.health.Report();
  response.set_ready(report->ready);
  for (const auto& check : report->checks) {
    if (!names && !check.decides) continue;
    auto& shown = *response.add_checks();
    shown.set_name(check.name);
    shown.set_ok(check.ok);
    if (names) shown.set_reason(check.reason);
  }
  if (const auto figures = services.health.checker_figures()) {
    AddChecker(*figures, names, *response.mutable_checker());
  }
  if (!names) return Status::Ok();
  for (const auto& [database, report] : services.databases.Tampered()) {
    auto& shown = *response.add_tampered();
    shown.set_database(database);
    shown.set_time(report.time);
    shown.set_damage(TamperText(report));
  }
  return Status::Ok();
}

Status ClearTamper(CallContext& call, const operations::ClearTamperRequest& request,
                   operations::ClearTamperResponse&) {
  const auto caller = CallerOf(call, "please login first", InMaintenance::kAllowed);
  IMMUDB_RETURN_IF_ERROR(caller);
  if (!caller->is_system_admin()) {
    return {StatusCode::kPermissionDenied, "you do not have permission for this operation"};
  }
  const std::string& name = request.database();
  return call.services->databases.ClearTampered(name, ActOf(call, *caller, "clear tamper", name));
}

Status ListVersions(CallContext& call, const operations::ListVersionsRequest& request,
                    operations::ListVersionsResponse& response) {
  IMMUDB_RETURN_IF_ERROR(CheckKey(request.key(), "invalid key"));
  const ServerOptions& options = call.services->options;
  Snapshot snapshot = call.Latest();
  if (request.before() > 0 && snapshot.size().Contains({request.before()})) {
    auto earlier = snapshot.At(TreeSize{request.before()});
    IMMUDB_RETURN_IF_ERROR(earlier);
    snapshot = *std::move(earlier);
  }
  size_t bytes = 0;
  Status refused;
  const Status listed = snapshot.History(request.key(), [&](Entry&& entry) {
    if (response.versions().empty()) refused = CheckReadableSize(options, entry);
    if (!refused.ok()) return false;
    bytes += entry.value.size() + kVersionOverheadBytes;
    if (!response.versions().empty() && bytes > options.max_message_bytes) {
      response.set_more(true);
      return false;
    }
    auto& version = *response.add_versions();
    version.set_index(entry.index.value);
    version.set_value(std::move(entry.value));
    return true;
  });
  return listed.ok() ? refused : listed;
}

}  // namespace immudb::handlers
