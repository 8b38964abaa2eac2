// SPDX-License-Identifier: Apache-2.0
#include "base/line_limiter.h"

#include <gtest/gtest.h>

#include <chrono>
#include <optional>

namespace immudb::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class LineLimiterTest : public ::testing::Test {
 protected:
  // How many were suppressed before a line that is written now.
  std::optional<uint64_t> Admit() {
    const auto admitted = limiter_.Admit(now_);
    if (!admitted) return std::nullopt;
    last_ = admitted->last;
    return admitted->suppressed;
  }

  LineLimiter limiter_{3, seconds(1)};
  LineLimiter::Time now_{std::chrono::hours(5)};
  bool last_ = false;
};

TEST_F(LineLimiterTest, ABurstIsWrittenThenOneAnInterval) {
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(Admit(), 0U);
    EXPECT_EQ(last_, i == 2);
  }
  now_ += milliseconds(999);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(Admit(), std::nullopt);
  now_ += milliseconds(1);
  EXPECT_EQ(Admit(), 10U);
  EXPECT_TRUE(last_);
  now_ += milliseconds(999);
  EXPECT_EQ(Admit(), std::nullopt);
  now_ += milliseconds(1);
  EXPECT_EQ(Admit(), 1U);
}

TEST_F(LineLimiterTest, AQuietTimeAllowsOneBurstNotMore) {
  for (int i = 0; i < 4; ++i) Admit();
  now_ += std::chrono::hours(1);
  EXPECT_EQ(Admit(), 1U);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(Admit(), 0U);
  EXPECT_EQ(Admit(), std::nullopt);
}

}  // namespace
}  // namespace immudb::testing
