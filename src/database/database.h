// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "immudb/status.h"
#include "immudb/store.h"

namespace immudb {

// What every call on a database answers that was tampered with (kDataLoss).
inline constexpr char kTamperedText[] =
    "the database should be checked manually as we detected possible tampering";

// A database by its name; its store is open only while it is in use. Who holds the pointer to the
// store keeps it open. Thread-safe.
class Database {
 public:
  using Clock = std::function<std::chrono::steady_clock::time_point()>;
  using Time = std::chrono::steady_clock::time_point;
  using Reserve = std::function<Status()>;
  using OpenStore = std::function<Result<std::unique_ptr<Store>>()>;

  Database(std::string name, Clock clock) : name_(std::move(name)), clock_(std::move(clock)) {}

  const std::string& name() const { return name_; }

  // Null if the store is closed. Does not wait for I/O. Counts as a use.
  std::shared_ptr<Store> StoreIfOpen();

  // As StoreIfOpen, but no use.
  std::shared_ptr<Store> Peek() const;

  // Opens the store if it is closed: asks `reserve`, whose error is given as it is, then `open`;
  // one caller at a time does, and may wait for a recovery. What `open` fails with is replaced by
  // the kind of error for clients; the log tells the rest. Damage and I/O errors are given again
  // for some seconds without trying, so that many calls do not try in vain; a shortage
  // (kResourceExhausted, kUnavailable) is not, because it passes.
  Result<std::shared_ptr<Store>> Open(const Reserve& reserve, const OpenStore& open);

  // Closes the store if nobody holds it and it was not used since `time`; true if it did so.
  bool CloseIfUnused(Time since);
  // Closes it in any case, at shutdown.
  Status Close();

  // Damage was found in it, and no operator has said that it was seen to.
  bool tampered() const { return tampered_.load(std::memory_order_relaxed); }
  void set_tampered(bool tampered) { tampered_.store(tampered, std::memory_order_relaxed); }

  // Its creation was completed once, so its folder is never empty.
  bool complete() const { return complete_.load(std::memory_order_relaxed); }
  void set_complete() { complete_.store(true, std::memory_order_relaxed); }

  // When the store was asked for last; none if it is closed.
  std::optional<Time> LastUse() const;
  // Why the store could not be opened, as long as that is not tried again.
  Status failure() const;
  // Why the store takes no writes or could not be opened when that was tried last, or that it was
  // tampered with; or ok.
  Status Health() const;

 private:
  void Report(const std::string& failure);

  const std::string name_;
  const Clock clock_;
  std::atomic<bool> tampered_{false};
  std::atomic<bool> complete_{false};

  std::mutex transition_mutex_;  // held while opening and closing; taken before mutex_

  mutable std::mutex mutex_;
  // Guarded by mutex_.
  std::shared_ptr<Store> store_;
  Time last_use_;
  Status failure_;        // of the last attempt to open it
  Time retry_at_;         // it is not tried again before
  std::string reported_;  // the failure that was logged last
  Time report_again_at_;  // the same one is not logged before
};

}  // namespace immudb
