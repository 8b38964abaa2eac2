// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>

#include "database/databases.h"
#include "immudb/store.h"
#include "store/integrity_check.h"

namespace immudb {

struct IntegrityCheckerOptions {
  // Of the files, on average; 0: as fast as it goes, on a whole core. Else it also takes no more
  // than a fifth of a core.
  uint64_t bytes_per_second = uint64_t{4} << 20;
  std::chrono::milliseconds interval{std::chrono::minutes(10)};  // from pass to pass, at least
  std::string state_file;  // where it stands, so that it goes on after a restart
};

// Walks all databases in the background, one after the other, the system database too, and looks
// for bytes that are no longer what was written (IntegrityCheck). Those that are closed are opened
// for it, and closed again. On damage the database is latched (TamperLatches), and the log names
// it; an error of the disk is counted and logged, and the walk goes on.
//
// One thread, of low priority. Thread-safe.
class IntegrityChecker {
 public:
  // Begins at once. `databases` outlives the object.
  IntegrityChecker(Databases& databases, IntegrityCheckerOptions options);
  ~IntegrityChecker();
  IntegrityChecker(const IntegrityChecker&) = delete;
  IntegrityChecker& operator=(const IntegrityChecker&) = delete;

  // Returns when no store is looked at any more. Idempotent.
  void Stop();

  struct Figures {
    uint64_t passes = 0;  // that ended
    uint64_t entries = 0;
    uint64_t bytes = 0;
    uint64_t damages = 0;
    uint64_t read_errors = 0;
    uint64_t not_opened = 0;    // databases that could not be looked at, in the last pass
    uint64_t troubles = 0;      // read errors in the last pass
    double progress = 0;        // of the pass that runs; 0 between two
    std::string database = {};  // that is being looked at
    std::chrono::duration<double> last_pass{0};
    std::chrono::system_clock::time_point last_pass_end{};  // the epoch: none has ended yet
  };
  Figures figures() const;

 private:
  using Clock = std::chrono::steady_clock;
  struct Place {
    std::string database;  // empty: a new pass
    IntegrityCheck::Mark mark;
  };

  void Run();
  void RunPass(const Place& from);
  void CheckDatabase(const std::string& name, const IntegrityCheck::Mark& from, size_t number,
                     size_t count);
  void CheckStore(const std::string& name, const Store& store, const IntegrityCheck::Mark& from,
                  size_t number, size_t count);
  void Take(const std::string& name, const IntegrityCheck::Step& step);
  void Pace(Clock::duration busy, uint64_t bytes);
  // False when it is to stop.
  bool Wait(Clock::duration time);
  bool stopping() const;

  Place Load() const;
  void Save(const Place& place);

  Databases& databases_;
  const IntegrityCheckerOptions options_;
  Clock::time_point saved_at_;  // of the thread, like these:
  uint64_t pass_not_opened_ = 0;
  uint64_t pass_troubles_ = 0;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;  // guarded by mutex_
  Figures figures_;        // guarded by mutex_
  std::thread thread_;
};

}  // namespace immudb
