// SPDX-License-Identifier: Apache-2.0
//
// PrintTree: the nodes of the tree, as an auditor may compute them.
#include <string>
#include <utility>
#include <vector>

#include "server/server_fixture.h"

namespace immudb::testing {
namespace {

class PrintTreeTest : public RunningServerTest {
 protected:
  schema::Tree Print() const {
    schema::Tree tree;
    EXPECT_CALL_OK(Call("PrintTree", Empty(), &tree));
    return tree;
  }
  void SetBatch(int count) const {
    schema::KVList batch;
    for (int i = 0; i < count; ++i) *batch.add_kvs() = KeyValueOf(NumberedKey(i), "v");
    MustWrite("SetBatch", batch);
  }
};

TEST_F(PrintTreeTest, OfAnEmptyDatabaseHasNoLayers) {
  EXPECT_EQ(Print().t_size(), 0);
}

TEST_F(PrintTreeTest, HasTheNodesOfTheOriginalsHistory) {
  const auto& leaves = Vectors()["history_leaves"];
  const auto& roots = Vectors()["history_roots"];
  ASSERT_EQ(leaves.size(), roots.size());
  std::vector<Digest> layer;
  for (size_t n = 1; n <= leaves.size(); ++n) {
    const auto& leaf = leaves[n - 1];
    MustSet(FromHex(leaf["key"]), FromHex(leaf["value"]));
    layer.clear();
    for (size_t i = 0; i < n; ++i) layer.push_back(DigestOf(FromHex(leaves[i]["leaf"])));

    const schema::Tree tree = Print();
    for (int number = 0; number < tree.t_size(); ++number) {
      const schema::Layer& shown = tree.t(number);
      ASSERT_EQ(static_cast<size_t>(shown.l_size()), layer.size()) << n << " layer " << number;
      for (int i = 0; i < shown.l_size(); ++i) {
        const schema::Node& node = shown.l(i);
        EXPECT_EQ(DigestOf(node.h()), layer[i]) << n << ": " << number << "/" << i;
        EXPECT_EQ(node.refk(), number == 0 ? FromHex(leaves[i]["key"]) : "");
        EXPECT_EQ(node.ref(), number == 0);
        EXPECT_EQ(node.root(), number + 1 == tree.t_size());
        EXPECT_FALSE(node.cache());
      }
      std::vector<Digest> next;
      for (size_t i = 0; i < layer.size(); i += 2) {
        next.push_back(i + 1 < layer.size() ? NodeDigest(layer[i], layer[i + 1]) : layer[i]);
      }
      layer = std::move(next);
    }
    ASSERT_GT(tree.t_size(), 0);
    const schema::Layer& last = tree.t(tree.t_size() - 1);
    ASSERT_EQ(last.l_size(), 1);
    EXPECT_EQ(last.l(0).h(), FromHex(roots[n - 1]["root"])) << n;
  }
}

TEST_F(PrintTreeTest, NodesHaveTheStorageKeysOfTheOriginal) {
  SetBatch(2100);
  const schema::Tree tree = Print();
  int found = 0;
  for (const auto& v : Vectors()["tree_node_keys"]) {
    const int layer = v["layer"];
    const uint64_t index = std::stoull(v["index"].get<std::string>());
    if (layer >= tree.t_size() || index >= static_cast<uint64_t>(tree.t(layer).l_size())) continue;
    EXPECT_EQ(tree.t(layer).l(static_cast<int>(index)).i(), FromHex(v["key"]));
    ++found;
  }
  EXPECT_EQ(found, 4);
}

// The client would see its connection break instead.
TEST_F(PrintTreeTest, OfATreeThatDoesNotFitIntoAMessageIsRefused) {
  Stop();
  options.max_message_bytes = 100'000;
  StartAndLogin();
  SetBatch(800);
  EXPECT_EQ(Print().t(0).l_size(), 800);
  SetBatch(300);
  schema::Tree tree;
  const auto refused = Call("PrintTree", Empty(), &tree);
  EXPECT_EQ(refused.status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_NE(refused.status.error_message().find("1100 entries"), std::string::npos)
      << refused.status.error_message();
  client->authorization.clear();
  EXPECT_STATUS(Call("PrintTree", Empty(), &tree), UNAUTHENTICATED, "please login first");
}

}  // namespace
}  // namespace immudb::testing
