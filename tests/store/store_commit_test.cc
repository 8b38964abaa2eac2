// SPDX-License-Identifier: Apache-2.0
//
// The write path under many writers, its bounds, and its end.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <latch>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/thread_pool.h"
#include "store/store_fixture.h"
#include "support/fault_file_system.h"

namespace immudb::testing {
namespace {

using ::testing::HasSubstr;

constexpr auto kDeadline = std::chrono::seconds(60);

class StoreCommitTest : public StoreTest {};

// Two writers with one index, or an index without a writer, would break every proof behind it.
TEST_F(StoreCommitTest, IndicesAreDenseAndEveryCallbackComesOnce) {
  constexpr int kThreads = 6;
  constexpr int kEach = 400;
  struct Outcome {
    std::atomic<int> calls{0};
    CommitInfo info;
  };
  std::vector<Outcome> outcomes(kThreads * kEach);
  std::latch done(kThreads * kEach);
  std::vector<std::thread> writers;
  for (int t = 0; t < kThreads; ++t) {
    writers.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i) {
        Outcome& outcome = outcomes[t * kEach + i];
        store_->CommitAsync(WorkloadTransaction(t * kEach + i), [&](Result<CommitInfo> info) {
          ASSERT_TRUE(info.ok()) << info.status().ToString();
          if (++outcome.calls == 1) done.count_down();
          outcome.info = *info;
        });
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  done.wait();
  ASSERT_TRUE(store_->Close().ok());
  store_.reset();
  std::vector<std::pair<uint64_t, uint64_t>> ranges;
  for (const Outcome& outcome : outcomes) {
    ASSERT_EQ(outcome.calls, 1);
    ranges.emplace_back(outcome.info.first.value, outcome.info.last.value);
  }
  for (int t = 0; t < kThreads; ++t) {
    for (int i = 1; i < kEach; ++i) {
      const int n = t * kEach + i;
      ASSERT_LT(ranges[n - 1].second, ranges[n].first) << "one writer's order is kept";
    }
  }
  std::sort(ranges.begin(), ranges.end());
  uint64_t next = 0;
  for (const auto& [first, last] : ranges) {
    ASSERT_EQ(first, next);
    next = last + 1;
  }
  Open();
  EXPECT_EQ(store_->Latest().size(), TreeSize{next});
  for (size_t n = 0; n < outcomes.size(); ++n) {
    ASSERT_TRUE(HoldsTransaction(store_->Latest(), n, outcomes[n].info.first));
  }
}

// "Acknowledged" includes "in the tree" (the original's CurrentRoot could lag behind).
TEST_F(StoreCommitTest, AcknowledgedWritesArePublished) {
  for (uint64_t n = 0; n < 50; ++n) {
    std::atomic<bool> called{false};
    bool readable = false;
    store_->CommitAsync(WorkloadTransaction(n), [&](const Result<CommitInfo>& info) {
      readable = info.ok() && store_->Latest().size().Contains(info->last) &&
                 store_->Latest().Get(WorkloadKey(n)).ok();
      called = true;
      called.notify_one();
    });
    called.wait(false);
    ASSERT_TRUE(readable) << n;
  }
}

TEST_F(StoreCommitTest, LargeGroupsAreHashedByManyThreads) {
  ThreadPool pool(2);
  store_.reset();
  options_.pool = &pool;
  Open();
  Transaction large;
  for (int i = 0; i < 30'000; ++i) ASSERT_TRUE(large.Set(Numbered("k", i % 20'000), "v").ok());
  EXPECT_EQ(Commit(std::move(large)), 29'999U);
  EXPECT_TRUE(AgreesWithItsEntries(store_->Latest()));
  store_.reset();
}

// A client that sends faster than the disk takes must hear it at once, not wait.
TEST_F(StoreCommitTest, FullQueueRefusesWithoutBlocking) {
  store_.reset();
  FaultFileSystem fs;
  options_.file_system = &fs;
  options_.queue_bytes = 64 << 10;
  Open();
  fs.BlockSyncs("/log/");
  std::atomic<int> accepted_done{0};
  int submitted = 0;
  Status refusal;
  while (refusal.ok() && submitted < 1000) {
    Transaction transaction;
    ASSERT_TRUE(transaction.Set(Numbered("key", submitted), std::string(4000, 'v')).ok());
    bool refused = false;
    store_->CommitAsync(std::move(transaction), [&](const Result<CommitInfo>& info) {
      if (info.ok()) {
        ++accepted_done;
      } else {
        refusal = info.status();  // on this thread, before the call returns
        refused = true;
      }
    });
    if (!refused) ++submitted;
  }
  EXPECT_EQ(refusal.code(), StatusCode::kResourceExhausted);
  EXPECT_GT(submitted, 5);
  EXPECT_LE(submitted, 16);
  ASSERT_TRUE(fs.WaitForBlockedSync(kDeadline));
  EXPECT_EQ(accepted_done, 0);
  fs.ReleaseSyncs();
  Set("the queue", "has room again");
  EXPECT_EQ(accepted_done, submitted);
  EXPECT_EQ(store_->Latest().size(), TreeSize{static_cast<uint64_t>(submitted) + 1});
  store_.reset();
}

TEST_F(StoreCommitTest, TransactionLargerThanTheQueueIsRefused) {
  store_.reset();
  options_.queue_bytes = 10'000;
  Open();
  EXPECT_EQ(TrySet("k", std::string(20'000, 'v')).code(), StatusCode::kResourceExhausted);
  EXPECT_TRUE(TrySet("k", "v").ok());
}

TEST_F(StoreCommitTest, CloseFinishesWhatIsQueuedAndRefusesWhatComesLater) {
  std::atomic<int> ok{0};
  for (uint64_t n = 0; n < 500; ++n) {
    store_->CommitAsync(WorkloadTransaction(n), [&](const Result<CommitInfo>& info) {
      if (info.ok()) ++ok;
    });
  }
  ASSERT_TRUE(store_->Close().ok());
  EXPECT_EQ(ok, 500);
  EXPECT_EQ(TrySet("late", "v").code(), StatusCode::kUnavailable);
  EXPECT_TRUE(store_->Close().ok()) << "idempotent";
  store_.reset();
  Open();
  EXPECT_TRUE(HoldsWholeTransactionsOnly(store_->Latest()));
  EXPECT_TRUE(store_->Latest().Get(WorkloadKey(499)).ok());
  EXPECT_FALSE(store_->Latest().Get("late").ok());
}

TEST_F(StoreCommitTest, CloseMayRaceWithWriters) {
  std::atomic<uint64_t> acknowledged{0};
  std::vector<std::thread> writers;
  for (uint64_t t = 0; t < 4; ++t) {
    writers.emplace_back([&, t] {
      for (uint64_t i = 0;; ++i) {
        const auto info = store_->Commit(WorkloadTransaction(t * 1'000'000 + i));
        if (!info.ok()) {
          EXPECT_EQ(info.status().code(), StatusCode::kUnavailable);
          return;
        }
        acknowledged += info->last.value - info->first.value + 1;
        acknowledged.notify_one();
      }
    });
  }
  acknowledged.wait(0);
  std::thread closer([&] { EXPECT_TRUE(store_->Close().ok()); });
  EXPECT_TRUE(store_->Close().ok());
  closer.join();
  for (std::thread& writer : writers) writer.join();
  store_.reset();
  Open();
  EXPECT_EQ(store_->Latest().size(), TreeSize{acknowledged});
}

TEST_F(StoreCommitTest, DirectoryBelongsToOneStore) {
  const auto second = Store::Open(directory_, options_);
  EXPECT_EQ(second.status().code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(second.status().message(), HasSubstr(directory_));
  EXPECT_EQ(Store::Rebuild(directory_, options_).code(), StatusCode::kFailedPrecondition);
  Set("still", "works");
  store_.reset();
  EXPECT_TRUE(Store::Open(directory_, options_).ok());
}

}  // namespace
}  // namespace immudb::testing
