// SPDX-License-Identifier: Apache-2.0
#include "database/audit_trail.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <cstddef>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/status_macros.h"
#include "database/system_records.h"
#include "immudb/store.h"

namespace immudb {
namespace {

using std::chrono::microseconds;
using std::chrono::system_clock;

constexpr size_t kPieceRecords = 256;

template <typename Number>
void AppendBigEndian(Number number, std::string& out) {
  for (size_t i = sizeof(Number); i-- > 0;) out += static_cast<char>(number >> (8 * i));
}

std::string ToJson(const AuditRecord& record, const std::string& time) {
  nlohmann::ordered_json object{{"time", time}};
  const auto add = [&object](const char* name, const std::string& value) {
    if (!value.empty()) object[name] = value;
  };
  add("user", record.user);
  add("peer", record.peer);
  add("act", record.act);
  add("target", record.target);
  add("detail", record.detail);
  return object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace

std::string AuditTimeText(system_clock::time_point time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  const auto fraction = std::chrono::duration_cast<microseconds>(time - seconds).count();
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:06}Z", fmt::gmtime(system_clock::to_time_t(seconds)),
                     fraction);
}

AuditTrail::AuditTrail(Store& system_database, Clock clock)
    : store_(system_database), clock_(std::move(clock)) {}

Status AuditTrail::AddTo(Transaction& transaction, const AuditRecord& record) {
  const auto now = clock_();
  const std::string text = ToJson(record, AuditTimeText(now));
  spdlog::info("audit: {}", text);
  std::string key(1, kAuditRecord);
  AppendBigEndian(static_cast<uint64_t>(
                      std::chrono::duration_cast<microseconds>(now.time_since_epoch()).count()),
                  key);
  AppendBigEndian(number_.fetch_add(1), key);
  return transaction.Set(key, text);
}

Status AuditTrail::Record(const AuditRecord& record) {
  Transaction transaction;
  IMMUDB_RETURN_IF_ERROR(AddTo(transaction, record));
  return store_.Commit(std::move(transaction)).status();
}

void AuditTrail::RecordSoon(const AuditRecord& record) {
  Transaction transaction;
  const auto report = [](const Status& status) {
    if (!status.ok()) spdlog::error("the audit trail could not be written: {}", status.message());
  };
  if (const Status added = AddTo(transaction, record); !added.ok()) return report(added);
  store_.CommitAsync(std::move(transaction),
                     [report](const Result<CommitInfo>& done) { report(done.status()); });
}

void AuditTrail::RecordRepeatable(const AuditRecord& record) {
  if (limiter_.Admit(record, std::chrono::steady_clock::now())) RecordSoon(record);
}

void AuditTrail::RecordCounted(bool all) {
  for (const auto& record : limiter_.TakeCounted(std::chrono::steady_clock::now(), all)) {
    RecordSoon(record);
  }
}

Status AuditTrail::Read(const Store& system_database,
                        const std::function<bool(const std::string&)>& visit) {
  const Snapshot snapshot = system_database.Latest();
  const std::string prefix(1, kAuditRecord);
  std::string after;
  while (true) {
    const auto records = snapshot.Scan({.prefix = prefix, .offset = after, .limit = kPieceRecords});
    IMMUDB_RETURN_IF_ERROR(records);
    for (const Entry& record : *records) {
      if (!visit(record.value)) return Status::Ok();
    }
    if (records->size() < kPieceRecords) return Status::Ok();
    after = records->back().key;
  }
}

}  // namespace immudb
