// SPDX-License-Identifier: Apache-2.0
#include "client/audit_metrics.h"

#include <chrono>
#include <optional>
#include <utility>

#include "immudb/types.h"

namespace immudb {
namespace {

double IndexOf(const std::optional<TreeRoot>& root, double none) {
  return root ? static_cast<double>(root->index.value) : none;
}

double ResultOf(AuditVerdict verdict) {
  switch (verdict) {
    case AuditVerdict::kNothing:
      return -1;
    case AuditVerdict::kConsistent:
      return 1;
    case AuditVerdict::kTampered:
      return 0;
    default:
      return -2;
  }
}

}  // namespace

AuditMetrics::AuditMetrics(MetricsRegistry& registry, std::string address)
    : address_(std::move(address)),
      result_(prometheus::BuildGauge()
                  .Name("immuclient_audit_result_per_server")
                  .Help("Latest audit result (1 = ok, 0 = tampered).")
                  .Register(registry.families())),
      current_(prometheus::BuildGauge()
                   .Name("immuclient_audit_curr_root_per_server")
                   .Help("Current root index used for the latest audit.")
                   .Register(registry.families())),
      previous_(prometheus::BuildGauge()
                    .Name("immuclient_audit_prev_root_per_server")
                    .Help("Previous root index used for the latest audit.")
                    .Register(registry.families())),
      run_at_(prometheus::BuildGauge()
                  .Name("immuclient_audit_run_at_per_server")
                  .Help("Timestamp in unix seconds at which latest audit run.")
                  .Register(registry.families())) {
  Set("", {});
}

AuditMetrics::Values AuditMetrics::Of(const DatabaseReport& report, double run_at) {
  const double none = ResultOf(report.verdict) == -2 ? -2 : -1;
  return {.result = ResultOf(report.verdict),
          .current = IndexOf(report.current, none),
          .previous = IndexOf(report.previous, -1),
          .run_at = run_at};
}

void AuditMetrics::Identify(const std::string& server_id) {
  if (server_id.empty() || server_id == server_id_) return;
  for (const auto& [database, series] : series_) {
    result_.Remove(series.result);
    current_.Remove(series.current);
    previous_.Remove(series.previous);
    run_at_.Remove(series.run_at);
  }
  series_.clear();
  server_id_ = server_id;
}

void AuditMetrics::Set(const std::string& database, const Values& values) {
  auto it = series_.find(database);
  if (it == series_.end()) {
    prometheus::Labels labels = {{"server_id", server_id_}, {"server_address", address_}};
    if (!database.empty()) labels["database"] = database;
    it = series_
             .emplace(database, Series{&result_.Add(labels), &current_.Add(labels),
                                       &previous_.Add(labels), &run_at_.Add(labels)})
             .first;
  }
  it->second.result->Set(values.result);
  it->second.current->Set(values.current);
  it->second.previous->Set(values.previous);
  it->second.run_at->Set(values.run_at);
}

void AuditMetrics::Update(const RoundReport& report) {
  Identify(report.server_id);
  const auto since = report.started.time_since_epoch();
  const auto run_at =
      static_cast<double>(std::chrono::duration_cast<std::chrono::seconds>(since).count());
  const DatabaseReport* worst = nullptr;
  for (const auto& database : report.databases) {
    Set(database.database, Of(database, run_at));
    if (worst == nullptr || database.verdict > worst->verdict) worst = &database;
  }
  Values server =
      worst != nullptr ? Of(*worst, run_at) : Values{ResultOf(report.verdict), -2, -2, run_at};
  server.result = ResultOf(report.verdict);
  Set("", server);
}

}  // namespace immudb
