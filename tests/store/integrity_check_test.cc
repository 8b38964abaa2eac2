// SPDX-License-Identifier: Apache-2.0
//
// Looking at a store that is open: whatever byte is changed under it, one pass finds and names it;
// a store that is well is never accused, whatever is written meanwhile.
#include "store/integrity_check.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "store/store_fixture.h"
#include "support/fault_file_system.h"
#include "vlog/frame.h"

namespace immudb::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

struct Pass {
  std::vector<Damage> damages;
  uint64_t damage_count = 0;
  uint64_t read_errors = 0;
  uint64_t entries = 0;
  uint64_t bytes = 0;

  bool well() const { return damage_count == 0 && read_errors == 0; }
};

Pass RunPass(IntegrityCheck& check) {
  Pass pass;
  while (true) {
    auto step = check.Advance();
    for (auto& damage : step.damages) pass.damages.push_back(std::move(damage));
    pass.damage_count += step.damage_count;
    pass.read_errors += step.read_error_count;
    pass.entries += step.entries;
    pass.bytes += step.bytes;
    EXPECT_GE(check.progress(), 0);
    EXPECT_LE(check.progress(), 1);
    if (step.done) return pass;
  }
}

std::string Text(const Pass& pass) {
  std::string text;
  for (const Damage& damage : pass.damages) {
    text += damage.file + " @" + std::to_string(damage.offset) + " entry " +
            (damage.index ? std::to_string(damage.index->value) : "?") + " key " + damage.key +
            ": " + damage.what + '\n';
  }
  return text;
}

class IntegrityCheckTest : public StoreTest {
 protected:
  // As StoreTest, with entries of every kind, and all that is derived on disk.
  void SetUp() override {
    options_.segment_bytes = 8 << 10;
    options_.inline_value_bytes = 64;
    StoreTest::SetUp();
    for (uint64_t n = 0; n < 40; ++n) Commit(WorkloadTransaction(n));
    named_ = {Set("the key", "the value that is looked for")};
    for (uint64_t n = 40; n < 60; ++n) Commit(WorkloadTransaction(n));
    Reopen();
  }

  Pass Check() {
    IntegrityCheck check(*store_, {});
    Pass pass = RunPass(check);
    EXPECT_EQ(check.mark().next.value, check.goal().value);
    return pass;
  }

  // In place: the store has the file open, and mapped.
  static char Flip(const std::string& path, uint64_t offset, char bits = 0x10) {
    const int fd = ::open(path.c_str(), O_RDWR);
    EXPECT_GE(fd, 0) << path;
    char byte = 0;
    EXPECT_EQ(::pread(fd, &byte, 1, static_cast<off_t>(offset)), 1) << path << " @" << offset;
    byte = static_cast<char>(byte ^ bits);
    EXPECT_EQ(::pwrite(fd, &byte, 1, static_cast<off_t>(offset)), 1);
    ::close(fd);
    return byte;
  }
  static std::string Content(const std::string& path) {
    return *ReadFile(FileSystem::Real(), path);
  }
  std::string Path(const std::string& name) const { return directory_ + "/" + name; }
  std::vector<std::string> Files(const std::string& folder, const std::string& ending) const {
    std::vector<std::string> files;
    for (const auto& file : fs::directory_iterator(Path(folder))) {
      if (file.path().string().ends_with(ending)) files.push_back(file.path());
    }
    std::ranges::sort(files);
    return files;
  }
  // The segment in which this text stands, and where.
  std::pair<std::string, uint64_t> InLog(const std::string& text) const {
    for (const auto& file : Files("log", ".log")) {
      if (const size_t at = Content(file).find(text); at != std::string::npos) return {file, at};
    }
    ADD_FAILURE() << text << " is not in the log";
    return {};
  }
  // Flips one bit of each `step`-th byte, one at a time: each must be found in this file.
  void ExpectEachFound(const std::string& path, uint64_t size, uint64_t step) {
    for (uint64_t offset = 0; offset < size; offset += step) {
      const auto bit = static_cast<char>(1 << (offset % 8));
      Flip(path, offset, bit);
      const Pass pass = Check();
      Flip(path, offset, bit);
      EXPECT_GE(pass.damage_count, 1U) << path << " @" << offset;
      ASSERT_TRUE(std::ranges::any_of(pass.damages,
                                      [&](const Damage& damage) { return damage.file == path; }))
          << path << " @" << offset << ":\n"
          << Text(pass);
    }
    EXPECT_TRUE(Check().well()) << "all is as it was";
  }
  static const Damage* Of(const Pass& pass, const std::string& file) {
    const auto found = std::ranges::find(pass.damages, file, &Damage::file);
    return found == pass.damages.end() ? nullptr : &*found;
  }

