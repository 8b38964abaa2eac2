// SPDX-License-Identifier: Apache-2.0
#include "database/databases.h"

#include <rocksdb/cache.h>
#include <rocksdb/write_buffer_manager.h>

#include <algorithm>
#include <mutex>
#include <thread>

#include "base/status_macros.h"
#include "database/database_name.h"

namespace immudb {
namespace {

constexpr std::string_view kLockFile = "immudb.lock";
constexpr int kCacheShardBits = 2;

Result<std::unique_ptr<FileLock>> LockDirectory(FileSystem& fs, const std::string& directory) {
  if (const Status made = fs.CreateDirectory(directory); !made.ok()) return made.WithContext("dir");
  auto lock = fs.Lock(JoinPath(directory, kLockFile));
  if (lock.ok()) return lock;
  if (lock.status().code() == StatusCode::kFailedPrecondition) {
    return Status::FailedPrecondition("dir: " + directory + " is in use by another immudb server");
  }
  return lock.status().WithContext("dir");
}

}  // namespace

Databases::Databases(const DatabasesOptions& options) : options_(options) {
  // One core is left to the thread that asks for help.
  const unsigned helpers = std::max(2U, std::thread::hardware_concurrency()) - 1;
  pool_ = std::make_unique<ThreadPool>(helpers);
  store_options_.sync = options_.sync;
  // Few shards: a block of index or filter must not crowd out the rest of one.
  store_options_.block_cache = rocksdb::NewLRUCache(options_.block_cache_bytes, kCacheShardBits);
  store_options_.write_buffer_manager =
      std::make_shared<rocksdb::WriteBufferManager>(options_.write_buffer_bytes);
  store_options_.pool = pool_.get();
}

Databases::~Databases() {
  static_cast<void>(Close());
}

Result<std::unique_ptr<Databases>> Databases::Open(const DatabasesOptions& options) {
  if (const Status name = CheckDatabaseName(options.default_database); !name.ok()) {
    return name.WithContext("dbname");
  }
  auto lock = LockDirectory(FileSystem::Real(), options.directory);
  IMMUDB_RETURN_IF_ERROR(lock);
  std::unique_ptr<Databases> databases(new Databases(options));
  databases->lock_ = *std::move(lock);

  auto system = databases->OpenDatabase(kSystemDatabase);
  IMMUDB_RETURN_IF_ERROR(system);
  databases->system_ = *system;
  auto standard = databases->OpenDatabase(options.default_database);
  IMMUDB_RETURN_IF_ERROR(standard);
  databases->default_ = *standard;
  databases->by_name_.emplace(options.default_database, *standard);
  return databases;
}

std::shared_ptr<Database> Databases::Find(std::string_view name) const {
  const std::shared_lock lock(mutex_);
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : found->second;
}

bool Databases::multiple() const {
  const std::shared_lock lock(mutex_);
  return by_name_.size() > 1;
}

std::string Databases::default_directory() const {
  return JoinPath(options_.directory, options_.default_database);
}

Status Databases::Close() {
  Status first;
  const auto close = [&first](Database& database) {
    const Status closed = database.store().Close();
    if (first.ok() && !closed.ok()) first = closed.WithContext("database " + database.name());
  };
  const std::unique_lock lock(mutex_);
  for (const auto& [name, database] : by_name_) close(*database);
  if (system_ != nullptr) close(*system_);
  return first;
}

Result<std::shared_ptr<Database>> Databases::OpenDatabase(std::string_view name) {
  auto store = Store::Open(JoinPath(options_.directory, name), store_options_);
  if (!store.ok()) return store.status().WithContext("database " + std::string(name));
  return std::make_shared<Database>(std::string(name), *std::move(store));
}

}  // namespace immudb
