// SPDX-License-Identifier: Apache-2.0
#include "base/fair_pool.h"

#include <algorithm>
#include <list>
#include <utility>

#include "base/thread_pool.h"

namespace immudb {

FairPool::FairPool(size_t threads, size_t max_queued) : max_queued_(max_queued) {
  const std::lock_guard lock(mutex_);  // the workers look at threads_
  threads_.reserve(threads);
  for (size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { Run(); });
}

FairPool::~FairPool() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

bool FairPool::TrySubmit(std::string_view owner, std::function<void()> task) {
  {
    const std::lock_guard lock(mutex_);
    if (queued_ >= max_queued_) return false;
    Owned& owned = LaneOf(owner);
    if (owned.second.queue.size() >= max_queued_ - queued_) return false;
    Queue(owned, std::move(task));
  }
  wake_.notify_one();
  return true;
}

void FairPool::Submit(std::string_view owner, std::function<void()> task) {
  {
    const std::lock_guard lock(mutex_);
    Queue(LaneOf(owner), std::move(task));
  }
  wake_.notify_one();
}

FairPool::Owned& FairPool::LaneOf(std::string_view owner) {
  return *lanes_.try_emplace(std::string(owner)).first;
}

void FairPool::Queue(Owned& owned, std::function<void()> task) {
  std::list<Owned*> turn;
  if (owned.second.queue.empty()) turn.push_back(&owned);
  owned.second.queue.push_back(std::move(task));
  turns_.splice(turns_.end(), turn);  // nothing throws from here on
  ++queued_;
}

// At most as many lanes are passed over as there are workers: each of them has a running task.
std::list<FairPool::Owned*>::iterator FairPool::NextInTurn() {
  const bool last_free = running_ + 1 >= threads_.size();
  return std::ranges::find_if(
      turns_, [last_free](const Owned* owned) { return !last_free || owned->second.running == 0; });
}

void FairPool::Run() {
  std::unique_lock lock(mutex_);
  while (true) {
    auto turn = turns_.end();
    wake_.wait(lock, [&] {
      turn = NextInTurn();
      return turn != turns_.end() || (stopping_ && queued_ == 0);
    });
    if (turn == turns_.end()) return;
    Owned& owned = **turn;
    auto task = std::move(owned.second.queue.front());
    owned.second.queue.pop_front();
    if (owned.second.queue.empty()) {
      turns_.erase(turn);
    } else {
      turns_.splice(turns_.end(), turns_, turn);
    }
    --queued_;
    ++owned.second.running;
    ++running_;
    // A task that nobody was free for may be one for another worker now.
    const bool more = NextInTurn() != turns_.end();
    lock.unlock();
    if (more) wake_.notify_one();
    RunTask(task);
    task = nullptr;
    lock.lock();
    --running_;
    if (--owned.second.running == 0 && owned.second.queue.empty()) lanes_.erase(owned.first);
    if (stopping_ && queued_ == 0) wake_.notify_all();
  }
}

}  // namespace immudb
