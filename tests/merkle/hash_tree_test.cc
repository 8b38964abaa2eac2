// SPDX-License-Identifier: Apache-2.0
//
// If one of these fails, the server answers proofs that no client accepts, or another root than the
// original would have.
#include "merkle/hash_tree.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "immudb/verify.h"
#include "merkle/reference_tree.h"
#include "merkle/tree_fixture.h"
#include "merkle/vectors.h"

namespace immudb {
namespace {

using testing::Bytes;
using testing::Hash;
using testing::HistoryLeaves;
using testing::Path;
using testing::ReferenceTree;
using testing::Vectors;

class HashTreeTest : public testing::TreeTest {
 protected:
  // A tree of these leaves.
  std::unique_ptr<HashTree> TreeOf(const std::vector<Digest>& leaves) {
    auto tree = OpenTree();
    EXPECT_TRUE(tree->Append(leaves, nullptr).ok());
    EXPECT_EQ(tree->size(), TreeSize{leaves.size()});
    return tree;
  }
};

TEST_F(HashTreeTest, WithoutLeavesHasTheRootOfTheEmptyTree) {
  const auto tree = OpenTree();
  EXPECT_TRUE(tree->size().empty());
  EXPECT_EQ(tree->Root(TreeSize{0}).value(), Hash(Vectors()["empty_tree_root"]));
  EXPECT_TRUE(tree->Append({}, nullptr).ok());
  EXPECT_TRUE(tree->size().empty());
}

TEST_F(HashTreeTest, HasTheRootsOfTheOriginal) {
  const auto tree = TreeOf(HistoryLeaves());
  ASSERT_FALSE(Vectors()["history_roots"].empty());
  for (const auto& v : Vectors()["history_roots"]) {
    EXPECT_EQ(tree->Root(TreeSize{v["n"].get<uint64_t>()}).value(), Hash(v["root"])) << v;
  }
}

TEST_F(HashTreeTest, HasTheRootsOfARealSession) {
  const auto tree = OpenTree();
  for (const auto& v : Vectors()["session"]) {
    const LeafIndex index{v["index"].get<uint64_t>()};
    const Digest leaf = LeafDigest(index, Bytes(v["hashed_key"]), Bytes(v["hashed_value"]));
    ASSERT_TRUE(tree->Append({&leaf, 1}, nullptr).ok());
    EXPECT_EQ(tree->Root(TreeEndingAt(LeafIndex{v["at"].get<uint64_t>()})).value(), Hash(v["root"]))
        << v;
  }
}

TEST_F(HashTreeTest, HasTheKnownRootsOfRfc6962) {
  const auto& known = Vectors()["rfc6962"];
  std::vector<Digest> leaves;
  for (const auto& input : known["inputs"]) {
    std::string hashed(1, '\0');
    hashed += Bytes(input);
    leaves.push_back(testing::Sha256(hashed));
  }
  ASSERT_EQ(leaves.size(), 8U);
  const auto tree = TreeOf(leaves);
  for (size_t n = 1; n <= leaves.size(); ++n) {
    EXPECT_EQ(tree->Root(TreeSize{n}).value(), Hash(known["roots"][n - 1])) << n;
  }
}

// PrintTree and Dump show the tree layer by layer.
TEST_F(HashTreeTest, LayersArePairsOfTheLayerBelowAndAnOddNodeIsPromoted) {
  const auto leaves = testing::MakeLeaves(70);
  const auto tree = TreeOf(leaves);
  EXPECT_EQ(TreeSize{0}.LayerCount(), 0U);
  for (size_t n = 1; n <= leaves.size(); ++n) {
    const TreeSize size{n};
    std::vector<Digest> layer(leaves.begin(), leaves.begin() + static_cast<ptrdiff_t>(n));
    for (unsigned number = 0; number < size.LayerCount(); ++number) {
      ASSERT_EQ(size.LayerWidth(number), layer.size()) << n << " layer " << number;
      for (size_t i = 0; i < layer.size(); ++i) {
        ASSERT_EQ(tree->LayerNode(number, i, size).value(), layer[i])
            << n << ": " << number << "/" << i;
      }
      std::vector<Digest> next;
      for (size_t i = 0; i < layer.size(); i += 2) {
        next.push_back(i + 1 < layer.size() ? NodeDigest(layer[i], layer[i + 1]) : layer[i]);
      }
      ASSERT_EQ(layer.size() == 1, number + 1 == size.LayerCount()) << n;
      layer = std::move(next);
    }
  }
}

TEST_F(HashTreeTest, MakesTheInclusionPathsOfTheOriginal) {
  const auto tree = TreeOf(HistoryLeaves());
  ASSERT_FALSE(Vectors()["inclusion"].empty());
  for (const auto& v : Vectors()["inclusion"]) {
    const LeafIndex index{v["index"].get<uint64_t>()};
    EXPECT_EQ(tree->InclusionPath(index, TreeSize{v["n"].get<uint64_t>()}).value(), Path(v["path"]))
        << v;
    EXPECT_EQ(tree->Leaf(index).value(), Hash(v["leaf"]));
  }
}

TEST_F(HashTreeTest, MakesTheConsistencyPathsOfTheOriginal) {
  const auto tree = TreeOf(HistoryLeaves());
  ASSERT_FALSE(Vectors()["consistency"].empty());
  for (const auto& v : Vectors()["consistency"]) {
    const TreeSize m{v["m"].get<uint64_t>()};
    const TreeSize n{v["n"].get<uint64_t>()};
    EXPECT_EQ(tree->ConsistencyPath(m, n).value(), Path(v["path"])) << v;
  }
}

TEST_F(HashTreeTest, MakesTheSafeProofsOfTheOriginal) {
  const auto tree = TreeOf(HistoryLeaves());
  ASSERT_FALSE(Vectors()["safe_proofs"].empty());
  for (const auto& v : Vectors()["safe_proofs"]) {
    const auto& proof = v["proof"];
    const LeafIndex index{proof["index"].get<uint64_t>()};
    const TreeSize size = TreeEndingAt(LeafIndex{proof["at"].get<uint64_t>()});
    const auto& known = v["request_root_index"];
    const TreeSize old_size = TreeEndingAt(LeafIndex{known.is_null() ? 0 : known.get<uint64_t>()});
    EXPECT_EQ(tree->Leaf(index).value(), Hash(proof["leaf"])) << v;
    EXPECT_EQ(tree->Root(size).value(), Hash(proof["root"])) << v;
    EXPECT_EQ(tree->Root(old_size).value(), Hash(v["previous_root"])) << v;
    EXPECT_EQ(tree->InclusionPath(index, size).value(), Path(proof["inclusionPath"])) << v;
    EXPECT_EQ(tree->ConsistencyPath(old_size, size).value(), Path(proof["consistencyPath"])) << v;
  }
}

TEST_F(HashTreeTest, AnswersNoConsistencyPathWhereThereIsNothingToProve) {
  const auto tree = TreeOf(testing::MakeLeaves(9));
  EXPECT_TRUE(tree->ConsistencyPath(TreeSize{0}, TreeSize{9}).value().empty());
  EXPECT_TRUE(tree->ConsistencyPath(TreeSize{9}, TreeSize{9}).value().empty());
  EXPECT_TRUE(tree->ConsistencyPath(TreeSize{9}, TreeSize{5}).value().empty());
}

// Every root and proof of every past size, against the definitions, and accepted by the verifier.
class HashTreeReferenceTest : public HashTreeTest {
 protected:
  static constexpr size_t kLeaves = 300;

