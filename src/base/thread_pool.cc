// SPDX-License-Identifier: Apache-2.0
#include "base/thread_pool.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <exception>
#include <memory>
#include <utility>

namespace immudb {

void RunTask(const std::function<void()>& task) noexcept {
  try {
    task();
    return;
  } catch (const std::exception& error) {
    spdlog::critical("a task failed, the process ends: {}", error.what());
  } catch (...) {
    spdlog::critical("a task failed, the process ends");
  }
  spdlog::default_logger_raw()->flush();
  std::abort();
}

ThreadPool::ThreadPool(size_t threads, size_t max_queued) : max_queued_(max_queued) {
  threads_.reserve(threads);
  for (size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { Run(); });
}

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

bool ThreadPool::TrySubmit(std::function<void()> task) {
  {
    const std::lock_guard lock(mutex_);
    if (max_queued_ != 0 && queue_.size() >= max_queued_) return false;
    queue_.push_back(std::move(task));
    queued_.store(queue_.size(), std::memory_order_relaxed);
  }
  wake_.notify_one();
  return true;
}

void ThreadPool::Submit(std::function<void()> task) {
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back(std::move(task));
    queued_.store(queue_.size(), std::memory_order_relaxed);
  }
  wake_.notify_one();
}

void ThreadPool::Run() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (queue_.empty()) return;
    auto task = std::move(queue_.front());
    queue_.pop_front();
    queued_.store(queue_.size(), std::memory_order_relaxed);
    lock.unlock();
    RunTask(task);
    task = nullptr;
    lock.lock();
  }
}

void ThreadPool::ParallelFor(size_t n, size_t grain,
                             const std::function<void(size_t, size_t)>& body) {
  const size_t parts = std::clamp<size_t>(n / std::max<size_t>(grain, 1), 1, threads_.size() + 1);
  if (parts == 1) {
    if (n > 0) body(0, n);
    return;
  }
  // Shared, not on the stack: a worker may look at it after the caller has left.
  struct Work {
    std::atomic<size_t> next{0};
    std::mutex mutex;
    std::condition_variable all_done;
    size_t done = 0;
  };
  auto work = std::make_shared<Work>();
  const auto run_parts = [work, parts, n, &body] {
    size_t finished = 0;
    for (size_t part = work->next++; part < parts; part = work->next++) {
      body(n * part / parts, n * (part + 1) / parts);
      ++finished;
    }
    if (finished == 0) return;
    const std::lock_guard lock(work->mutex);
    work->done += finished;
    if (work->done == parts) work->all_done.notify_all();
  };
  // If a worker cannot be had, this thread does its share.
  for (size_t i = 1; i < parts; ++i) static_cast<void>(TrySubmit(run_parts));
  run_parts();
  std::unique_lock lock(work->mutex);
  work->all_done.wait(lock, [&] { return work->done == parts; });
}

}  // namespace immudb
