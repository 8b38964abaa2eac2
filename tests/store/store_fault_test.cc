// SPDX-License-Identifier: Apache-2.0
//
// A disk that is full or broken costs the writes that met it, never what was acknowledged.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <latch>
#include <string>
#include <thread>
#include <vector>

#include "store/store_fixture.h"
#include "support/fault_file_system.h"

namespace immudb::testing {
namespace {

using ::testing::HasSubstr;

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

  // Does a write succeed within the deadline? It is tried again now and then.
  bool WritesAgain(const std::string& key) {
    const auto deadline = std::chrono::steady_clock::now() + kDeadline;
    while (!TrySet(key, "v").ok()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return true;
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

// The system forgets what a failed sync should have stored, and later syncs succeed: only what is
// written anew is safe.
TEST_F(StoreFaultTest, WhatAFailedSyncLeftBehindIsWrittenAnewAtTheNextOpen) {
  for (uint64_t n = 0; n < 10; ++n) Commit(WorkloadTransaction(n));
  fs_.FailSyncs(1, "/log/");
  EXPECT_EQ(TrySet("unsynced", "v").code(), StatusCode::kIoError);
  ReopenAfterFailure();
  ASSERT_TRUE(store_->Latest().Get("unsynced").ok()) << "it was still in the page cache";
  const std::string published = AllAnswers(store_->Latest());
  store_.reset();
  ASSERT_TRUE(fs_.PowerLoss(FaultFileSystem::Loss::kAllUnsynced, 1).ok());
  Open();
  EXPECT_TRUE(AllAnswers(store_->Latest()) == published);
}

TEST_F(StoreFaultTest, NoRoomForADerivedFileRefusesWritesUntilThereIsRoom) {
  for (const char* part : {"/tree", "/positions"}) {
    SCOPED_TRACE(part);
    for (uint64_t n = 0; n < 5; ++n) Set(Numbered("k", n), "v");
    const TreeSize size = store_->Latest().size();
    fs_.LimitFreeBytes(0, part);
    const Status met = TrySet(Numbered("in the log", size.value), "v");
    EXPECT_EQ(met.code(), StatusCode::kResourceExhausted);
    EXPECT_THAT(met.message(), HasSubstr("will be readable when there is room"));
    EXPECT_THAT(met.message(), ::testing::Not(HasSubstr(part))) << "clients learn no paths";
    EXPECT_THAT(store_->failure().message(), HasSubstr(part));
    const Status refused = TrySet("refused", "v");
    EXPECT_EQ(refused.code(), StatusCode::kResourceExhausted);
    EXPECT_THAT(refused.message(), HasSubstr("takes no writes"));
    EXPECT_EQ(store_->failure().code(), StatusCode::kResourceExhausted);
    EXPECT_EQ(store_->Latest().size(), size);
    EXPECT_TRUE(store_->Latest().Get("k0").ok());
    fs_.LiftLimit();
    EXPECT_TRUE(WritesAgain("after"));
    EXPECT_TRUE(store_->failure().ok());
    EXPECT_EQ(store_->Latest().size(), TreeSize{size.value + 2}) << "that of the log, and this one";
    EXPECT_TRUE(store_->Latest().Get(Numbered("in the log", size.value)).ok());
    EXPECT_FALSE(store_->Latest().Get("refused").ok());
    EXPECT_TRUE(AgreesWithItsEntries(store_->Latest()));
  }
  const std::string before = AllAnswers(store_->Latest());
  Reopen();
  EXPECT_TRUE(AllAnswers(store_->Latest()) == before);
}

TEST_F(StoreFaultTest, AStoreThatFoundNoRoomIsWholeAfterTheNextOpen) {
  Set("k", "v");
  fs_.LimitFreeBytes(0, "/tree");
  EXPECT_FALSE(TrySet("in the log", "v").ok());
  fs_.LiftLimit();
  ReopenAfterFailure();
  EXPECT_EQ(store_->Latest().size(), TreeSize{2});
  EXPECT_TRUE(AgreesWithItsEntries(store_->Latest()));
}

// The process has no descriptor left, until the limits of this object are gone.
class NoDescriptors {
 public:
  NoDescriptors() {
    EXPECT_EQ(::getrlimit(RLIMIT_NOFILE, &before_), 0);
    const int next = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    EXPECT_GE(next, 0);
    ::close(next);
    rlimit limited = before_;
    limited.rlim_cur = static_cast<rlim_t>(next);
    EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &limited), 0);
  }
  ~NoDescriptors() { EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &before_), 0); }
  NoDescriptors(const NoDescriptors&) = delete;
  NoDescriptors& operator=(const NoDescriptors&) = delete;

 private:
  rlimit before_{};
};

class StoreShortageTest : public StoreFaultTest {
 protected:
  // The index writes a table every few hundred entries.
  void SetUp() override {
    options_.write_buffer_bytes = 64 << 10;
    StoreFaultTest::SetUp();
    for (int i = 0; i < 10; ++i) Set(Numbered("before", i), "v");
  }

  // Writes until the index cannot make a table.
  Status WriteUntilRefused() {
    for (int i = 0; i < 20'000; ++i) {
      Status status = TrySet(Numbered("k", acknowledged_), std::string(100, 'v'));
      if (!status.ok()) return status;
      ++acknowledged_;
    }
    return Status::Ok();
  }
  void ExpectAllAcknowledged() {
    for (uint64_t i = 0; i < acknowledged_; ++i) {
      ASSERT_TRUE(store_->Latest().Get(Numbered("k", i)).ok()) << i;
    }
    EXPECT_TRUE(AgreesWithItsEntries(store_->Latest()));
  }

  uint64_t acknowledged_ = 0;
};

