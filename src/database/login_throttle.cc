// SPDX-License-Identifier: Apache-2.0
#include "database/login_throttle.h"

#include <sodium.h>

#include <algorithm>
#include <string>
#include <utility>

namespace immudb {
namespace {

using std::chrono::seconds;

constexpr seconds kFirstPause{1};
constexpr seconds kForgetAfter{15 * 60};
constexpr unsigned kMaxDoublings = 16;

}  // namespace

LoginThrottle::Time LoginThrottle::Table::PauseEnd(Hash name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? Time::min() : found->second->pause_end;
}

void LoginThrottle::Table::Failed(Hash name, Time now, const Limits& limits) {
  if (const auto found = by_name_.find(name); found != by_name_.end()) {
    failures_.splice(failures_.begin(), failures_, found->second);
  } else {
    failures_.push_front({name, 0, {}, {}});
    by_name_.emplace(name, failures_.begin());
  }
  Failures& failures = failures_.front();
  if (failures.count > 0 && now - failures.last >= kForgetAfter) failures.count = 0;
  ++failures.count;
  failures.last = now;
  if (failures.count >= limits.free_failures) {
    const unsigned doublings = std::min(failures.count - limits.free_failures, kMaxDoublings);
    failures.pause_end = now + std::min(kFirstPause * (1 << doublings), limits.longest_pause);
  }
  while (failures_.size() > kMaxEntries || now - failures_.back().last >= kForgetAfter) {
    Forget(failures_.back().name);
  }
}

void LoginThrottle::Table::Forget(Hash name) {
  const auto found = by_name_.find(name);
  if (found == by_name_.end()) return;
  failures_.erase(found->second);
  by_name_.erase(found);
}

bool LoginThrottle::Origins::Has(Hash user, Hash address) const {
  const auto found = by_user_.find(user);
  if (found == by_user_.end()) return false;
  const auto& addresses = found->second->addresses;
  return std::find(addresses.begin(), addresses.end(), address) != addresses.end();
}

void LoginThrottle::Origins::Add(Hash user, Hash address) {
  if (const auto found = by_user_.find(user); found != by_user_.end()) {
    users_.splice(users_.begin(), users_, found->second);
  } else {
    users_.push_front({user, {}});
    by_user_.emplace(user, users_.begin());
  }
  auto& addresses = users_.front().addresses;
  std::erase(addresses, address);
  addresses.insert(addresses.begin(), address);
  if (addresses.size() > kMaxAddressesOfUser) addresses.pop_back();
  if (users_.size() > kMaxEntries) {
    by_user_.erase(users_.back().user);
    users_.pop_back();
  }
}

LoginThrottle::LoginThrottle(Clock clock) : clock_(std::move(clock)) {
  static_assert(std::tuple_size_v<decltype(key_)> == crypto_shorthash_KEYBYTES);
  static_assert(sizeof(Hash) == crypto_shorthash_BYTES);
  randombytes_buf(key_.data(), key_.size());
}

LoginThrottle::Hash LoginThrottle::HashOf(const void* bytes, size_t size) const {
  Hash hash = 0;
  crypto_shorthash(reinterpret_cast<unsigned char*>(&hash),
                   static_cast<const unsigned char*>(bytes), size, key_.data());
  return hash;
}

LoginThrottle::Names LoginThrottle::NamesOf(std::string_view user, std::string_view address) const {
  const std::array<Hash, 2> both = {HashOf(user.data(), user.size()),
                                    HashOf(address.data(), address.size())};
  return {both[0], both[1], HashOf(both.data(), sizeof both)};
}

Status LoginThrottle::Admit(std::string_view user, std::string_view address) {
  const auto now = clock_();
  const Names names = NamesOf(user, address);
  Time end;
  {
    const std::lock_guard lock(mutex_);
    end = pairs_.PauseEnd(names.pair);
    if (!known_.Has(names.user, names.address)) {
      end = std::max(end, users_.PauseEnd(names.user));
      if (!address.empty()) end = std::max(end, addresses_.PauseEnd(names.address));
    }
  }
  if (end <= now) return Status::Ok();
  refusals_.fetch_add(1, std::memory_order_relaxed);
  const auto left = std::chrono::ceil<seconds>(end - now).count();
  return Status::ResourceExhausted("too many failed logins, try again in " + std::to_string(left) +
                                   (left == 1 ? " second" : " seconds"));
}

void LoginThrottle::Failed(std::string_view user, std::string_view address) {
  static constexpr Limits kPair{5, seconds(60)};
  static constexpr Limits kPairOfMany{5, seconds(2)};  // the right one may be among them
  static constexpr Limits kAddress{20, seconds(60)};
  static constexpr Limits kUser{10, seconds(2)};
  failures_.fetch_add(1, std::memory_order_relaxed);
  const auto now = clock_();
  const Names names = NamesOf(user, address);
  const std::lock_guard lock(mutex_);
  const bool known = known_.Has(names.user, names.address);
  pairs_.Failed(names.pair, now, known || address.empty() ? kPairOfMany : kPair);
  if (!known && !address.empty()) addresses_.Failed(names.address, now, kAddress);
  users_.Failed(names.user, now, kUser);
}

void LoginThrottle::Succeeded(std::string_view user, std::string_view address) {
  const Names names = NamesOf(user, address);
  const std::lock_guard lock(mutex_);
  pairs_.Forget(names.pair);
  users_.Forget(names.user);
  known_.Add(names.user, names.address);
}

bool LoginThrottle::Knows(std::string_view user, std::string_view address) const {
  const Names names = NamesOf(user, address);
  const std::lock_guard lock(mutex_);
  return known_.Has(names.user, names.address);
}

size_t LoginThrottle::entries() const {
  const std::lock_guard lock(mutex_);
  return pairs_.size() + addresses_.size() + users_.size() + known_.size();
}

}  // namespace immudb
