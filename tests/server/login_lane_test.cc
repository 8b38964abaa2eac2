// SPDX-License-Identifier: Apache-2.0
//
// Whose password is hashed next, and who is refused when too many wait.
#include "server/login_lane.h"

#include <gtest/gtest.h>

#include <functional>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "server/fair_queue.h"

namespace immudb::testing {
namespace {

using Strings = std::vector<std::string>;

class FairQueueTest : public ::testing::Test {
 protected:
  // The item that has no room, or nothing.
  std::string Push(const std::string& group, const std::string& member, const std::string& item) {
    return queue_.Push(group, member, item).value_or("");
  }
  Strings PopAll() {
    Strings all;
    while (auto item = queue_.Pop()) all.push_back(*std::move(item));
    return all;
  }

  FairQueue<std::string> queue_{{.member = 3, .group = 4, .total = 6}};
};

TEST_F(FairQueueTest, GroupsAndTheirMembersTakeTurns) {
  for (const char* item : {"a1", "a2", "a3"}) EXPECT_EQ(Push("one", "a", item), "");
  EXPECT_EQ(Push("one", "b", "b1"), "");
  EXPECT_EQ(Push("two", "a", "c1"), "");
  EXPECT_EQ(queue_.size(), 5U);
  EXPECT_EQ(PopAll(), (Strings{"a1", "c1", "b1", "a2", "a3"}));
  EXPECT_TRUE(queue_.empty());
  EXPECT_FALSE(queue_.Pop().has_value());
}

TEST_F(FairQueueTest, WhoeverHoldsMostMakesRoom) {
  for (const char* item : {"a1", "a2", "a3"}) EXPECT_EQ(Push("one", "a", item), "");
  EXPECT_EQ(Push("one", "a", "a4"), "a4") << "more than a member may have";
  EXPECT_EQ(Push("one", "b", "b1"), "");
  EXPECT_EQ(Push("one", "c", "c1"), "a3") << "more than a group may have";
  EXPECT_EQ(Push("two", "d", "d1"), "");
  EXPECT_EQ(Push("three", "e", "e1"), "");
  EXPECT_EQ(Push("four", "f", "f1"), "a2") << "more than all may have";
  EXPECT_EQ(Push("two", "d", "d2"), "c1") << "the newest of the largest group";
  EXPECT_EQ(queue_.size(), 6U);
  EXPECT_EQ(PopAll(), (Strings{"a1", "d1", "e1", "f1", "b1", "d2"}));
}

TEST_F(FairQueueTest, NobodyMakesRoomForWhoHoldsAsMuch) {
  for (const char* name : {"1", "2", "3", "4", "5", "6"}) EXPECT_EQ(Push(name, "m", name), "");
  EXPECT_EQ(Push("7", "m", "7"), "7");
  EXPECT_EQ(Push("1", "m", "1+"), "1+");
  EXPECT_EQ(PopAll(), (Strings{"1", "2", "3", "4", "5", "6"}));
}

// The thread is held by a first call until all others wait.
class LoginLaneTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::promise<void> begun;
    lane_->Submit(
        {}, [&] { begun.set_value(), open_.get_future().wait(); }, [] { FAIL(); });
    begun.get_future().wait();
  }
  void Submit(const LoginTicket& ticket, const std::string& name) {
    lane_->Submit(
        ticket, [this, name] { done_.push_back(name); },
        [this, name] { refused_.push_back(name); });
  }
  // The names in the order in which they ran.
  const Strings& Finish() {
    open_.set_value();
    lane_.reset();  // runs what waits
    return done_;
  }

  std::promise<void> open_;
  Strings done_;
  Strings refused_;
  std::unique_ptr<LoginLane> lane_ = std::make_unique<LoginLane>();
};

TEST_F(LoginLaneTest, OneUsersManyLoginsDelayNobodyElse) {
  for (int i = 0; i < 64; ++i) {
    Submit({.user = "greedy", .address = "1", .known = true}, "greedy");
  }
  EXPECT_EQ(refused_.size(), 32U);
  Submit({.user = "alice", .address = "1", .known = true}, "alice");
  const Strings& done = Finish();
  ASSERT_EQ(done.size(), 33U);
  EXPECT_EQ(done[1], "alice");
}

TEST_F(LoginLaneTest, FloodsOfStrangersDelayAKnownUserByOne) {
  for (int i = 0; i < 1000; ++i) {
    const std::string number = std::to_string(i);
    Submit({.user = "junk" + number, .address = number}, "junk");
  }
  EXPECT_EQ(refused_.size(), 744U);
  Submit({.user = "alice", .address = "1", .known = true}, "alice");
  Submit({.user = "bob", .address = "1", .known = true}, "bob");
  const Strings& done = Finish();
  ASSERT_EQ(done.size(), 258U);
  EXPECT_EQ(Strings(done.begin(), done.begin() + 4), (Strings{"alice", "junk", "bob", "junk"}));
  EXPECT_EQ(refused_.size(), 744U);
}

TEST_F(LoginLaneTest, JunkFromOneAddressDelaysAStrangerElsewhereByOne) {
  for (int i = 0; i < 100; ++i) {
    Submit({.user = "junk" + std::to_string(i), .address = "1"}, "junk");
  }
  Submit({.user = "alice", .address = "2"}, "alice");
  const Strings& done = Finish();
  ASSERT_EQ(done.size(), 65U);
  EXPECT_EQ(done[1], "alice");
}

}  // namespace
}  // namespace immudb::testing