  LeafIndex named_;  // of "the key"
};

TEST_F(IntegrityCheckTest, FindsNothingInASoundStore) {
  ASSERT_GT(Files("log", ".log").size(), 2U) << "several segments";
  const Pass pass = Check();
  EXPECT_TRUE(pass.well()) << Text(pass);
  EXPECT_EQ(pass.entries, store_->Latest().size().value);
  EXPECT_GT(pass.bytes, pass.entries * 64);
}

TEST_F(IntegrityCheckTest, FindsNothingInAnEmptyStore) {
  const auto empty = Store::Open(Path("empty"), options_);
  ASSERT_TRUE(empty.ok());
  IntegrityCheck check(**empty, {});
  EXPECT_TRUE(RunPass(check).well());
}

// Also what has no table yet, and with the store's own threads at work.
TEST_F(IntegrityCheckTest, FindsNothingWhileTheStoreIsWrittenTo) {
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    // Not for ever: each pass would be longer than the one before.
    for (uint64_t n = 1000; n < 4000 && !stop; ++n) Commit(WorkloadTransaction(n));
  });
  uint64_t last_goal = 0;
  for (int i = 0; i < 10; ++i) {
    IntegrityCheck check(*store_, {});
    const Pass pass = RunPass(check);
    EXPECT_TRUE(pass.well()) << Text(pass);
    EXPECT_EQ(pass.entries, check.goal().value) << "what was there when the pass began";
    EXPECT_GE(check.goal().value, last_goal);
    last_goal = check.goal().value;
  }
  stop = true;
  writer.join();
}

TEST_F(IntegrityCheckTest, GoesOnWhereItWas) {
  IntegrityCheck::Mark mark;
  {
    options_.segment_bytes = 8 << 10;
    for (uint64_t n = 100; n < 900; ++n) Commit(WorkloadTransaction(n));
    IntegrityCheck check(*store_, {});
    check.Advance();
    check.Advance();
    mark = check.mark();
    ASSERT_GT(mark.next.value, 0U);
    ASSERT_LT(mark.next.value, check.goal().value);
  }
  Reopen();
  Commit(WorkloadTransaction(1000));
  IntegrityCheck check(*store_, mark);
  const Pass pass = RunPass(check);
  EXPECT_TRUE(pass.well()) << Text(pass);
  EXPECT_EQ(pass.entries, store_->Latest().size().value - mark.next.value);
}

TEST_F(IntegrityCheckTest, AMarkOfAnotherHistoryIsNotUsed) {
  IntegrityCheck check(*store_, {{1'000'000}, {0, 99'999'999}});
  EXPECT_EQ(RunPass(check).entries, store_->Latest().size().value);
}

TEST_F(IntegrityCheckTest, NamesAChangedValue) {
  const auto [file, at] = InLog("the value that");
  Flip(file, at + 5);
  const Pass pass = Check();
  ASSERT_EQ(pass.damages.size(), 1U) << Text(pass);
  const Damage& damage = pass.damages.front();
  EXPECT_EQ(damage.file, file);
  EXPECT_EQ(damage.index, named_);
  EXPECT_EQ(damage.key, "the key");
  EXPECT_LT(damage.offset, at) << "the entry begins before its value";
  EXPECT_GT(damage.offset + 100, at);
  EXPECT_EQ(pass.entries, store_->Latest().size().value - 1) << "the others are looked at";
}

TEST_F(IntegrityCheckTest, NamesAChangedFrameHeader) {
  const auto [file, at] = InLog("the key");
  const uint64_t frame = Content(file).rfind("RFM1", at);
  Flip(file, frame + 9);
  const Pass pass = Check();
  ASSERT_EQ(pass.damages.size(), 1U) << Text(pass);
  EXPECT_EQ(pass.damages.front().file, file);
  EXPECT_EQ(pass.damages.front().offset, frame);
  EXPECT_EQ(pass.damages.front().index, named_);
  EXPECT_EQ(pass.damages.front().key, "the key");
}

