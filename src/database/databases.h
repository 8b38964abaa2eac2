// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <utility>

#include "base/file_system.h"
#include "base/thread_pool.h"
#include "immudb/status.h"
#include "immudb/store.h"

namespace immudb {

// A named store. Thread-safe.
class Database {
 public:
  Database(std::string name, std::unique_ptr<Store> store)
      : name_(std::move(name)), store_(std::move(store)) {}

  const std::string& name() const { return name_; }
  Store& store() { return *store_; }

 private:
  const std::string name_;
  const std::unique_ptr<Store> store_;
};

struct DatabasesOptions {
  std::string directory;
  std::string default_database;
  bool sync = true;
  size_t block_cache_bytes = size_t{64} << 20;   // all databases together
  size_t write_buffer_bytes = size_t{32} << 20;  // index memtables of all databases together
};

// The data directory: the catalogue of databases, each a Store in a folder of its name, which share
// one block cache and one write-buffer budget; and the system database. The directory belongs to
// one process at a time. Thread-safe.
class Databases {
 public:
  // Locks the directory (made if absent), opens or creates the default and the system database.
  // Errors are one line and name the option or file: kInvalidArgument (dbname),
  // kFailedPrecondition (in use by another server), kIoError, kDataLoss.
  static Result<std::unique_ptr<Databases>> Open(const DatabasesOptions& options);
  ~Databases();
  Databases(const Databases&) = delete;
  Databases& operator=(const Databases&) = delete;

  const std::shared_ptr<Database>& default_database() const { return default_; }
  Store& system_store() { return system_->store(); }

  // A database that users may select, so never the system database; null if there is none.
  std::shared_ptr<Database> Find(std::string_view name) const;

  // Is there another one than the default? Then a login selects none.
  bool multiple() const;

  // The directory of the default database.
  std::string default_directory() const;

  // Closes all stores; the first error. Nothing may be read any more. Idempotent.
  Status Close();

 private:
  explicit Databases(const DatabasesOptions& options);

  Result<std::shared_ptr<Database>> OpenDatabase(std::string_view name);

  // Constant after Open().
  const DatabasesOptions options_;
  std::unique_ptr<FileLock> lock_;
  std::unique_ptr<ThreadPool> pool_;  // for hashing large groups
  StoreOptions store_options_;
  std::shared_ptr<Database> default_;
  std::shared_ptr<Database> system_;

  mutable std::shared_mutex mutex_;
  std::map<std::string, std::shared_ptr<Database>, std::less<>> by_name_;  // guarded by mutex_
};

}  // namespace immudb
