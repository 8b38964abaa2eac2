// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "database/databases.h"
#include "immudb/status.h"
#include "server/integrity_checker.h"

namespace immudb {

class Database;
class Databases;

// One thing that may be wrong.
struct HealthCheck {
  std::string name;
  bool ok = true;
  std::string reason = {};  // what is wrong and what to do; may be there if ok
  bool decides = true;      // if not ok, the server is not ready
};

// What is well and what is not: one list for grpc.health.v1 and for the pages /livez, /readyz and
// /startupz. A database that fails does not make the server unready: the others serve.
// Thread-safe. The checks cost some system calls for each open database, and no I/O of the stores.
class HealthChecks {
 public:
  using Clock = std::function<std::chrono::steady_clock::time_point()>;
  // For this time Report() and NewestEntryCanBeRead() return what they found last.
  static constexpr std::chrono::seconds kRemembered{1};

  // The name of the check of the integrity checker.
  static constexpr char kChecker[] = "checker";

  enum class Phase : uint8_t { kStarting, kServing, kStopping };

  // `directory`: whose file system must have room for `reserved_bytes`.
  HealthChecks(
      std::string directory, uint64_t reserved_bytes,
      Clock clock = [] { return std::chrono::steady_clock::now(); })
      : directory_(std::move(directory)),
        reserved_bytes_(reserved_bytes),
        clock_(std::move(clock)) {}

  // They outlive the object, or the call of Close() at least. `checker` is null if there is none.
  void Serving(const Databases& databases, const IntegrityChecker* checker);
  void Stopping() { phase_ = Phase::kStopping; }
  // Neither is looked at any more when it returns.
  void Close();

  Phase phase() const { return phase_; }
  std::vector<HealthCheck> Checks() const;
  bool Ready() const;

  // Ready() and Checks(), computed at most once in kRemembered.
  struct Summary {
    bool ready = false;
    std::vector<HealthCheck> checks;
  };
  std::shared_ptr<const Summary> Report() const;

  // Reads and checks the newest entry of a database, at most once in kRemembered. Does not open a
  // closed database. May wait for the disk, and hash a large value.
  bool NewestEntryCanBeRead(Database& database) const;
  // The last result, if it is younger than kRemembered or a read is running; else nothing. Does not
  // wait.
  std::optional<bool> RememberedRead(const Database& database) const;

  // Of the disk with the data.
  Result<uint64_t> free_bytes() const;
  uint64_t reserved_bytes() const { return reserved_bytes_; }
  // None: there is no checker, or not now.
  std::optional<IntegrityChecker::Figures> checker_figures() const;
  // Of grpc.health.v1: "" or a database by its name. None: unknown.
  std::optional<bool> Serves(const std::string& service) const;

  // {"status":"ok"} or {"status":"failed","failed":[{"check":...,"reason":...}]}; with `verbose`,
  // all checks in "checks".
  std::string Json(bool ok, bool verbose) const;

 private:
  HealthCheck PhaseCheck() const;
  HealthCheck DiskCheck() const;
  static HealthCheck CheckerCheck(const IntegrityChecker* checker);

  // The last read of the newest entry of a database.
  struct Read {
    bool could = true;
    bool reading = false;  // one reads now; the others are told what `could` says
    std::chrono::steady_clock::time_point at = std::chrono::steady_clock::time_point::min();
  };
  bool Remembers(const Read& read) const;

  const std::string directory_;
  const uint64_t reserved_bytes_;
  const Clock clock_;
  std::atomic<Phase> phase_{Phase::kStarting};

  mutable std::shared_mutex mutex_;
  const Databases* databases_ = nullptr;       // guarded by mutex_
  const IntegrityChecker* checker_ = nullptr;  // guarded by mutex_

  mutable std::mutex report_mutex_;  // held while the report is made; taken before mutex_
  mutable std::shared_ptr<const Summary> report_;              // guarded by report_mutex_
  mutable std::chrono::steady_clock::time_point reported_at_;  // guarded by report_mutex_

  mutable std::mutex reads_mutex_;
  mutable std::unordered_map<std::string, Read> reads_;  // by database; guarded by reads_mutex_
};

}  // namespace immudb
