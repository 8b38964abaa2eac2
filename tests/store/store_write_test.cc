// SPDX-License-Identifier: Apache-2.0
//
// What may be written, and as what it is found again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

#include "immudb/verify.h"
#include "store/store_fixture.h"

namespace immudb::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class StoreWriteTest : public StoreTest {};

TEST_F(StoreWriteTest, NewStoreIsEmpty) {
  const Snapshot snapshot = store_->Latest();
  EXPECT_EQ(snapshot.size(), TreeSize{0});
  EXPECT_EQ(snapshot.root(), EmptyTreeRoot());
  EXPECT_EQ(snapshot.Get("key").status(), Status::NotFound("Key not found"));
  EXPECT_EQ(snapshot.GetByIndex({0}).status(), Status::NotFound("index not found"));
  EXPECT_THAT(Pairs(snapshot.Scan({})), ElementsAre());
}

TEST_F(StoreWriteTest, IndicesAreDenseFromZero) {
  EXPECT_EQ(Set("a", "1"), 0U);
  EXPECT_EQ(AddReference("r", "a"), 1U);
  EXPECT_EQ(AddMember("s", 1, "a"), 2U);
  EXPECT_EQ(Set("a", "2"), 3U);
  EXPECT_EQ(store_->Latest().size(), TreeSize{4});
}

TEST_F(StoreWriteTest, EachKindIsHashedAsSpecified) {
  Set("k", "v");
  AddReference("name", "k");
  AddMember("set", -2.5, "k");
  const Snapshot snapshot = store_->Latest();
  EXPECT_TRUE(IsProven(snapshot, {0}, EntryKind::kValue, "k", "v"));
  EXPECT_TRUE(IsProven(snapshot, {1}, EntryKind::kReference, "name", "k"));
  EXPECT_TRUE(
      IsProven(snapshot, {2}, EntryKind::kSortedSetMember, SortedSetKey("set", -2.5, "k"), "k"));
}

TEST_F(StoreWriteTest, BytesOfKeysAndValuesAreArbitrary) {
  const std::string key("\x01\x00\xff key\n", 8);
  const std::string value("\x00\x00\xff", 3);
  Set(key, value);
  Set("empty", "");
  EXPECT_EQ(store_->Latest().Get(key)->value, value);
  EXPECT_EQ(store_->Latest().Get("empty")->value, "");
}

// Values that are too large for the index come from the log.
TEST_F(StoreWriteTest, LargeValuesAreFoundByKeyAndIndex) {
  for (const size_t size : {127, 128, 129, 1000, 5'000'000}) {
    const std::string value(size, static_cast<char>('a' + size % 26));
    const uint64_t index = Set("large", value);
    EXPECT_TRUE(store_->Latest().Get("large")->value == value) << size;
    EXPECT_TRUE(store_->Latest().GetByIndex({index})->value == value) << size;
  }
  EXPECT_EQ(store_->Latest().History("large")->size(), 5U);
}

TEST_F(StoreWriteTest, TransactionsGetConsecutiveIndices) {
  Set("before", "x");
  Transaction transaction;
  ASSERT_TRUE(transaction.Set("a", "1").ok());
  ASSERT_TRUE(transaction.Set("b", "2").ok());
  ASSERT_TRUE(transaction.Set("a", "3").ok());
  EXPECT_EQ(transaction.entry_count(), 3U);
  EXPECT_GT(transaction.byte_size(), 6U);
  const auto info = store_->Commit(std::move(transaction));
  ASSERT_TRUE(info.ok());
  EXPECT_EQ(info->first, LeafIndex{1});
  EXPECT_EQ(info->last, LeafIndex{3});
  const Snapshot snapshot = store_->Latest();
  EXPECT_EQ(snapshot.Get("b")->index, LeafIndex{2});
  // Both versions of the same key are kept, the later one is the latest.
  EXPECT_EQ(snapshot.Get("a")->value, "3");
  EXPECT_THAT(Pairs(snapshot.History("a")), ElementsAre("a=3", "a=1"));
  EXPECT_TRUE(AgreesWithItsEntries(snapshot));
}

TEST_F(StoreWriteTest, RefusedTransactionLeavesNothing) {
  Transaction transaction;
  ASSERT_TRUE(transaction.Set("a", "1").ok());
  ASSERT_TRUE(transaction.AddReference("r", "missing").ok());
  ASSERT_TRUE(transaction.Set("b", "2").ok());
  EXPECT_EQ(store_->Commit(std::move(transaction)).status(), Status::NotFound("Key not found"));
  EXPECT_EQ(store_->Latest().size(), TreeSize{0});
  EXPECT_EQ(store_->Latest().Get("a").status().code(), StatusCode::kNotFound);
  EXPECT_EQ(Set("c", "3"), 0U) << "no index is used up";
}

