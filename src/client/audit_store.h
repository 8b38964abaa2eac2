// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "client/root_store.h"
#include "immudb/status.h"
#include "immudb/types.h"
#include "merkle/compact_range.h"

namespace immudb {

// That tampering was found; kept until the directory of the server is removed.
struct TamperRecord {
  int64_t unix_seconds = 0;
  bool at_first_contact = false;  // before there was a root to keep
  std::string what;               // one line
};

// What an auditor knows of one database.
struct AuditedState {
  std::optional<TreeRoot> root;  // the last one that was proven
  CompactRange read;             // the entries that were read and hashed, from the first
  CompactRange again;            // the pass over old entries: those that were read again so far
  std::optional<TreeRoot> goal;  // what that pass must come to
  std::optional<TamperRecord> tampering;
};

// The auditor's memory of one server, in the directory `<directory>/<server id>`:
//
//     .root    the roots, in the lines of semantics.md section 10; read by the original's auditor
//     .audit   the rest of the records, a line each, fields between tabs
//     .lock    held as long as this object lives: one auditor a server
//
// Files are replaced atomically, `.root` last. A damaged file is an error, never "unknown
// server". Not thread-safe.
class AuditStore {
 public:
  // kFailedPrecondition if another auditor holds it. The id must have passed IsSafeUuid.
  static Result<std::unique_ptr<AuditStore>> Open(FileSystem& fs, const std::string& directory,
                                                  const std::string& server_id);

  // May this name, which a server chose, stand in our files and logs?
  static bool IsSafeName(std::string_view database);

  const std::string& directory() const { return directory_; }
  // All databases with a record.
  std::vector<std::string> Known() const;
  AuditedState Load(const std::string& database) const;
  // Replaces the record. The root is written only if it differs from the stored one.
  Status Save(const std::string& database, const AuditedState& record);

 private:
  AuditStore(FileSystem& fs, std::string directory);
  Status Read();
  Status WriteRecords() const;

  FileSystem& fs_;
  const std::string directory_;
  const RootStore roots_;
  std::optional<RootStore::Lock> lock_;
  std::map<std::string, AuditedState> records_;
};

// The identity that the server at `address` had when it was audited first; `server_id` itself if
// this is the first time, which is then remembered in `<directory>/servers`.
Result<std::string> FirstIdentity(FileSystem& fs, const std::string& directory,
                                  const std::string& address, const std::string& server_id);

}  // namespace immudb
