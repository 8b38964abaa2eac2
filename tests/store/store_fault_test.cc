// SPDX-License-Identifier: Apache-2.0
//
// A disk that is full or broken costs the writes that met it, never what was acknowledged.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <latch>
#include <string>
#include <vector>

#include "store/store_fixture.h"
#include "support/fault_file_system.h"

namespace immudb::testing {
namespace {

constexpr auto kDeadline = std::chrono::seconds(60);

class StoreFaultTest : public StoreTest {
 protected:
  StoreFaultTest() { options_.file_system = &fs_; }
  ~StoreFaultTest() override { store_.reset(); }

  // Closes a store that may refuse to close cleanly.
  void ReopenAfterFailure() {
    store_.reset();
    Open();
  }

  FaultFileSystem fs_;
};

TEST_F(StoreFaultTest, FullDiskRefusesWritesUntilThereIsRoom) {
  for (uint64_t n = 0; n < 10; ++n) Commit(WorkloadTransaction(n));
  const TreeSize size = store_->Latest().size();
  const Digest root = store_->Latest().root();
  fs_.LimitFreeBytes(20'000, "/log/");
  for (int attempt = 0; attempt < 3; ++attempt) {
    EXPECT_EQ(TrySet("too large", std::string(size_t{1} << 20, 'x')).code(),
              StatusCode::kResourceExhausted);
    EXPECT_EQ(store_->Latest().size(), size);
    EXPECT_EQ(store_->Latest().root(), root);
    EXPECT_FALSE(store_->Latest().Get("too large").ok());
  }
  fs_.LiftLimit();
  EXPECT_EQ(Set("fits again", "v"), size.value) << "no gap";
  for (uint64_t n = 10; n < 20; ++n) Commit(WorkloadTransaction(n));
  const std::string before = AllAnswers(store_->Latest());
  Reopen();
  EXPECT_TRUE(AllAnswers(store_->Latest()) == before) << "exactly what was acknowledged";
  EXPECT_TRUE(AgreesWithItsEntries(store_->Latest()));
}

// Groups that were sequenced behind the one that failed had indices already.
TEST_F(StoreFaultTest, WritesBehindARefusedOneAreRefusedToo) {
  Set("before", "v");
  fs_.BlockSyncs("/log/");
  constexpr int kWaiting = 40;
  std::vector<Result<CommitInfo>> results(kWaiting + 1, Status::Internal("not called"));
  std::latch done(kWaiting + 1);
  const auto submit = [&](int slot, Transaction transaction) {
    store_->CommitAsync(std::move(transaction), [&results, &done, slot](Result<CommitInfo> info) {
      results[slot] = std::move(info);
      done.count_down();
    });
  };
  submit(kWaiting, WorkloadTransaction(0));
  ASSERT_TRUE(fs_.WaitForBlockedSync(kDeadline));
  for (int i = 0; i < kWaiting; ++i) {
    Transaction transaction;
    ASSERT_TRUE(transaction.Set(Numbered("waiting", i), std::string(10'000, 'x')).ok());
    submit(i, std::move(transaction));
  }
  fs_.LimitFreeBytes(50'000, "/log/");
  fs_.ReleaseSyncs();
  done.wait();
  ASSERT_TRUE(results[kWaiting].ok()) << "was written before the disk was full";
  const uint64_t size = 1 + WorkloadEntries(0).size();
  uint64_t stored = 0;
  for (int i = 0; i < kWaiting; ++i) {
    const bool visible = store_->Latest().Get(Numbered("waiting", i)).ok();
    EXPECT_EQ(visible, results[i].ok());
    if (results[i].ok()) {
      EXPECT_EQ(results[i]->first, LeafIndex{size + stored++});
    } else {
      EXPECT_EQ(results[i].status().code(), StatusCode::kResourceExhausted);
    }
  }
  EXPECT_LT(stored, 10U);
  EXPECT_EQ(store_->Latest().size(), TreeSize{size + stored});
  fs_.LiftLimit();
  EXPECT_EQ(Set("after", "v"), size + stored) << "no gap";
  Reopen();
  EXPECT_EQ(store_->Latest().size(), TreeSize{size + stored + 1});
  EXPECT_TRUE(AgreesWithItsEntries(store_->Latest()));
}

TEST_F(StoreFaultTest, FullDiskAtASegmentChange) {
  store_.reset();
  options_.segment_bytes = 4096;
  Open();
  uint64_t size = 0;
  for (uint64_t room = 0; room < 6000; room += 400) {
    fs_.LimitFreeBytes(room, "/log/");
    while (true) {
      const Status status = TrySet(Numbered("k", size), std::string(300, 'v'));
      if (!status.ok()) {
        ASSERT_EQ(status.code(), StatusCode::kResourceExhausted) << status.ToString();
        break;
      }
      ++size;
    }
    ASSERT_EQ(store_->Latest().size(), TreeSize{size});
    if (room % 800 == 0) {
      store_.reset();  // a full disk does not allow a checkpoint, perhaps
      Open();
      ASSERT_EQ(store_->Latest().size(), TreeSize{size});
    }
    fs_.LiftLimit();
    ASSERT_EQ(Set(Numbered("k", size), "fits"), size);
    ++size;
  }
  Reopen();
  EXPECT_EQ(store_->Latest().size(), TreeSize{size});
  EXPECT_TRUE(AgreesWithItsEntries(store_->Latest()));
}

// What the disk holds after a failed sync is unknown: acknowledging anything more would be a lie.
TEST_F(StoreFaultTest, FailedSyncEndsWritingButNotReading) {
  for (uint64_t n = 0; n < 10; ++n) Commit(WorkloadTransaction(n));
  const std::string before = AllAnswers(store_->Latest());
  fs_.FailSyncs(1, "/log/");
  EXPECT_EQ(TrySet("unsynced", "v").code(), StatusCode::kIoError);
  EXPECT_EQ(TrySet("later", "v").code(), StatusCode::kIoError);
  EXPECT_TRUE(AllAnswers(store_->Latest()) == before) << "reads go on, nothing new is visible";
  EXPECT_FALSE(store_->Close().ok());
  ReopenAfterFailure();
  EXPECT_TRUE(HoldsTransaction(store_->Latest(), 0, {0}));
  EXPECT_FALSE(store_->Latest().Get("later").ok());
  Set("writable", "again");
  EXPECT_TRUE(AgreesWithItsEntries(store_->Latest()));
}

// The checkpoint syncs the same file as the writer, and the system tells only one of them.
TEST_F(StoreFaultTest, SyncThatFailedInACheckpointEndsWritingToo) {
  store_.reset();
  options_.checkpoint_entries = 1;
  Open();
  Set("durable", "v");
  const TreeSize acknowledged = [&] {
    for (int i = 0; i < 1000; ++i) {
      fs_.FailSyncs(1, "/log/");
      if (!TrySet(Numbered("k", i), "v").ok()) break;
    }
    return store_->Latest().size();
  }();
  EXPECT_EQ(TrySet("later", "v").code(), StatusCode::kIoError);
  store_.reset();
  ASSERT_TRUE(fs_.PowerLoss(FaultFileSystem::Loss::kAllUnsynced, 1).ok());
  Open();
  EXPECT_GE(store_->Latest().size(), acknowledged);
}

TEST_F(StoreFaultTest, DerivedFileThatCannotBeWrittenEndsWritingButNotReading) {
  for (const char* part : {"/tree", "/positions"}) {
    SCOPED_TRACE(part);
    for (uint64_t n = 0; n < 5; ++n) Set(Numbered("k", n), "v");
    const TreeSize size = store_->Latest().size();
    fs_.LimitFreeBytes(0, part);
    EXPECT_EQ(TrySet("durable but not shown", "v").code(), StatusCode::kResourceExhausted);
    EXPECT_EQ(store_->Latest().size(), size);
    EXPECT_TRUE(store_->Latest().Get("k0").ok());
    fs_.LiftLimit();
    EXPECT_FALSE(TrySet("later", "v").ok());
    ReopenAfterFailure();
    EXPECT_EQ(store_->Latest().size(), TreeSize{size.value + 1}) << "it is in the log";
    EXPECT_TRUE(AgreesWithItsEntries(store_->Latest()));
  }
}

// A checkpoint only saves time at the next start.
TEST_F(StoreFaultTest, FailedCheckpointDoesNotStopWrites) {
  store_.reset();
  options_.checkpoint_entries = 10;
  Open();
  fs_.LimitFreeBytes(0, "CHECKPOINT");
  for (uint64_t n = 0; n < 100; ++n) Commit(WorkloadTransaction(n));
  fs_.LiftLimit();
  Reopen();
  EXPECT_TRUE(HoldsWholeTransactionsOnly(store_->Latest()));
}

}  // namespace
}  // namespace immudb::testing
