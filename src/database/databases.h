// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/file_system.h"
#include "base/thread_pool.h"
#include "database/audit_trail.h"
#include "database/database.h"
#include "database/server_identifier.h"
#include "database/tamper_latches.h"
#include "immudb/status.h"
#include "immudb/store.h"

namespace immudb {

struct StoreMetrics;

struct DatabasesOptions {
  std::string directory;
  std::string default_database;
  bool sync = true;
  size_t block_cache_bytes = size_t{64} << 20;   // all databases together
  size_t write_buffer_bytes = size_t{32} << 20;  // index memtables of all databases together
  size_t max_open = 256;                         // besides the default and the system database
  size_t descriptors = 1024;                     // that the process may have
  std::chrono::seconds idle_timeout{600};
  std::chrono::milliseconds slot_wait{1000};  // for an open one that nobody uses
  uint64_t reserved_bytes = 0;                // as StoreOptions
  FileSystem* file_system = nullptr;          // null: the real one; the index does not use it
  // Consent to make a system database, with an administrator, beside databases that exist.
  bool new_system_database = false;
};

// What the indexes of all databases did since the start, and their block cache now.
struct IndexFigures {
  static constexpr size_t kLevels = 3;  // the last one stands for all below it, too

  uint64_t cache_bytes = 0;
  uint64_t cache_capacity_bytes = 0;
  uint64_t cache_hits = 0;
  uint64_t cache_misses = 0;
  uint64_t gets = 0;
  uint64_t memtable_gets = 0;                     // answered there
  std::array<uint64_t, kLevels> level_gets = {};  // answered by that level
  uint64_t bloom_hits = 0;                        // tables that need not be read
  uint64_t read_bytes = 0;                        // that gets and listings gave
  uint64_t written_bytes = 0;                     // to memtables
  uint64_t flushed_bytes = 0;
  uint64_t compaction_read_bytes = 0;
  uint64_t compaction_written_bytes = 0;
  uint64_t stall_microseconds = 0;  // that writes waited for flushes and compactions
};

// The data directory: the catalogue of databases, each a Store in a folder of its name, which share
// one block cache, one write-buffer budget and their threads; and the system database. Stores are
// opened when they are asked for and closed when nobody used them for a while, or to make room: the
// number of open ones is bounded by options and by the file descriptors of the process. The default
// and the system database stay open. The directory belongs to one process at a time. Thread-safe.
//
// A database is known by its entry in the system database or by its folder (a restored copy);
// folders that hold no database are left alone. One that is damaged is refused when it is opened;
// the others serve.
class Databases {
 public:
  // Locks the directory (made if absent), opens the system and the default database. Each is made
  // at its first start, never in place of one that is lost. Errors are one line and name the option
  // or file: kInvalidArgument (dbname), kFailedPrecondition (in use by another server, or there are
  // databases but no system database), kIoError, kDataLoss (the system database is damaged, or the
  // default database is gone).
  static Result<std::unique_ptr<Databases>> Open(const DatabasesOptions& options);
  // Visits the audit trail of a data directory that no server uses; see AuditTrail::Read.
  // kFailedPrecondition (in use), kNotFound (no data directory of ours).
  static Status ReadAudit(const std::string& directory,
                          const std::function<bool(const std::string&)>& visit);
  // To be asked if the system database has no administrator. True: this is a first start, so one
  // may be made. False: there are entries that a new one would reach, but there is consent.
  // kFailedPrecondition, with what to do: there is none.
  Result<bool> IsFirstStart() const;
  // Returns the identity of this server. Makes it at the first start, while the default database is
  // empty; later only with `may_be_new`. Errors as OpenServerIdentifier.
  Result<ServerIdentifier> Identifier(bool may_be_new);
  ~Databases();
  Databases(const Databases&) = delete;
  Databases& operator=(const Databases&) = delete;

  const std::shared_ptr<Database>& default_database() const { return default_; }
  Store& system_store() { return *system_; }
  AuditTrail& audit() { return *audit_; }

  // A database that users may select, so never the system database; null if there is none.
  std::shared_ptr<Database> Find(std::string_view name) const;

  // The names in the order of creation, the default database first; databases that are known only
  // by their folder come last, by name.
  std::vector<std::string> Names() const;

