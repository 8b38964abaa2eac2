// SPDX-License-Identifier: Apache-2.0
//
// The auditor: round by round it asks a server for every database whether its tree still continues
// the tree of the round before, and whether what is stored is still what was hashed.
//
// Trust. The first round believes each database's current root (after reading all its entries, so
// that root and entries agree); from then on the server is believed nothing. What was proven is
// kept in AuditStore. A server at a known address that comes with another identity is reported, as
// is a database that is gone.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "client/audit_source.h"
#include "immudb/status.h"
#include "immudb/types.h"

namespace immudb {

// How an audit ended, the worse the later.
enum class AuditVerdict : uint8_t {
  kNothing,  // nothing to compare: the first contact, or an empty database
  kConsistent,
  kFailed,        // an error that says nothing about the data
  kNotPermitted,  // login refused, or a database that this user may not read
  kUnreachable,
  kTampered,  // forked, rewritten, shrunk or damaged; or a proof that is none
};

struct AuditorOptions {
  std::string address;  // of the server, "127.0.0.1:3322": for logs, and to know it again
  std::string user;     // empty: no login, for a server without authentication
  std::string password;
  std::string roots_directory;
  std::chrono::milliseconds interval{60000};  // from the start of a round to that of the next
  bool verify_values = true;                  // read and hash the new entries of each round
  uint64_t recheck = 10000;  // and as many old ones, in turn; a round reads at most this more
  uint64_t rate = 0;         // entries a second that are read at most; 0: no limit
};

struct DatabaseReport {
  std::string database;
  AuditVerdict verdict = AuditVerdict::kNothing;
  Status status;                     // why, unless consistent
  std::optional<TreeRoot> previous;  // the trusted root before this round
  std::optional<TreeRoot> current;   // what the server has now
  uint64_t entries_read = 0;
};

struct RoundReport {
  uint64_t number = 0;
  std::chrono::system_clock::time_point started;
  std::string server_id;                          // empty if the server could not be asked
  AuditVerdict verdict = AuditVerdict::kNothing;  // the worst
  Status status;                                  // of the round as a whole
  std::vector<DatabaseReport> databases;
};

// Time, as an auditor sees it. Tests have their own.
class AuditClock {
 public:
  virtual ~AuditClock() = default;
  virtual std::chrono::system_clock::time_point Now() const = 0;
  // Waits; false at once when it is time to end.
  virtual bool Wait(std::chrono::milliseconds duration) = 0;
};

// The real one. Thread-safe: Stop() may come from anywhere.
class StoppableClock final : public AuditClock {
 public:
  std::chrono::system_clock::time_point Now() const override;
  bool Wait(std::chrono::milliseconds duration) override;
  void Stop();

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopped_ = false;  // guarded by mutex_
};

// Logs through the process's logger. Used by one thread.
class Auditor {
 public:
  using Dial = std::function<Result<std::unique_ptr<AuditSource>>()>;
  using Observer = std::function<void(const RoundReport&)>;

  // A new connection and session for each round. `fs`, `clock` must outlive the auditor.
  Auditor(AuditorOptions options, Dial dial, FileSystem& fs, AuditClock& clock);

  // One round. Never throws, never ends early because of one database.
  RoundReport RunRound();
  // Round after round, the first one at once, until the clock says that it is time to end.
  void Run(const Observer& observer);

 private:
  void AuditServer(RoundReport* report);
  void AuditDatabases(AuditSource& source, RoundReport* report);
  Status CheckIdentity(const RoundReport& report) const;
  Result<std::vector<std::string>> DatabasesOf(AuditSource& source,
                                               const std::vector<std::string>& known) const;

  const AuditorOptions options_;
  const Dial dial_;
  FileSystem& fs_;
  AuditClock& clock_;
  uint64_t rounds_ = 0;
};

// What an error of a call means for an audit.
AuditVerdict VerdictOf(const Status& status);

}  // namespace immudb
