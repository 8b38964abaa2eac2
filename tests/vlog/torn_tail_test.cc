// SPDX-License-Identifier: Apache-2.0
//
// What a crash leaves at the end of the log is cut off; everything complete before it stays.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "vlog/log_fixture.h"

namespace immudb {
namespace {

using ::testing::ElementsAre;
using testing::Values;

class TornTailTest : public testing::LogTest {};

// The write of the last group may stop at any byte.
TEST_F(TornTailTest, CompleteFramesSurviveACutAtEveryByte) {
  Reopen();
  Append({{"one"}, {"two", "three"}});
  Append({{"four"}, {std::string(90, '5'), "six"}, {"seven"}});
  ASSERT_TRUE(log_->Close().ok());
  const auto whole = Reopen();
  ASSERT_EQ(whole.frames.size(), 5U);
  const std::string content = Content(0);
  // A frame is complete without its padding.
  const auto complete_at = [&](size_t frame) {
    const size_t offset = whole.frames[frame].position.offset;
    const auto header = DecodeFrameHeader(std::string_view(content).substr(offset), 0);
    return offset + kFrameHeaderBytes + header->body_bytes;
  };
  for (size_t cut = whole.frames[2].position.offset; cut < content.size(); ++cut) {
    SCOPED_TRACE("cut at byte " + std::to_string(cut));
    SetContent(0, content.substr(0, cut));
    size_t expected = 2;
    while (expected < 5 && complete_at(expected) <= cut) ++expected;
    const auto scanned = Reopen();
    ASSERT_EQ(scanned.frames.size(), expected);
    const uint64_t index = expected < 5 ? whole.frames[expected].first : whole.end.next.value;
    EXPECT_EQ(scanned.end.next.value, index);
    if (cut % 5 != 0) continue;
    Append({{"continued"}});
    const auto continued = Reopen();
    ASSERT_EQ(continued.frames.size(), expected + 1);
    EXPECT_EQ(continued.frames.back().values, Values{"continued"});
    EXPECT_EQ(continued.frames.back().first, index);
  }
}

// Out of a group that was never synced any part may have reached the disk.
TEST_F(TornTailTest, UnsyncedBytesMayBeMissingAnywhere) {
  Reopen();
  Append({{"durable"}});
  ASSERT_TRUE(Write({{"b1"}, {"b2"}}).ok());
  ASSERT_TRUE(Write({{"c"}}).ok());
  const auto whole = Reopen();
  ASSERT_EQ(whole.frames.size(), 4U);
  const std::string content = Content(0);
  for (size_t missing = 1; missing < 4; ++missing) {
    for (size_t byte = 0; byte < kFrameHeaderBytes + 8; ++byte) {
      std::string torn = content;
      torn[whole.frames[missing].position.offset + byte] ^= 1;
      SetContent(0, torn);
      const auto scanned = Reopen();
      ASSERT_EQ(scanned.frames.size(), missing) << "byte " << byte;
      EXPECT_GT(scanned.end.torn_bytes, 0U);
    }
    std::string zeros = content;
    const size_t offset = whole.frames[missing].position.offset;
    std::fill_n(zeros.begin() + static_cast<std::ptrdiff_t>(offset), kFrameHeaderBytes, '\0');
    SetContent(0, zeros);
    EXPECT_EQ(Reopen().frames.size(), missing) << "a hole";
  }
}

TEST_F(TornTailTest, GarbageBehindTheEndIsCutOff) {
  Reopen();
  Append({{"kept"}});
  ASSERT_TRUE(log_->Close().ok());
  const std::string content = Content(0);
  for (const size_t gap : {0, 8, 4096, 2 << 20}) {
    SetContent(0, content + std::string(gap, '\0') + "garbage");
    const auto scanned = Reopen();
    EXPECT_EQ(scanned.frames.size(), 1U);
    EXPECT_GT(scanned.end.torn_bytes, 0U);
    EXPECT_EQ(Content(0), content);
  }
}

// Otherwise the cut-off frame would come back behind the next, shorter one.
TEST_F(TornTailTest, WhatWasCutOffDoesNotComeBack) {
  Reopen();
  Append({{"kept"}});
  ASSERT_TRUE(Write({{std::string(500, 't')}, {std::string(500, 'u')}}).ok());
  const auto whole = Reopen();
  std::string content = Content(0);
  content[whole.frames[1].position.offset] ^= 1;
  SetContent(0, content);
  ASSERT_EQ(Reopen().frames.size(), 1U);
  Append({{"new"}});
  EXPECT_THAT(ValuesOf(Reopen().frames), ElementsAre(Values{"kept"}, Values{"new"}));
}

// The crash came while the next segment was being started.
TEST_F(TornTailTest, SegmentWithoutWholeHeaderIsRemoved) {
  options_.segment_bytes = 100;
  Reopen();
  Append({{std::string(100, 'a')}});
  Append({{"b"}});
  const std::string started = Content(1).substr(0, kSegmentHeaderBytes);
  for (size_t bytes = 0; bytes <= started.size(); ++bytes) {
    for (const size_t zeros : {0, 4096}) {
      SetContent(1, started.substr(0, bytes) + std::string(zeros, '\0'));
      const auto scanned = Reopen();
      ASSERT_EQ(scanned.frames.size(), 1U) << bytes;
      EXPECT_EQ(scanned.end.next.value, 1U);
      Append({{"b again"}});
      ASSERT_EQ(Reopen().frames.size(), 2U) << bytes;
    }
  }
}

TEST_F(TornTailTest, FirstSegmentWithoutWholeHeaderIsAnEmptyLog) {
  Reopen();
  Append({{"a"}});
  const std::string started = Content(0).substr(0, kSegmentHeaderBytes);
  for (size_t bytes = 0; bytes <= started.size(); ++bytes) {
    SetContent(0, started.substr(0, bytes));
    EXPECT_EQ(Reopen().end.next.value, 0U);
    Append({{"a again"}});
    ASSERT_THAT(ValuesOf(Reopen().frames), ElementsAre(Values{"a again"})) << bytes;
  }
}

}  // namespace
}  // namespace immudb
