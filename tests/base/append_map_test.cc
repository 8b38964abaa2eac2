// SPDX-License-Identifier: Apache-2.0
#include "base/append_map.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "base/bytes.h"
#include "support/fault_file_system.h"
#include "support/temp_dir.h"

namespace immudb {
namespace {

constexpr size_t kRecordBytes = 8;
constexpr uint64_t kChunkBytes = uint64_t{64} << 20;

// Records that say their own number.
std::string Records(uint64_t first, uint64_t count) {
  std::string bytes(count * kRecordBytes, '\0');
  for (uint64_t i = 0; i < count; ++i) StoreLE(bytes.data() + i * kRecordBytes, first + i + 1);
  return bytes;
}

// What record `i` says; 0 if it cannot be read.
uint64_t At(const AppendMap& map, uint64_t i) {
  char record[kRecordBytes];
  return map.Read(i, record) ? LoadLE<uint64_t>(record) : 0;
}

class AppendMapTest : public ::testing::Test {
 protected:
  std::unique_ptr<AppendMap> Open(FileSystem& fs = FileSystem::Real()) {
    auto map = AppendMap::Open(fs, path_, kRecordBytes);
    EXPECT_TRUE(map.ok()) << map.status().ToString();
    return map.ok() ? *std::move(map) : nullptr;
  }
  static void ExpectRecords(const AppendMap& map, uint64_t count) {
    ASSERT_EQ(map.count(), count);
    for (uint64_t i = 0; i < count; ++i) {
      ASSERT_EQ(At(map, i), i + 1) << "record " << i;
    }
  }

  testing::TempDir dir_;
  const std::string path_ = dir_.File("map");
};

// Mapped pages of files (also of files in memory) that this process holds.
uint64_t ResidentMappedBytes() {
  std::ifstream status("/proc/self/status");
  uint64_t total = 0;
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("RssFile:") || line.starts_with("RssShmem:")) {
      total += std::stoull(line.substr(line.find(':') + 1)) << 10;
    }
  }
  return total;
}

// Else a database's tree, read as it grows, would end up in memory whole.
TEST_F(AppendMapTest, AGrowingMapDoesNotStayResident) {
  constexpr uint64_t kSlice = uint64_t{1} << 20;
  constexpr uint64_t kSlices = 80;  // more than one map
  const auto map = Open();
  const std::string slice = Records(0, kSlice / kRecordBytes);
  const uint64_t before = ResidentMappedBytes();
  for (uint64_t i = 0; i < kSlices; ++i) {
    ASSERT_TRUE(map->Append(slice).ok());
    const uint64_t first = i * kSlice / kRecordBytes;
    for (uint64_t at = 0; at < kSlice / kRecordBytes; at += 512) {  // every page
      ASSERT_EQ(At(*map, first + at), at + 1);
    }
  }
  EXPECT_LT(ResidentMappedBytes(), before + 16 * kSlice);
  ASSERT_EQ(At(*map, 5), 6U) << "a released page is read again";
}

TEST_F(AppendMapTest, RecordsAreThereAfterReopening) {
  {
    const auto map = Open();
    EXPECT_EQ(map->count(), 0U);
    ASSERT_TRUE(map->Append(Records(0, 1)).ok());
    ASSERT_TRUE(map->Append(Records(1, 999)).ok());
    ASSERT_TRUE(map->Append({}).ok());
    ExpectRecords(*map, 1000);
    ASSERT_TRUE(map->Sync().ok());
  }
  const auto map = Open();
  ExpectRecords(*map, 1000);
  ASSERT_TRUE(map->Append(Records(1000, 1)).ok());
  ExpectRecords(*map, 1001);
}

// A crash in the middle of an append must not shift every record behind it.
TEST_F(AppendMapTest, PartialRecordIsWrittenOver) {
  ASSERT_TRUE(ReplaceFile(FileSystem::Real(), path_, Records(0, 3) + "torn!").ok());
  const auto map = Open();
  ExpectRecords(*map, 3);
  ASSERT_TRUE(map->Append(Records(3, 2)).ok());
  ExpectRecords(*map, 5);
}

TEST_F(AppendMapTest, TruncatedRecordsAreReplaced) {
  const auto map = Open();
  ASSERT_TRUE(map->Append(Records(77, 100)).ok());
  ASSERT_TRUE(map->Truncate(0).ok());
  EXPECT_EQ(map->count(), 0U);
  ASSERT_TRUE(map->Append(Records(0, 50)).ok());
  ASSERT_TRUE(map->Truncate(20).ok());
  ExpectRecords(*map, 20);
  ExpectRecords(*Open(), 20);
}