// The flood of connections that took all descriptors is over; nobody restarts the server.
TEST_F(StoreShortageTest, WritesGoOnWhenTheIndexHasDescriptorsAgain) {
  for (int round = 0; round < 3; ++round) {
    {
      const NoDescriptors none;
      const Status refused = WriteUntilRefused();
      ASSERT_EQ(refused.code(), StatusCode::kUnavailable) << refused.ToString();
      EXPECT_THAT(refused.message(), HasSubstr("will be readable when they can"));
      EXPECT_EQ(store_->failure().code(), StatusCode::kUnavailable);
      EXPECT_EQ(TrySet("meanwhile", "v").code(), StatusCode::kUnavailable);
      EXPECT_TRUE(store_->Latest().Get("before5").ok()) << "reads go on";
    }
    EXPECT_TRUE(WritesAgain("after"));
    EXPECT_TRUE(store_->failure().ok());
    EXPECT_TRUE(store_->Latest().Get(Numbered("k", acknowledged_)).ok()) << "as its text said";
    ExpectAllAcknowledged();
  }
  const std::string before = AllAnswers(store_->Latest());
  Reopen();
  EXPECT_TRUE(AllAnswers(store_->Latest()) == before);
}

// A balancer that sends nothing to a server that is not ready would wait for ever.
TEST_F(StoreShortageTest, AskingForTheHealthIsEnoughToGoOn) {
  {
    const NoDescriptors none;
    ASSERT_EQ(WriteUntilRefused().code(), StatusCode::kUnavailable);
  }
  const auto deadline = std::chrono::steady_clock::now() + kDeadline;
  while (!store_->failure().ok()) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline);
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_TRUE(store_->Latest().Get(Numbered("k", acknowledged_)).ok());
  ExpectAllAcknowledged();
}

TEST_F(StoreShortageTest, ASegmentThatCouldNotBeOpenedIsStartedLater) {
  store_.reset();
  options_.segment_bytes = 4096;
  options_.write_buffer_bytes = 16 << 20;
  Open();
  {
    const NoDescriptors none;
    const Status refused = WriteUntilRefused();
    ASSERT_EQ(refused.code(), StatusCode::kUnavailable) << refused.ToString();
    EXPECT_LT(acknowledged_, 100U);
  }
  Set("after", "v");
  EXPECT_FALSE(store_->Latest().Get(Numbered("k", acknowledged_)).ok()) << "it was refused";
  ExpectAllAcknowledged();
}

TEST_F(StoreShortageTest, AStoreThatIsClosedMeanwhileHasEverythingLater) {
  {
    const NoDescriptors none;
    ASSERT_EQ(WriteUntilRefused().code(), StatusCode::kUnavailable);
    EXPECT_FALSE(store_->Close().ok());
  }
  ReopenAfterFailure();
  EXPECT_TRUE(store_->Latest().Get(Numbered("k", acknowledged_)).ok());
  ExpectAllAcknowledged();
}

// A checkpoint must not promise records of the tree that a failed sync has lost.
TEST_F(StoreFaultTest, AFailedSyncOfTheTreeEndsCheckpointsUntilTheNextOpen) {
  for (const char* part : {"/tree", "/positions"}) {
    SCOPED_TRACE(part);
    store_.reset();
    options_.checkpoint_entries = 10;
    Open();
    fs_.FailSyncs(1, part);
    for (uint64_t n = 0; n < 100; ++n) Commit(WorkloadTransaction(n));
    const std::string before = AllAnswers(store_->Latest());
    store_.reset();
    ASSERT_TRUE(fs_.PowerLoss(FaultFileSystem::Loss::kAllUnsynced, 1).ok());
    Open();
    EXPECT_TRUE(AllAnswers(store_->Latest()) == before);
    EXPECT_TRUE(AgreesWithItsEntries(store_->Latest()));
  }
}

// So that what was accepted never meets a full disk.
TEST_F(StoreFaultTest, AReserveOfTheDiskIsNotTouched) {
  store_.reset();
  options_.reserved_bytes = 1'000'000;
  Open();
  fs_.LimitFreeBytes(2'000'000, directory_);
  Set("there is room", "v");
  EXPECT_TRUE(store_->failure().ok());
  fs_.LimitFreeBytes(999'999, directory_);
  for (int i = 0; i < 3; ++i) {
    const Status refused = TrySet("there is none", "v");
    EXPECT_EQ(refused.code(), StatusCode::kResourceExhausted);
    EXPECT_THAT(refused.message(), HasSubstr(directory_));
    EXPECT_EQ(store_->failure().code(), StatusCode::kResourceExhausted);
    EXPECT_TRUE(store_->Latest().Get("there is room").ok());
  }
  fs_.LimitFreeBytes(1'500'000, directory_);
  EXPECT_TRUE(store_->failure().ok());
  EXPECT_EQ(Set("there is room again", "v"), 1U) << "no gap";
  fs_.LimitFreeBytes(0, directory_);
  EXPECT_FALSE(TrySet("there is none", "v").ok());
  fs_.LiftLimit();
  Reopen();
  EXPECT_EQ(store_->Latest().size(), TreeSize{2});
  EXPECT_TRUE(AgreesWithItsEntries(store_->Latest()));
}

// A new database, its first write, and the power goes: its folders must be there afterwards.
TEST_F(StoreFaultTest, TheFoldersOfANewStoreAreDurableBeforeItsFirstWriteIs) {
  Set("first", "v");
  fs_.Freeze();
  store_.reset();
  ASSERT_TRUE(fs_.PowerLoss(FaultFileSystem::Loss::kAllUnsynced, 1).ok());
  Open();
  EXPECT_EQ(store_->Latest().size(), TreeSize{1});
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
