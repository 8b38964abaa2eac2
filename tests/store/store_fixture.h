// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "immudb/store.h"
#include "support/store_checks.h"
#include "support/temp_dir.h"
#include "support/workload.h"

namespace immudb::testing {

// A store in a temporary directory.
class StoreTest : public ::testing::Test {
 protected:
  void SetUp() override { Open(); }

  void Open() {
    auto store = Store::Open(directory_, options_);
    ASSERT_TRUE(store.ok()) << store.status().ToString();
    store_ = *std::move(store);
  }
  void Reopen() {
    const Status closed = store_->Close();
    EXPECT_TRUE(closed.ok()) << closed.ToString();
    store_.reset();
    Open();
  }

  // The index of the (last) entry that was written.
  uint64_t Commit(Transaction transaction) {
    const auto info = store_->Commit(std::move(transaction));
    EXPECT_TRUE(info.ok()) << info.status().ToString();
    return info.ok() ? info->last.value : ~uint64_t{0};
  }
  uint64_t Set(std::string_view key, std::string_view value) {
    Transaction transaction;
    EXPECT_TRUE(transaction.Set(key, value).ok());
    return Commit(std::move(transaction));
  }
  uint64_t AddReference(std::string_view name, std::string_view key) {
    Transaction transaction;
    EXPECT_TRUE(transaction.AddReference(name, key).ok());
    return Commit(std::move(transaction));
  }
  uint64_t AddMember(std::string_view set, double score, std::string_view key) {
    Transaction transaction;
    EXPECT_TRUE(transaction.AddSortedSetMember(set, score, key).ok());
    return Commit(std::move(transaction));
  }

  Status TrySet(std::string_view key, std::string_view value) {
    Transaction transaction;
    EXPECT_TRUE(transaction.Set(key, value).ok());
    return store_->Commit(std::move(transaction)).status();
  }

  // "key=value" of each entry.
  static std::vector<std::string> Pairs(const Result<std::vector<Entry>>& entries) {
    EXPECT_TRUE(entries.ok()) << entries.status().ToString();
    std::vector<std::string> pairs;
    if (!entries.ok()) return pairs;
    for (const Entry& entry : *entries) pairs.push_back(entry.key + "=" + entry.value);
    return pairs;
  }

  TempDir dir_;
  const std::string directory_ = dir_.File("db");
  StoreOptions options_;
  std::unique_ptr<Store> store_;
};

}  // namespace immudb::testing
