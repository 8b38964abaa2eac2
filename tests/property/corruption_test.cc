// SPDX-License-Identifier: Apache-2.0
//
// Invariant 4: changed bytes are noticed. Opening refuses, or what is derived is derived again, or
// a verified read fails; never is there another answer that verifies.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "immudb/store.h"
#include "immudb/verify.h"
#include "support/store_checks.h"
#include "support/temp_dir.h"
#include "support/workload.h"
#include "vlog/frame.h"

namespace immudb::testing {
namespace {

namespace fs = std::filesystem;

// What became of a store whose files were changed.
struct Outcome {
  bool refused = false;  // to open
  int reads_failed = 0;
  int proofs_failed = 0;
  bool noticed() const { return refused || reads_failed > 0 || proofs_failed > 0; }
};

class CorruptionTest : public ::testing::Test {
 protected:
  CorruptionTest() {
    options_.segment_bytes = 32 << 10;
    options_.checkpoint_entries = 100;
    options_.inline_value_bytes = 64;
  }

  void SetUp() override {
    WriteFirstHalf();
    WriteSecondHalf();
  }
  void WriteFirstHalf() {
    const auto store = Store::Open(original_, options_);
    ASSERT_TRUE(store.ok()) << store.status().ToString();
    for (uint64_t n = 0; n < 30; ++n) {
      ASSERT_TRUE((*store)->Commit(WorkloadTransaction(n)).ok());
    }
    ASSERT_TRUE((*store)->Close().ok());
    old_checkpoint_ = Content(original_ + "/CHECKPOINT");
  }
  // Makes an older checkpoint of the first one, and several index files.
  void WriteSecondHalf() {
    const auto store = Store::Open(original_, options_);
    ASSERT_TRUE(store.ok()) << store.status().ToString();
    for (uint64_t n = 30; n < 60; ++n) {
      ASSERT_TRUE((*store)->Commit(WorkloadTransaction(n)).ok());
    }
    const Snapshot snapshot = (*store)->Latest();
    root_ = snapshot.root();
    size_ = snapshot.size();
    truth_ = *snapshot.Range({0}, size_.value);
    for (const Entry& entry : truth_) latest_[entry.key] = entry;
    ASSERT_TRUE((*store)->Close().ok());
  }

  static std::string Content(const std::string& path) {
    return *ReadFile(FileSystem::Real(), path);
  }
  static void Overwrite(const std::string& path, std::string_view content) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
  }

  // A fresh copy of the store to be damaged.
  std::string Copy() {
    const std::string copy = dir_.File("copy");
    fs::remove_all(copy);
    fs::copy(original_, copy, fs::copy_options::recursive);
    return copy;
  }
  void Flip(const std::string& path, size_t offset) {
    std::string content = Content(path);
    ASSERT_LT(offset, content.size()) << path;
    content[offset] = static_cast<char>(content[offset] ^ 0x04);
    Overwrite(path, content);
  }

  // Asks for everything and holds it against the root that a client trusts.
  Outcome Inspect(const std::string& directory) {
    Outcome outcome;
    const auto store = Store::Open(directory, options_);
    if (!store.ok()) {
      EXPECT_EQ(store.status().code(), StatusCode::kDataLoss) << store.status().ToString();
      outcome.refused = true;
      return outcome;
    }
    const Snapshot snapshot = (*store)->Latest();
    EXPECT_EQ(snapshot.size(), size_) << "silently shorter";
    EXPECT_EQ(snapshot.root(), root_) << "silently another root";
    for (const Entry& true_entry : truth_) {
      Check(snapshot, snapshot.GetByIndex(true_entry.index), true_entry, outcome);
    }
    for (const auto& [key, true_entry] : latest_) {
      Check(snapshot, snapshot.Get(key), true_entry, outcome);
    }
    return outcome;
  }

