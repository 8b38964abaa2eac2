// SPDX-License-Identifier: Apache-2.0
//
// Listings of any length cost the memory of one entry: what follows the entry at which the visitor
// ends a listing is not read. Seen here by damage that only a reader of it would notice.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "immudb/verify.h"
#include "store/store_fixture.h"

namespace immudb::testing {
namespace {

using ::testing::ElementsAre;

class StoreListingTest : public StoreTest {
 protected:
  static constexpr int kKeys = 10;

  // Values that are too large for the index: they have to be read from the log.
  static std::string ValueOf(int i) { return Numbered("value", i) + std::string(10'000, 'v'); }

  // Flips a byte of this value, in the only segment of the log.
  void Damage(const std::string& value) {
    const std::string path = directory_ + "/log/00000000.log";
    std::stringstream content;
    content << std::ifstream(path, std::ios::binary).rdbuf();
    const size_t at = content.str().find(value);
    ASSERT_NE(at, std::string::npos);
    std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(static_cast<std::streamoff>(at + value.size() - 1));
    file.put('!');
    ASSERT_TRUE(file.good());
  }

  // Ends the listing after three entries; how it ended, and how it would have ended.
  template <typename Listing>
  void ExpectEndsEarly(const Listing& listing) {
    int seen = 0;
    const Status ended = listing([&](Entry&&) { return ++seen < 3; });
    EXPECT_TRUE(ended.ok()) << ended.ToString();
    EXPECT_EQ(seen, 3);
    seen = 0;
    const Status whole = listing([&](Entry&&) { return ++seen > 0; });
    EXPECT_EQ(whole.code(), StatusCode::kDataLoss) << whole.ToString();
    EXPECT_EQ(seen, kKeys - 1);
  }
};

TEST_F(StoreListingTest, NothingIsReadBehindTheEnd) {
  for (int i = 0; i < kKeys; ++i) Set(Numbered("k", i), ValueOf(i));
  for (int i = 0; i < kKeys; ++i) AddMember("set", i, Numbered("k", i));
  for (int i = 0; i < kKeys; ++i) AddReference(Numbered("ref", i), Numbered("k", i));
  Damage(ValueOf(kKeys - 1));
  const Snapshot snapshot = store_->Latest();
  ScanOptions scan;
  scan.prefix = "k";
  ExpectEndsEarly([&](const EntryVisitor& visit) { return snapshot.Scan(scan, visit); });
  scan.prefix = "ref";
  scan.deep = true;
  ExpectEndsEarly([&](const EntryVisitor& visit) { return snapshot.Scan(scan, visit); });
  SetScanOptions members;
  members.set = "set";
  ExpectEndsEarly([&](const EntryVisitor& visit) { return snapshot.ScanSet(members, visit); });
  ExpectEndsEarly([&](const EntryVisitor& visit) { return snapshot.Range({0}, kKeys, visit); });
  ExpectEndsEarly([&](const EntryVisitor& visit) { return snapshot.ScanVersions({}, visit); });
}

TEST_F(StoreListingTest, NothingOfAHistoryIsReadBehindTheEnd) {
  for (int i = 0; i < kKeys; ++i) Set("k", ValueOf(i));
  Damage(ValueOf(0));
  const Snapshot snapshot = store_->Latest();
  ExpectEndsEarly([&](const EntryVisitor& visit) { return snapshot.History("k", visit); });
  ExpectEndsEarly([&](const EntryVisitor& visit) { return snapshot.ScanVersions({}, visit); });
}

// What a dump is made of. Also: the entry that follows does not show through.
TEST_F(StoreListingTest, VersionsGoOnWhereverTheyWereEnded) {
  Set("b", "1");
  Set("a", "1");
  AddReference("a", "b");
  Set(std::string("a\0", 2), "1");
  AddMember("s", 1, "b");
  Set("a", std::string(500, 'x'));
  const Snapshot snapshot = store_->Latest();
  Set("a", "later");
  std::vector<std::string> all;
  ASSERT_TRUE(snapshot
                  .ScanVersions({},
                                [&](Entry&& entry) {
                                  all.push_back(entry.key + "@" +
                                                std::to_string(entry.index.value));
                                  return true;
                                })
                  .ok());
  EXPECT_THAT(all, ElementsAre("a@5", "a@2", "a@1", std::string("a\0@3", 4), "b@0",
                               SortedSetKey("s", 1, "b") + "@4"));
  for (size_t piece = 1; piece <= all.size(); ++piece) {
    std::vector<std::string> found;
    std::optional<VersionMark> mark;
    for (bool more = true; more;) {
      size_t seen = 0;
      const Status listed = snapshot.ScanVersions(mark, [&](Entry&& entry) {
        found.push_back(entry.key + "@" + std::to_string(entry.index.value));
        mark = {entry.key, entry.index};
        return ++seen < piece;
      });
      ASSERT_TRUE(listed.ok()) << listed.ToString();
      more = seen > 0;
    }
    EXPECT_EQ(found, all) << "in pieces of " << piece;
  }
}

// The mark that a listing started from may be moved on while it runs.
TEST_F(StoreListingTest, LongKeysWithManyVersionsAreListedToTheirEnd) {
  const std::string key(kMaxKeyBytes, 'k');
  for (int i = 0; i < 20; ++i) Set(key, std::string(300, 'v'));
  const Snapshot snapshot = store_->Latest();
  std::optional<VersionMark> mark;
  std::vector<uint64_t> indices;
  for (size_t seen = 1; seen > 0;) {
    seen = 0;
    const Status listed = snapshot.ScanVersions(mark, [&](Entry&& entry) {
      indices.push_back(entry.index.value);
      mark = {std::string(1, 'x'), {0}};  // other memory, other bytes
      mark = {std::move(entry.key), entry.index};
      return ++seen < 3;
    });
    ASSERT_TRUE(listed.ok()) << listed.ToString();
    ASSERT_LE(indices.size(), 20U) << "it goes round in circles";
  }
  ASSERT_EQ(indices.size(), 20U);
  EXPECT_TRUE(std::is_sorted(indices.rbegin(), indices.rend()));
}

TEST_F(StoreListingTest, NodesAreThoseOfTheTreeOfTheSnapshot) {
  for (int i = 0; i < 3; ++i) Set(Numbered("k", i), "v");
  const Snapshot snapshot = store_->Latest();
  Set("later", "v");
  EXPECT_EQ(*snapshot.Node(0, 2), *snapshot.Leaf({2}));
  EXPECT_EQ(*snapshot.Node(1, 1), *snapshot.Leaf({2})) << "without a sibling";
  EXPECT_EQ(*snapshot.Node(2, 0), snapshot.root());
  for (const auto& [layer, position] : {std::pair{0, 3}, {1, 2}, {2, 1}, {3, 0}, {200, 0}}) {
    EXPECT_EQ(snapshot.Node(layer, position).status().code(), StatusCode::kNotFound)
        << layer << "/" << position;
  }
  EXPECT_EQ(*snapshot.KeyAt({1}), "k1");
  EXPECT_EQ(snapshot.KeyAt({3}).status(), Status::NotFound("index not found"));
}

}  // namespace
}  // namespace immudb::testing
