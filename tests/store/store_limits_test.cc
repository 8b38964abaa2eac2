// SPDX-License-Identifier: Apache-2.0
//
// Reads that may not wait, and reads that nobody waits for any more.
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <utility>
#include <vector>

#include "store/store_fixture.h"
#include "support/fault_file_system.h"

namespace immudb::testing {
namespace {

class StoreLimitsTest : public StoreTest {
 protected:
  void SetUp() override {
    options_.file_system = &fs_;
    StoreTest::SetUp();
  }
  void TearDown() override { store_.reset(); }  // before fs_

  Snapshot AtOnce() { return store_->Latest().Within({.would_wait = &would_wait_}); }
  Snapshot Cancelled() {
    cancelled_ = true;
    return store_->Latest().Within({.cancelled = &cancelled_});
  }
  // Whether the read said that it would have to wait; forgets it.
  template <typename Answer>
  bool Waits(const Answer& answer) {
    if (answer.ok()) {
      EXPECT_FALSE(would_wait_);
      return false;
    }
    EXPECT_EQ(answer.status().code(), StatusCode::kUnavailable) << answer.status().ToString();
    return std::exchange(would_wait_, false);
  }

  FaultFileSystem fs_;
  bool would_wait_ = false;
  std::atomic<bool> cancelled_{false};
};

// A cold disk must not hold up the thread that serves all connections.
TEST_F(StoreLimitsTest, AtOnceNothingWaitsForTheDisk) {
  const std::string value(1000, 'v');  // too large for the index
  const uint64_t index = Set("k", value);
  AddReference("name", "k");
  EXPECT_FALSE(Waits(AtOnce().Get("k"))) << "it is in memory";
  EXPECT_FALSE(Waits(AtOnce().GetByIndex({index})));
  fs_.DropCache("/log/");
  EXPECT_TRUE(Waits(AtOnce().Get("k")));
  EXPECT_TRUE(Waits(AtOnce().GetResolved("k")));
  EXPECT_TRUE(Waits(AtOnce().GetResolved("name")));
  EXPECT_TRUE(Waits(AtOnce().GetByIndex({index})));
  const auto waited = store_->Latest().Get("k");
  ASSERT_TRUE(waited.ok());
  EXPECT_EQ(waited->value, value);
  const auto unknown = AtOnce().Get("unknown");
  EXPECT_EQ(unknown.status().code(), StatusCode::kNotFound);
  EXPECT_FALSE(would_wait_);
}

TEST_F(StoreLimitsTest, AtOnceNoLargeValueIsRead) {
  const uint64_t small = Set("small", std::string(ReadLimits::kAtOnceBytes - 1000, 'v'));
  const uint64_t large = Set("large", std::string(ReadLimits::kAtOnceBytes + 1, 'v'));
  EXPECT_FALSE(Waits(AtOnce().Get("small")));
  EXPECT_FALSE(Waits(AtOnce().GetByIndex({small})));
  EXPECT_TRUE(Waits(AtOnce().Get("large")));
  EXPECT_TRUE(Waits(AtOnce().GetByIndex({large})));
  EXPECT_TRUE(store_->Latest().Get("large").ok());
}

TEST_F(StoreLimitsTest, ReferencesAreLookedForOnce) {
  Set("k", "v");
  Transaction good;
  ASSERT_TRUE(good.AddReference("name", "k").ok());
  EXPECT_TRUE(store_->Prepare(good).ok());
  EXPECT_EQ(Commit(std::move(good)), 1U);
  Transaction bad;
  ASSERT_TRUE(bad.AddReference("name", "unknown").ok());
  EXPECT_EQ(store_->Prepare(bad), Status::NotFound("Key not found"));
  EXPECT_EQ(store_->Commit(std::move(bad)).status(), Status::NotFound("Key not found"));
  Transaction empty;
  EXPECT_TRUE(store_->Prepare(empty).ok());
}

// A client that has gone, or a server that stops, waits for no count of 30 million keys.
TEST_F(StoreLimitsTest, CancelledListingsEndWhateverTheyFind) {
  Set("k", "v");
  Set("k", "w");
  for (int i = 0; i < 10; ++i) AddReference(Numbered("name", i), "k");
  AddMember("set", 1, "k");
  const Snapshot snapshot = Cancelled();
  const auto unseen = [](Entry&&) {
    ADD_FAILURE() << "handed on after the end";
    return true;
  };
  std::vector<Status> ends = {snapshot.Count("").status(),
                              snapshot.Scan({}, unseen),
                              snapshot.Scan({.prefix = "name"}, unseen),  // all are skipped
                              snapshot.Scan({.prefix = "name", .deep = true}, unseen),
                              snapshot.Scan({.reverse = true}, unseen),
                              snapshot.ScanSet({.set = "set"}, unseen),
                              snapshot.History("k", unseen),
                              snapshot.Range({0}, 5, unseen),
                              snapshot.ScanVersions({}, unseen)};
  for (const Status& end : ends) EXPECT_EQ(end.code(), StatusCode::kUnavailable) << end.ToString();
  EXPECT_TRUE(snapshot.Get("k").ok()) << "one entry is read in any case";
  cancelled_ = false;
  EXPECT_EQ(*snapshot.Count(""), 11U);
}

}  // namespace
}  // namespace immudb::testing
