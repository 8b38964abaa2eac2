// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "database/audit_trail.h"
#include "immudb/status.h"
#include "immudb/store.h"

namespace immudb {

// Why a database is latched: the first damage that was found.
struct TamperReport {
  std::string time;  // as AuditTimeText
  std::string file;
  uint64_t offset = 0;
  std::optional<uint64_t> index;
  std::string key;  // printable
  std::string what;
};

// "log/00000000.log, offset 123, entry 7, key ...: ...": all that is known, in one line.
std::string TamperText(const TamperReport& report);

// The databases in which damage was found, until an operator says otherwise: entries of the system
// database, so that neither a restart nor anybody who changes files makes them forgotten.
// Thread-safe.
class TamperLatches {
 public:
  // `system_database` and `audit` outlive the object.
  static Result<std::unique_ptr<TamperLatches>> Load(Store& system_database, AuditTrail& audit);

  bool IsSet(std::string_view database) const;
  std::map<std::string, TamperReport, std::less<>> All() const;

  // Latches the database, with an audit record. One that is latched keeps its first report; what
  // could not be stored then is stored now. Waits until it is durable; also after an error the
  // database is latched, until the process ends.
  Status Set(std::string_view database, const Damage& damage);

  // Durably, in one transaction with the audit record. kFailedPrecondition if it is not latched.
  Status Clear(std::string_view database, const AuditRecord& act);

 private:
  TamperLatches(Store& system_database, AuditTrail& audit)
      : store_(system_database), audit_(audit) {}
  Status Commit(std::string_view database, const std::string& record, const AuditRecord& act);

  Store& store_;
  AuditTrail& audit_;

  std::mutex change_mutex_;  // one change at a time; over the commit; taken before mutex_
  mutable std::mutex mutex_;
  struct Latch {
    TamperReport report;
    bool stored = false;
  };
  std::map<std::string, Latch, std::less<>> latches_;  // guarded by mutex_
};

}  // namespace immudb