TEST_F(StoreWriteTest, EmptyTransactionIsRefused) {
  EXPECT_EQ(store_->Commit(Transaction()).status(), Status::InvalidArgument("Empty set"));
  Transaction moved;
  const Transaction taken = std::move(moved);
  // NOLINTNEXTLINE(bugprone-use-after-move,clang-analyzer-cplusplus.Move): that is the case here.
  EXPECT_EQ(store_->Commit(std::move(moved)).status().code(), StatusCode::kInvalidArgument);
}

TEST_F(StoreWriteTest, ReferencesNeedTheirKey) {
  Set("key", "v");
  AddReference("ref", "key");
  const struct {
    const char* target;
    bool exists;
  } cases[] = {{"key", true}, {"ref", true}, {"ke", false}, {"keys", false}, {"!badger!x", false}};
  for (const auto& [target, exists] : cases) {
    Transaction reference;
    ASSERT_TRUE(reference.AddReference("name", target).ok());
    EXPECT_EQ(store_->Commit(std::move(reference)).ok(), exists) << target;
    Transaction member;
    ASSERT_TRUE(member.AddSortedSetMember("set", 0, target).ok());
    const Status status = store_->Commit(std::move(member)).status();
    EXPECT_EQ(status, exists ? Status() : Status::NotFound("Key not found")) << target;
  }
}

TEST_F(StoreWriteTest, ReferencesMayPointIntoTheSameTransaction) {
  Transaction forward;
  ASSERT_TRUE(forward.AddReference("ref", "key").ok());
  ASSERT_TRUE(forward.Set("key", "v").ok());
  EXPECT_EQ(store_->Commit(std::move(forward)).status().code(), StatusCode::kNotFound)
      << "only what comes earlier exists";
  Transaction backward;
  ASSERT_TRUE(backward.Set("key", "v").ok());
  ASSERT_TRUE(backward.AddReference("ref", "key").ok());
  ASSERT_TRUE(backward.AddSortedSetMember("set", 1, "ref").ok());
  EXPECT_EQ(Commit(std::move(backward)), 2U);
  EXPECT_EQ(store_->Latest().GetResolved("ref")->value, "v");
}

// The texts are those of the original: its clients show and compare them.
TEST_F(StoreWriteTest, ReservedKeysAreRefusedWithTheTextsOfTheContract) {
  const std::string too_long(kMaxKeyBytes + 1, 'k');
  for (const std::string& key :
       {std::string(), std::string("\0", 1), std::string("\0key", 4), std::string("!badger!"),
        std::string("!badger!key"), std::string("IMMUDB.METADATA.LAST_FLUSHED_LEAF")}) {
    SCOPED_TRACE(key);
    Transaction transaction;
    EXPECT_EQ(transaction.Set(key, "v"), Status::InvalidArgument("invalid key"));
    EXPECT_EQ(transaction.AddReference(key, "k"), Status::InvalidArgument("invalid reference"));
    EXPECT_EQ(transaction.AddSortedSetMember(key, 1, "k"), Status::InvalidArgument("invalid set"));
    if (!key.starts_with("!badger!")) {
      EXPECT_EQ(transaction.AddReference("n", key), Status::InvalidArgument("invalid key"));
      EXPECT_EQ(transaction.AddSortedSetMember("s", 1, key),
                Status::InvalidArgument("invalid key"));
    }
    EXPECT_EQ(transaction.entry_count(), 0U) << "nothing is added";
  }
  Transaction transaction;
  for (const char* key :
       {"!badger", "badger!", "IMMUDB.METADATA.LAST_FLUSHED_LEAF2", "IMMUDB.METADATA", " "}) {
    EXPECT_TRUE(transaction.Set(key, "v").ok()) << key;
  }
}

TEST_F(StoreWriteTest, ScoresAreNumbers) {
  Transaction transaction;
  EXPECT_EQ(transaction.AddSortedSetMember("s", std::nan(""), "k"),
            Status::InvalidArgument("invalid score"));
  EXPECT_TRUE(
      transaction.AddSortedSetMember("s", std::numeric_limits<double>::infinity(), "k").ok());
}

TEST_F(StoreWriteTest, KeysHaveALimit) {
  const std::string longest(kMaxKeyBytes, 'k');
  Set(longest, "v");
  EXPECT_EQ(store_->Latest().Get(longest)->value, "v");
  Transaction transaction;
  EXPECT_EQ(transaction.Set(longest + "k", "v").code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(transaction.Set(longest + "k", "v").message(), HasSubstr("65001"));
  // For members it holds for what is stored: set, score and key.
  const std::string set(kMaxKeyBytes - 8 - 1, 's');
  EXPECT_TRUE(transaction.AddSortedSetMember(set, 1, "k").ok());
  EXPECT_EQ(transaction.AddSortedSetMember(set, 1, "kk").code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace immudb::testing