  void Check(const Snapshot& snapshot, const Result<Entry>& entry, const Entry& true_entry,
             Outcome& outcome) {
    if (!entry.ok()) {
      EXPECT_EQ(entry.status().code(), StatusCode::kDataLoss) << entry.status().ToString();
      ++outcome.reads_failed;
      return;
    }
    const auto path = snapshot.InclusionProof(entry->index);
    const bool proven =
        path.ok() &&
        VerifyInclusion(entry->index, size_, LeafDigest(entry->index, entry->key, entry->value),
                        *path, root_)
            .ok();
    if (!proven) {
      ++outcome.proofs_failed;
      return;
    }
    EXPECT_EQ(entry->index, true_entry.index) << "an answer that verifies, but is not the latest";
    EXPECT_EQ(entry->key, true_entry.key);
    EXPECT_TRUE(entry->value == true_entry.value);
  }

  std::vector<std::string> Files(const std::string& directory, const std::string& extension) {
    std::vector<std::string> files;
    for (const auto& file : fs::directory_iterator(directory)) {
      if (file.path().extension() == extension) files.push_back(file.path().filename());
    }
    std::sort(files.begin(), files.end());
    return files;
  }

  // Offsets of the frames of a segment.
  static std::vector<size_t> Frames(const std::string& segment, uint32_t number) {
    std::vector<size_t> offsets;
    for (size_t at = kSegmentHeaderBytes; at < segment.size();) {
      const auto header = DecodeFrameHeader(std::string_view(segment).substr(at), number);
      if (!header) break;
      offsets.push_back(at);
      at += FrameBytes(header->body_bytes);
    }
    return offsets;
  }

