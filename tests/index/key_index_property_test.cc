// SPDX-License-Identifier: Apache-2.0
//
// Random entries of all kinds, written in random groups with flushes and reopenings between them;
// every question at every age must get the model's answer.
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "index/entry_log.h"
#include "index/key_index.h"
#include "support/temp_dir.h"

namespace immudb::testing {
namespace {

class KeyIndexPropertyTest : public ::testing::TestWithParam<uint32_t> {
 protected:
  size_t Below(size_t n) { return std::uniform_int_distribution<size_t>(0, n - 1)(random_); }

  // Short strings over few bytes, the awkward ones among them: they collide and nest.
  std::string Name() {
    static constexpr char kAlphabet[] = {'\x00', '\x01', 'a', 'b', '\xFE', '\xFF'};
    std::string name;
    for (size_t n = 1 + Below(4); n > 0; --n) {
      name += kAlphabet[Below(sizeof(kAlphabet))];
    }
    return name;
  }

  double Score() {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    static constexpr double kScores[] = {-kInfinity, -1e300, -2, -1,    -0.0,
                                         0.0,        0.5,    1,  1e300, kInfinity};
    return kScores[Below(std::size(kScores))];
  }

  void AddEntry() {
    const size_t kind = Below(10);
    if (kind < 5) {
      log_.Value(Name(), std::string(Below(2 * kInlineBytes), 'v'));
    } else if (kind < 6) {
      log_.Reference(Name(), Name());
    } else {
      log_.Member(Name(), Score(), Name());
    }
  }

  std::string SomeKey() { return Below(4) == 0 ? Name() : log_.key(Below(log_.size().value)); }

  void CheckOnce(const KeyIndex& index) {
    const TreeSize at{Below(log_.size().value + 1)};
    const std::string key = SomeKey();
    ASSERT_EQ(Latest(index, key, at), log_.Latest(key, at)) << ToHex(key) << " at " << at.value;
    ASSERT_EQ(History(index, key, at), log_.History(key, at)) << ToHex(key) << " at " << at.value;

    const std::string prefix = Below(3) == 0 ? "" : Name().substr(0, 1 + Below(2));
    const std::string after = Below(2) == 0 ? "" : SomeKey();
    const KeyIndex::ListOptions list{.prefix = prefix, .after = after, .reverse = Below(2) == 0};
    ASSERT_EQ(List(index, list, at), log_.List(list, at))
        << ToHex(prefix) << " after " << ToHex(after) << " at " << at.value;

    const std::optional<VersionMark> mark =
        Below(3) == 0 ? std::nullopt
                      : std::optional(VersionMark{SomeKey(), {Below(log_.size().value + 2)}});
    ASSERT_EQ(ListVersions(index, mark, at), log_.ListVersions(mark, at))
        << ToHex(mark ? mark->key : "") << "@" << (mark ? mark->index.value : 0) << " at "
        << at.value;

    const std::string set = Name();
    const std::string place = Below(2) == 0 ? "" : MemberKey(set, Score(), Name());
    const KeyIndex::SetListOptions members{.set = set, .after = place, .reverse = Below(2) == 0};
    ASSERT_EQ(ListSet(index, members, at), log_.ListSet(members, at))
        << ToHex(set) << " after " << ToHex(place) << " at " << at.value;
  }

  static constexpr size_t kInlineBytes = 6;
  std::mt19937 random_{GetParam()};
  EntryLog log_{kInlineBytes};
};

TEST_P(KeyIndexPropertyTest, AnswersAreThoseOfTheModelAtEverySize) {
  const TempDir dir;
  const KeyIndexOptions options{.inline_value_bytes = kInlineBytes,
                                .write_buffer_bytes = size_t{64} << 10};
  auto index = OpenIndex(dir.File("index"), options);
  for (int step = 0; step < 60; ++step) {
    for (size_t n = Below(120); n > 0; --n) {
      AddEntry();
    }
    log_.CatchUp(*index, 1 + Below(60));
    if (Below(6) == 0) {
      ASSERT_TRUE(index->Flush().ok());
    }
    if (Below(12) == 0) {
      index.reset();
      index = OpenIndex(dir.File("index"), options);
      ASSERT_NE(index, nullptr);
      log_.CatchUp(*index);
    }
    ASSERT_EQ(index->applied(), log_.size());
    for (int check = 0; check < 10 && !log_.size().empty(); ++check) {
      ASSERT_NO_FATAL_FAILURE(CheckOnce(*index)) << "step " << step;
    }
  }
  for (int check = 0; check < 200; ++check) {
    ASSERT_NO_FATAL_FAILURE(CheckOnce(*index));
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, KeyIndexPropertyTest, ::testing::Values(1U, 2U, 3U, 4U));

}  // namespace
}  // namespace immudb::testing