// Databases outgrow one map (64 MiB: 8 million positions, 1 million leaves).
TEST_F(AppendMapTest, ContinuesBeyondOneMap) {
  const uint64_t in_one = kChunkBytes / kRecordBytes;
  {
    const auto file = FileSystem::Real().Open(path_, FileSystem::Mode::kCreate);
    ASSERT_TRUE(file.ok());
    ASSERT_TRUE((*file)->Truncate(2 * kChunkBytes - kRecordBytes).ok()) << "a sparse file";
    ASSERT_TRUE((*file)->WriteAt(kChunkBytes - kRecordBytes, Records(in_one - 1, 2)).ok());
  }
  const auto map = Open();
  ASSERT_EQ(map->count(), 2 * in_one - 1);
  EXPECT_EQ(At(*map, in_one - 1), in_one);
  EXPECT_EQ(At(*map, in_one), in_one + 1);
  ASSERT_TRUE(map->Append(Records(2 * in_one - 1, 3)).ok()) << "spans the second and third map";
  for (uint64_t i = 2 * in_one - 1; i < 2 * in_one + 2; ++i) {
    EXPECT_EQ(At(*map, i), i + 1);
  }
}

// Proofs are computed while groups are appended.
TEST_F(AppendMapTest, ReadersFollowTheAppenderWithoutLocks) {
  const auto map = Open();
  std::atomic<uint64_t> published{0};
  std::atomic<uint64_t> wrong{0};
  std::vector<std::thread> readers;
  for (int r = 0; r < 2; ++r) {
    readers.emplace_back([&] {
      for (uint64_t size = 0; size < 20'000;) {
        size = published.load(std::memory_order_acquire);
        if (size > 0 && At(*map, size - 1) != size) ++wrong;
        if (size > 0 && At(*map, size / 2) != size / 2 + 1) ++wrong;
      }
    });
  }
  for (uint64_t size = 0; size < 20'000; size += 100) {
    EXPECT_TRUE(map->Append(Records(size, 100)).ok());
    published.store(size + 100, std::memory_order_release);
  }
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(wrong, 0U);
}

// A full disk must not leave half a group counted; the same append succeeds later.
TEST_F(AppendMapTest, FailedAppendCanBeRepeated) {
  testing::FaultFileSystem fs;
  const auto map = Open(fs);
  ASSERT_TRUE(map->Append(Records(0, 10)).ok());
  fs.LimitFreeBytes(3 * kRecordBytes + 1);
  EXPECT_EQ(map->Append(Records(10, 10)).code(), StatusCode::kResourceExhausted);
  ExpectRecords(*map, 10);
  fs.LiftLimit();
  ASSERT_TRUE(map->Append(Records(10, 10)).ok());
  ExpectRecords(*map, 20);
}

// Whoever can write to the file must not be able to end the process, which serves other databases.
TEST_F(AppendMapTest, AFileThatIsCutGivesAnErrorAndRecovers) {
  const auto map = Open();
  const std::string records = Records(0, 2000);
  ASSERT_TRUE(map->Append(records).ok());
  char record[kRecordBytes];
  ASSERT_TRUE(map->Read(1999, record));
  const auto file = FileSystem::Real().Open(path_, FileSystem::Mode::kReadWrite);
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE((*file)->Truncate(4096).ok());
  std::vector<std::thread> readers;
  std::atomic<uint64_t> failed{0};
  for (int r = 0; r < 3; ++r) {
    readers.emplace_back([&] {
      char of_reader[kRecordBytes];
      for (int i = 0; i < 100; ++i) failed += map->Read(1999, of_reader) ? 0 : 1;
    });
  }
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(failed, 300U);
  EXPECT_EQ(At(*map, 511), 512U) << "what is still there can be read";
  EXPECT_EQ(map->ReadFailure(1999).code(), StatusCode::kDataLoss);
  EXPECT_NE(map->ReadFailure(1999).message().find(path_), std::string::npos);
  ASSERT_TRUE((*file)->WriteAt(0, records).ok());
  EXPECT_EQ(At(*map, 1999), 2000U);
}

// Hundreds of databases may be open, each with two maps.
TEST_F(AppendMapTest, ASmallMapTakesLittleMemoryAndAddressSpace) {
  EXPECT_LT(sizeof(AppendMap), 1024U);
  const auto address_space = [] {
    uint64_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    return pages * 4096;
  };
  const uint64_t before = address_space();
  std::vector<std::unique_ptr<AppendMap>> maps;
  for (int i = 0; i < 64; ++i) {
    auto map = AppendMap::Open(FileSystem::Real(), path_ + std::to_string(i), kRecordBytes);
    ASSERT_TRUE(map.ok());
    ASSERT_TRUE((*map)->Append(Records(0, 10)).ok());
    maps.push_back(*std::move(map));
  }
  EXPECT_LT(address_space() - before, 64 * (uint64_t{2} << 20));
}

}  // namespace
}  // namespace immudb
