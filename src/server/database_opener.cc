// SPDX-License-Identifier: Apache-2.0
#include "server/database_opener.h"

#include <utility>

#include "database/database.h"
#include "database/databases.h"
#include "server/exception_barrier.h"

namespace immudb {
namespace {

constexpr size_t kThreads = 4;
constexpr size_t kMaxWaiting = 1024;
constexpr size_t kMaxWaitingForOne = 512;

}  // namespace

DatabaseOpener::DatabaseOpener(Databases& databases) : databases_(databases), threads_(kThreads) {}

bool DatabaseOpener::Open(Database& database, Then then) {
  const std::lock_guard lock(mutex_);
  const auto [waiting, is_first] = waiting_.try_emplace(&database);
  std::vector<Then>& calls = waiting->second;
  if (waiting_count_ >= kMaxWaiting || calls.size() >= kMaxWaitingForOne) {
    if (is_first) waiting_.erase(waiting);
    return false;
  }
  try {
    calls.push_back(std::move(then));
    if (is_first) threads_.Submit([this, &database] { OpenNow(database); });
  } catch (...) {
    if (is_first) waiting_.erase(waiting);
    throw;
  }
  ++waiting_count_;
  return true;
}

void DatabaseOpener::OpenNow(Database& database) {
  std::shared_ptr<Store> store;
  const Status status = RunGuarded([&]() -> Status {
    auto opened = databases_.OpenStore(database);
    if (opened.ok()) store = *std::move(opened);
    return opened.status();
  });
  std::vector<Then> calls;
  {
    const std::lock_guard lock(mutex_);
    const auto waiting = waiting_.find(&database);
    calls = std::move(waiting->second);
    waiting_.erase(waiting);
    waiting_count_ -= calls.size();
  }
  for (size_t i = 0; i < calls.size(); ++i) {
    // The last one gets ours: a store that nobody uses any more can be closed at once.
    auto its = i + 1 < calls.size() ? store : std::move(store);
    calls[i](status.ok() ? Result<std::shared_ptr<Store>>(std::move(its)) : status);
  }
}

}  // namespace immudb