  // Is there another one than the default? Then a login selects none.
  bool multiple() const;

  // Makes a new database, durably. `name` is legal (CheckDatabaseName) or the error of that.
  // kAlreadyExists.
  Status Create(std::string_view name, const AuditRecord& act);

  // The store of a database, opened if it is not; may wait for I/O, and for somebody else who opens
  // it. It stays open as long as the pointer is held. Whatever the number of callers, one of them
  // opens it and makes room for one. kResourceExhausted if as many as may be are open and stay in
  // use for DatabasesOptions::slot_wait, or if descriptors, memory or threads are short.
  Result<std::shared_ptr<Store>> OpenStore(Database& database);

  // Shows the store to `look`, for who goes over all databases in the background, one at a time.
  // Takes no room from calls: it has a slot of its own. A store that was closed is closed again,
  // unless somebody used it meanwhile. Errors are those of OpenStore.
  Status Visit(Database& database, const std::function<void(const Store&)>& look);

  // Calls on this database, which may be the system database, are refused from now on; see
  // TamperLatches::Set.
  Status SetTampered(std::string_view name, const Damage& damage);
  // As TamperLatches::Clear.
  Status ClearTampered(std::string_view name, const AuditRecord& act);
  std::map<std::string, TamperReport, std::less<>> Tampered() const { return tampered_->All(); }

  size_t open_count() const;
  size_t max_open() const { return max_open_; }

  // Of the stores that are open now, the system database too; at most max_open() + 3. Does not
  // count as a use. Names in no order.
  struct Figures {
    std::string name;
    std::string directory;
    StoreFigures store;
    bool read_only = false;  // the disk is full, or failed
  };
  std::vector<Figures> figures() const;
  // What all stores count together, and what their indexes do.
  const StoreMetrics& metrics() const { return *store_options_.metrics; }
  IndexFigures index_figures() const;
  size_t count() const;

  // What keeps the system database from taking writes, or ok.
  Status SystemHealth() const { return system_->failure(); }
  // The same of the databases that are open or could not be opened, by name.
  std::vector<std::pair<std::string, Status>> Healths() const;

  // The directory of the default database.
  std::string default_directory() const;

  // Closes all stores; the first error. Nothing may be read any more. Idempotent.
  Status Close();

 private:
  explicit Databases(const DatabasesOptions& options);

  Status OpenSystem();
  Status OpenDefault();
  Status LostDefault(const Status& found) const;
  Status LoadCatalogue();
  // Under mutex_, or before there are threads. `complete`: as Database::complete().
  std::shared_ptr<Database> Add(std::string_view name, bool complete);
  Result<std::unique_ptr<Store>> OpenFolder(const Database& database) const;
  Status TakeSlot();
  void ReturnSlot();
  bool CloseLeastRecentlyUsed();
  std::vector<std::shared_ptr<Database>> All() const;
  void CloseIdle();

  // Constant after Open().
  const DatabasesOptions options_;
  FileSystem& file_system_;
  const size_t max_open_;
  std::unique_ptr<FileLock> lock_;
  std::unique_ptr<ThreadPool> pool_;            // for hashing large groups
  std::unique_ptr<ThreadPool> commit_threads_;  // of all stores
  StoreOptions store_options_;
  std::unique_ptr<Store> system_;
  std::unique_ptr<AuditTrail> audit_;
  std::unique_ptr<TamperLatches> tampered_;
  std::shared_ptr<Database> default_;

  std::mutex create_mutex_;  // one creation at a time; taken before mutex_
  std::mutex tamper_mutex_;  // one change of a latch at a time; likewise

  mutable std::shared_mutex mutex_;
  // Guarded by mutex_.
  std::map<std::string, std::shared_ptr<Database>, std::less<>> by_name_;
  std::vector<std::shared_ptr<Database>> in_order_;

  mutable std::mutex slots_mutex_;
  std::condition_variable closing_wake_;
  size_t slots_;           // guarded by slots_mutex_: max_open_, and one more during a visit
  size_t open_count_ = 0;  // guarded by slots_mutex_: open, opening or closing
  bool closing_ = false;   // guarded by slots_mutex_
  std::thread idle_closer_;
};

}  // namespace immudb
