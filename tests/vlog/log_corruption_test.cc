// SPDX-License-Identifier: Apache-2.0
//
// Damage in front of data that is known to have been durable is never taken for a torn tail.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <string>

#include "vlog/log_fixture.h"
#include "vlog/segment_scan.h"

namespace immudb {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class LogCorruptionTest : public testing::LogTest {
 protected:
  // Opens and scans a log that is damaged; the error must lead an operator to the place.
  void ExpectDamage(uint32_t segment, uint64_t offset, uint64_t index) {
    Open();
    const auto scanned = Recover();
    EXPECT_EQ(scanned.status.code(), StatusCode::kDataLoss);
    EXPECT_THAT(scanned.status.message(),
                AllOf(HasSubstr(Segment(segment)), HasSubstr("offset " + std::to_string(offset)),
                      HasSubstr("index " + std::to_string(index))));
  }
};

TEST_F(LogCorruptionTest, EachFlippedByteOfADurableFrameIsFound) {
  Reopen();
  Append({{"zero"}});
  Append({{"one", std::string(37, '2')}, {"three"}});
  Append({{"four"}});
  ASSERT_TRUE(log_->Close().ok());
  const auto whole = Reopen();
  ASSERT_EQ(whole.frames.size(), 4U);
  const std::string content = Content(0);
  for (size_t frame = 0; frame < 3; ++frame) {
    const uint64_t offset = whole.frames[frame].position.offset;
    const auto header = DecodeFrameHeader(std::string_view(content).substr(offset), 0);
    for (size_t byte = 0; byte < kFrameHeaderBytes + header->body_bytes; ++byte) {
      SCOPED_TRACE("byte " + std::to_string(byte) + " of frame " + std::to_string(frame));
      std::string damaged = content;
      damaged[offset + byte] ^= 0x10;
      SetContent(0, damaged);
      ExpectDamage(0, offset, whole.frames[frame].first);
      ASSERT_EQ(Content(0), damaged) << "nothing is changed by looking";
    }
  }
}

// Every byte of the log has a meaning: also those that only fill up.
TEST_F(LogCorruptionTest, EachFlippedByteOfThePaddingIsFound) {
  Reopen();
  Append({{"zero"}});
  Append({{"one", "two"}});
  Append({{"three"}});
  ASSERT_TRUE(log_->Close().ok());
  const auto whole = Reopen();
  ASSERT_EQ(whole.frames.size(), 3U);
  const std::string content = Content(0);
  size_t flipped = 0;
  for (const Frame& frame : whole.frames) {
    const uint64_t offset = frame.position.offset;
    const auto header = DecodeFrameHeader(std::string_view(content).substr(offset), 0);
    const uint64_t end = offset + FrameBytes(header->body_bytes);
    for (uint64_t byte = offset + kFrameHeaderBytes + header->body_bytes; byte < end; ++byte) {
      SCOPED_TRACE("byte " + std::to_string(byte));
      std::string damaged = content;
      damaged[byte] ^= 0x01;
      SetContent(0, damaged);
      ExpectDamage(0, offset, frame.first);
      ASSERT_EQ(Content(0), damaged) << "nothing is changed by looking";
      const auto file = FileSystem::Real().Open(Segment(0), FileSystem::Mode::kRead);
      const auto located = LocateDamage(**file, 0, offset, {frame.first});
      ASSERT_TRUE(located.ok());
      EXPECT_EQ(located->offset, byte);
      EXPECT_EQ(located->what, kBytesBehindFrame);
      ++flipped;
    }
  }
  EXPECT_GT(flipped, 3U);
}

// One flipped bit in a length must not make the reader allocate what the file never had.
TEST_F(LogCorruptionTest, ADamagedLengthIsNotAllocated) {
  Reopen();
  // Behind the two bytes of its length stand bytes that go on as a number of 4 GB.
  Append({{std::string("\xFF\xFF\x0F", 3) + std::string(2000, 'v')}});
  const LogPosition position = positions_.front();
  ASSERT_TRUE(log_->Close().ok());
  log_.reset();
  std::string content = Content(0);
  const size_t second_length_byte = position.offset + 4 + 1 + 1 + 1;
  content[second_length_byte] = static_cast<char>(content[second_length_byte] | 0x80);
  SetContent(0, content);
  Open();

  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_AS, &before), 0);
  uint64_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  rlimit limited = before;
  limited.rlim_cur = pages * 4096 + (uint64_t{256} << 20);
  ASSERT_EQ(::setrlimit(RLIMIT_AS, &limited), 0);
  const auto entry = log_->Read(position);
  const auto key = log_->ReadKey(position);
  ASSERT_EQ(::setrlimit(RLIMIT_AS, &before), 0);
  EXPECT_EQ(entry.status().code(), StatusCode::kDataLoss) << entry.status().ToString();
  EXPECT_THAT(entry.status().message(), HasSubstr("offset " + std::to_string(position.offset)));
}

// A file that says it is 4 MiB long and, as one that is cut meanwhile, has only a part of it.
class CutFile final : public File {
 public:
  explicit CutFile(uint64_t bytes) : bytes_(bytes) {}
  Result<size_t> ReadAt(uint64_t offset, char* buffer, size_t size) const override {
    const uint64_t rest = offset < bytes_ ? bytes_ - offset : 0;
    const size_t read = std::min<uint64_t>(size, rest);
    std::memset(buffer, 'x', read);
    return read;
  }
  Result<uint64_t> Size() const override { return uint64_t{4} << 20; }
  Status WriteAt(uint64_t, std::string_view) override { return Status::IoError("read only"); }
  Status SyncData() override { return Status::IoError("read only"); }
  Status Truncate(uint64_t) override { return Status::IoError("read only"); }
  int descriptor() const override { return -1; }

