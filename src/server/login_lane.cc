// SPDX-License-Identifier: Apache-2.0
#include "server/login_lane.h"

#include <utility>

namespace immudb {

LoginLane::LoginLane(const FairQueueLimits& limits)
    : known_(limits), strangers_(limits), thread_([this] { Run(); }) {}

LoginLane::~LoginLane() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void LoginLane::Submit(const LoginTicket& ticket, std::function<void()> run,
                       std::function<void()> refuse) {
  std::optional<Waiting> refused;
  {
    Waiting waiting{std::move(run), std::move(refuse)};
    const std::lock_guard lock(mutex_);
    refused = ticket.known ? known_.Push(ticket.user, ticket.address, std::move(waiting))
                           : strangers_.Push(ticket.address, ticket.user, std::move(waiting));
  }
  wake_.notify_one();
  if (refused) refused->refuse();
}

std::optional<LoginLane::Waiting> LoginLane::Next() {
  const bool stranger = known_.empty() || (strangers_turn_ && !strangers_.empty());
  strangers_turn_ = !stranger;
  return stranger ? strangers_.Pop() : known_.Pop();
}

void LoginLane::Run() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stopping_ || !known_.empty() || !strangers_.empty(); });
    std::optional<Waiting> next = Next();
    if (!next) return;
    lock.unlock();
    next->run();
    next.reset();
    lock.lock();
  }
}

}  // namespace immudb
