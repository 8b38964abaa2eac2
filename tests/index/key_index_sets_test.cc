// SPDX-License-Identifier: Apache-2.0
//
// Sorted sets: which members are listed, and in which order.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "index/entry_log.h"
#include "index/key_index.h"
#include "support/temp_dir.h"

namespace immudb::testing {
namespace {

using namespace std::string_literals;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::IsEmpty;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

class KeyIndexSetsTest : public ::testing::Test {
 protected:
  std::vector<std::string> Listed(const KeyIndex::SetListOptions& options) {
    log_.CatchUp(*index_);
    const Rows rows = ListSet(*index_, options, log_.size());
    EXPECT_EQ(rows, log_.ListSet(options, log_.size()));
    return Keys(rows);
  }

  TempDir dir_;
  EntryLog log_;
  std::unique_ptr<KeyIndex> index_ = OpenIndex(dir_.File("index"));
};

TEST_F(KeyIndexSetsTest, ScoresOrderAsNumbers) {
  std::ifstream file(IMMUDB_TEST_VECTORS);
  std::vector<double> scores;
  const auto vectors = nlohmann::json::parse(file);
  for (const auto& text : vectors.at("zscan_score_order")) {
    scores.push_back(std::stod(text.get<std::string>()));
  }
  ASSERT_GT(scores.size(), 5U);
  scores.insert(scores.end(), {kInfinity, -kInfinity, std::numeric_limits<double>::max(),
                               std::numeric_limits<double>::lowest(),
                               std::numeric_limits<double>::min(), 5e-324, -5e-324});
  for (const double score : scores) {
    log_.Member("set", score, "m");
  }
  std::sort(scores.begin(), scores.end(),
            [](double a, double b) { return a != b ? a < b : std::signbit(a) < std::signbit(b); });
  std::vector<std::string> expected;
  expected.reserve(scores.size());
  for (const double score : scores) {
    expected.push_back(MemberKey("set", score, "m"));
  }
  EXPECT_THAT(Listed({.set = "set"}), ElementsAreArray(expected));
  std::reverse(expected.begin(), expected.end());
  EXPECT_THAT(Listed({.set = "set", .reverse = true}), ElementsAreArray(expected));
}

TEST_F(KeyIndexSetsTest, MinusZeroEqualsZeroAndTiesGoByMember) {
  log_.Member("s", 0.0, "c");
  log_.Member("s", -0.0, "b");
  log_.Member("s", 0.0, "a");
  log_.Member("s", -0.0, "a");
  log_.Member("s", -0.0, "a\0"s);
  log_.Member("s", 0.0, "a\x01");
  log_.Member("s", -1, "z");
  log_.Member("s", 1, "A");
  EXPECT_THAT(
      Listed({.set = "s"}),
      ElementsAre(MemberKey("s", -1, "z"), MemberKey("s", 0.0, "a"), MemberKey("s", -0.0, "a"),
                  MemberKey("s", -0.0, "a\0"s), MemberKey("s", 0.0, "a\x01"),
                  MemberKey("s", -0.0, "b"), MemberKey("s", 0.0, "c"), MemberKey("s", 1, "A")));
}

TEST_F(KeyIndexSetsTest, OnlyMembersOfExactlyThatSetAreListed) {
  const std::vector<std::string> sets = {"s",         "s2",       "s\0"s,   "s\0\1"s,
                                         "s\0\xFF"s,  "s\0\1\2"s, "s\xFF"s, "\xFF"s,
                                         "\xFF\xFF"s, "s\x01"s,   "s\0\0"s, "t"};
  for (const std::string& set : sets) {
    for (const double score : {-1.5, 0.0, 2.0}) {
      log_.Member(set, score, "of " + set);
    }
  }
  // The same bytes as a member of "s", but a plain key; and a plain key that extends the set's
  // name.
  log_.Value(MemberKey("s", 7, "plain"), "v");
  log_.Value("s-other", "v");
  // Every set has its three, whatever the bytes of its neighbours.
  for (const std::string& set : sets) {
    EXPECT_THAT(Listed({.set = set}),
                ElementsAre(MemberKey(set, -1.5, "of " + set), MemberKey(set, 0.0, "of " + set),
                            MemberKey(set, 2.0, "of " + set)));
    EXPECT_EQ(Listed({.set = set, .reverse = true}).size(), 3U);
  }
  EXPECT_THAT(Listed({.set = "absent"}), IsEmpty());
  EXPECT_THAT(Listed({.set = ""}), IsEmpty());
}

TEST_F(KeyIndexSetsTest, OneKeyThatIsAMemberOfTwoSetsByItsBytesIsListedInBoth) {
  // "a" || 8 bytes || rest equals "ab" || 8 other bytes || other rest.
  const std::string key = "ab" + "12345678"s + "member";
  const std::vector<IndexUpdate> group = {
      {{0}, EntryKind::kSortedSetMember, key, std::string_view(key).substr(9), 1},
      {{1}, EntryKind::kSortedSetMember, key, std::string_view(key).substr(10), 2}};
  ASSERT_TRUE(index_->Apply(group, {2}).ok());
  EXPECT_EQ(ListSet(*index_, {.set = "a"}, {2}),
            (Rows{{key, 0, EntryKind::kSortedSetMember, key.substr(9)}}));
  EXPECT_EQ(ListSet(*index_, {.set = "ab"}, {2}),
            (Rows{{key, 1, EntryKind::kSortedSetMember, key.substr(10)}}));
}

TEST_F(KeyIndexSetsTest, AMemberAddedAgainIsListedOnceWithItsLastIndex) {
  log_.Member("s", 1, "m");
  log_.Member("s", 2, "m");
  log_.Member("s", 1, "m");
  EXPECT_THAT(Listed({.set = "s"}), ElementsAre(MemberKey("s", 1, "m"), MemberKey("s", 2, "m")));
  EXPECT_EQ(ListSet(*index_, {.set = "s"}, {3}).front().index, 2U);
  EXPECT_EQ(ListSet(*index_, {.set = "s"}, {2}).front().index, 0U);
  EXPECT_THAT(ListSet(*index_, {.set = "s"}, {1}), ::testing::SizeIs(1));
}

TEST_F(KeyIndexSetsTest, TheOffsetIsStrictInBothDirections) {
  const std::vector<double> scores = {-kInfinity, -2, -0.0, 0.0, 3, kInfinity};
  for (const double score : scores) {
    log_.Member("s", score, "a");
    log_.Member("s", score, "b\0\xFF"s);
  }
  log_.Member("r", 1, "a");
  log_.Member("s\0"s, 1, "a");
  const std::vector<std::string> all = Listed({.set = "s"});
  ASSERT_EQ(all.size(), 12U);
  for (size_t i = 0; i < all.size(); ++i) {
    EXPECT_THAT(Listed({.set = "s", .after = all[i]}),
                ElementsAreArray(all.begin() + static_cast<ptrdiff_t>(i) + 1, all.end()));
    EXPECT_THAT(Listed({.set = "s", .after = all[i], .reverse = true}),
                ElementsAreArray(all.rend() - static_cast<ptrdiff_t>(i), all.rend()));
  }
  // A place between two members serves as well.
  EXPECT_THAT(Listed({.set = "s", .after = MemberKey("s", 4, "x")}),
              ElementsAre(MemberKey("s", kInfinity, "a"), MemberKey("s", kInfinity, "b\0\xFF"s)));
}

TEST_F(KeyIndexSetsTest, AnOffsetOfAnotherSetIsInvalid) {
  log_.Member("s", 1, "a");
  log_.CatchUp(*index_);
  const auto any = [](std::string_view, const Version&) { return true; };
  for (const std::string& after : {"s"s, "x"s, "s1234567"s, "s12345678"s, MemberKey("t", 1, "a")}) {
    for (const bool reverse : {false, true}) {
      EXPECT_EQ(index_->ListSet({.set = "s", .after = after, .reverse = reverse}, {1}, any),
                Status::InvalidArgument("invalid offset"))
          << ToHex(after);
    }
  }
}

}  // namespace
}  // namespace immudb::testing
