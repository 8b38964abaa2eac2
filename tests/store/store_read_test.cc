// SPDX-License-Identifier: Apache-2.0
//
// What readers are told about keys, histories, ranges and sets.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "immudb/verify.h"
#include "store/store_fixture.h"

namespace immudb::testing {
namespace {

using ::testing::ElementsAre;

class StoreReadTest : public StoreTest {
 protected:
  std::vector<std::string> Scan(const ScanOptions& options) {
    return Pairs(store_->Latest().Scan(options));
  }
};

TEST_F(StoreReadTest, LatestVersionWinsWhateverItsKind) {
  Set("a", "1");
  Set("b", "x");
  AddReference("a", "b");
  EXPECT_EQ(store_->Latest().Get("a")->kind, EntryKind::kReference);
  EXPECT_EQ(store_->Latest().GetResolved("a")->value, "x");
  Set("a", "2");
  EXPECT_EQ(store_->Latest().GetResolved("a")->value, "2");
  EXPECT_THAT(Pairs(store_->Latest().History("a")), ElementsAre("a=2", "a=b", "a=1"));
  EXPECT_THAT(Pairs(store_->Latest().History("unknown")), ElementsAre());
}

TEST_F(StoreReadTest, ReferencesAreFollowedOneLevelToTheLatestVersion) {
  Set("key", "old");
  AddReference("ref", "key");
  AddReference("ref2", "ref");
  const uint64_t latest = Set("key", "new");
  const auto once = store_->Latest().GetResolved("ref");
  ASSERT_TRUE(once.ok());
  EXPECT_EQ(once->key, "key");
  EXPECT_EQ(once->value, "new");
  EXPECT_EQ(once->index, LeafIndex{latest});
  const auto twice = store_->Latest().GetResolved("ref2");
  ASSERT_TRUE(twice.ok());
  EXPECT_EQ(twice->key, "ref");
  EXPECT_EQ(twice->value, "key");
  EXPECT_EQ(store_->Latest().Get("ref")->value, "key") << "Get follows nothing";
}

// A long value is read from the log, a member's by its stored key.
TEST_F(StoreReadTest, MembersAreFoundByTheirStoredKey) {
  const std::string long_key(300, 'k');
  Set(long_key, "v");
  AddMember("set", 3.5, long_key);
  const auto member = store_->Latest().Get(SortedSetKey("set", 3.5, long_key));
  ASSERT_TRUE(member.ok()) << member.status().ToString();
  EXPECT_EQ(member->kind, EntryKind::kSortedSetMember);
  EXPECT_EQ(member->value, long_key);
  EXPECT_EQ(store_->Latest().GetResolved(SortedSetKey("set", 3.5, long_key))->value, "v");
}

TEST_F(StoreReadTest, ScansAreInByteOrderAndPaged) {
  for (const char* key : {"b", "a", "ab", "a\xff", "a\xff\xff", "c", "B"}) Set(key, "0");
  Set("ab", "1");
  EXPECT_THAT(Scan({}), ElementsAre("B=0", "a=0", "ab=1", "a\xff=0", "a\xff\xff=0", "b=0", "c=0"));
  ScanOptions options;
  options.prefix = "a";
  EXPECT_THAT(Scan(options), ElementsAre("a=0", "ab=1", "a\xff=0", "a\xff\xff=0"));
  options.reverse = true;
  EXPECT_THAT(Scan(options), ElementsAre("a\xff\xff=0", "a\xff=0", "ab=1", "a=0"));
  options.offset = "a\xff";
  EXPECT_THAT(Scan(options), ElementsAre("ab=1", "a=0"));
  options.reverse = false;
  EXPECT_THAT(Scan(options), ElementsAre("a\xff\xff=0"));
  options.offset = "aa";
  options.limit = 1;
  EXPECT_THAT(Scan(options), ElementsAre("ab=1")) << "the offset need not exist";
  options.prefix = "x";
  options.offset = {};
  EXPECT_THAT(Scan(options), ElementsAre());
}

TEST_F(StoreReadTest, PagesCoverEverythingOnce) {
  for (int i = 0; i < 25; ++i) Set(Numbered("k", 100 + i), "v");
  for (const bool reverse : {false, true}) {
    std::vector<std::string> paged;
    std::string offset;
    while (true) {
      ScanOptions options;
      options.limit = 4;
      options.reverse = reverse;
      options.offset = offset;
      const auto page = store_->Latest().Scan(options);
      ASSERT_TRUE(page.ok());
      if (page->empty()) break;
      for (const Entry& entry : *page) paged.push_back(entry.key + "=" + entry.value);
      offset = page->back().key;
    }
    ScanOptions all;
    all.reverse = reverse;
    EXPECT_EQ(paged, Scan(all));
  }
}

TEST_F(StoreReadTest, DeepScansShowWhatReferencesPointTo) {
  Set("k1", "v1");
  Set("k2", "v2");
  AddReference("a", "k2");
  AddReference("z", "k1");
  AddMember("m", 1, "k1");
  EXPECT_THAT(Scan({}), ElementsAre("k1=v1", "k2=v2")) << "skipped unless deep";
  ScanOptions options;
  options.limit = 1;
  EXPECT_THAT(Scan(options), ElementsAre("k1=v1")) << "skipped entries do not count";
  options.limit = 0;
  options.deep = true;
  EXPECT_THAT(Scan(options), ElementsAre("k2=v2", "k1=v1", "k2=v2", "k1=v1", "k1=v1"));
}

TEST_F(StoreReadTest, CountIsOfDistinctKeysWithThePrefix) {
  for (const char* key : {"a1", "a2", "b1", "a1", "a1"}) Set(key, "v");
  AddReference("a3", "b1");
  AddMember("a-set", 1, "b1");
  EXPECT_EQ(*store_->Latest().Count("a"), 3U);
  EXPECT_EQ(*store_->Latest().Count("a1"), 1U);
  EXPECT_EQ(*store_->Latest().Count(""), 4U);
  EXPECT_EQ(*store_->Latest().Count("zzz"), 0U);
}

TEST_F(StoreReadTest, SetsAreOrderedByScoreAsANumber) {
  const double inf = std::numeric_limits<double>::infinity();
  for (const char* key : {"a", "b", "c", "d", "e", "f", "g", "h"}) Set(key, "v");
  AddMember("s", inf, "a");
  AddMember("s", -1, "b");
  AddMember("s", 0.0, "d");
  AddMember("s", -0.0, "c");
  AddMember("s", 2, "f");
  AddMember("s", 2, "e");
  AddMember("s", -inf, "g");
  AddMember("s", -1000.5, "h");
  AddMember("s2", 1, "a");
  Set("s-plain-key", "v");
  const std::vector<std::string> expected{"g=v", "h=v", "b=v", "c=v", "d=v", "e=v", "f=v", "a=v"};
  SetScanOptions options;
  options.set = "s";
  EXPECT_EQ(Pairs(store_->Latest().ScanSet(options)), expected);
  options.reverse = true;
  EXPECT_EQ(Pairs(store_->Latest().ScanSet(options)),
            std::vector<std::string>(expected.rbegin(), expected.rend()));
  const std::string offset = SortedSetKey("s", 2, "e");
  options.offset = offset;
  options.limit = 2;
  EXPECT_THAT(Pairs(store_->Latest().ScanSet(options)), ElementsAre("d=v", "c=v"));
  options.reverse = false;
  EXPECT_THAT(Pairs(store_->Latest().ScanSet(options)), ElementsAre("f=v", "a=v"));
}

TEST_F(StoreReadTest, MembersAreTheLatestVersionsOfTheirKeys) {
  Set("k", "old");
  AddMember("s", 1, "k");
  AddMember("s", 5, "k");
  AddMember("s", 1, "k");
  Set("k", "new");
  SetScanOptions options;
  options.set = "s";
  EXPECT_THAT(Pairs(store_->Latest().ScanSet(options)), ElementsAre("k=new", "k=new"))
      << "one with each score";
  options.set = "unknown";
  EXPECT_THAT(Pairs(store_->Latest().ScanSet(options)), ElementsAre());
  EXPECT_EQ(store_->Latest().History(SortedSetKey("s", 1, "k"))->size(), 2U);
}

TEST_F(StoreReadTest, RangesEndWithTheStore) {
  for (int i = 0; i < 5; ++i) Set(Numbered("k", i), "v");
  const Snapshot snapshot = store_->Latest();
  EXPECT_THAT(Pairs(snapshot.Range({3}, 1)), ElementsAre("k3=v"));
  EXPECT_THAT(Pairs(snapshot.Range({3}, 100)), ElementsAre("k3=v", "k4=v"));
  EXPECT_THAT(Pairs(snapshot.Range({3}, std::numeric_limits<size_t>::max())),
              ElementsAre("k3=v", "k4=v"));
  EXPECT_THAT(Pairs(snapshot.Range({5}, 1)), ElementsAre());
  EXPECT_THAT(Pairs(snapshot.Range({std::numeric_limits<uint64_t>::max()}, 1)), ElementsAre());
  EXPECT_THAT(Pairs(snapshot.Range({0}, 0)), ElementsAre());
}

TEST_F(StoreReadTest, IndexBeyondTheEndIsNotFound) {
  Set("a", "1");
  const Snapshot snapshot = store_->Latest();
  for (const uint64_t index : {uint64_t{1}, std::numeric_limits<uint64_t>::max()}) {
    EXPECT_EQ(snapshot.GetByIndex({index}).status(), Status::NotFound("index not found"));
    EXPECT_EQ(snapshot.Leaf({index}).status().code(), StatusCode::kNotFound);
    EXPECT_EQ(snapshot.InclusionProof({index}).status().code(), StatusCode::kNotFound);
  }
}

}  // namespace
}  // namespace immudb::testing