  ReferenceTree reference_{testing::MakeLeaves(kLeaves)};
  std::unique_ptr<HashTree> tree_ = TreeOf(testing::MakeLeaves(kLeaves));
};

TEST_F(HashTreeReferenceTest, EveryRootIsTheDefinedOne) {
  for (size_t n = 0; n <= kLeaves; ++n) {
    ASSERT_EQ(tree_->Root(TreeSize{n}).value(), reference_.Root(n)) << n;
  }
}

TEST_F(HashTreeReferenceTest, EveryInclusionPathIsTheDefinedOne) {
  for (size_t n = 1; n <= kLeaves; ++n) {
    const TreeSize size{n};
    const Digest root = reference_.Root(n);
    for (size_t i = 0; i < n; ++i) {
      const LeafIndex index{i};
      const ProofPath path = tree_->InclusionPath(index, size).value();
      ASSERT_EQ(path, reference_.Inclusion(i, n)) << i << " of " << n;
      ASSERT_TRUE(VerifyInclusion(index, size, tree_->Leaf(index).value(), path, root).ok())
          << i << " of " << n;
    }
  }
}

TEST_F(HashTreeReferenceTest, EveryConsistencyPathIsTheDefinedOne) {
  for (size_t n = 1; n <= kLeaves; ++n) {
    const TreeSize size{n};
    const Digest root = reference_.Root(n);
    for (size_t m = 1; m <= n; ++m) {
      const TreeSize old_size{m};
      const ProofPath path = tree_->ConsistencyPath(old_size, size).value();
      ASSERT_EQ(path, reference_.Consistency(m, n)) << m << " to " << n;
      ASSERT_TRUE(VerifyConsistency(old_size, reference_.Root(m), size, root, path).ok())
          << m << " to " << n;
    }
  }
}

}  // namespace
}  // namespace immudb
