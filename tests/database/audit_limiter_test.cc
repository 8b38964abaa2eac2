// SPDX-License-Identifier: Apache-2.0
//
// A flood of denied calls must neither fill the audit trail nor vanish from it.
#include "database/audit_limiter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace immudb {
namespace {

using std::chrono::seconds;

constexpr AuditLimiter::Time kStart{seconds(1000)};

AuditRecord Denied(const std::string& user) {
  return {.user = user, .peer = "::1", .act = "denied", .target = "Dump", .detail = "no right"};
}

TEST(AuditLimiter, TheFirstOfAKindStandForThemselvesTheRestIsCounted) {
  AuditLimiter limiter;
  uint64_t recorded = 0;
  for (int i = 0; i < 1000; ++i) recorded += limiter.Admit(Denied("bob"), kStart) ? 1 : 0;
  EXPECT_EQ(recorded, AuditLimiter::kSingleRecords);
  EXPECT_TRUE(limiter.Admit(Denied("eve"), kStart));
  EXPECT_TRUE(limiter.TakeCounted(kStart + seconds(59), false).empty());
  const auto counted = limiter.TakeCounted(kStart + AuditLimiter::kWindow, false);
  ASSERT_EQ(counted.size(), 1U);
  EXPECT_EQ(counted[0].user, "bob");
  EXPECT_EQ(counted[0].peer, "::1");
  EXPECT_EQ(counted[0].act, "denied");
  EXPECT_EQ(counted[0].target, "Dump");
  EXPECT_EQ(counted[0].detail, "no right; 995 more within 60 s");
  EXPECT_TRUE(limiter.TakeCounted(kStart + seconds(600), true).empty());
  EXPECT_TRUE(limiter.Admit(Denied("bob"), kStart + seconds(600)));
}

TEST(AuditLimiter, ManyUsersAreCountedTogether) {
  AuditLimiter limiter;
  uint64_t recorded = 0;
  for (int i = 0; i < 10'000; ++i) {
    recorded += limiter.Admit(Denied("user" + std::to_string(i)), kStart) ? 1 : 0;
  }
  EXPECT_EQ(recorded, AuditLimiter::kKinds);
  const auto counted = limiter.TakeCounted(kStart, true);
  ASSERT_EQ(counted.size(), 1U);
  EXPECT_EQ(counted[0].user, "");
  EXPECT_EQ(counted[0].act, "denied");
  EXPECT_EQ(counted[0].detail, "9968 more by various users or peers within 60 s");
}

}  // namespace
}  // namespace immudb
