// SPDX-License-Identifier: Apache-2.0
//
// Invariant 5: what waits is bounded by configuration, not by what clients send.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "immudb/store.h"
#include "support/fault_file_system.h"
#include "support/process_memory.h"
#include "support/store_checks.h"
#include "support/temp_dir.h"
#include "support/workload.h"

namespace immudb::testing {
namespace {

constexpr size_t kQueueBytes = size_t{8} << 20;
constexpr size_t kValueBytes = 20'000;
constexpr int kThreads = 3;
constexpr int kEach = 5'000;  // 300 MB in all

TEST(MemoryTest, WaitingWritesAreBoundedWhileTheDiskHangs) {
  FaultFileSystem fs;
  const TempDir dir;
  StoreOptions options;
  options.file_system = &fs;
  options.queue_bytes = kQueueBytes;
  options.group_bytes = size_t{1} << 20;
  auto store = Store::Open(dir.File("db"), options);
  ASSERT_TRUE(store.ok());
  const std::string value(kValueBytes, 'v');
  const size_t before = ResidentBytes();
  fs.BlockSyncs("/log/");
  std::atomic<int> stored{0};
  std::atomic<int> refused{0};
  std::atomic<int> failed{0};
  const auto submit = [&](const std::string& key) {
    Transaction transaction;
    ASSERT_TRUE(transaction.Set(key, value).ok());
    (*store)->CommitAsync(std::move(transaction), [&](const Result<CommitInfo>& info) {
      if (info.ok()) {
        ++stored;
      } else if (info.status().code() == StatusCode::kResourceExhausted) {
        ++refused;
      } else {
        ++failed;
      }
    });
  };
  std::vector<std::thread> clients;
  for (uint64_t t = 0; t < kThreads; ++t) {
    clients.emplace_back([&, t] {
      for (uint64_t i = 0; i < kEach; ++i) submit(Numbered("key", t * kEach + i));
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(stored, 0) << "nothing is acknowledged before it is durable";
  const int accepted = kThreads * kEach - refused;
  EXPECT_LE(accepted * kValueBytes, kQueueBytes);
  EXPECT_GE(accepted * kValueBytes, kQueueBytes / 2);
  // Each waiting byte is held twice at most: as submitted, and in its group; and what the log's
  // file was told of once more by the disk under test.
  EXPECT_TRUE(!kMemoryIsReal || ResidentBytes() - before < 6 * kQueueBytes);

  fs.ReleaseSyncs();
  ASSERT_TRUE((*store)->Close().ok());
  EXPECT_EQ(stored, accepted);
  EXPECT_EQ(failed, 0);
  EXPECT_EQ((*store)->Latest().size().value, static_cast<uint64_t>(accepted));
  *store = nullptr;
}

// A write of one byte holds a call and its connection's state: many of them are as much memory as
// a few large ones.
TEST(MemoryTest, TinyWritesCountWhatTheirCallersHold) {
  FaultFileSystem fs;
  const TempDir dir;
  StoreOptions options;
  options.file_system = &fs;
  options.queue_bytes = size_t{1} << 20;
  options.caller_bytes = size_t{8} << 10;
  auto store = Store::Open(dir.File("db"), options);
  ASSERT_TRUE(store.ok());
  fs.BlockSyncs("/log/");
  std::atomic<int> stored{0};
  std::atomic<int> refused{0};
  constexpr int kWrites = 1000;
  for (int i = 0; i < kWrites; ++i) {
    Transaction transaction;
    ASSERT_TRUE(transaction.Set(Numbered("key", i), "v").ok());
    (*store)->CommitAsync(std::move(transaction), [&](const Result<CommitInfo>& info) {
      if (info.ok()) {
        ++stored;
      } else if (info.status().code() == StatusCode::kResourceExhausted) {
        ++refused;
      }
    });
  }
  EXPECT_GE(refused, kWrites - 128) << "128 callers fill the queue";
  EXPECT_LE(refused, kWrites - 64);
  fs.ReleaseSyncs();
  ASSERT_TRUE((*store)->Close().ok());
  EXPECT_EQ(stored + refused, kWrites);
  *store = nullptr;
}

// What failed or was refused gives its room back.
TEST(MemoryTest, FailedWritesFreeTheQueue) {
  FaultFileSystem fs;
  const TempDir dir;
  StoreOptions options;
  options.file_system = &fs;
  options.queue_bytes = 100'000;
  auto store = Store::Open(dir.File("db"), options);
  ASSERT_TRUE(store.ok());
  const auto set = [&](size_t bytes) {
    Transaction transaction;
    EXPECT_TRUE(transaction.Set("key", std::string(bytes, 'v')).ok());
    return (*store)->Commit(std::move(transaction)).status();
  };
  ASSERT_TRUE(set(10).ok());
  fs.LimitFreeBytes(100, "/log/");
  // The file was laid out ahead: fill that first.
  for (int i = 0; i < 20; ++i) static_cast<void>(set(60'000));
  for (int i = 0; i < 50; ++i) EXPECT_EQ(set(60'000).code(), StatusCode::kResourceExhausted);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(set(200'000).code(), StatusCode::kResourceExhausted);
  fs.LiftLimit();
  EXPECT_TRUE(set(60'000).ok());
  EXPECT_TRUE(AgreesWithItsEntries((*store)->Latest()));
  *store = nullptr;
}

}  // namespace
}  // namespace immudb::testing
