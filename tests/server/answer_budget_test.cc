// SPDX-License-Identifier: Apache-2.0
#include "server/answer_budget.h"

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace immudb::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr size_t kMiB = size_t{1} << 20;

class AnswerBudgetTest : public ::testing::Test {
 protected:
  std::optional<AnswerBudget::Ticket> TryAdd(const std::string& reader, size_t mib) {
    return budget_.TryAdd(
        reader, mib * kMiB, [this, reader] { cancelled_.push_back(reader); }, now_);
  }

  AnswerBudget budget_{100 * kMiB, seconds(60)};
  AnswerBudget::Time now_{std::chrono::hours(5)};
  std::vector<std::string> cancelled_;
};

TEST_F(AnswerBudgetTest, OneReaderLeavesHalfToTheOthers) {
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(TryAdd("slow", 10)) << i;
  EXPECT_FALSE(TryAdd("slow", 10));
  EXPECT_FALSE(budget_.HasRoomFor("slow"));
  EXPECT_TRUE(budget_.HasRoomFor("other"));
  EXPECT_TRUE(TryAdd("other", 10));
  EXPECT_TRUE(TryAdd("large", 40)) << "one answer is given if there is room for it";
  EXPECT_TRUE(cancelled_.empty());
}

TEST_F(AnswerBudgetTest, NeverMoreThanTheLimit) {
  for (int i = 0; i < 1000; ++i) TryAdd(std::to_string(i % 50), 3);
  EXPECT_LE(budget_.bytes(), 100 * kMiB);
  EXPECT_GT(budget_.bytes(), 90 * kMiB);
}

TEST_F(AnswerBudgetTest, WhatWasTakenIsFreeAgain) {
  std::vector<AnswerBudget::Ticket> tickets;
  for (int i = 0; i < 5; ++i) tickets.push_back(*TryAdd("reader", 10));
  for (const auto& ticket : tickets) budget_.Remove(ticket);
  EXPECT_EQ(budget_.bytes(), 0U);
  EXPECT_TRUE(TryAdd("reader", 100));
}

TEST_F(AnswerBudgetTest, WhenAllIsTakenTheOldestMakeRoomButNotAtOnce) {
  std::vector<AnswerBudget::Ticket> tickets;
  for (int i = 0; i < 10; ++i) {
    tickets.push_back(*TryAdd("slow" + std::to_string(i), 10));
    now_ += milliseconds(100);
  }
  EXPECT_FALSE(TryAdd("new", 15));
  now_ += seconds(10);
  EXPECT_TRUE(TryAdd("new", 15));
  EXPECT_EQ(cancelled_, (std::vector<std::string>{"slow0", "slow1"}));
  EXPECT_EQ(budget_.bytes(), 95 * kMiB);
  for (const auto& ticket : tickets) budget_.Remove(ticket);
  EXPECT_EQ(budget_.bytes(), 15 * kMiB);
}

// gRPC frees a cancelled answer some time later: until then it takes memory.
TEST_F(AnswerBudgetTest, CancelledAnswersCountUntilTheyAreFreed) {
  std::vector<AnswerBudget::Ticket> tickets;
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 10; ++i) tickets.push_back(*TryAdd("slow" + std::to_string(i), 10));
    now_ += seconds(10);
  }
  EXPECT_FALSE(TryAdd("new", 10)) << "200 MiB are held already";
  for (const auto& ticket : tickets) budget_.Remove(ticket);
  EXPECT_TRUE(TryAdd("new", 100));
}

TEST_F(AnswerBudgetTest, WhatIsNotTakenInTimeIsCancelledOnce) {
  const auto small = TryAdd("small", 1);
  const auto large = TryAdd("large", 10);
  now_ += seconds(63);
  budget_.CancelOverdue(now_);
  EXPECT_TRUE(cancelled_.empty()) << "a second more for each 256 KiB";
  now_ += seconds(1);
  budget_.CancelOverdue(now_);
  budget_.CancelOverdue(now_);
  EXPECT_EQ(cancelled_, std::vector<std::string>{"small"});
  EXPECT_EQ(budget_.bytes(), 10 * kMiB);
  now_ += seconds(36);
  budget_.CancelOverdue(now_);
  EXPECT_EQ(cancelled_, (std::vector<std::string>{"small", "large"}));
  budget_.Remove(*small);
  budget_.Remove(*large);
  EXPECT_EQ(budget_.bytes(), 0U);
}

TEST_F(AnswerBudgetTest, WhatMustBeGivenIsCountedBeyondTheLimit) {
  const auto must = budget_.Add(
      "writer", 150 * kMiB, [] {}, now_);
  EXPECT_FALSE(TryAdd("reader", 1));
  budget_.Remove(must);
  EXPECT_TRUE(TryAdd("reader", 1));
}

}  // namespace
}  // namespace immudb::testing
