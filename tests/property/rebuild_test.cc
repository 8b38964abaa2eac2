// SPDX-License-Identifier: Apache-2.0
//
// Invariant 2: the log alone leads to the published root and to the same answers.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "immudb/store.h"
#include "support/store_checks.h"
#include "support/temp_dir.h"
#include "support/workload.h"

namespace immudb::testing {
namespace {

class RebuildTest : public ::testing::Test {
 protected:
  RebuildTest() {
    options_.segment_bytes = 64 << 10;
    options_.checkpoint_entries = 100;
  }

  // Writes a store and closes it; says what it answered.
  std::string Write(const std::string& directory, uint64_t first, uint64_t end) {
    const auto store = Store::Open(directory, options_);
    EXPECT_TRUE(store.ok()) << store.status().ToString();
    if (!store.ok()) return {};
    for (uint64_t n = first; n < end; ++n) {
      EXPECT_TRUE((*store)->Commit(WorkloadTransaction(n)).ok());
    }
    return AllAnswers((*store)->Latest());
  }
  std::string Answers(const std::string& directory) {
    const auto store = Store::Open(directory, options_);
    return store.ok() ? AllAnswers((*store)->Latest()) : store.status().ToString();
  }

  const TempDir dir_;
  const std::string directory_ = dir_.File("db");
  StoreOptions options_;
};

TEST_F(RebuildTest, LeadsToTheSameAnswers) {
  const std::string before = Write(directory_, 0, 120);
  for (int round = 0; round < 2; ++round) {
    const Status rebuilt = Store::Rebuild(directory_, options_);
    ASSERT_TRUE(rebuilt.ok()) << rebuilt.ToString();
    EXPECT_TRUE(Answers(directory_) == before);
  }
  Write(directory_, 120, 130);
  const auto store = Store::Open(directory_, options_);
  ASSERT_TRUE(store.ok());
  EXPECT_TRUE(AgreesWithItsEntries((*store)->Latest()));
  EXPECT_TRUE(HoldsWholeTransactionsOnly((*store)->Latest()));
}

// An operator may have restored or lost any of the derived files.
TEST_F(RebuildTest, AnyDerivedPartMayBeMissing) {
  const std::string before = Write(directory_, 0, 100);
  const char* const parts[] = {"tree", "positions", "index", "CHECKPOINT"};
  for (unsigned missing = 1; missing < 16; ++missing) {
    const TempDir copy;
    std::filesystem::copy(directory_, copy.File("db"), std::filesystem::copy_options::recursive);
    std::string names;
    for (unsigned i = 0; i < 4; ++i) {
      if ((missing >> i & 1) == 0) continue;
      names += std::string(" ") + parts[i];
      std::filesystem::remove_all(copy.File("db/") + parts[i]);
    }
    EXPECT_TRUE(Answers(copy.File("db")) == before) << "without" << names;
  }
}

// Derived files of an earlier time, as an incomplete restore leaves them.
TEST_F(RebuildTest, AnyDerivedPartMayBeOld) {
  Write(directory_, 0, 40);
  const TempDir old;
  std::filesystem::copy(directory_, old.File("db"), std::filesystem::copy_options::recursive);
  const std::string before = Write(directory_, 40, 100);
  for (const char* part : {"tree", "positions", "index", "CHECKPOINT"}) {
    const TempDir copy;
    std::filesystem::copy(directory_, copy.File("db"), std::filesystem::copy_options::recursive);
    std::filesystem::remove_all(copy.File("db/") + part);
    std::filesystem::copy(old.File("db/") + part, copy.File("db/") + part,
                          std::filesystem::copy_options::recursive);
    EXPECT_TRUE(Answers(copy.File("db")) == before) << "with an old " << part;
  }
}

TEST_F(RebuildTest, EmptyStoreCanBeRebuilt) {
  Write(directory_, 0, 0);
  EXPECT_TRUE(Store::Rebuild(directory_, options_).ok());
  EXPECT_EQ(Answers(directory_), Write(dir_.File("other"), 0, 0));
}

// A rebuild must not give a changed log a new, valid root.
TEST_F(RebuildTest, LogThatLeadsToAnotherRootIsRefused) {
  const auto write_one = [&](const std::string& directory, const char* value) {
    const auto store = Store::Open(directory, options_);
    ASSERT_TRUE(store.ok());
    Transaction transaction;
    ASSERT_TRUE(transaction.Set("balance", value).ok());
    ASSERT_TRUE((*store)->Commit(std::move(transaction)).ok());
  };
  write_one(directory_, "1000");
  write_one(dir_.File("other"), "9999");
  std::filesystem::remove_all(directory_ + "/log");
  std::filesystem::rename(dir_.File("other/log"), directory_ + "/log");
  for (int attempt = 0; attempt < 2; ++attempt) {
    EXPECT_EQ(Store::Rebuild(directory_, options_).code(), StatusCode::kDataLoss);
    EXPECT_EQ(Store::Open(directory_, options_).status().code(), StatusCode::kDataLoss);
  }
}

}  // namespace
}  // namespace immudb::testing
