// SPDX-License-Identifier: Apache-2.0
//
// Invariant 3: no reader sees an entry that is not in the tree, nor a root that changes later.
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "immudb/store.h"
#include "immudb/verify.h"
#include "support/store_checks.h"
#include "support/temp_dir.h"
#include "support/workload.h"

namespace immudb::testing {
namespace {

using ::testing::AssertionFailure;
using ::testing::AssertionResult;
using ::testing::AssertionSuccess;

constexpr uint64_t kWriters = 3;
constexpr uint64_t kTransactionsEach = 700;

// The roots that anybody saw, by size.
class SeenRoots {
 public:
  AssertionResult Add(const Snapshot& snapshot) {
    const std::lock_guard lock(mutex_);
    const auto [seen, is_new] = roots_.emplace(snapshot.size().value, snapshot.root());
    if (!is_new && seen->second != snapshot.root()) {
      return AssertionFailure() << "the root at " << snapshot.size().value << " changed";
    }
    return AssertionSuccess();
  }
  const std::map<uint64_t, Digest>& all() const { return roots_; }

 private:
  std::mutex mutex_;
  std::map<uint64_t, Digest> roots_;  // guarded by mutex_
};

AssertionResult IsInTree(const Snapshot& snapshot, const Entry& entry) {
  if (!snapshot.size().Contains(entry.index)) {
    return AssertionFailure() << "entry " << entry.index.value << " is not below "
                              << snapshot.size().value;
  }
  return IsProven(snapshot, entry.index, entry.kind, entry.key, entry.value);
}

AssertionResult AllInTree(const Snapshot& snapshot, const Result<std::vector<Entry>>& entries) {
  if (!entries.ok()) return AssertionFailure() << entries.status().ToString();
  for (const Entry& entry : *entries) {
    AssertionResult in_tree = IsInTree(snapshot, entry);
    if (!in_tree) return in_tree;
  }
  return AssertionSuccess();
}

// Asks for what was written most recently, by every way there is.
AssertionResult LooksWhole(const Snapshot& snapshot, uint64_t random) {
  if (snapshot.size().empty()) return AssertionSuccess();
  const auto last = snapshot.GetByIndex(snapshot.size().Last());
  if (!last.ok()) return AssertionFailure() << last.status().ToString();
  AssertionResult result = IsInTree(snapshot, *last);
  if (result) result = AllInTree(snapshot, snapshot.History(last->key));
  if (result) result = AllInTree(snapshot, snapshot.History(Numbered("hot/", random % 16)));
  ScanOptions scan;
  scan.prefix = "hot/";
  if (result) result = AllInTree(snapshot, snapshot.Scan(scan));
  SetScanOptions set;
  set.set = "set1";
  set.limit = 10;
  if (result) result = AllInTree(snapshot, snapshot.ScanSet(set));
  return result;
}

TEST(PublicationTest, ReadersSeeOneTreeAtATime) {
  const TempDir dir;
  StoreOptions options;
  options.segment_bytes = 256 << 10;
  options.checkpoint_entries = 300;
  options.write_buffer_bytes = 64 << 10;
  options.sync = false;  // groups follow each other as closely as they can
  const auto store = Store::Open(dir.File("db"), options);
  ASSERT_TRUE(store.ok());
  SeenRoots roots;
  std::atomic<uint64_t> writing{kWriters};
  std::vector<std::thread> threads;
  for (uint64_t w = 0; w < kWriters; ++w) {
    threads.emplace_back([&, w] {
      for (uint64_t n = w; n < kWriters * kTransactionsEach; n += kWriters) {
        const auto info = (*store)->Commit(WorkloadTransaction(n));
        ASSERT_TRUE(info.ok()) << info.status().ToString();
        const Snapshot now = (*store)->Latest();
        ASSERT_TRUE(now.size().Contains(info->last)) << "acknowledged but not in the root";
        ASSERT_TRUE(roots.Add(now));
        ASSERT_TRUE(HoldsTransaction(now, n, info->first));
      }
      --writing;
    });
  }
  for (uint64_t r = 0; r < 2; ++r) {
    threads.emplace_back([&, r] {
      TreeSize before;
      for (uint64_t i = r; writing > 0; ++i) {
        const Snapshot now = (*store)->Latest();
        ASSERT_GE(now.size(), before) << "the tree shrank";
        before = now.size();
        ASSERT_TRUE(roots.Add(now));
        ASSERT_TRUE(LooksWhole(now, i));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const Snapshot end = (*store)->Latest();
  for (const auto& [size, root] : roots.all()) {
    ASSERT_EQ(end.At({size})->root(), root) << "size " << size;
  }
  EXPECT_TRUE(AgreesWithItsEntries(end));
}

}  // namespace
}  // namespace immudb::testing
