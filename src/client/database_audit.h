// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "client/audit_source.h"
#include "client/audit_store.h"
#include "client/auditor.h"
#include "immudb/client.h"
#include "immudb/status.h"
#include "immudb/types.h"
#include "merkle/compact_range.h"

namespace immudb {

// The audit of one database in one round:
//
//     stored root -> current root -> consistency -> new entries read -> old entries read -> stored
//
// Nothing is stored as trusted unless all of it was right. Once tampering was found the stored root
// stays as it is, and so does the verdict, whatever the server shows later.
class DatabaseAudit {
 public:
  // All must outlive the audit.
  DatabaseAudit(const AuditorOptions& options, AuditSource& source, AuditStore& store,
                AuditClock& clock, const RoundReport& round)
      : options_(options), source_(source), store_(store), clock_(clock), round_(round) {}

  // `select`: the database must be chosen first, as everywhere but on servers without login.
  DatabaseReport Run(const std::string& database, bool select);

 private:
  Status Check();
  Status CheckRoots();
  Status CheckConsistency(const TreeRoot& previous);
  Status CheckNewEntries();
  Status CheckOldEntries();
  Status Read(CompactRange* range, TreeSize until);
  Status AddPage(const ItemPage& page, uint64_t skip, TreeSize until, CompactRange* range);
  Status Conclude(const Status& checked);
  void LogResult(bool consistent) const;
  std::string Number() const;

  const AuditorOptions& options_;
  AuditSource& source_;
  AuditStore& store_;
  AuditClock& clock_;
  const RoundReport& round_;
  DatabaseReport report_;
  AuditedState record_;
};

}  // namespace immudb
