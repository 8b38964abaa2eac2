// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "database/audit_limiter.h"
#include "database/audit_record.h"
#include "immudb/status.h"

namespace immudb {

class Store;
class Transaction;

// The operators' audit trail: entries of the system database, so that nobody can change them later
// without being noticed, and lines of the log. Thread-safe.
class AuditTrail {
 public:
  using Clock = std::function<std::chrono::system_clock::time_point()>;

  // `system_database` outlives the trail.
  AuditTrail(Store& system_database, Clock clock);

  // Adds the record to the transaction that does what it tells of: both are stored, or neither.
  Status AddTo(Transaction& transaction, const AuditRecord& record);

  // Stores the record alone and waits until it is durable.
  Status Record(const AuditRecord& record);
  // As Record, without waiting; a failure is logged.
  void RecordSoon(const AuditRecord& record);
  // As RecordSoon, for what callers can repeat at will: what AuditLimiter does not admit is counted
  // and recorded later.
  void RecordRepeatable(const AuditRecord& record);
  // Records what was counted in windows that are over; `all`: before the system database closes.
  // To be called now and then.
  void RecordCounted(bool all);

  // All records as JSON texts, oldest first: {"time", "user", "peer", "act", "target", "detail"},
  // empty ones left out. `visit` returns false to stop.
  static Status Read(const Store& system_database,
                     const std::function<bool(const std::string&)>& visit);

 private:
  Store& store_;
  const Clock clock_;
  std::atomic<uint32_t> number_{0};
  AuditLimiter limiter_;
};

// "2020-08-29T10:11:12.123456Z".
std::string AuditTimeText(std::chrono::system_clock::time_point time);

}  // namespace immudb
