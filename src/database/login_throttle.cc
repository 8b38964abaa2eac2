// SPDX-License-Identifier: Apache-2.0
#include "database/login_throttle.h"

#include <algorithm>
#include <utility>

namespace immudb {
namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr seconds kFirstPause{1};
constexpr seconds kForgetAfter{15 * 60};
constexpr size_t kMaxNames = 10'000;
constexpr unsigned kMaxDoublings = 16;

std::string PairOf(std::string_view user, std::string_view address) {
  // An address holds no newline, so pairs cannot be confused.
  return std::string(address).append(1, '\n').append(user);
}

}  // namespace

steady_clock::time_point LoginThrottle::Table::PauseEnd(const std::string& name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? steady_clock::time_point::min() : found->second->pause_end;
}

void LoginThrottle::Table::Failed(const std::string& name, steady_clock::time_point now) {
  if (const auto found = by_name_.find(name); found != by_name_.end()) {
    failures_.splice(failures_.begin(), failures_, found->second);
  } else {
    failures_.push_front({name, 0, {}, {}});
    by_name_.emplace(failures_.front().name, failures_.begin());
  }
  Failures& failures = failures_.front();
  if (failures.count > 0 && now - failures.last >= kForgetAfter) failures.count = 0;
  ++failures.count;
  failures.last = now;
  if (failures.count >= limits_.free_failures) {
    const unsigned doublings = std::min(failures.count - limits_.free_failures, kMaxDoublings);
    failures.pause_end = now + std::min(kFirstPause * (1 << doublings), limits_.longest_pause);
  }
  while (failures_.size() > kMaxNames || now - failures_.back().last >= kForgetAfter) {
    Forget(std::string(failures_.back().name));
  }
}

void LoginThrottle::Table::Forget(const std::string& name) {
  const auto found = by_name_.find(name);
  if (found == by_name_.end()) return;
  const auto failures = found->second;
  by_name_.erase(found);
  failures_.erase(failures);
}

LoginThrottle::LoginThrottle(Clock clock)
    : clock_(std::move(clock)),
      pairs_({5, seconds(60)}),
      addresses_({20, seconds(60)}),
      users_({10, seconds(2)}) {}

Status LoginThrottle::Admit(std::string_view user, std::string_view address) {
  const auto now = clock_();
  const std::lock_guard lock(mutex_);
  const auto end =
      std::max({pairs_.PauseEnd(PairOf(user, address)), addresses_.PauseEnd(std::string(address)),
                users_.PauseEnd(std::string(user))});
  if (end <= now) return Status::Ok();
  const auto left = std::chrono::ceil<seconds>(end - now).count();
  return Status::ResourceExhausted("too many failed logins, try again in " + std::to_string(left) +
                                   (left == 1 ? " second" : " seconds"));
}

void LoginThrottle::Failed(std::string_view user, std::string_view address) {
  failures_.fetch_add(1, std::memory_order_relaxed);
  const auto now = clock_();
  const std::lock_guard lock(mutex_);
  pairs_.Failed(PairOf(user, address), now);
  addresses_.Failed(std::string(address), now);
  users_.Failed(std::string(user), now);
}

void LoginThrottle::Succeeded(std::string_view user, std::string_view address) {
  const std::lock_guard lock(mutex_);
  pairs_.Forget(PairOf(user, address));
  users_.Forget(std::string(user));
}

}  // namespace immudb
