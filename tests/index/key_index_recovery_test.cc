// SPDX-License-Identifier: Apache-2.0
//
// What an index is after a close, a crash, a replay, and damage on the disk.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "index/entry_log.h"
#include "index/key_index.h"
#include "index/table_check.h"
#include "support/temp_dir.h"

namespace immudb::testing {
namespace {

constexpr uint64_t kKeys = 400;

// Deterministic: entry i is the same in every process.
EntryLog MakeLog(uint64_t entries) {
  EntryLog log;
  for (uint64_t i = 0; i < entries; ++i) {
    if (i % 5 == 4) {
      log.Member("set" + std::to_string(i % 3), static_cast<double>(i % 50) - 25,
                 "member" + std::to_string(i % 77));
    } else {
      log.Value("key" + std::to_string(i * 7919 % kKeys), "value" + std::to_string(i));
    }
  }
  return log;
}

void ExpectAnswers(const KeyIndex& index, const EntryLog& log) {
  for (const TreeSize at : {log.size(), TreeSize{log.size().value / 2}}) {
    EXPECT_EQ(List(index, {}, at), log.List({}, at));
    EXPECT_EQ(List(index, {.reverse = true}, at), log.List({.reverse = true}, at));
    EXPECT_EQ(ListSet(index, {.set = "set1"}, at), log.ListSet({.set = "set1"}, at));
    EXPECT_EQ(History(index, "key7", at), log.History("key7", at));
  }
}

std::vector<std::filesystem::path> TableFiles(const std::string& directory) {
  std::vector<std::filesystem::path> files;
  for (const auto& file : std::filesystem::directory_iterator(directory)) {
    if (file.path().extension() == ".sst") {
      files.push_back(file.path());
    }
  }
  return files;
}

TEST(KeyIndexRecoveryTest, AReopenedIndexHasAllThatWasFlushed) {
  const TempDir dir;
  const EntryLog log = MakeLog(2'000);
  {
    const auto index = OpenIndex(dir.File("index"));
    log.CatchUp(*index);
    ASSERT_TRUE(index->Flush().ok());
    // The state of the disk as a crash right after the flush would leave it.
    std::filesystem::copy(dir.File("index"), dir.File("copy"),
                          std::filesystem::copy_options::recursive);
  }
  for (const char* name : {"index", "copy"}) {
    const auto index = OpenIndex(dir.File(name));
    ASSERT_NE(index, nullptr);
    EXPECT_EQ(index->applied(), log.size());
    ExpectAnswers(*index, log);
  }
}

TEST(KeyIndexRecoveryTest, WhatACrashLostIsAppliedAgainFromTheWatermark) {
  const TempDir dir;
  const EntryLog log = MakeLog(2'000);
  const auto index = OpenIndex(dir.File("index"));
  ASSERT_TRUE(log.ApplyTo(*index, 0, 1'200).ok());
  ASSERT_TRUE(index->Flush().ok());
  log.CatchUp(*index);
  std::filesystem::copy(dir.File("index"), dir.File("crashed"),
                        std::filesystem::copy_options::recursive);

  const auto crashed = OpenIndex(dir.File("crashed"));
  ASSERT_NE(crashed, nullptr);
  EXPECT_EQ(crashed->applied(), TreeSize{1'200});
  log.CatchUp(*crashed);
  EXPECT_EQ(crashed->applied(), log.size());
  ExpectAnswers(*crashed, log);
}

TEST(KeyIndexRecoveryTest, AClosedIndexNeedsNoReplayOrALittle) {
  const TempDir dir;
  const EntryLog log = MakeLog(2'000);
  log.CatchUp(*OpenIndex(dir.File("index")));
  const auto index = OpenIndex(dir.File("index"));
  EXPECT_LE(index->applied(), log.size());
  log.CatchUp(*index);
  ExpectAnswers(*index, log);
}

TEST(KeyIndexRecoveryTest, EntriesThatAreAlreadyAppliedChangeNothing) {
  const TempDir dir;
  const EntryLog log = MakeLog(1'000);
  const auto index = OpenIndex(dir.File("index"));
  log.CatchUp(*index);
  ASSERT_TRUE(log.ApplyTo(*index, 0, 1'000).ok());
  ASSERT_TRUE(log.ApplyTo(*index, 300, 700).ok());
  EXPECT_EQ(index->applied(), log.size());
  // Even if they were others: the first ones stay.
  const IndexUpdate other{.index = {3}, .key = "another key", .value = "v"};
  ASSERT_TRUE(index->Apply({&other, 1}, {4}).ok());
  EXPECT_EQ(index->applied(), log.size());
  ExpectAnswers(*index, log);

  // A group that is half known: only the other half is added.
  const EntryLog longer = MakeLog(1'500);
  ASSERT_TRUE(longer.ApplyTo(*index, 500, 1'500).ok());
  ExpectAnswers(*index, longer);
}

// Dies in the middle of its work, with memtables being written out in the background.
[[noreturn]] void ApplyAndDie(const std::string& directory, uint64_t entries) {
  const EntryLog log = MakeLog(entries);
  const auto index = OpenIndex(directory, {.write_buffer_bytes = size_t{64} << 10});
  log.CatchUp(*index, 37);
  ::kill(::getpid(), SIGKILL);
  std::abort();
}

class KeyIndexRecoveryDeathTest : public ::testing::TestWithParam<uint64_t> {};

TEST_P(KeyIndexRecoveryDeathTest, AfterSigkillTheWatermarkIsNeverAheadOfTheRecords) {
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  // The child runs this test from the start, in a process of its own: it is told the place.
  // NOLINTBEGIN(concurrency-mt-unsafe): there are no other threads yet.
  const char* const place = std::getenv("IMMUDB_INDEX_CRASH_DIR");
  const auto dir = place == nullptr ? std::make_unique<TempDir>() : nullptr;
  const std::string directory = place != nullptr ? place : dir->File("index");
  ::setenv("IMMUDB_INDEX_CRASH_DIR", directory.c_str(), 1);
  EXPECT_EXIT(ApplyAndDie(directory, GetParam()), ::testing::KilledBySignal(SIGKILL), "");
  ::unsetenv("IMMUDB_INDEX_CRASH_DIR");
  // NOLINTEND(concurrency-mt-unsafe)

  const EntryLog log = MakeLog(GetParam());
  const auto index = OpenIndex(directory);
  ASSERT_NE(index, nullptr);
  const TreeSize applied = index->applied();
  EXPECT_GT(applied, TreeSize{0});
  EXPECT_LE(applied, log.size());
  // All records below the watermark are there, and none above: all families stand at one point.
  EXPECT_EQ(List(*index, {}, applied), log.List({}, applied));
  EXPECT_EQ(List(*index, {}, log.size()), log.List({}, applied));
  for (const char* set : {"set0", "set1", "set2"}) {
    EXPECT_EQ(ListSet(*index, {.set = set}, log.size()), log.ListSet({.set = set}, applied));
  }
  log.CatchUp(*index);
  ExpectAnswers(*index, log);
}

INSTANTIATE_TEST_SUITE_P(Entries, KeyIndexRecoveryDeathTest,
                         ::testing::Values(uint64_t{6'000}, uint64_t{9'000}, uint64_t{20'000}));

TEST(KeyIndexRecoveryTest, ASecondOpenOfTheSameDirectoryIsRefused) {
  const TempDir dir;
  const auto index = OpenIndex(dir.File("index"));
  const auto second = KeyIndex::Open(dir.File("index"), {});
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.status().code(), StatusCode::kFailedPrecondition) << second.status().ToString();
  EXPECT_NE(second.status().message().find(dir.File("index")), std::string::npos);
}

TEST(KeyIndexRecoveryTest, ADirectoryThatCannotBeMadeIsAnIoErrorThatNamesIt) {
  const TempDir dir;
  std::ofstream(dir.File("file")) << "not a directory";
  const auto index = KeyIndex::Open(dir.File("file/index"), {});
  ASSERT_FALSE(index.ok());
  EXPECT_EQ(index.status().code(), StatusCode::kIoError) << index.status().ToString();
  EXPECT_NE(index.status().message().find(dir.File("file")), std::string::npos);
}

// Every byte position in turn (in steps): each question must give the right answer or kDataLoss.
TEST(KeyIndexCorruptionTest, AFlippedByteIsAnErrorNeverAWrongAnswer) {
  const TempDir dir;
  const EntryLog log = MakeLog(3'000);
  {
    const auto index = OpenIndex(dir.File("index"));
    log.CatchUp(*index);
    ASSERT_TRUE(index->Flush().ok());
  }
  const auto files = TableFiles(dir.File("index"));
  ASSERT_GE(files.size(), 3U);  // watermark, keys, sets
  int noticed = 0;
  for (const auto& path : files) {
    const uint64_t bytes = std::filesystem::file_size(path);
    const uint64_t step = std::max<uint64_t>(bytes / 12, 1);
    for (uint64_t offset = step / 2; offset < bytes; offset += step) {
      std::filesystem::remove_all(dir.File("bad"));
      std::filesystem::copy(dir.File("index"), dir.File("bad"),
                            std::filesystem::copy_options::recursive);
      {
        std::fstream file(dir.File("bad") + "/" + path.filename().string(),
                          std::ios::in | std::ios::out | std::ios::binary);
        file.seekg(static_cast<std::streamoff>(offset));
        const int byte = file.get();
        file.seekp(static_cast<std::streamoff>(offset));
        file.put(static_cast<char>(byte ^ 0x10));
      }
      const std::string where = path.filename().string() + " at " + std::to_string(offset);
      const auto index = KeyIndex::Open(dir.File("bad"), {});
      if (!index.ok()) {
        EXPECT_EQ(index.status().code(), StatusCode::kDataLoss) << where;
        ++noticed;
        continue;
      }
      EXPECT_EQ((*index)->applied(), log.size());
      Rows rows;
      const auto collect = [&rows](std::string_view key, const Version& version) {
        rows.push_back(MakeRow(key, version));
        return true;
      };
      const auto check = [&](const Status& status, const Rows& expected) {
        EXPECT_TRUE(status.ok() || status.code() == StatusCode::kDataLoss)
            << where << ": " << status.ToString();
        if (status.ok()) {
          EXPECT_EQ(rows, expected) << where;
        } else {
          EXPECT_NE(status.message().find(dir.File("bad")), std::string::npos);
        }
        rows.clear();
        return status.ok();
      };
      bool fine = check((*index)->List({}, log.size(), collect), log.List({}, log.size()));
      for (const char* set : {"set0", "set1", "set2"}) {
        fine &= check((*index)->ListSet({.set = set}, log.size(), collect),
                      log.ListSet({.set = set}, log.size()));
      }
      for (uint64_t i = 0; i < kKeys; i += 7) {
        const std::string key = "key" + std::to_string(i);
        const auto version = (*index)->Get(key, log.size());
        if (version.ok()) {
          EXPECT_EQ(MakeRow(key, *version), log.Latest(key, log.size())) << where;
        } else if (log.Latest(key, log.size())) {
          EXPECT_EQ(version.status().code(), StatusCode::kDataLoss) << where;
          fine = false;
        }
      }
      noticed += fine ? 0 : 1;
    }
  }
  EXPECT_GT(noticed, 10);
}

std::string Content(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void SetContent(const std::filesystem::path& path, const std::string& content) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
}

// RocksDB decodes the end of a table before it has compared a checksum, and asserts. A flipped byte
// in a file that can be derived again must not end the process, which serves other databases.
TEST(KeyIndexCorruptionTest, NoDamageAtTheEndOfATableEndsTheProcess) {
  constexpr size_t kTailBytes = 1600;
  constexpr int kRounds = 250;
  const TempDir dir;
  const EntryLog log = MakeLog(3'000);
  {
    const auto index = OpenIndex(dir.File("index"));
    log.CatchUp(*index);
    ASSERT_TRUE(index->Flush().ok());
  }
  std::mt19937_64 random(7);
  for (const auto& path : TableFiles(dir.File("index"))) {
    const std::string sound = Content(path);
    for (int round = 0; round < kRounds; ++round) {
      std::string damaged = sound;
      for (int flip = 0; flip < 5; ++flip) {
        const size_t at = sound.size() - 1 - random() % std::min(kTailBytes, sound.size());
        damaged[at] = static_cast<char>(damaged[at] ^ (1U << (random() % 8)));
      }
      SetContent(path, damaged);
      const auto index = KeyIndex::Open(dir.File("index"), {.read_only = true});
      const auto ignore = [](std::string_view, const Version&) { return true; };
      const Status listed = index.ok() ? (*index)->List({}, log.size(), ignore) : index.status();
      EXPECT_TRUE(listed.ok() || listed.code() == StatusCode::kDataLoss) << listed.ToString();
      const IndexTable::Family family = IndexTable::Family::kKeys;
      const auto check = TableCheck::Open(
          {path, family, damaged.size()},
          [](IndexTable::Family, std::string_view, LeafIndex, std::string_view) { return true; });
      ASSERT_TRUE(check.ok()) << check.status().ToString();
      while (*(*check)->Advance(1000)) {
      }
    }
    SetContent(path, sound);
  }
  ExpectAnswers(*OpenIndex(dir.File("index")), log);
}

// Damage of the files that name the others is kDataLoss, after which the caller derives the index
// again, or an older state of the index, which it brings up to date.
TEST(KeyIndexCorruptionTest, EmptyCutAndMissingFilesAreDamageOrAnOlderState) {
  namespace fs = std::filesystem;
  const TempDir dir;
  const EntryLog log = MakeLog(3'000);
  {
    const auto index = OpenIndex(dir.File("index"));
    log.CatchUp(*index);
    ASSERT_TRUE(index->Flush().ok());
  }
  const std::string bad = dir.File("bad");
  int damages = 0;
  for (const auto& file : fs::directory_iterator(dir.File("index"))) {
    const std::string name = file.path().filename();
    if (name != "CURRENT" && !name.starts_with("MANIFEST") && !name.ends_with(".sst")) continue;
    const std::string sound = Content(file.path());
    std::string flipped = sound;
    flipped[sound.size() / 2] ^= 0x10;
    const std::vector<std::string> contents = {"", sound.substr(0, sound.size() / 2),
                                               std::string(sound.size(), '\0'), flipped, "gone"};
    for (const std::string& content : contents) {
      SCOPED_TRACE(name + " of " + std::to_string(content.size()) + " bytes");
      fs::remove_all(bad);
      fs::copy(dir.File("index"), bad, fs::copy_options::recursive);
      SetContent(fs::path(bad) / name, content);
      if (content == "gone") fs::remove(fs::path(bad) / name);
      const auto index = KeyIndex::Open(bad, {});
      if (!index.ok()) {
        EXPECT_EQ(index.status().code(), StatusCode::kDataLoss) << index.status().ToString();
        EXPECT_NE(index.status().message().find(bad), std::string::npos);
        ++damages;
      } else if (name.ends_with(".sst")) {
        EXPECT_EQ(content, flipped) << "of a block, which is found when it is read";
      } else {
        log.CatchUp(**index);
        ExpectAnswers(**index, log);
      }
    }
  }
  EXPECT_GT(damages, 15);
}

}  // namespace
}  // namespace immudb::testing
