// SPDX-License-Identifier: Apache-2.0
#include "base/thread_pool.h"

#include <gtest/gtest.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <latch>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

namespace immudb {
namespace {

// How often each index was covered, and the shortest part but the last.
struct Coverage {
  explicit Coverage(size_t n) : counts(n) {}
  void Add(size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) ++counts[i];
    const std::lock_guard lock(mutex);
    parts.emplace_back(begin, end);
  }
  bool ExactlyOnce() const {
    return std::all_of(counts.begin(), counts.end(), [](const auto& c) { return c == 1; });
  }
  std::vector<std::atomic<int>> counts;
  std::mutex mutex;
  std::vector<std::pair<size_t, size_t>> parts;
};

// A leaf hashed twice is waste; one not hashed is a wrong root.
TEST(ThreadPoolTest, ParallelForCoversEachIndexOnce) {
  ThreadPool pool(3);
  for (const size_t n : {0, 1, 2, 3, 7, 100, 1000, 4097}) {
    for (const size_t grain : {0, 1, 3, 64, 5000}) {
      Coverage coverage(n);
      pool.ParallelFor(n, grain, [&](size_t begin, size_t end) { coverage.Add(begin, end); });
      EXPECT_TRUE(coverage.ExactlyOnce()) << n << " by " << grain;
      EXPECT_LE(coverage.parts.size(), 4U);
      for (const auto& [begin, end] : coverage.parts) {
        EXPECT_GE(end - begin, std::min(n, grain)) << n << " by " << grain;
      }
    }
  }
}

TEST(ThreadPoolTest, ParallelForWorksWithoutWorkers) {
  ThreadPool pool(0);
  Coverage coverage(100);
  pool.ParallelFor(100, 1, [&](size_t begin, size_t end) { coverage.Add(begin, end); });
  EXPECT_TRUE(coverage.ExactlyOnce());
}

// All databases of a server share one pool.
TEST(ThreadPoolTest, ParallelForServesManyCallersAtOnce) {
  ThreadPool pool(2);
  std::atomic<int> bad{0};
  std::vector<std::thread> callers;
  for (int c = 0; c < 6; ++c) {
    callers.emplace_back([&] {
      for (int round = 0; round < 200; ++round) {
        Coverage coverage(64);
        pool.ParallelFor(64, 4, [&](size_t begin, size_t end) { coverage.Add(begin, end); });
        if (!coverage.ExactlyOnce()) ++bad;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(bad, 0);
}

// With every worker busy the caller does the work itself instead of waiting for them.
TEST(ThreadPoolTest, ParallelForDoesNotWaitForBusyWorkers) {
  ThreadPool pool(1, 1);
  std::latch busy(1);
  std::latch release(1);
  ASSERT_TRUE(pool.TrySubmit([&] {
    busy.count_down();
    release.wait();
  }));
  busy.wait();
  Coverage coverage(100);
  pool.ParallelFor(100, 1, [&](size_t begin, size_t end) { coverage.Add(begin, end); });
  EXPECT_TRUE(coverage.ExactlyOnce());
  release.count_down();
}

// Heavy reads beyond the bound are refused, so that memory is bounded.
TEST(ThreadPoolTest, TrySubmitRefusesBeyondTheBound) {
  std::atomic<int> ran{0};
  {
    ThreadPool pool(1, 2);
    std::latch busy(1);
    std::latch release(1);
    ASSERT_TRUE(pool.TrySubmit([&] {
      busy.count_down();
      release.wait();
      ++ran;
    }));
    busy.wait();
    EXPECT_TRUE(pool.TrySubmit([&] { ++ran; }));
    EXPECT_TRUE(pool.TrySubmit([&] { ++ran; }));
    EXPECT_FALSE(pool.TrySubmit([&] { ran += 100; }));
    pool.Submit([&] { ran += 10; });  // bounded elsewhere
    release.count_down();
  }
  EXPECT_EQ(ran, 13) << "what was taken runs before the pool is gone, what was refused never";
}

// A stage of the commit pipeline gives up its thread when another store waits for one.
TEST(ThreadPoolTest, BusyWhileWorkWaitsHoweverItWasSubmitted) {
  ThreadPool pool(1);
  std::latch started(1);
  std::latch release(1);
  std::latch last(1);
  pool.Submit([&] {
    started.count_down();
    release.wait();
  });
  started.wait();
  EXPECT_FALSE(pool.busy());
  pool.Submit([&] { last.count_down(); });
  EXPECT_TRUE(pool.busy());
  release.count_down();
  last.wait();
  EXPECT_FALSE(pool.busy());
}

// Whoever waits for the task would wait for ever: the process ends and tells why.
TEST(ThreadPoolDeathTest, ExceptionOfATaskEndsTheProcessWithALine) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto fail = [] {
    spdlog::set_default_logger(spdlog::stderr_logger_mt("death"));
    ThreadPool pool(1);
    pool.Submit([] { throw std::runtime_error("the reason"); });
  };
  EXPECT_DEATH(fail(), "a task failed, the process ends: the reason");
}

}  // namespace
}  // namespace immudb
