// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "backup/backup_sink.h"
#include "backup/manifest.h"
#include "base/file_system.h"
#include "immudb/status.h"
#include "immudb/store.h"
#include "immudb/types.h"

namespace immudb {

struct BackupOptions {
  std::string directory;               // the data directory of a server, which may be running
  std::vector<std::string> databases;  // empty: all, the system database too

  // The root that a running server says it published of this database: the backup ends exactly
  // there. Asked when the database is about to be copied; none: the backup ends with the last whole
  // transaction of the log, as after a crash (the system database, which cannot be selected; or a
  // server that is stopped). Null: none for all.
  std::function<Result<std::optional<VerifyOptions::Trusted>>(const std::string& database)> root_of;

  // Only what came after this backup. Databases that it does not have are taken whole.
  std::optional<Manifest> base;
  // Only the entries from this index on; for one named database.
  std::optional<LeafIndex> since;

  // Told now and then; `total` may grow while the server is written to.
  std::function<void(uint64_t bytes, uint64_t total)> progress;
  FileSystem* file_system = nullptr;  // null: the real one
};

// Copies databases into the sink and returns the manifest, which is in the sink too. Reads only:
// nothing in the data directory is locked or changed, writers go on.
//
// Every entry is read, checked and hashed before it is copied, and the root that they lead to
// compared with the one that the server published. kDataLoss: damage, or another root. kNotFound:
// no such database. kFailedPrecondition: the base is of another database.
Result<Manifest> WriteBackup(const BackupOptions& options, BackupSink& sink);

// The manifest of a backup in a folder, or of manifest.json itself.
Result<Manifest> ReadManifest(FileSystem& fs, const std::string& path);

}  // namespace immudb
