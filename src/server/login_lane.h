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

// The owner of a call that needs a password hash.
struct LoginTicket {
  std::string user;
  std::string address;  // as AddressForLimits() gives it
  bool known = false;   // this user has logged in from this address before, or is logged in
};

// The one thread that hashes passwords, and the calls that wait for it:
//
//     known users:  by user, then by address
//     strangers:    by address, then by user
//
// The two groups take turns, then their users or addresses. So a flood of logins of strangers
// delays a known user by one hash, and many logins of one user or address do not delay the first
// login of another. Thread-safe. The destructor runs what is queued, then joins.
class LoginLane {
 public:
  // One hash takes some tens of milliseconds.
  static constexpr FairQueueLimits kDefaultLimits{.member = 32, .group = 64, .total = 256};

  // `limits` hold for known users and for strangers, each.
  explicit LoginLane(const FairQueueLimits& limits = kDefaultLimits);
  ~LoginLane();
  LoginLane(const LoginLane&) = delete;
  LoginLane& operator=(const LoginLane&) = delete;

  // Calls exactly one of both, once: `run` on the thread of the lane, or `refuse` if there is no
  // room, now or when a later call takes the room. Neither may throw. If this throws
  // std::bad_alloc, it calls neither.
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
