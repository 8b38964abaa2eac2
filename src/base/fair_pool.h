// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

namespace immudb {

// Worker threads whose time is shared among owners (a user, a peer). Each owner has a queue of its
// own, and the queues take turns. The last free worker takes no task of an owner that already has
// one running: the long tasks of one owner keep no other owner waiting, if there are two threads.
// Thread-safe. The destructor runs what is queued, then joins. Tasks as for ThreadPool.
class FairPool {
 public:
  // `max_queued` tasks may wait, of all owners together.
  FairPool(size_t threads, size_t max_queued);
  ~FairPool();
  FairPool(const FairPool&) = delete;
  FairPool& operator=(const FairPool&) = delete;

  // Runs `task` on a worker, once. False (and not run) when no more may wait, or when as many tasks
  // of this owner wait as there is room left: so one owner fills no more than half of the room.
  [[nodiscard]] bool TrySubmit(std::string_view owner, std::function<void()> task);
  // As TrySubmit, however many tasks wait: for work whose amount is bounded elsewhere.
  void Submit(std::string_view owner, std::function<void()> task);

 private:
  // The tasks of one owner.
  struct Lane {
    std::deque<std::function<void()>> queue;
    size_t running = 0;
  };
  // An entry of lanes_: its address stays, whatever else is inserted or erased.
  using Owned = std::pair<const std::string, Lane>;

  // Under mutex_.
  void Queue(Owned& owned, std::function<void()> task);
  Owned& LaneOf(std::string_view owner);
  std::list<Owned*>::iterator NextInTurn();

  void Run();

  const size_t max_queued_;
  std::mutex mutex_;
  std::condition_variable wake_;
  // Guarded by mutex_.
  std::unordered_map<std::string, Lane> lanes_;  // of the owners with tasks
  std::list<Owned*> turns_;                      // the lanes with queued tasks, in turn
  size_t queued_ = 0;
  size_t running_ = 0;
  bool stopping_ = false;

  std::vector<std::thread> threads_;
};

}  // namespace immudb
