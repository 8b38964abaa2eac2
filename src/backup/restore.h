// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "immudb/status.h"
#include "immudb/store.h"
#include "immudb/types.h"

namespace immudb {

struct RestoreOptions {
  std::string directory;  // the data directory of a server that is stopped; made if it is absent
  // A backup that needs no other, then what was added later, in that order: folders, archives, and
  // "-" for `stream`.
  std::vector<std::string> backups;
  int stream = 0;                      // a descriptor
  std::vector<std::string> databases;  // empty: all of the backups
  // Consent to replace databases that exist; they are kept under another name.
  bool replace = false;
  // The default database brings the identity of the server that the backup was made of, so that
  // clients go on with the roots that they trust. Not with this: for a second server beside it.
  bool without_identity = false;
  // What somebody trusts, by database: refused if the backup leads to another root at that size.
  std::map<std::string, VerifyOptions::Trusted> trusted;
  std::string time;  // "2026-01-31_12-00-00", for the names of replaced databases

  std::function<void(uint64_t bytes, uint64_t total)> progress;
  FileSystem* file_system = nullptr;  // null: the real one
};

struct RestoredDatabase {
  std::string name;
  TreeSize size;
  Digest root{};
  std::string
      replaced;  // the folder where the database of that name was put; empty: there was none
};

// Puts the databases together beside those that exist, compares every file with its SHA-256, reads,
// checks and hashes every entry, derives index, tree and root anew, and only when all databases are
// as their manifests say they are renamed to their places. After an error the data directory is as
// it was.
//
// kAlreadyExists: a database exists, and there is no consent. kFailedPrecondition: a server uses
// the directory, or a backup does not continue the one before. kDataLoss: the backup is damaged, or
// not what is trusted. kNotFound, kIoError, kResourceExhausted.
Result<std::vector<RestoredDatabase>> RestoreBackup(const RestoreOptions& options);

}  // namespace immudb
