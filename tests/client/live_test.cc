// SPDX-License-Identifier: Apache-2.0
//
// The client against the real server, in one process: what both sides promise each other.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "client/live_fixture.h"
#include "immudb/client.h"
#include "immudb/verify.h"

namespace immudb {
namespace {

using std::chrono::milliseconds;

TEST_F(Live, WhatIsWrittenIsReadAndProven) {
  const auto set = client_->SafeSet("k", "v");
  ASSERT_TRUE(set.ok()) << set.status().ToString();
  const auto get = client_->SafeGet("k");
  ASSERT_TRUE(get.ok()) << get.status().ToString();
  EXPECT_EQ(get->item.value, "v");
  EXPECT_EQ(get->item.index, set->item.index);
  EXPECT_EQ(get->leaf, set->leaf);
  const auto root = client_->CurrentRoot();
  ASSERT_TRUE(root.ok() && *root);
  EXPECT_EQ(*client_->TrustedRoot(), **root);
}

TEST_F(Live, EveryEntryOfABatchIsProvable) {
  std::vector<KeyValue> entries;
  entries.reserve(100);
  for (int i = 0; i < 100; ++i) entries.push_back({std::to_string(i % 90), std::to_string(i)});
  const auto last = client_->SetBatch(entries);
  ASSERT_TRUE(last.ok()) << last.status().ToString();
  const uint64_t first = last->value + 1 - entries.size();
  for (size_t i = 0; i < entries.size(); ++i) {
    const auto item = client_->BySafeIndex({first + i});
    ASSERT_TRUE(item.ok()) << item.status().ToString();
    EXPECT_EQ(item->item.key, entries[i].key);
    EXPECT_EQ(item->item.value, entries[i].value);
  }
  for (const auto& entry : entries) EXPECT_TRUE(client_->SafeGet(entry.key).ok()) << entry.key;
}

TEST_F(Live, ReferencesAndSetsAreProvenToo) {
  ASSERT_TRUE(client_->SafeSet("k", "v").ok());
  ASSERT_TRUE(client_->SafeReference("name", "k").ok());
  ASSERT_TRUE(client_->SafeZAdd("set", 2.5, "k").ok());
  ASSERT_TRUE(client_->Reference("other", "k").ok());
  ASSERT_TRUE(client_->ZAdd("set", -1, "k").ok());
  const auto item = client_->SafeGet("name");
  ASSERT_TRUE(item.ok()) << item.status().ToString();
  EXPECT_EQ(item->item.key, "k");
  EXPECT_EQ(item->key_match, KeyMatch::kReference);
  EXPECT_EQ(client_->ZScan({.set = "set"})->size(), 2U);
}

TEST_F(Live, ListingsSeeWhatWasWritten) {
  for (const char* key : {"a1", "a2", "b1"}) ASSERT_TRUE(client_->Set(key, "v").ok());
  ASSERT_TRUE(client_->Set("a1", "w").ok());
  EXPECT_EQ(client_->Scan({.prefix = "a"})->size(), 2U);
  EXPECT_EQ(client_->History("a1")->size(), 2U);
  EXPECT_EQ(client_->History("a1")->front().value, "w");
  EXPECT_EQ(*client_->Count("a"), 2U);
  const std::vector<std::string> keys = {"b1", "missing", "a1"};
  const auto batch = client_->GetBatch(keys);
  ASSERT_TRUE(batch.ok());
  ASSERT_EQ(batch->size(), 2U);
  EXPECT_EQ(batch->back().value, "w");
  const auto page = client_->IScan(1, 3);
  ASSERT_TRUE(page.ok());
  EXPECT_EQ(page->items.size(), 3U);
  EXPECT_TRUE(page->more);
  EXPECT_EQ(client_->ByIndex({2})->key, "b1");
}

TEST_F(Live, UnverifiedProofsCanBeCheckedByHand) {
  for (int i = 0; i < 9; ++i) ASSERT_TRUE(client_->Set("k", std::to_string(i)).ok());
  const auto old = client_->CurrentRoot();
  for (int i = 0; i < 9; ++i) ASSERT_TRUE(client_->Set("k", std::to_string(i)).ok());
  const auto inclusion = client_->Inclusion({4});
  ASSERT_TRUE(inclusion.ok());
  EXPECT_TRUE(VerifyInclusion({4}, TreeEndingAt(inclusion->at.index), LeafDigest({4}, "k", "4"),
                              inclusion->path, inclusion->at.hash)
                  .ok());
  const auto consistency = client_->Consistency((**old).index);
  ASSERT_TRUE(consistency.ok());
  EXPECT_TRUE(VerifyConsistency(TreeEndingAt((**old).index), (**old).hash,
                                TreeEndingAt(consistency->second.index), consistency->second.hash,
                                consistency->path)
                  .ok());
}

TEST_F(Live, ErrorsArriveWithTheirKind) {
  EXPECT_EQ(client_->Get("nothing").status().code(), StatusCode::kNotFound);
  EXPECT_EQ(client_->SafeGet("nothing").status().code(), StatusCode::kNotFound);
  EXPECT_EQ(client_->Set("", "v").status().code(), StatusCode::kInvalidArgument);
  EXPECT_FALSE(IsVerificationFailure(client_->SafeSet("", "v").status()));
  EXPECT_EQ(client_->ByIndex({1000}).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(client_->Login("immudb", "wrong").status().code(), StatusCode::kPermissionDenied);
  ASSERT_TRUE(client_->Logout().ok());
  EXPECT_EQ(client_->Get("k").status().code(), StatusCode::kUnauthenticated);
}

TEST_F(Live, TrustOutlivesARestartOfTheServer) {
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(client_->SafeSet("k", std::to_string(i)).ok());
  const std::string uuid = client_->server_uuid();
  EXPECT_EQ(uuid.size(), 20U);
  const auto trusted = *client_->TrustedRoot();
  Restart();
  EXPECT_EQ(client_->server_uuid(), uuid);
  EXPECT_EQ(*client_->TrustedRoot(), trusted);
  const auto get = client_->SafeGet("k");
  ASSERT_TRUE(get.ok()) << get.status().ToString();
  EXPECT_EQ(get->item.value, "19");
  EXPECT_TRUE(client_->SafeSet("k", "20").ok());
}

// The same uuid with another past: exactly what a client must not swallow.
TEST_F(Live, ADataDirectoryPutBackIsNoticed) {
  ASSERT_TRUE(client_->SafeSet("k", "1").ok());
  ASSERT_TRUE(server_->Shutdown(milliseconds(1000)).ok());
  server_.reset();
  std::filesystem::copy(directory_ / "data", directory_ / "backup",
                        std::filesystem::copy_options::recursive);
  Start();
  ASSERT_TRUE(client_->SafeSet("k", "2").ok());
  ASSERT_TRUE(client_->SafeSet("k", "3").ok());
  ASSERT_TRUE(server_->Shutdown(milliseconds(1000)).ok());
  server_.reset();
  std::filesystem::remove_all(directory_ / "data");
  std::filesystem::rename(directory_ / "backup", directory_ / "data");
  Start();
  const auto trusted = *client_->TrustedRoot();
  EXPECT_EQ(client_->SafeGet("k").status().code(), StatusCode::kDataLoss);
  EXPECT_EQ(client_->SafeSet("k", "x").status().code(), StatusCode::kDataLoss);
  EXPECT_EQ(*client_->TrustedRoot(), trusted);
}

TEST_F(Live, ConcurrentClientsNeverSeeFalseAlarms) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 25;
  std::atomic<int> failures = 0;
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      const auto client = Connect();
      for (int i = 0; i < kRounds; ++i) {
        const std::string key = std::to_string(t);
        if (!client->SafeSet(key, std::to_string(i)).ok()) ++failures;
        if (!client->Set("noise", key).ok()) ++failures;
        if (!client->SafeGet(key).ok()) ++failures;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(failures, 0);
}

}  // namespace
}  // namespace immudb