TEST_F(IntegrityCheckTest, NamesAChangedLeafAndAnInnerNode) {
  const uint64_t leaf = FirstRecordOfLeaf(named_);
  Flip(Path("tree"), leaf * 32 + 7);
  Pass pass = Check();
  ASSERT_EQ(pass.damages.size(), 1U) << Text(pass);
  EXPECT_EQ(pass.damages.front().file, Path("tree"));
  EXPECT_EQ(pass.damages.front().offset, leaf * 32);
  EXPECT_EQ(pass.damages.front().index, named_);
  EXPECT_EQ(pass.damages.front().key, "the key");
  Flip(Path("tree"), leaf * 32 + 7);

  // Record 2 is the node above the first two leaves.
  Flip(Path("tree"), 2 * 32);
  pass = Check();
  ASSERT_EQ(pass.damages.size(), 1U) << Text(pass);
  EXPECT_EQ(pass.damages.front().file, Path("tree"));
  EXPECT_EQ(pass.damages.front().offset, 2U * 32);
  EXPECT_EQ(pass.damages.front().index, LeafIndex{1});
  EXPECT_THAT(pass.damages.front().what, HasSubstr("node"));
}

TEST_F(IntegrityCheckTest, NamesAChangedPosition) {
  Flip(Path("positions"), named_.value * 8 + 1);
  const Pass pass = Check();
  ASSERT_EQ(pass.damages.size(), 1U) << Text(pass);
  EXPECT_EQ(pass.damages.front().file, Path("positions"));
  EXPECT_EQ(pass.damages.front().offset, named_.value * 8);
  EXPECT_EQ(pass.damages.front().key, "the key");
}

TEST_F(IntegrityCheckTest, NamesAChangedValueOfTheIndex) {
  // From the cache the store still answers what was there.
  ASSERT_TRUE(store_->Latest().Get("the key").ok());
  for (const auto& table : Files("index", ".sst")) {
    const size_t at = Content(table).find("the value that");
    if (at == std::string::npos) continue;
    Flip(table, at + 4);
    const Pass pass = Check();
    const Damage* damage = Of(pass, table);
    ASSERT_NE(damage, nullptr) << Text(pass);
    EXPECT_EQ(damage->index, named_) << Text(pass);
    EXPECT_EQ(damage->key, "the key");
    EXPECT_LE(damage->offset, at) << "of its block";
    EXPECT_GT(damage->offset + 5000, at);
    return;
  }
  FAIL() << "no table has the value in plain text";
}

TEST_F(IntegrityCheckTest, FindsEveryByteOfTheLog) {
  const auto files = Files("log", ".log");
  for (const auto& file : files) ExpectEachFound(file, fs::file_size(file), 211);
}

TEST_F(IntegrityCheckTest, FindsEveryByteOfTheTree) {
  ExpectEachFound(Path("tree"), FirstRecordOfLeaf({store_->Latest().size().value}) * 32, 31);
}

TEST_F(IntegrityCheckTest, FindsEveryByteOfThePositions) {
  ExpectEachFound(Path("positions"), store_->Latest().size().value * 8, 5);
}

TEST_F(IntegrityCheckTest, FindsEveryByteOfTheCheckpoint) {
  ExpectEachFound(Path("CHECKPOINT"), 64, 1);
}

TEST_F(IntegrityCheckTest, FindsEveryByteOfTheIndexTables) {
  const auto tables = Files("index", ".sst");
  ASSERT_GE(tables.size(), 2U);
  for (const auto& table : tables) ExpectEachFound(table, fs::file_size(table), 17);
}

