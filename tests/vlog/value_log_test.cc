// SPDX-License-Identifier: Apache-2.0
#include "vlog/value_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "vlog/log_fixture.h"

namespace immudb {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::Values;

class ValueLogTest : public testing::LogTest {};

TEST_F(ValueLogTest, EmptyLogEndsAtItsBeginning) {
  const auto scanned = Reopen();
  EXPECT_TRUE(scanned.frames.empty());
  EXPECT_EQ(scanned.end.next.value, 0U);
  EXPECT_EQ(scanned.end.torn_bytes, 0U);
  EXPECT_EQ(log_->end(), LogPosition{});
}

// A log that is only ever written to has as many segments as its history is long.
TEST_F(ValueLogTest, KeepsFewSegmentsOpenWhileItIsWritten) {
  options_.segment_bytes = 100;
  options_.max_open_segments = 4;
  Reopen();
  for (int i = 0; i < 40; ++i) Append({{std::string(200, 'x')}});
  ASSERT_EQ(log_->end().segment, 39U);
  size_t open = 0;
  for (const auto& descriptor : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    const auto target = std::filesystem::read_symlink(descriptor.path(), gone);
    open += target.string().starts_with(directory_) ? 1 : 0;
  }
  EXPECT_LE(open, 5U);
}

TEST_F(ValueLogTest, TransactionsAreThereAfterReopening) {
  Reopen();
  Append({{"a"}, {"b", "c"}});
  Append({{std::string(10'000, 'd')}});
  ASSERT_TRUE(log_->Close().ok());
  const auto scanned = Reopen();
  EXPECT_THAT(ValuesOf(scanned.frames),
              ElementsAre(Values{"a"}, Values{"b", "c"}, Values{std::string(10'000, 'd')}));
  EXPECT_EQ(scanned.frames[1].first, 1U);
  EXPECT_EQ(scanned.end.next.value, 4U);
  Append({{"e"}});
  EXPECT_EQ(Reopen().frames.size(), 4U);
}

// Restart time depends on starting at the checkpoint instead of at the beginning.
TEST_F(ValueLogTest, ScansFromAnyFrame) {
  options_.segment_bytes = 300;
  Reopen();
  for (int i = 0; i < 20; ++i) Append({{std::to_string(i)}});
  const auto all = Reopen();
  ASSERT_EQ(all.frames.size(), 20U);
  ASSERT_GT(all.frames.back().position.segment, 2U);
  for (size_t i = 0; i < all.frames.size(); ++i) {
    Open();
    const auto tail = Recover(all.frames[i].position, {i});
    ASSERT_TRUE(tail.status.ok()) << tail.status.ToString();
    ASSERT_EQ(tail.frames.size(), all.frames.size() - i);
    EXPECT_EQ(tail.frames[0].values, all.frames[i].values);
    EXPECT_EQ(ValueLog::FrameOf(positions_[i]), all.frames[i].position);
  }
}

TEST_F(ValueLogTest, RollsToANewSegmentWhenOneIsFull) {
  options_.segment_bytes = 1000;
  Reopen();
  std::vector<Values> written;
  for (int i = 0; i < 60; ++i) {
    written.push_back({std::string(50, static_cast<char>('a' + i % 26))});
    Append({written.back()});
  }
  ASSERT_TRUE(log_->Close().ok());
  const auto names = FileSystem::Real().List(directory_);
  ASSERT_TRUE(names.ok());
  EXPECT_GT(names->size(), 5U);
  for (uint32_t segment = 0; segment < names->size(); ++segment) {
    EXPECT_LT(Content(segment).size(), 1200U) << "bounded, and no zeros remain";
  }
  EXPECT_EQ(ValuesOf(Reopen().frames), written);
}

TEST_F(ValueLogTest, ReadsEntriesOfAnySizeByPosition) {
  options_.segment_bytes = 1 << 20;
  Reopen();
  const Values values{"small",
                      "",
                      std::string(1000, 'm'),
                      std::string(size_t{3} << 20, 'L'),
                      std::string(1024, 'x'),
                      std::string(size_t{5} << 20, 'M'),
                      "last"};
  for (const std::string& value : values) Append({{value, value}});
  for (size_t i = 0; i < positions_.size(); ++i) {
    const auto entry = log_->Read(positions_[i]);
    ASSERT_TRUE(entry.ok()) << entry.status().ToString();
    EXPECT_EQ(entry->kind, EntryKind::kValue);
    EXPECT_EQ(entry->key, "key");
    EXPECT_TRUE(entry->value == values[i / 2]) << i;
    const auto key = log_->ReadKey(positions_[i]);
    ASSERT_TRUE(key.ok()) << key.status().ToString();
    EXPECT_EQ(*key, "key");
  }
}

TEST_F(ValueLogTest, ReadersNeedNoHelpOfTheWriter) {
  options_.segment_bytes = 4000;
  Reopen();
  for (int i = 0; i < 100; ++i) Append({{std::to_string(i)}});
  const std::vector<LogPosition> positions = positions_;
  std::thread reader([&] {
    for (int round = 0; round < 20; ++round) {
      for (size_t i = 0; i < positions.size(); ++i) {
        const auto entry = log_->Read(positions[i]);
        EXPECT_TRUE(entry.ok() && entry->value == std::to_string(i));
      }
    }
  });
  for (int i = 0; i < 300; ++i) Append({{std::string(100, 'w')}});
  reader.join();
}

TEST_F(ValueLogTest, WrongPositionIsDataLossWithFileAndOffset) {
  Reopen();
  Append({{"value"}});
  for (const LogPosition bad : {LogPosition{0, positions_[0].offset + 1}, LogPosition{0, 0},
                                LogPosition{0, uint64_t{1} << 30}}) {
    const auto entry = log_->Read(bad);
    EXPECT_EQ(entry.status().code(), StatusCode::kDataLoss);
    EXPECT_THAT(entry.status().message(), HasSubstr(Segment(0)));
    EXPECT_THAT(entry.status().message(), HasSubstr("offset " + std::to_string(bad.offset)));
  }
  // Not "not found", which would tell a client that there is no such key.
  EXPECT_EQ(log_->Read({7, 32}).status().code(), StatusCode::kDataLoss);
}

// Zeros are laid down ahead for speed; after a crash they must not pass for anything.
TEST_F(ValueLogTest, ZerosLaidAheadAreNotData) {
  Reopen();
  Append({{"a"}, {"b"}});
  ASSERT_GT(Content(0).size(), log_->end().offset + 1000) << "nothing was laid ahead";
  const LogPosition end = log_->end();
  const auto scanned = Reopen();
  EXPECT_EQ(scanned.frames.size(), 2U);
  EXPECT_EQ(scanned.end.torn_bytes, 0U);
  EXPECT_EQ(log_->end(), end);
  Append({{"c"}});
  ASSERT_TRUE(log_->Close().ok());
  EXPECT_EQ(Content(0).size(), log_->end().offset) << "a closed log keeps no zeros";
  EXPECT_EQ(Reopen().frames.size(), 3U);
}

// Editors' backups, lost+found and the like are no segments.
TEST_F(ValueLogTest, ForeignFilesAreIgnored) {
  Reopen();
  Append({{"a"}});
  for (const char* name : {"notes.txt", "00000001.log~", "00000002.lox", "lost+found"}) {
    ASSERT_TRUE(ReplaceFile(FileSystem::Real(), JoinPath(directory_, name), "x").ok());
  }
  EXPECT_EQ(Reopen().frames.size(), 1U);
}

// A full disk costs the write that met it, and nothing else.
TEST_F(ValueLogTest, ContinuesAfterAShortWriteWasRetracted) {
  Reopen();
  Append({{"before"}});
  fs_.LimitFreeBytes(5000);
  EXPECT_EQ(Write({{std::string(size_t{1} << 20, 'x')}, {"behind"}}).code(),
            StatusCode::kResourceExhausted);
  const auto end = log_->Retract();
  ASSERT_TRUE(end.ok());
  log_->ResetLayout(*end);
  next_ = 1;
  fs_.LiftLimit();
  Append({{"after"}});
  EXPECT_THAT(ValuesOf(Reopen().frames), ElementsAre(Values{"before"}, Values{"after"}));
}

TEST_F(ValueLogTest, ContinuesAfterASegmentCouldNotBeStarted) {
  options_.segment_bytes = 100;
  for (uint64_t room = 0; room <= kSegmentHeaderBytes + 60; room += 7) {
    SCOPED_TRACE(room);
    ASSERT_TRUE(FileSystem::Real().RemoveTree(directory_).ok());
    next_ = 0;
    Reopen();
    Append({{std::string(100, 'a')}});
    fs_.LimitFreeBytes(room, "00000001.log");
    ASSERT_EQ(Write({{"does not fit"}}).code(), StatusCode::kResourceExhausted);
    const auto end = log_->Retract();
    ASSERT_TRUE(end.ok());
    log_->ResetLayout(*end);
    next_ = 1;
    if (room % 2 == 0) {
      EXPECT_EQ(Reopen().frames.size(), 1U) << "as found by a restart";
    }
    fs_.LiftLimit();
    Append({{"fits"}});
    EXPECT_THAT(ValuesOf(Reopen().frames),
                ElementsAre(Values{std::string(100, 'a')}, Values{"fits"}));
  }
}

// The system reports a failed sync once. Whoever happens to hear it, no later sync may pretend that
// the lost bytes are durable.
TEST_F(ValueLogTest, FailedSyncIsNeverForgotten) {
  Reopen();
  ASSERT_TRUE(Write({{"lost"}}).ok());
  fs_.FailSyncs(1);
  EXPECT_EQ(log_->ForceSync().code(), StatusCode::kIoError) << "say, by a checkpoint";
  EXPECT_EQ(log_->Sync().code(), StatusCode::kIoError) << "by the writer";
  EXPECT_FALSE(log_->Close().ok());
}

}  // namespace
}  // namespace immudb
