// SPDX-License-Identifier: Apache-2.0
#include "base/fair_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace immudb {
namespace {

// A task that tells when it has begun and ends when it is told to.
class Held {
 public:
  std::function<void()> Task() {
    return [this] {
      begun_.count_down();
      end_.wait();
    };
  }
  void WaitForBegin() { begun_.wait(); }
  void End() { end_.count_down(); }

 private:
  std::latch begun_{1};
  std::latch end_{1};
};

// Two counts of a large database, and all others wait for seconds.
TEST(FairPoolTest, LongTasksOfOneOwnerLeaveAThreadToTheOthers) {
  std::vector<Held> greedy(2);
  std::atomic<bool> third{false};
  std::latch served(1);
  FairPool pool(3, 100);
  for (Held& held : greedy) {
    ASSERT_TRUE(pool.TrySubmit("greedy", held.Task()));
    held.WaitForBegin();
  }
  ASSERT_TRUE(pool.TrySubmit("greedy", [&] { third = true; }));
  ASSERT_TRUE(pool.TrySubmit("other", [&] { served.count_down(); }));
  served.wait();
  EXPECT_FALSE(third) << "the last free thread is for the others";
  for (Held& held : greedy) held.End();
}

TEST(FairPoolTest, OwnersTakeTurns) {
  Held held;
  std::string order;
  std::latch done(7);
  FairPool pool(1, 100);
  ASSERT_TRUE(pool.TrySubmit("a", held.Task()));
  held.WaitForBegin();
  for (const char owner : std::string_view("aaaabbc")) {
    ASSERT_TRUE(pool.TrySubmit(std::string(1, owner), [&order, &done, owner] {
      order += owner;
      done.count_down();
    }));
  }
  held.End();
  done.wait();
  EXPECT_EQ(order, "abcabaa");
}

TEST(FairPoolTest, OneOwnerFillsHalfOfTheRoomAtMost) {
  Held held;
  FairPool pool(1, 8);
  ASSERT_TRUE(pool.TrySubmit("greedy", held.Task()));
  held.WaitForBegin();
  int taken = 0;
  while (pool.TrySubmit("greedy", [] {})) ++taken;
  EXPECT_EQ(taken, 4);
  int others = 0;
  for (int i = 0; i < 100; ++i) {
    if (pool.TrySubmit("other" + std::to_string(i), [] {})) ++others;
  }
  EXPECT_EQ(others, 4) << "all the room there is";
  pool.Submit("greedy", [] {});  // bounded elsewhere
  held.End();
}

TEST(FairPoolTest, WhatWasTakenRunsBeforeThePoolIsGone) {
  std::atomic<int> ran{0};
  {
    FairPool pool(2, 1000);
    for (int i = 0; i < 300; ++i) {
      ASSERT_TRUE(pool.TrySubmit("owner" + std::to_string(i % 3), [&] { ++ran; }));
    }
  }
  EXPECT_EQ(ran, 300);
}

TEST(FairPoolTest, ManySubmittersAndOwners) {
  std::atomic<int> ran{0};
  std::atomic<int> taken{0};
  {
    FairPool pool(4, 64);
    std::vector<std::thread> submitters;
    for (int t = 0; t < 4; ++t) {
      submitters.emplace_back([&, t] {
        for (int i = 0; i < 5000; ++i) {
          if (pool.TrySubmit("owner" + std::to_string((t + i) % 7), [&] { ++ran; })) ++taken;
        }
      });
    }
    for (std::thread& submitter : submitters) submitter.join();
  }
  EXPECT_EQ(ran, taken);
  EXPECT_GT(taken, 0);
}

}  // namespace
}  // namespace immudb