 private:
  const uint64_t bytes_;
};

// A live backup reads the log while a clean stop gives back the zeros behind its end.
TEST(SegmentScanTest, EndsWhenTheFileIsCutMeanwhile) {
  for (const uint64_t bytes :
       {uint64_t{0}, uint64_t{3}, (uint64_t{3} << 20) / 2, (uint64_t{1} << 20) + 2}) {
    const CutFile file(bytes);
    const auto was_durable = WasDurable(file, 0, 0);
    ASSERT_TRUE(was_durable.ok());
    EXPECT_FALSE(*was_durable);
  }
}

TEST_F(LogCorruptionTest, RemovedFrameIsFound) {
  Reopen();
  for (const char* value : {"zero", "one", "two"}) Append({{value}});
  ASSERT_TRUE(log_->Close().ok());
  const auto whole = Reopen();
  const uint64_t offset = whole.frames[1].position.offset;
  std::string content = Content(0);
  content.erase(offset, whole.frames[2].position.offset - offset);
  SetContent(0, content);
  ExpectDamage(0, offset, 1);
}

TEST_F(LogCorruptionTest, OlderSegmentsHaveNoTornTail) {
  options_.segment_bytes = 200;
  Reopen();
  for (int i = 0; i < 12; ++i) Append({{std::string(100, 'v')}});
  ASSERT_TRUE(log_->Close().ok());
  const auto whole = Reopen();
  ASSERT_GT(whole.frames.back().position.segment, 2U);
  const std::string content = Content(1);
  auto last = whole.frames.begin();
  auto first = whole.frames.end();
  for (auto frame = whole.frames.begin(); frame != whole.frames.end(); ++frame) {
    if (frame->position.segment != 1) continue;
    if (first == whole.frames.end()) first = frame;
    last = frame;
  }
  for (const size_t cut : {size_t{10}, size_t{50}, size_t{100}}) {
    SetContent(1, content.substr(0, content.size() - cut));
    ExpectDamage(1, last->position.offset, last->first);
  }
  SetContent(1, content + "garbage");
  ExpectDamage(1, content.size(), last->first + 1);
  SetContent(1, content.substr(0, last->position.offset));
  Open();
  EXPECT_EQ(Recover().status.code(), StatusCode::kDataLoss) << "a whole frame is missing";
  for (size_t byte = 0; byte < kSegmentHeaderBytes; ++byte) {
    std::string damaged = content;
    damaged[byte] ^= 1;
    SetContent(1, damaged);
    ExpectDamage(1, 0, first->first);
  }
  SetContent(1, Content(2));
  ExpectDamage(1, 0, first->first);
}

// The header was durable before the first frame was written: a good frame proves that it was there.
TEST_F(LogCorruptionTest, DamagedHeaderInFrontOfDataIsFoundInTheLastSegment) {
  options_.segment_bytes = 200;
  Reopen();
  for (int i = 0; i < 3; ++i) Append({{std::string(100, 'v')}});
  ASSERT_TRUE(log_->Close().ok());
  const uint32_t segment = log_->end().segment;
  ASSERT_GT(segment, 0U);
  const uint64_t index = Reopen().frames.back().first;
  const std::string content = Content(segment);
  for (size_t byte = 0; byte < kSegmentHeaderBytes; ++byte) {
    std::string damaged = content;
    damaged[byte] ^= 1;
    SetContent(segment, damaged);
    ExpectDamage(segment, 0, index);
  }
}

TEST_F(LogCorruptionTest, MissingSegmentIsFound) {
  options_.segment_bytes = 100;
  Reopen();
  for (int i = 0; i < 5; ++i) Append({{std::string(100, 'v')}});
  ASSERT_TRUE(log_->Close().ok());
  const LogPosition end = log_->end();
  ASSERT_EQ(end.segment, 4U);
  log_.reset();
  for (const uint32_t missing : {0U, 2U}) {
    const std::string content = Content(missing);
    ASSERT_TRUE(FileSystem::Real().Remove(Segment(missing)).ok());
    const auto log = ValueLog::Open(fs_, directory_, options_);
    EXPECT_EQ(log.status().code(), StatusCode::kDataLoss);
    EXPECT_THAT(log.status().message(), HasSubstr(directory_));
    SetContent(missing, content);
  }
  // The log itself cannot know that there was one more; who remembers where it ended can.
  ASSERT_TRUE(FileSystem::Real().Remove(Segment(4)).ok());
  Open();
  const auto scanned = Recover(end, {5});
  EXPECT_EQ(scanned.status.code(), StatusCode::kDataLoss);
  EXPECT_THAT(scanned.status.message(), AllOf(HasSubstr(Segment(4)), HasSubstr("index 5")));
}

TEST_F(LogCorruptionTest, LogThatEndsBeforeAKnownPlaceIsFound) {
  Reopen();
  Append({{"zero"}});
  const LogPosition before = log_->end();
  Append({{"one"}});
  ASSERT_TRUE(log_->Close().ok());
  const LogPosition end = log_->end();
  SetContent(0, Content(0).substr(0, before.offset));
  Open();
  const auto scanned = Recover(end, {2});
  EXPECT_EQ(scanned.status.code(), StatusCode::kDataLoss);
  EXPECT_THAT(scanned.status.message(), AllOf(HasSubstr(Segment(0)), HasSubstr("index 2")));
}

}  // namespace
}  // namespace immudb
