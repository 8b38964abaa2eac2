// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <set>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

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
  // The login that this token comes from. 0 before it is issued: a login of its own.
  uint64_t login = 0;
  std::chrono::steady_clock::time_point expiry;
};

// The tokens in force, in memory only: a restart ends them all. Thread-safe; Find() is a hash-table
// read under a shared lock, the others do work in proportion to what they drop.
//
// Bounded in three steps, so that nobody pushes out another's tokens while holding more:
//   one login       kMaxOfLogin; its oldest is dropped, but for the first, which others come from
//   one user        a sixteenth of `max_sessions`; its oldest is dropped
//   all             `max_sessions`; the oldest of the user that holds most is dropped
class Sessions {
 public:
  using Clock = std::function<std::chrono::steady_clock::time_point()>;
  static constexpr size_t kDefaultMaxSessions = 65'536;
  static constexpr size_t kMaxOfLogin = 1'024;

  // A token lives `lifetime` from its issue, however much it is used.
  Sessions(std::chrono::seconds lifetime, Clock clock, size_t max_sessions = kDefaultMaxSessions);

  // A new token for `session`, whose expiry is set here. Older tokens stay valid.
  std::string Issue(Session session);

  // Null if the token is unknown, expired or ended.
  std::shared_ptr<const Session> Find(std::string_view token) const;

  // All tokens of this user are invalid from now on.
  void EndAllOf(std::string_view user);
  // Those of them that select this database.
  void EndOn(std::string_view user, std::string_view database);

  size_t size() const;

 private:
  struct Entry;
  using Entries = std::list<Entry>;
  using Order = std::list<Entries::iterator>;  // of issue
  struct Holder {
    Order all;
    std::unordered_map<uint64_t, Order> logins;
  };
  using Holders = std::unordered_map<std::string, Holder>;

  struct Entry {
    std::string token;
    std::shared_ptr<const Session> session;
    Holders::value_type* holder;
    Order::iterator in_all;
    Order::iterator in_login;
  };

  // Under mutex_.
  void MakeRoomFor(const Session& session);
  void Add(std::string token, std::shared_ptr<const Session> session);
  Holders::value_type& HolderOf(const std::string& user);
  void Drop(Entries::iterator entry);
  void Recount(const Holder& holder, size_t before);

  const std::chrono::seconds lifetime_;
  const Clock clock_;
  const size_t max_sessions_;
  const size_t max_of_user_;

  mutable std::shared_mutex mutex_;
  // Guarded by mutex_. In order of issue, which is also the order of expiry.
  Entries entries_;
  // Guarded by mutex_. The keys are views of Entry::token.
  std::unordered_map<std::string_view, Entries::iterator> by_token_;
  Holders holders_;                                     // guarded by mutex_; by user
  std::set<std::pair<size_t, const Holder*>> by_size_;  // guarded by mutex_; of holders_
  uint64_t last_login_ = 0;                             // guarded by mutex_
};

}  // namespace immudb
