// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "database/audit_record.h"

namespace immudb {

// Keeps acts that anybody can repeat (a denied call, a failed login) from filling the audit trail,
// without losing one: of the acts that have user, peer, act and target in common the first
// kSingleRecords of a window are records of their own, all others are counted and become one record
// when the window ends. Once kKinds such kinds are known, those of further kinds are counted by
// their act alone. So a window has at most kKinds * (kSingleRecords + 1) records, and one for each
// act. A crash loses the counts of the window that runs.
//
// Thread-safe. Its lock is a leaf.
class AuditLimiter {
 public:
  using Time = std::chrono::steady_clock::time_point;

  static constexpr std::chrono::seconds kWindow{60};
  static constexpr uint64_t kSingleRecords = 5;
  static constexpr size_t kKinds = 32;

  // True: the caller records the act by itself. False: the act was counted.
  bool Admit(const AuditRecord& record, Time now);

  // The records of the acts counted in windows that are over (`all`: also in the current window).
  // Each record is returned once. Its detail ends with the count: "17 more within 60 s".
  std::vector<AuditRecord> TakeCounted(Time now, bool all);

 private:
  struct Kind {
    AuditRecord first;
    Time began;
    uint64_t seen = 0;
  };

  std::mutex mutex_;
  // Guarded by mutex_.
  std::map<std::string, Kind> kinds_;   // by the fields that they have in common
  std::map<std::string, Kind> others_;  // by act: those for which kinds_ had no room
};

}  // namespace immudb
