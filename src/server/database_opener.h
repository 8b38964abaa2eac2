// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "base/thread_pool.h"
#include "immudb/status.h"
#include "immudb/store.h"

namespace immudb {

class Database;
class Databases;

// Opens closed databases for calls. Calls for the same database wait together for one opening, so
// that a database that recovers for minutes takes one thread and makes room once. Thread-safe. The
// destructor waits for what is queued.
class DatabaseOpener {
 public:
  using Then = std::function<void(Result<std::shared_ptr<Store>> opened)>;

  // `databases` outlives the object.
  explicit DatabaseOpener(Databases& databases);

  // Has `then` called once, on a thread that opens databases; it may not wait for I/O there. False
  // (and not called) if too many calls wait, for this database or for all. Throws if memory is out,
  // and then does not call it either.
  [[nodiscard]] bool Open(Database& database, Then then);

 private:
  void OpenNow(Database& database);

  Databases& databases_;
  std::mutex mutex_;
  // Guarded by mutex_.
  std::map<Database*, std::vector<Then>> waiting_;  // a thread has or will have each of them
  size_t waiting_count_ = 0;
  ThreadPool threads_;  // the last member: its destructor runs what is queued
};

}  // namespace immudb
