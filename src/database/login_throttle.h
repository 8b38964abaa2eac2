// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "immudb/status.h"

namespace immudb {

// Slows down the guessing of passwords: after some failures each further one is followed by a
// growing pause, in which attempts are refused before any password is hashed. Counted for a user
// from one address, for an address, and (with short pauses only, so that nobody can be locked out
// from elsewhere) for a user. Bounded memory; forgotten after a while without failures.
// Thread-safe.
class LoginThrottle {
 public:
  using Clock = std::function<std::chrono::steady_clock::time_point()>;

  explicit LoginThrottle(Clock clock);

  // kResourceExhausted "too many failed logins, try again in <n> seconds" during a pause.
  Status Admit(std::string_view user, std::string_view address);
  void Failed(std::string_view user, std::string_view address);
  // Attempts that failed since the start.
  uint64_t failures() const { return failures_.load(std::memory_order_relaxed); }
  // The user's failures from this address are forgotten.
  void Succeeded(std::string_view user, std::string_view address);

 private:
  struct Limits {
    unsigned free_failures;
    std::chrono::seconds longest_pause;
  };

  // Failures by name, the most recently failed in front.
  class Table {
   public:
    explicit Table(Limits limits) : limits_(limits) {}

    std::chrono::steady_clock::time_point PauseEnd(const std::string& name) const;
    void Failed(const std::string& name, std::chrono::steady_clock::time_point now);
    void Forget(const std::string& name);

   private:
    struct Failures {
      std::string name;
      unsigned count = 0;
      std::chrono::steady_clock::time_point last;
      std::chrono::steady_clock::time_point pause_end;
    };

    const Limits limits_;
    std::list<Failures> failures_;
    std::unordered_map<std::string_view, std::list<Failures>::iterator> by_name_;
  };

  const Clock clock_;
  std::atomic<uint64_t> failures_{0};
  std::mutex mutex_;
  // Guarded by mutex_.
  Table pairs_;
  Table addresses_;
  Table users_;
};

}  // namespace immudb
