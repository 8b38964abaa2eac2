// SPDX-License-Identifier: Apache-2.0
#include "database/login_throttle.h"

#include <gtest/gtest.h>

#include <string>

#include "support/process_memory.h"

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

// Behind one address there may be an office, a balancer, a cluster: junk from one of them must not
// lock out those who have been there before.
TEST_F(LoginThrottleTest, KnownUserPassesWhateverOthersDoFromItsAddress) {
  throttle_.Succeeded("alice", "10.0.0.1");
  for (int i = 0; i < 100; ++i) Fail(1, "junk" + std::to_string(i), "10.0.0.1");
  EXPECT_TRUE(Admits("alice", "10.0.0.1"));
  EXPECT_FALSE(Admits("bob", "10.0.0.1"));
  EXPECT_TRUE(throttle_.Knows("alice", "10.0.0.1"));
  EXPECT_FALSE(throttle_.Knows("bob", "10.0.0.1"));
  EXPECT_FALSE(throttle_.Knows("alice", "10.0.0.2"));
}

TEST_F(LoginThrottleTest, KnownUserPassesWhateverOthersDoUnderItsNameElsewhere) {
  throttle_.Succeeded("alice", "10.0.0.1");
  for (int i = 0; i < 100; ++i) Fail(1, "alice", "10.0.1." + std::to_string(i));
  EXPECT_TRUE(Admits("alice", "10.0.0.1"));
  EXPECT_FALSE(Admits("alice", "10.0.0.2"));
}

// The guesses may be those of a neighbour: they stay slow, but nobody is locked out for long.
TEST_F(LoginThrottleTest, GuessingAtAKnownUserFromItsAddressPausesShortly) {
  throttle_.Succeeded("alice", "10.0.0.1");
  Fail(100, "alice", "10.0.0.1");
  EXPECT_FALSE(Admits("alice", "10.0.0.1"));
  now_ += seconds(2);
  EXPECT_TRUE(Admits("alice", "10.0.0.1"));
  EXPECT_TRUE(Admits("bob", "10.0.0.1")) << "counted for the address too";
}

// All processes of the machine have that one address.
TEST_F(LoginThrottleTest, PeersOfASocketAreNotLimitedByAddress) {
  for (int i = 0; i < 100; ++i) Fail(1, "junk" + std::to_string(i), "");
  EXPECT_TRUE(Admits("alice", ""));
  Fail(100, "alice", "");
  EXPECT_FALSE(Admits("alice", ""));
  now_ += seconds(2);
  EXPECT_TRUE(Admits("alice", ""));
}

TEST_F(LoginThrottleTest, RefusalsAreCounted) {
  Fail(5, "alice", "10.0.0.1");
  EXPECT_EQ(throttle_.refusals(), 0U);
  EXPECT_FALSE(Admits("alice", "10.0.0.1"));
  EXPECT_EQ(throttle_.refusals(), 1U);
  EXPECT_EQ(throttle_.failures(), 5U);
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
  EXPECT_LE(throttle_.entries(), 3 * LoginThrottle::kMaxEntries);
}

TEST_F(LoginThrottleTest, LongNamesCostNoMoreMemoryThanShortOnes) {
  const size_t before = ResidentBytes();
  std::string name(size_t{16} << 20, 'a');
  for (int i = 0; i < 64; ++i) {
    name[0] = static_cast<char>('0' + i);
    throttle_.Failed(name, name);
  }
  if (kMemoryIsReal) {
    EXPECT_LT(ResidentBytes() - before, size_t{64} << 20);
  }
}

TEST_F(LoginThrottleTest, KnownAddressesAreBoundedForEachUser) {
  throttle_.Succeeded("bystander", "10.0.0.1");
  for (size_t i = 0; i < 20'000; ++i) {
    throttle_.Succeeded("roaming",
                        "10.1." + std::to_string(i / 256) + "." + std::to_string(i % 256));
  }
  EXPECT_TRUE(throttle_.Knows("bystander", "10.0.0.1"));
  EXPECT_FALSE(throttle_.Knows("roaming", "10.1.0.0"));
  EXPECT_TRUE(throttle_.Knows("roaming", "10.1.78.31"));
  for (size_t i = 0; i < 20'000; ++i) throttle_.Succeeded("u" + std::to_string(i), "10.0.0.1");
  EXPECT_EQ(throttle_.entries(), LoginThrottle::kMaxEntries);
}

}  // namespace
}  // namespace immudb::testing
