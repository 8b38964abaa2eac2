// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "server/fair_queue.h"

namespace immudb {

// Whose call it is that needs a password hashed.
struct LoginTicket {
  std::string user;
  std::string address;  // as AddressForLimits() gives it
  bool known = false;   // this user has logged in from this address before, or is logged in
};

// The one thread that hashes passwords, and the calls that wait for it:
//
//     known users:  by user, then by address      one of these,
//     strangers:    by address, then by user      one of those, and so on
//
// So a flood of logins delays a known user by one hash, and one user's or address's many logins
// delay nobody else's first one. Thread-safe. The destructor runs what is queued, then joins.
class LoginLane {
 public:
  // One hash takes some tens of milliseconds.
  static constexpr FairQueueLimits kDefaultLimits{.member = 32, .group = 64, .total = 256};

  // `limits` hold for known users and for strangers, each.
  explicit LoginLane(const FairQueueLimits& limits = kDefaultLimits);
  ~LoginLane();
  LoginLane(const LoginLane&) = delete;
  LoginLane& operator=(const LoginLane&) = delete;

  // Runs `run` on the thread, or `refuse` if there is no room: exactly one of them, once, either of
  // them perhaps later, when another call takes the room. Neither may throw. Throws std::bad_alloc,
  // and then calls none of them.
  void Submit(const LoginTicket& ticket, std::function<void()> run, std::function<void()> refuse);

 private:
  struct Waiting {
    std::function<void()> run;
    std::function<void()> refuse;
  };

  void Run();
  std::optional<Waiting> Next();  // under mutex_

  std::mutex mutex_;
  std::condition_variable wake_;
  // Guarded by mutex_.
  FairQueue<Waiting> known_;
  FairQueue<Waiting> strangers_;
  bool strangers_turn_ = false;
  bool stopping_ = false;

  std::thread thread_;
};

}  // namespace immudb
