// SPDX-License-Identifier: Apache-2.0
#include "database/audit_limiter.h"

#include <utility>

namespace immudb {
namespace {

std::string KindOf(const AuditRecord& record) {
  std::string kind;
  for (const std::string* field : {&record.user, &record.peer, &record.act, &record.target}) {
    kind.append(*field).append(1, '\0');
  }
  return kind;
}

void AddCount(const char* whose, uint64_t count, AuditRecord* record) {
  if (!record->detail.empty()) record->detail += "; ";
  record->detail += std::to_string(count);
  record->detail.append(whose).append(std::to_string(AuditLimiter::kWindow.count())).append(" s");
}

}  // namespace

bool AuditLimiter::Admit(const AuditRecord& record, Time now) {
  std::string name = KindOf(record);
  const std::lock_guard lock(mutex_);
  auto found = kinds_.find(name);
  if (found == kinds_.end() && kinds_.size() >= kKinds) {
    Kind& others = others_[record.act];
    if (others.seen++ == 0) others.began = now;
    return false;
  }
  if (found == kinds_.end()) {
    found = kinds_.emplace(std::move(name), Kind{.first = record, .began = now}).first;
  }
  return ++found->second.seen <= kSingleRecords;
}

std::vector<AuditRecord> AuditLimiter::TakeCounted(Time now, bool all) {
  std::vector<AuditRecord> records;
  const auto over = [&](const Kind& kind) { return all || now - kind.began >= kWindow; };
  const std::lock_guard lock(mutex_);
  for (auto kind = kinds_.begin(); kind != kinds_.end();) {
    if (!over(kind->second)) {
      ++kind;
      continue;
    }
    if (kind->second.seen > kSingleRecords) {
      records.push_back(std::move(kind->second.first));
      AddCount(" more within ", kind->second.seen - kSingleRecords, &records.back());
    }
    kind = kinds_.erase(kind);
  }
  for (auto others = others_.begin(); others != others_.end();) {
    if (!over(others->second)) {
      ++others;
      continue;
    }
    records.push_back({.act = others->first});
    AddCount(" more by various users or peers within ", others->second.seen, &records.back());
    others = others_.erase(others);
  }
  return records;
}

}  // namespace immudb
