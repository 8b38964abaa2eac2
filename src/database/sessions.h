// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "database/permissions.h"

namespace immudb {

class Database;

// What a token stands for. Never changes once issued.
struct Session {
  std::string user;
  // The selected database; null when the token selects none.
  std::shared_ptr<Database> database;
  // In that database; kSystemAdmin everywhere for the system administrator.
  Permission permission = Permission::kNone;
  std::chrono::steady_clock::time_point expiry;
};

// The tokens in force, in memory only: a restart ends them all. Bounded: beyond `max_sessions` the
// oldest is dropped, beyond a sixteenth of them for one user the oldest of that user. Thread-safe;
// Find() is a hash-table read under a shared lock.
class Sessions {
 public:
  using Clock = std::function<std::chrono::steady_clock::time_point()>;
  static constexpr size_t kDefaultMaxSessions = 65'536;

  // A token lives `lifetime` from its issue, however much it is used.
  Sessions(std::chrono::seconds lifetime, Clock clock, size_t max_sessions = kDefaultMaxSessions);

  // A new token for `session` (whose expiry is set here). Older tokens of the user stay valid.
  std::string Issue(Session session);

  // Null if the token is unknown, expired or ended.
  std::shared_ptr<const Session> Find(std::string_view token) const;

  // All tokens of this user are invalid from now on.
  void EndAllOf(std::string_view user);

  size_t size() const;

 private:
  struct Entry {
    std::string token;
    std::shared_ptr<const Session> session;
  };
  using Entries = std::list<Entry>;

  // Under mutex_.
  Entries::iterator Drop(Entries::iterator entry);
  void DropOldestOf(std::string_view user);

  const std::chrono::seconds lifetime_;
  const Clock clock_;
  const size_t max_sessions_;
  const size_t max_of_user_;

  mutable std::shared_mutex mutex_;
  // Guarded by mutex_. In order of issue, which is also the order of expiry.
  Entries entries_;
  // Guarded by mutex_. The keys are views of Entry::token.
  std::unordered_map<std::string_view, Entries::iterator> by_token_;
  std::unordered_map<std::string, size_t> count_of_user_;  // guarded by mutex_
};

}  // namespace immudb
