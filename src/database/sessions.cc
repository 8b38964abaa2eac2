// SPDX-License-Identifier: Apache-2.0
#include "database/sessions.h"

#include <algorithm>
#include <iterator>
#include <mutex>
#include <utility>

#include "database/random.h"

namespace immudb {
namespace {

constexpr size_t kFewestOfUser = 16;

}  // namespace

Sessions::Sessions(std::chrono::seconds lifetime, Clock clock, size_t max_sessions)
    : lifetime_(lifetime),
      clock_(std::move(clock)),
      max_sessions_(max_sessions),
      max_of_user_(std::max(max_sessions / 16, std::min(max_sessions, kFewestOfUser))) {}

std::string Sessions::Issue(Session session) {
  std::string token = RandomToken();
  const auto now = clock_();
  session.expiry = now + lifetime_;
  auto shared = std::make_shared<const Session>(std::move(session));

  const std::unique_lock lock(mutex_);
  while (!entries_.empty() &&
         (entries_.size() >= max_sessions_ || entries_.front().session->expiry <= now)) {
    Drop(entries_.begin());
  }
  const auto of_user = count_of_user_.find(shared->user);
  if (of_user != count_of_user_.end() && of_user->second >= max_of_user_) {
    DropOldestOf(shared->user);
  }
  ++count_of_user_[shared->user];
  const auto entry = entries_.insert(entries_.end(), Entry{token, std::move(shared)});
  by_token_.emplace(entry->token, entry);
  return token;
}

std::shared_ptr<const Session> Sessions::Find(std::string_view token) const {
  std::shared_ptr<const Session> session;
  {
    const std::shared_lock lock(mutex_);
    const auto found = by_token_.find(token);
    if (found == by_token_.end()) return nullptr;
    session = found->second->session;
  }
  return clock_() < session->expiry ? session : nullptr;
}

void Sessions::EndAllOf(std::string_view user) {
  const std::unique_lock lock(mutex_);
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    entry = entry->session->user == user ? Drop(entry) : std::next(entry);
  }
}

size_t Sessions::size() const {
  const std::shared_lock lock(mutex_);
  return entries_.size();
}

Sessions::Entries::iterator Sessions::Drop(Entries::iterator entry) {
  by_token_.erase(entry->token);
  const auto count = count_of_user_.find(entry->session->user);
  if (--count->second == 0) count_of_user_.erase(count);
  return entries_.erase(entry);
}

void Sessions::DropOldestOf(std::string_view user) {
  const auto oldest = std::find_if(entries_.begin(), entries_.end(), [user](const Entry& entry) {
    return entry.session->user == user;
  });
  if (oldest != entries_.end()) Drop(oldest);
}

}  // namespace immudb
