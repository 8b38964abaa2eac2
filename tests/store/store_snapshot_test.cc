// SPDX-License-Identifier: Apache-2.0
//
// Everything a snapshot says belongs to one tree, and is the original's tree.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "immudb/verify.h"
#include "store/store_fixture.h"

namespace immudb::testing {
namespace {

using nlohmann::json;

class StoreSnapshotTest : public StoreTest {
 protected:
  std::vector<Digest> Roots(const Snapshot& snapshot) {
    std::vector<Digest> roots;
    for (uint64_t size = 0; size <= snapshot.size().value; ++size) {
      roots.push_back(snapshot.At({size})->root());
    }
    return roots;
  }
};

std::string FromHex(const std::string& hex) {
  std::string bytes;
  for (size_t i = 0; i < hex.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  }
  return bytes;
}

void AddStep(Transaction& transaction, const json& step) {
  const std::string op = step["op"];
  const json& args = step["args"];
  if (op == "Reference") {
    const std::string name = args["reference"];
    ASSERT_TRUE(transaction.AddReference(name, args["key"].get<std::string>()).ok());
  } else if (op == "ZAdd") {
    const std::string set = args["set"];
    const std::string key = args["key"];
    ASSERT_TRUE(transaction.AddSortedSetMember(set, args["score"], key).ok());
  } else {
    ASSERT_TRUE(transaction.Set(FromHex(step["hashed_key"]), FromHex(step["hashed_value"])).ok());
  }
}

// The whole point of compatibility: an original client's trusted root stays valid.
TEST_F(StoreSnapshotTest, SessionHasTheLeavesAndRootsOfTheOriginal) {
  const json vectors = json::parse(std::ifstream(IMMUDB_TEST_VECTORS));
  const json& session = vectors["session"];
  Transaction batch;
  for (size_t i = 0; i < session.size(); ++i) {
    Transaction single;
    const bool in_batch = session[i]["op"].get<std::string>().starts_with("SetBatch");
    AddStep(in_batch ? batch : single, session[i]);
    if (in_batch) continue;
    EXPECT_EQ(Commit(std::move(single)), i);
  }
  EXPECT_EQ(Commit(std::move(batch)), session.size() - 1);
  for (const json& step : session) {
    const LeafIndex index{step["index"].get<uint64_t>()};
    EXPECT_EQ(ToHex(*store_->Latest().Leaf(index)), step["leaf"]);
    EXPECT_EQ(ToHex(store_->Latest().At(TreeEndingAt(index))->root()), step["root"]);
    EXPECT_EQ(store_->Latest().GetByIndex(index)->key, FromHex(step["hashed_key"]));
    EXPECT_EQ(store_->Latest().GetByIndex(index)->value, FromHex(step["hashed_value"]));
  }
}

TEST_F(StoreSnapshotTest, StaysTheSameWhileWritesGoOn) {
  for (uint64_t n = 0; n < 40; ++n) Commit(WorkloadTransaction(n));
  const Snapshot snapshot = store_->Latest();
  const std::string before = AllAnswers(snapshot);
  for (uint64_t n = 40; n < 120; ++n) Commit(WorkloadTransaction(n));
  EXPECT_GT(store_->Latest().size(), snapshot.size());
  EXPECT_TRUE(AllAnswers(snapshot) == before);
  EXPECT_TRUE(AllAnswers(*store_->Latest().At(snapshot.size())) == before);
}

TEST_F(StoreSnapshotTest, EveryPastSizeAnswersForItself) {
  for (uint64_t n = 0; n < 25; ++n) Commit(WorkloadTransaction(n));
  const Snapshot latest = store_->Latest();
  for (uint64_t size = 0; size <= latest.size().value; ++size) {
    const auto past = latest.At({size});
    ASSERT_TRUE(past.ok());
    EXPECT_EQ(past->size(), TreeSize{size});
    // A size inside a transaction may hold a reference whose key follows it nowhere else: the
    // workload writes keys first.
    ASSERT_TRUE(AgreesWithItsEntries(*past)) << "size " << size;
  }
  EXPECT_FALSE(latest.At({latest.size().value + 1}).ok());
}

TEST_F(StoreSnapshotTest, ProofsOfAllPastSizesVerify) {
  for (uint64_t n = 0; n < 25; ++n) Commit(WorkloadTransaction(n));
  const Snapshot latest = store_->Latest();
  for (uint64_t size = 1; size <= latest.size().value; ++size) {
    const Snapshot past = *latest.At({size});
    for (uint64_t i = 0; i < size; ++i) {
      const auto path = past.InclusionProof({i});
      ASSERT_TRUE(path.ok());
      ASSERT_TRUE(VerifyInclusion({i}, {size}, *past.Leaf({i}), *path, past.root()).ok());
      ASSERT_FALSE(VerifyInclusion({i}, {size}, *past.Leaf({i}), *path, EmptyTreeRoot()).ok());
    }
    const auto path = latest.ConsistencyProof({size});
    ASSERT_TRUE(path.ok());
    ASSERT_TRUE(VerifyConsistency({size}, past.root(), latest.size(), latest.root(), *path).ok());
  }
  EXPECT_TRUE(latest.ConsistencyProof({0})->empty());
  EXPECT_TRUE(latest.ConsistencyProof(latest.size())->empty());
  EXPECT_TRUE(latest.ConsistencyProof({latest.size().value + 5})->empty());
}

TEST_F(StoreSnapshotTest, RootsDoNotDependOnHowEntriesWereGrouped) {
  for (uint64_t n = 0; n < 60; ++n) Commit(WorkloadTransaction(n));
  const std::vector<Digest> one_by_one = Roots(store_->Latest());
  store_.reset();
  const TempDir other;
  const auto grouped = Store::Open(other.File("db"), options_);
  ASSERT_TRUE(grouped.ok());
  for (uint64_t n = 0; n < 59; ++n) {
    (*grouped)->CommitAsync(WorkloadTransaction(n),
                            [](const Result<CommitInfo>& info) { EXPECT_TRUE(info.ok()); });
  }
  ASSERT_TRUE((*grouped)->Commit(WorkloadTransaction(59)).ok());
  EXPECT_EQ(Roots((*grouped)->Latest()), one_by_one);
}

}  // namespace
}  // namespace immudb::testing
