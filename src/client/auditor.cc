// SPDX-License-Identifier: Apache-2.0
#include "client/auditor.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <ctime>
#include <utility>

#include "base/status_macros.h"
#include "client/audit_store.h"
#include "client/database_audit.h"
#include "immudb/client.h"

namespace immudb {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;
using std::chrono::system_clock;

constexpr char kDefaultDatabase[] = "defaultdb";
constexpr char kSystemDatabase[] = "systemdb";

// RFC 3339 in UTC, with milliseconds.
std::string TimeText(system_clock::time_point time) {
  const std::time_t seconds = system_clock::to_time_t(time);
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &utc);
  const auto rest = duration_cast<milliseconds>(time.time_since_epoch()).count() % 1000;
  return fmt::format("{}.{:03}Z", text.data(), rest);
}

// What stands for the identity of a server that publishes none.
std::string IdOfAddress(const std::string& address) {
  std::string id;
  for (const char c : address) {
    if (c == '.') id += '-';
    if (c == ':') id += '_';
    if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_') id += c;
  }
  return id.substr(0, 64);
}

}  // namespace

system_clock::time_point StoppableClock::Now() const {
  return system_clock::now();
}

bool StoppableClock::Wait(milliseconds duration) {
  std::unique_lock hold(mutex_);
  return !changed_.wait_for(hold, duration, [this] { return stopped_; });
}

void StoppableClock::Stop() {
  {
    const std::lock_guard hold(mutex_);
    stopped_ = true;
  }
  changed_.notify_all();
}

AuditVerdict VerdictOf(const Status& status) {
  if (status.ok()) return AuditVerdict::kConsistent;
  if (IsVerificationFailure(status)) return AuditVerdict::kTampered;
  switch (status.code()) {
    case StatusCode::kPermissionDenied:
    case StatusCode::kUnauthenticated:
      return AuditVerdict::kNotPermitted;
    case StatusCode::kUnavailable:
      return AuditVerdict::kUnreachable;
    default:
      return AuditVerdict::kFailed;
  }
}

Auditor::Auditor(AuditorOptions options, Dial dial, FileSystem& fs, AuditClock& clock)
    : options_(std::move(options)), dial_(std::move(dial)), fs_(fs), clock_(clock) {}

void Auditor::Run(const Observer& observer) {
  spdlog::info("starting auditor with a {} ms interval ...", options_.interval.count());
  for (;;) {
    const auto report = RunRound();
    observer(report);
    const auto spent = duration_cast<milliseconds>(clock_.Now() - report.started);
    if (!clock_.Wait(std::max(milliseconds(0), options_.interval - spent))) break;
  }
  spdlog::info("auditor stopped");
}

RoundReport Auditor::RunRound() {
  RoundReport report;
  report.number = ++rounds_;
  report.started = clock_.Now();
  spdlog::info("audit #{} started @ {}", report.number, TimeText(report.started));
  AuditServer(&report);
  report.verdict = report.status.ok() ? AuditVerdict::kNothing : VerdictOf(report.status);
  for (const auto& database : report.databases) {
    report.verdict = std::max(report.verdict, database.verdict);
  }
  const auto now = clock_.Now();
  spdlog::info("audit #{} finished in {} ms @ {}", report.number,
               duration_cast<milliseconds>(now - report.started).count(), TimeText(now));
  return report;
}

void Auditor::AuditServer(RoundReport* report) {
  auto source = dial_();
  if (!source.ok()) {
    spdlog::error("error dialing (pre-login) to immudb @ {}: {}", options_.address,
                  source.status().message());
    report->status = source.status();
    return;
  }
  if (!options_.user.empty()) {
    report->status = (*source)->Login(options_.user, options_.password);
    if (!report->status.ok()) {
      spdlog::error("error logging in with user {}: {}", options_.user, report->status.message());
      return;
    }
  }
  report->server_id = (*source)->ServerId();
  if (report->server_id.empty()) report->server_id = IdOfAddress(options_.address);
  report->status = CheckIdentity(*report);
  if (!report->status.ok()) {
    spdlog::error("audit #{} aborted: {}", report->number, report->status.message());
    return;
  }
  AuditDatabases(**source, report);
}

Status Auditor::CheckIdentity(const RoundReport& report) const {
  const auto first =
      FirstIdentity(fs_, options_.roots_directory, options_.address, report.server_id);
  IMMUDB_RETURN_IF_ERROR(first);
  if (*first == report.server_id) return Status::Ok();
  return Status::DataLoss(
      "the server @ " + options_.address + " was " + *first + " and is now " + report.server_id +
      ", so its earlier roots cannot be compared; if it was " +
      "replaced on purpose, remove its line from " + JoinPath(options_.roots_directory, "servers"));
}

void Auditor::AuditDatabases(AuditSource& source, RoundReport* report) {
  auto store = AuditStore::Open(fs_, options_.roots_directory, report->server_id);
  report->status = store.status();
  if (!store.ok()) {
    spdlog::error("audit #{} aborted: {}", report->number, store.status().message());
    return;
  }
  const auto databases = DatabasesOf(source, (*store)->Known());
  report->status = databases.status();
  if (!databases.ok()) {
    spdlog::error("error getting a list of databases {}", databases.status().message());
    return;
  }
  for (const std::string& database : *databases) {
    if (!clock_.Wait(milliseconds(0))) return;
    report->databases.push_back(DatabaseAudit(options_, source, **store, clock_, *report)
                                    .Run(database, !options_.user.empty()));
    if (const auto& last = report->databases.back(); !last.status.ok()) {
      spdlog::error("audit #{} database {}: {}", report->number, database, last.status.message());
    }
  }
}

// Those that the server lists and those that it listed once.
Result<std::vector<std::string>> Auditor::DatabasesOf(AuditSource& source,
                                                      const std::vector<std::string>& known) const {
  // A server without authentication has no session in which another one could be selected.
  if (options_.user.empty()) return std::vector<std::string>{kDefaultDatabase};
  auto listed = source.Databases();
  IMMUDB_RETURN_IF_ERROR(listed);
  std::vector<std::string> databases;
  for (auto& name : *listed) {
    if (name == kSystemDatabase) continue;
    if (!AuditStore::IsSafeName(name)) {
      spdlog::error("a database is left out: the server gives it a name that cannot be one");
      continue;
    }
    databases.push_back(std::move(name));
  }
  databases.insert(databases.end(), known.begin(), known.end());
  std::sort(databases.begin(), databases.end());
  databases.erase(std::unique(databases.begin(), databases.end()), databases.end());
  if (!databases.empty()) return databases;
  return Status(StatusCode::kPermissionDenied,
                "user " + options_.user + " sees no database; grant it read permission on those " +
                    "that it is to audit");
}

}  // namespace immudb
