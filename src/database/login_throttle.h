// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <mutex>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "immudb/status.h"

namespace immudb {

// Slows down the guessing of passwords: after some failures each further one is followed by a
// growing pause, in which attempts are refused before any password is hashed. Counted for a user
// from one address, for an address, and (with short pauses only, so that nobody can be locked out
// from elsewhere) for a user.
//
// A user that has logged in from an address since the start is known there: what others do from the
// same address, or elsewhere under the name of this user, does not hold for it. Only failures of
// this user from this address do, with short pauses: they may be those of a neighbour.
//
// An empty address stands for peers that cannot be told apart, those of a unix socket: there is no
// limit for it, and all pauses are short.
//
// Memory: names and addresses are kept as keyed hashes, at most kMaxEntries a table and
// kMaxAddressesOfUser known addresses a user, the least recently used forgotten first: some MB.
// Forgotten after a while without failures. Thread-safe.
class LoginThrottle {
 public:
  using Clock = std::function<std::chrono::steady_clock::time_point()>;
  static constexpr size_t kMaxEntries = 10'000;
  static constexpr size_t kMaxAddressesOfUser = 32;

  explicit LoginThrottle(Clock clock);

  // kResourceExhausted "too many failed logins, try again in <n> seconds" during a pause.
  Status Admit(std::string_view user, std::string_view address);
  void Failed(std::string_view user, std::string_view address);
  // The user's failures from this address are forgotten, and the user is known there.
  void Succeeded(std::string_view user, std::string_view address);

  bool Knows(std::string_view user, std::string_view address) const;
  // Attempts that failed since the start.
  uint64_t failures() const { return failures_.load(std::memory_order_relaxed); }
  // Attempts that Admit refused since the start.
  uint64_t refusals() const { return refusals_.load(std::memory_order_relaxed); }
  // The number of entries in all tables.
  size_t entries() const;

 private:
  using Hash = uint64_t;  // keyed with a secret of the process: nobody can choose colliding names
  using Time = std::chrono::steady_clock::time_point;

  struct Limits {
    unsigned free_failures;
    std::chrono::seconds longest_pause;
  };

  // Failures by hash, the most recently failed in front.
  class Table {
   public:
    Time PauseEnd(Hash name) const;
    void Failed(Hash name, Time now, const Limits& limits);
    void Forget(Hash name);
    size_t size() const { return failures_.size(); }

   private:
    struct Failures {
      Hash name;
      unsigned count = 0;
      Time last;
      Time pause_end;
    };

    std::list<Failures> failures_;
    std::unordered_map<Hash, std::list<Failures>::iterator> by_name_;
  };

  // From where users have logged in, the most recent in front, users as well as addresses.
  class Origins {
   public:
    bool Has(Hash user, Hash address) const;
    void Add(Hash user, Hash address);
    size_t size() const { return users_.size(); }

   private:
    struct Origin {
      Hash user;
      std::vector<Hash> addresses;
    };

    std::list<Origin> users_;
    std::unordered_map<Hash, std::list<Origin>::iterator> by_user_;
  };

  struct Names {
    Hash user;
    Hash address;
    Hash pair;
  };

  Hash HashOf(const void* bytes, size_t size) const;
  Names NamesOf(std::string_view user, std::string_view address) const;

  const Clock clock_;
  std::array<unsigned char, 16> key_;
  std::atomic<uint64_t> failures_{0};
  std::atomic<uint64_t> refusals_{0};
  mutable std::mutex mutex_;
  // Guarded by mutex_.
  Table pairs_;
  Table addresses_;
  Table users_;
  Origins known_;
};

}  // namespace immudb
