// SPDX-License-Identifier: Apache-2.0
//
// Invariant 1, loss of power: what was acknowledged is readable and provable afterwards, whatever
// part of the un-synced bytes the disk kept.
#include <gtest/gtest.h>

#include <mutex>
#include <ostream>
#include <random>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "property/acknowledged.h"
#include "support/fault_file_system.h"
#include "support/temp_dir.h"
#include "support/workload.h"

namespace immudb::testing {
namespace {

constexpr uint64_t kThreads = 3;

struct Case {
  bool sync;
  FaultFileSystem::Loss loss;
  uint64_t seed;
};

std::ostream& operator<<(std::ostream& out, const Case& c) {
  const bool all = c.loss == FaultFileSystem::Loss::kAllUnsynced;
  return out << (c.sync ? "Sync" : "NoSync") << (all ? "AllUnsynced" : "RandomSectors") << c.seed;
}

class PowerLossTest : public ::testing::TestWithParam<Case> {
 protected:
  PowerLossTest() {
    options_.sync = GetParam().sync;
    options_.file_system = &fs_;
    options_.segment_bytes = 48 << 10;
    options_.checkpoint_entries = 60;
    options_.write_buffer_bytes = 64 << 10;
  }

  // All that was acknowledged is there; without syncs nothing was promised.
  ::testing::AssertionResult HoldsWhatWasPromised(const Snapshot& snapshot) {
    if (!options_.sync) return ::testing::AssertionSuccess();
    return AllHold(snapshot, acknowledged_);
  }

  // Writes from several threads until the power goes; adds what was acknowledged.
  void WriteUntilFrozen(Store& store) {
    std::mutex mutex;
    std::vector<std::thread> writers;
    for (uint64_t t = 0; t < kThreads; ++t) {
      writers.emplace_back([&, t] {
        for (uint64_t number = next_number_ + t;; number += kThreads) {
          const auto info = store.Commit(WorkloadTransaction(number));
          if (!info.ok()) return;
          const Snapshot snapshot = store.Latest();
          const std::lock_guard lock(mutex);
          acknowledged_.push_back({number, info->first, snapshot.size(), snapshot.root()});
        }
      });
    }
    for (std::thread& writer : writers) writer.join();
    next_number_ += 1'000'000;
  }

  const TempDir dir_;
  FaultFileSystem fs_;
  StoreOptions options_;
  std::vector<Acknowledged> acknowledged_;
  uint64_t next_number_ = 0;
};

TEST_P(PowerLossTest, AcknowledgedEntriesSurvive) {
  std::mt19937_64 random(GetParam().seed);
  for (int round = 0; round < 10; ++round) {
    SCOPED_TRACE("seed " + std::to_string(GetParam().seed) + ", round " + std::to_string(round));
    // Sometimes the power goes during recovery or the first write already.
    fs_.FreezeAfter(1 + random() % (round % 3 == 0 ? 20 : 400), random());
    {
      const auto store = Store::Open(dir_.File("db"), options_);
      if (store.ok()) {
        const Snapshot found = (*store)->Latest();
        ASSERT_TRUE(HoldsWhatWasPromised(found));
        ASSERT_TRUE(HoldsWholeTransactionsOnly(found));
        ASSERT_TRUE(AgreesWithItsEntries(found));
        WriteUntilFrozen(**store);
      } else {
        ASSERT_TRUE(fs_.frozen()) << store.status().ToString();
      }
    }
    const Status lost = fs_.PowerLoss(GetParam().loss, random());
    ASSERT_TRUE(lost.ok()) << lost.ToString();
  }
  const auto store = Store::Open(dir_.File("db"), options_);
  ASSERT_TRUE(store.ok()) << store.status().ToString();
  const Snapshot found = (*store)->Latest();
  EXPECT_TRUE(HoldsWhatWasPromised(found));
  EXPECT_TRUE(HoldsWholeTransactionsOnly(found));
  EXPECT_TRUE(AgreesWithItsEntries(found));
  EXPECT_GT(acknowledged_.size(), 50U) << "the test wrote too little to mean anything";
  RecordProperty("acknowledged", std::to_string(acknowledged_.size()));
}

std::vector<Case> Cases() {
  using Loss = FaultFileSystem::Loss;
  std::vector<Case> cases;
  for (uint64_t seed = 1; seed <= 3; ++seed) cases.push_back({true, Loss::kAllUnsynced, seed});
  for (uint64_t seed = 1; seed <= 5; ++seed) cases.push_back({true, Loss::kRandomSectors, seed});
  // Acknowledged entries may be lost, but what is left is a store.
  cases.push_back({false, Loss::kAllUnsynced, 1});
  for (uint64_t seed = 1; seed <= 3; ++seed) cases.push_back({false, Loss::kRandomSectors, seed});
  return cases;
}

std::string CaseName(const ::testing::TestParamInfo<Case>& info) {
  std::ostringstream name;
  name << info.param;
  return name.str();
}

INSTANTIATE_TEST_SUITE_P(Losses, PowerLossTest, ::testing::ValuesIn(Cases()), CaseName);

}  // namespace
}  // namespace immudb::testing