  const TempDir dir_;
  const std::string original_ = dir_.File("db");
  StoreOptions options_;
  std::string old_checkpoint_;
  Digest root_{};
  TreeSize size_;
  std::vector<Entry> truth_;
  std::map<std::string, Entry> latest_;
};

TEST_F(CorruptionTest, UndamagedStoreIsFine) {
  EXPECT_FALSE(Inspect(Copy()).noticed());
}

TEST_F(CorruptionTest, ChangedEntriesInTheLog) {
  const auto segments = Files(original_ + "/log", ".log");
  ASSERT_GT(segments.size(), 2U);
  for (const size_t number : {size_t{0}, segments.size() - 1}) {
    const std::string name = "/log/" + segments[number];
    const std::string content = Content(original_ + name);
    const auto frames = Frames(content, static_cast<uint32_t>(number));
    ASSERT_GT(frames.size(), 1U);
    for (const size_t frame : {frames.front(), frames[frames.size() / 2], frames.back()}) {
      const auto header =
          DecodeFrameHeader(std::string_view(content).substr(frame), static_cast<uint32_t>(number));
      for (const size_t byte : {size_t{0}, size_t{6}, size_t{header->body_bytes} - 1}) {
        const std::string copy = Copy();
        Flip(copy + name, frame + kFrameHeaderBytes + byte);
        EXPECT_TRUE(Inspect(copy).noticed()) << name << " " << frame << " byte " << byte;
        EXPECT_EQ(Store::Rebuild(copy, options_).code(), StatusCode::kDataLoss);
      }
    }
  }
}

// Entries carry checksums of their own: damage between them cannot change an answer, and is found
// when the log is read as a whole.
TEST_F(CorruptionTest, ChangedHeadersInTheLog) {
  const auto segments = Files(original_ + "/log", ".log");
  for (const size_t number : {size_t{0}, segments.size() - 1}) {
    const std::string name = "/log/" + segments[number];
    const auto frames = Frames(Content(original_ + name), static_cast<uint32_t>(number));
    for (const size_t offset : {size_t{3}, size_t{12}, size_t{20}, frames.front() + 9,
                                frames.back() + 1, frames.back() + 33}) {
      const std::string copy = Copy();
      Flip(copy + name, offset);
      Inspect(copy);
      const Status rebuilt = Store::Rebuild(copy, options_);
      EXPECT_EQ(rebuilt.code(), StatusCode::kDataLoss) << name << " at " << offset;
    }
  }
}

TEST_F(CorruptionTest, ChangedTree) {
  const size_t bytes = Content(original_ + "/tree").size();
  int noticed = 0;
  for (size_t record = 0; record < bytes / 32; record += 19) {
    const std::string copy = Copy();
    Flip(copy + "/tree", record * 32 + record % 32);
    if (!Inspect(copy).noticed()) continue;  // it was derived again
    ++noticed;
    EXPECT_TRUE(Store::Rebuild(copy, options_).ok());
    EXPECT_FALSE(Inspect(copy).noticed()) << "a rebuild repairs it";
  }
  EXPECT_GT(noticed, 0);
}

TEST_F(CorruptionTest, ChangedPositions) {
  const size_t records = Content(original_ + "/positions").size() / 8;
  for (const size_t record : {size_t{0}, records / 2, records - 1}) {
    for (const size_t byte : {0, 1, 5, 7}) {
      const std::string copy = Copy();
      Flip(copy + "/positions", record * 8 + byte);
      EXPECT_TRUE(Inspect(copy).noticed()) << "record " << record << " byte " << byte;
      EXPECT_TRUE(Store::Rebuild(copy, options_).ok());
      EXPECT_FALSE(Inspect(copy).noticed()) << "a rebuild repairs it";
    }
  }
}

// Two positions exchanged: each entry is whole, but not the one with that index.
TEST_F(CorruptionTest, ExchangedPositions) {
  const std::string copy = Copy();
  std::string positions = Content(copy + "/positions");
  std::swap_ranges(positions.begin(), positions.begin() + 8, positions.begin() + 8);
  Overwrite(copy + "/positions", positions);
  EXPECT_TRUE(Inspect(copy).noticed());
}

TEST_F(CorruptionTest, ChangedCheckpoint) {
  for (const size_t offset : {0, 8, 16, 40, 48, 56, 63}) {
    const std::string copy = Copy();
    Flip(copy + "/CHECKPOINT", offset);
    EXPECT_FALSE(Inspect(copy).noticed()) << "derived again, at " << offset;
  }
}

TEST_F(CorruptionTest, OldCheckpointIsFine) {
  const std::string copy = Copy();
  Overwrite(copy + "/CHECKPOINT", old_checkpoint_);
  EXPECT_FALSE(Inspect(copy).noticed());
}

TEST_F(CorruptionTest, ChangedIndexFiles) {
  const auto tables = Files(original_ + "/index", ".sst");
  ASSERT_FALSE(tables.empty());
  for (const std::string& table : tables) {
    const size_t bytes = fs::file_size(original_ + "/index/" + table);
    for (size_t part = 0; part < 5; ++part) {
      const std::string copy = Copy();
      Flip(copy + "/index/" + table, bytes * part / 5 + bytes / 20);
      Inspect(copy);
      const Status rebuilt = Store::Rebuild(copy, options_);
      EXPECT_TRUE(rebuilt.ok()) << rebuilt.ToString();
      EXPECT_FALSE(Inspect(copy).noticed()) << "a rebuild repairs it";
    }
  }
}

// Data at the end that was acknowledged is no torn tail, today or at the next attempt.
TEST_F(CorruptionTest, ShortenedLogIsRefused) {
  const auto segments = Files(original_ + "/log", ".log");
  const std::string last = "/log/" + segments.back();
  const std::string content = Content(original_ + last);
  const auto frames = Frames(content, static_cast<uint32_t>(segments.size() - 1));
  const std::vector<std::vector<std::string>> forgotten = {
      {}, {"CHECKPOINT"}, {"CHECKPOINT", "index"}, {"CHECKPOINT", "tree"}, {"tree", "positions"}};
  for (const auto& parts : forgotten) {
    for (const bool whole_segment : {false, true}) {
      const std::string copy = Copy();
      for (const std::string& part : parts) fs::remove_all(copy + "/" + part);
      if (whole_segment) {
        fs::remove(copy + last);
      } else {
        Overwrite(copy + last, content.substr(0, frames.back()));
      }
      for (int attempt = 0; attempt < 3; ++attempt) {
        EXPECT_TRUE(Inspect(copy).refused) << "attempt " << attempt;
      }
    }
  }
}

}  // namespace
}  // namespace immudb::testing
