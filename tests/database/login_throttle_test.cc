// SPDX-License-Identifier: Apache-2.0
#include "database/login_throttle.h"

#include <gtest/gtest.h>

#include <string>

namespace immudb::testing {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

class LoginThrottleTest : public ::testing::Test {
 protected:
  void Fail(int times, const std::string& user, const std::string& address) {
    for (int i = 0; i < times; ++i) throttle_.Failed(user, address);
  }
  bool Admits(const std::string& user, const std::string& address) {
    return throttle_.Admit(user, address).ok();
  }

  std::chrono::steady_clock::time_point now_{seconds(1000)};
  LoginThrottle throttle_{[this] { return now_; }};
};

TEST_F(LoginThrottleTest, SomeMistakesCostNothing) {
  Fail(4, "alice", "10.0.0.1");
  EXPECT_TRUE(Admits("alice", "10.0.0.1"));
}

TEST_F(LoginThrottleTest, PausesGrowAndAreBounded) {
  Fail(5, "alice", "10.0.0.1");
  const Status refused = throttle_.Admit("alice", "10.0.0.1");
  EXPECT_EQ(refused.code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(refused.message(), "too many failed logins, try again in 1 second");
  now_ += seconds(1);
  EXPECT_TRUE(Admits("alice", "10.0.0.1"));
  Fail(1, "alice", "10.0.0.1");
  now_ += seconds(1);
  EXPECT_FALSE(Admits("alice", "10.0.0.1"));
  now_ += seconds(1);
  EXPECT_TRUE(Admits("alice", "10.0.0.1"));
  Fail(100, "alice", "10.0.0.1");
  now_ += seconds(59);
  EXPECT_FALSE(Admits("alice", "10.0.0.1"));
  now_ += seconds(1);
  EXPECT_TRUE(Admits("alice", "10.0.0.1"));
}

// Else anybody could lock the administrator out.
TEST_F(LoginThrottleTest, OtherAddressesWaitOnlyShortly) {
  Fail(19, "immudb", "10.0.0.1");
  EXPECT_FALSE(Admits("immudb", "10.0.0.2"));
  now_ += seconds(2);
  EXPECT_TRUE(Admits("immudb", "10.0.0.2"));
  EXPECT_FALSE(Admits("immudb", "10.0.0.1"));
  EXPECT_TRUE(Admits("alice", "10.0.0.2"));
}

TEST_F(LoginThrottleTest, OneAddressCannotTryManyNames) {
  for (int i = 0; i < 25; ++i) Fail(1, "user" + std::to_string(i), "10.0.0.1");
  EXPECT_FALSE(Admits("somebody", "10.0.0.1"));
  EXPECT_TRUE(Admits("somebody", "10.0.0.2"));
}

TEST_F(LoginThrottleTest, SuccessAndTimeMakeGood) {
  Fail(5, "alice", "10.0.0.1");
  throttle_.Succeeded("alice", "10.0.0.1");
  EXPECT_TRUE(Admits("alice", "10.0.0.1"));
  Fail(12, "bob", "10.0.0.1");
  now_ += minutes(16);
  Fail(1, "bob", "10.0.0.1");
  EXPECT_TRUE(Admits("bob", "10.0.0.1"));
}

// Names cost memory: there is an end to them, and the newest stay known.
TEST_F(LoginThrottleTest, MemoryIsBounded) {
  for (int i = 0; i < 30'000; ++i) {
    throttle_.Failed("user" + std::to_string(i), "10.0.0." + std::to_string(i % 7));
  }
  Fail(5, "last", "10.0.1.1");
  EXPECT_FALSE(Admits("last", "10.0.1.1"));
}

}  // namespace
}  // namespace immudb::testing
