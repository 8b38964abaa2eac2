// SPDX-License-Identifier: Apache-2.0
#include "database/sessions.h"

#include <algorithm>
#include <iterator>
#include <mutex>
#include <utility>

#include "database/database.h"
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

  const std::unique_lock lock(mutex_);
  while (!entries_.empty() && entries_.front().session->expiry <= now) Drop(entries_.begin());
  if (session.login == 0) session.login = ++last_login_;
  MakeRoomFor(session);
  Add(token, std::make_shared<const Session>(std::move(session)));
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
  const auto holder = holders_.find(std::string(user));
  if (holder == holders_.end()) return;
  // The last one takes the holder along.
  for (size_t left = holder->second.all.size(); left > 0; --left) {
    Drop(holder->second.all.front());
  }
}

void Sessions::EndOn(std::string_view user, std::string_view database) {
  const std::unique_lock lock(mutex_);
  const auto holder = holders_.find(std::string(user));
  if (holder == holders_.end()) return;
  const Order tokens = holder->second.all;
  for (const auto& entry : tokens) {
    const auto& selected = entry->session->database;
    if (selected != nullptr && selected->name() == database) Drop(entry);
  }
}

size_t Sessions::size() const {
  const std::shared_lock lock(mutex_);
  return entries_.size();
}

void Sessions::MakeRoomFor(const Session& session) {
  if (const auto holder = holders_.find(session.user); holder != holders_.end()) {
    const auto login = holder->second.logins.find(session.login);
    if (login != holder->second.logins.end() && login->second.size() >= kMaxOfLogin) {
      return Drop(*std::next(login->second.begin()));
    }
    if (holder->second.all.size() >= max_of_user_) return Drop(holder->second.all.front());
  }
  if (entries_.size() >= max_sessions_) Drop(by_size_.rbegin()->second->all.front());
}

// All memory is had before anything is changed, so that a shortage leaves the table as it was.
void Sessions::Add(std::string token, std::shared_ptr<const Session> session) {
  Holders::value_type& holder = HolderOf(session->user);
  Order& all = holder.second.all;
  Order& login = holder.second.logins[session->login];
  Entries entry;
  entry.push_back({std::move(token), std::move(session), &holder, {}, {}});
  Order in_all(1, entry.begin());
  Order in_login(1, entry.begin());
  by_token_.emplace(entry.front().token, entry.begin());

  entry.front().in_all = in_all.begin();
  entry.front().in_login = in_login.begin();
  all.splice(all.end(), in_all);
  login.splice(login.end(), in_login);
  entries_.splice(entries_.end(), entry);
  Recount(holder.second, all.size() - 1);
}

Sessions::Holders::value_type& Sessions::HolderOf(const std::string& user) {
  const auto [holder, is_new] = holders_.try_emplace(user);
  try {
    if (is_new) by_size_.emplace(0, &holder->second);
  } catch (...) {
    holders_.erase(holder);
    throw;
  }
  return *holder;
}

void Sessions::Drop(Entries::iterator entry) {
  by_token_.erase(entry->token);
  Holder& holder = entry->holder->second;
  const auto login = holder.logins.find(entry->session->login);
  login->second.erase(entry->in_login);
  if (login->second.empty()) holder.logins.erase(login);
  holder.all.erase(entry->in_all);
  Recount(holder, holder.all.size() + 1);
  if (holder.all.empty()) {
    by_size_.erase({0, &holder});
    holders_.erase(holders_.find(entry->session->user));
  }
  entries_.erase(entry);
}

void Sessions::Recount(const Holder& holder, size_t before) {
  auto node = by_size_.extract({before, &holder});
  node.value().first = holder.all.size();
  by_size_.insert(std::move(node));
}

}  // namespace immudb
