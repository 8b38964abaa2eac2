// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace immudb {

// Runs a task of a pool. A task MUST NOT throw: whoever waits for it would wait for ever, and the
// state that it leaves is unknown. An exception that leaves it is logged and ends the process, as a
// crash does. Tasks whose memory depends on what a client sent catch what is thrown themselves.
void RunTask(const std::function<void()>& task) noexcept;

// A fixed set of worker threads with one queue. Thread-safe. The destructor runs what is queued,
// then joins.
class ThreadPool {
 public:
  // `max_queued` bounds TrySubmit; 0: unbounded.
  explicit ThreadPool(size_t threads, size_t max_queued = 0);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  // Runs `task` on a worker, once. False (and not run) when the queue is full.
  [[nodiscard]] bool TrySubmit(std::function<void()> task);
  // As TrySubmit, whatever is queued: for work whose amount is bounded elsewhere.
  void Submit(std::function<void()> task);

  // Runs body(begin, end) over disjoint parts of [0, n), each at least `grain` long (but the last),
  // on the workers and on the calling thread; returns when all are done. May be called from many
  // threads, not from inside a body.
  void ParallelFor(size_t n, size_t grain, const std::function<void(size_t, size_t)>& body);

  size_t thread_count() const { return threads_.size(); }

  // Is there work that no worker has taken yet? A long task should then queue itself again.
  bool busy() const { return queued_.load(std::memory_order_relaxed) > 0; }

 private:
  void Run();

  const size_t max_queued_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> queue_;  // guarded by mutex_
  bool stopping_ = false;                    // guarded by mutex_
  std::atomic<size_t> queued_{0};            // size of queue_, changed under mutex_
  std::vector<std::thread> threads_;
};

}  // namespace immudb