// What opening forgives must be as it should be when the checker looks: an alarm that accuses
// somebody of tampering must not come from a file that the store has just said it derives anew.
TEST_F(IntegrityCheckTest, WhatOpeningForgivesIsNoDamageAfterwards) {
  const auto damage_each = [&](const std::string& name, const std::string& content) {
    SCOPED_TRACE(name + " of " + std::to_string(content.size()) + " bytes");
    store_.reset();
    const std::string path = Path(name);
    ASSERT_TRUE(ReplaceFile(FileSystem::Real(), path, content).ok());
    Open();
    const Pass pass = Check();
    EXPECT_TRUE(pass.well()) << Text(pass);
  };
  const std::string checkpoint = Content(Path("CHECKPOINT"));
  damage_each("CHECKPOINT", "");
  damage_each("CHECKPOINT", checkpoint.substr(0, 63));
  damage_each("CHECKPOINT", checkpoint + "x");
  damage_each("CHECKPOINT", std::string(64, '\0'));
  const std::string tree = Content(Path("tree"));
  damage_each("tree", "");
  damage_each("tree", tree.substr(0, tree.size() - 33));
  damage_each("tree", tree + "torn");
  const std::string positions = Content(Path("positions"));
  damage_each("positions", "");
  damage_each("positions", positions.substr(0, positions.size() - 9));
  damage_each("positions", positions + "torn");
  // Zeros that were laid ahead, as a crash between two steps could leave them.
  const std::string segment = Files("log", ".log").front();
  damage_each("log/00000000.log", Content(segment) + std::string(4096, '\0'));
}

// Whoever changes the log and all its checksums cannot change the hashes in the tree too without
// changing the root.
TEST_F(IntegrityCheckTest, FindsAnEntryThatWasReplacedWithTheRightChecksums) {
  const auto [file, at] = InLog("the key");
  const std::string content = Content(file);
  const size_t frame = content.rfind("RFM1", at);
  auto header = DecodeFrameHeader(std::string_view(content).substr(frame), 0);
  for (uint32_t segment = 1; !header; ++segment) {
    ASSERT_LT(segment, 100U);
    header = DecodeFrameHeader(std::string_view(content).substr(frame), segment);
  }
  const uint32_t segment = static_cast<uint32_t>(std::stoul(fs::path(file).stem()));
  std::string body;
  AppendEntry(body, {EntryKind::kValue, "the key", "the value that was forged...", 0});
  ASSERT_EQ(body.size(), header->body_bytes);
  header->body_checksum = BodyChecksum(body);
  char bytes[kFrameHeaderBytes];
  EncodeFrameHeader(*header, segment, bytes);
  const int fd = ::open(file.c_str(), O_RDWR);
  ASSERT_EQ(::pwrite(fd, bytes, sizeof(bytes), static_cast<off_t>(frame)),
            static_cast<ssize_t>(sizeof(bytes)));
  ASSERT_EQ(::pwrite(fd, body.data(), body.size(), static_cast<off_t>(frame + sizeof(bytes))),
            static_cast<ssize_t>(body.size()));
  ::close(fd);
  const Pass pass = Check();
  const Damage* damage = Of(pass, file);
  ASSERT_NE(damage, nullptr) << Text(pass);
  EXPECT_EQ(damage->index, named_);
  EXPECT_EQ(damage->key, "the key");
  EXPECT_THAT(damage->what, HasSubstr("tree has the hash"));
  EXPECT_EQ(Of(pass, Path("tree")), nullptr) << Text(pass);
}

TEST_F(IntegrityCheckTest, AMissingSegmentIsNamedAndTheOthersAreLookedAt) {
  const auto files = Files("log", ".log");
  fs::remove(files.at(1));
  const Pass pass = Check();
  EXPECT_NE(Of(pass, files.at(1)), nullptr) << Text(pass);
  EXPECT_GT(pass.entries, 0U);
}

// An error of the disk is no damage, and does not end the pass.
TEST_F(IntegrityCheckTest, GoesOnBehindReadErrors) {
  store_.reset();
  FaultFileSystem faulty;
  options_.file_system = &faulty;
  Open();
  faulty.FailReads(1, "00000001.log");
  const Pass once = Check();
  EXPECT_EQ(once.damage_count, 0U) << Text(once);
  EXPECT_EQ(once.read_errors, 1U);
  EXPECT_GT(once.entries, store_->Latest().size().value / 2);
  EXPECT_TRUE(Check().well()) << "the next pass can read it";
  for (const char* file : {"tree", "positions", ".log"}) {
    faulty.FailReads(1'000'000, file);
    const Pass pass = Check();
    EXPECT_EQ(pass.damage_count, 0U) << file << '\n' << Text(pass);
    EXPECT_GT(pass.read_errors, 0U) << file;
    faulty.FailReads(0);
  }
  store_.reset();
}

}  // namespace
}  // namespace immudb::testing
