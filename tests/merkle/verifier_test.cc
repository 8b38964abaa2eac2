// SPDX-License-Identifier: Apache-2.0
//
// What a client relies on: a proof that was changed anywhere is refused, and the refusal says
// whether the answer was nonsense (kInvalidArgument) or evidence of tampering (kDataLoss).
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "immudb/verify.h"
#include "merkle/reference_tree.h"
#include "merkle/vectors.h"

namespace immudb {
namespace {

using testing::ConsistencyShape;
using testing::Hash;
using testing::InclusionShape;
using testing::Path;
using testing::ReferenceTree;
using testing::Vectors;

constexpr size_t kSizes = 40;
constexpr auto kMalformed = StatusCode::kInvalidArgument;
constexpr auto kMismatch = StatusCode::kDataLoss;

struct Inclusion {
  size_t index;
  size_t size;
  Digest leaf;
  ProofPath path;
  Digest root;

  StatusCode Verify() const {
    return VerifyInclusion(LeafIndex{index}, TreeSize{size}, leaf, path, root).code();
  }
};

struct Consistency {
  size_t old_size;
  Digest old_root;
  size_t new_size;
  Digest new_root;
  ProofPath path;

  StatusCode Verify() const {
    return VerifyConsistency(TreeSize{old_size}, old_root, TreeSize{new_size}, new_root, path)
        .code();
  }
};

// Counts the 256 single-bit changes of `digest` (a part of `proof`) that are not refused as a
// mismatch. Counted, not asserted one by one: there are millions.
template <typename Proof>
int BitFlipsNotNoticed(const Proof& proof, Digest& digest) {
  int missed = 0;
  for (size_t bit = 0; bit < digest.size() * 8; ++bit) {
    const auto mask = static_cast<uint8_t>(1U << (bit % 8));
    digest[bit / 8] ^= mask;
    if (proof.Verify() != kMismatch) ++missed;
    digest[bit / 8] ^= mask;
  }
  return missed;
}

// Path changes that every verifier must refuse, whatever the path proves.
template <typename Proof>
void ExpectChangedPathsRefused(const Proof& good) {
  Proof proof = good;
  for (Digest& node : proof.path) EXPECT_EQ(BitFlipsNotNoticed(proof, node), 0);

  for (size_t i = 0; i < good.path.size(); ++i) {
    proof = good;
    proof.path.erase(proof.path.begin() + static_cast<ptrdiff_t>(i));
    EXPECT_EQ(proof.Verify(), kMalformed) << "without node " << i;
    proof = good;
    proof.path.resize(i);
    EXPECT_EQ(proof.Verify(), kMalformed) << "cut to " << i;
  }
  for (size_t i = 0; i <= good.path.size(); ++i) {
    proof = good;
    proof.path.insert(proof.path.begin() + static_cast<ptrdiff_t>(i), Digest{});
    EXPECT_EQ(proof.Verify(), kMalformed) << "with a node more at " << i;
  }
  for (size_t i = 0; i + 1 < good.path.size(); ++i) {
    proof = good;
    std::swap(proof.path[i], proof.path[i + 1]);
    ASSERT_NE(proof.path, good.path);  // the leaves are distinct, and so are all nodes
    EXPECT_EQ(proof.Verify(), kMismatch) << "neighbours " << i << " swapped";
  }
  proof = good;
  std::reverse(proof.path.begin(), proof.path.end());
  if (proof.path != good.path) {
    EXPECT_EQ(proof.Verify(), kMismatch) << "reversed";
  }
}

void ForEachInclusion(const std::function<void(ReferenceTree&, const Inclusion&)>& check) {
  ReferenceTree tree(testing::MakeLeaves(kSizes + 1));
  for (size_t n = 1; n <= kSizes; ++n) {
    for (size_t i = 0; i < n; ++i) {
      SCOPED_TRACE("leaf " + std::to_string(i) + " of " + std::to_string(n));
      check(tree, {i, n, tree.leaf(i), tree.Inclusion(i, n), tree.Root(n)});
    }
  }
}

void ForEachConsistency(const std::function<void(ReferenceTree&, const Consistency&)>& check) {
  ReferenceTree tree(testing::MakeLeaves(kSizes + 1));
  for (size_t n = 1; n <= kSizes; ++n) {
    for (size_t m = 1; m <= n; ++m) {
      SCOPED_TRACE("from " + std::to_string(m) + " to " + std::to_string(n));
      check(tree, {m, tree.Root(m), n, tree.Root(n), tree.Consistency(m, n)});
    }
  }
}

TEST(VerifyInclusionTest, AcceptsTheOriginalsProofs) {
  ASSERT_FALSE(Vectors()["inclusion"].empty());
  for (const auto& v : Vectors()["inclusion"]) {
    const LeafIndex index{v["index"].get<uint64_t>()};
    const TreeSize size = TreeEndingAt(LeafIndex{v["at"].get<uint64_t>()});
    EXPECT_TRUE(
        VerifyInclusion(index, size, Hash(v["leaf"]), Path(v["path"]), Hash(v["root"])).ok())
        << v;
  }
}

TEST(VerifyInclusionTest, RefusesEveryChangedPath) {
  ForEachInclusion([](ReferenceTree&, const Inclusion& good) {
    ASSERT_EQ(good.Verify(), StatusCode::kOk);
    ExpectChangedPathsRefused(good);
  });
}

TEST(VerifyInclusionTest, RefusesEveryOtherLeafAndRoot) {
  ForEachInclusion([](ReferenceTree& tree, const Inclusion& good) {
    Inclusion proof = good;
    EXPECT_EQ(BitFlipsNotNoticed(proof, proof.leaf), 0);
    EXPECT_EQ(BitFlipsNotNoticed(proof, proof.root), 0);
    for (size_t other = 0; other <= kSizes; ++other) {
      proof = good;
      proof.leaf = tree.leaf(other);
      if (other != good.index) {
        EXPECT_EQ(proof.Verify(), kMismatch) << "leaf " << other;
      }
      proof = good;
      proof.root = tree.Root(other);
      if (other != good.size) {
        EXPECT_EQ(proof.Verify(), kMismatch) << "root of " << other;
      }
    }
  });
}

TEST(VerifyInclusionTest, RefusesEveryOtherIndex) {
  ForEachInclusion([](ReferenceTree&, const Inclusion& good) {
    for (size_t other = 0; other <= kSizes; ++other) {
      if (other == good.index) continue;
      Inclusion proof = good;
      proof.index = other;
      const bool plausible =
          other < good.size && InclusionShape(other, good.size).size() == good.path.size();
      EXPECT_EQ(proof.Verify(), plausible ? kMismatch : kMalformed) << "index " << other;
    }
    for (const size_t other : {good.size, std::numeric_limits<size_t>::max()}) {
      Inclusion proof = good;
      proof.index = other;
      EXPECT_EQ(proof.Verify(), kMalformed) << "index " << other;
    }
  });
}

TEST(VerifyInclusionTest, RefusesEveryOtherSize) {
  ForEachInclusion([](ReferenceTree& tree, const Inclusion& good) {
    const std::string shape = InclusionShape(good.index, good.size);
    for (size_t other = 0; other <= kSizes + 1; ++other) {
      if (other == good.size) continue;
      Inclusion proof = good;
      proof.size = other;
      const bool plausible =
          good.index < other && InclusionShape(good.index, other).size() == good.path.size();
      // Sizes of equal shape cannot be told apart by a root (RFC 6962): it comes with its size.
      if (!plausible || InclusionShape(good.index, other) != shape) {
        EXPECT_EQ(proof.Verify(), plausible ? kMismatch : kMalformed) << "size " << other;
      }
      proof.root = tree.Root(other);
      EXPECT_EQ(proof.Verify(), plausible ? kMismatch : kMalformed) << "tree of " << other;
    }
  });
}

TEST(VerifyInclusionTest, IsNotConfusedByHostileNumbers) {
  constexpr uint64_t kMax = std::numeric_limits<uint64_t>::max();
  const Digest hash{};
  const auto code = [&](uint64_t index, uint64_t size, size_t length) {
    return VerifyInclusion(LeafIndex{index}, TreeSize{size}, hash, ProofPath(length), hash).code();
  };
  EXPECT_EQ(code(0, 0, 0), kMalformed);
  EXPECT_EQ(code(kMax, kMax, 64), kMalformed);
  EXPECT_EQ(code(kMax, 0, 0), kMalformed) << "what TreeEndingAt(2^64-1) wraps to";
  EXPECT_EQ(code(0, kMax, 64), kMismatch);
  EXPECT_EQ(code(0, kMax, 63), kMalformed);
  EXPECT_EQ(code(0, kMax, 1000), kMalformed);
  EXPECT_EQ(code(kMax - 1, kMax, 63), kMismatch) << "2^64-2 has 63 one-bits: 63 left siblings";
  EXPECT_EQ(code(uint64_t{1} << 63, (uint64_t{1} << 63) + 1, 1), kMismatch);
}

TEST(VerifyInclusionTest, AcceptsProofsInTreesOfAnySize) {
  // The last leaf of 2^k + 1 hangs at the root; the first one has a path of k + 1.
  const Digest left = testing::Sha256("left");
  const Digest leaf = testing::Sha256("leaf");
  const Digest root = NodeDigest(left, leaf);
  for (unsigned k = 0; k < 64; ++k) {
    const uint64_t last = uint64_t{1} << k;
    EXPECT_TRUE(
        VerifyInclusion(LeafIndex{last}, TreeSize{last + 1}, leaf, ProofPath{left}, root).ok());
  }
}

// Somebody who follows the printed steps with paper and sha256sum must come to the root.
TEST(ExplainInclusionTest, GoesFromTheLeafToTheRoot) {
  ForEachInclusion([](ReferenceTree&, const Inclusion& proof) {
    const auto steps =
        ExplainInclusion(LeafIndex{proof.index}, TreeSize{proof.size}, proof.leaf, proof.path);
    ASSERT_TRUE(steps.ok()) << steps.status().ToString();
    ASSERT_EQ(steps->size(), proof.path.size());
    Digest node = proof.leaf;
    for (size_t i = 0; i < steps->size(); ++i) {
      const ProofStep& step = (*steps)[i];
      EXPECT_EQ(step.node, node);
      EXPECT_EQ(step.sibling, proof.path[i]);
      EXPECT_EQ(step.sibling_is_left, (proof.index >> step.layer & 1) != 0);
      EXPECT_EQ(step.parent, step.sibling_is_left ? NodeDigest(step.sibling, step.node)
                                                  : NodeDigest(step.node, step.sibling));
      EXPECT_GE(step.layer, i == 0 ? 0 : (*steps)[i - 1].layer + 1);
      node = step.parent;
    }
    EXPECT_EQ(node, proof.root);
  });
}

TEST(ExplainInclusionTest, RefusesPathsOfAnotherLength) {
  const ProofPath path(3);
  EXPECT_TRUE(ExplainInclusion({0}, TreeSize{8}, {}, path).ok());
  EXPECT_EQ(ExplainInclusion({0}, TreeSize{9}, {}, path).status().code(), kMalformed);
  EXPECT_EQ(ExplainInclusion({8}, TreeSize{8}, {}, path).status().code(), kMalformed);
}

TEST(VerifyConsistencyTest, AcceptsTheOriginalsProofs) {
  ASSERT_FALSE(Vectors()["consistency"].empty());
  for (const auto& v : Vectors()["consistency"]) {
    const TreeSize m = TreeEndingAt(LeafIndex{v["first"].get<uint64_t>()});
    const TreeSize n = TreeEndingAt(LeafIndex{v["second"].get<uint64_t>()});
    EXPECT_TRUE(
        VerifyConsistency(m, Hash(v["first_root"]), n, Hash(v["second_root"]), Path(v["path"]))
            .ok())
        << v;
  }
}

TEST(VerifyConsistencyTest, RefusesEveryChangedPath) {
  ForEachConsistency([](ReferenceTree&, const Consistency& good) {
    ASSERT_EQ(good.Verify(), StatusCode::kOk);
    ExpectChangedPathsRefused(good);
  });
}

TEST(VerifyConsistencyTest, RefusesEveryOtherRoot) {
  ForEachConsistency([](ReferenceTree& tree, const Consistency& good) {
    Consistency proof = good;
    EXPECT_EQ(BitFlipsNotNoticed(proof, proof.old_root), 0);
    EXPECT_EQ(BitFlipsNotNoticed(proof, proof.new_root), 0);
    for (size_t other = 0; other <= kSizes; ++other) {
      proof = good;
      proof.old_root = tree.Root(other);
      if (other != good.old_size) {
        EXPECT_EQ(proof.Verify(), kMismatch) << "old root of " << other;
      }
      proof = good;
      proof.new_root = tree.Root(other);
      if (other != good.new_size) {
        EXPECT_EQ(proof.Verify(), kMismatch) << "new root of " << other;
      }
    }
  });
}

StatusCode ExpectedForOtherSizes(size_t m, size_t n, size_t path_length) {
  if (m == 0) return kMalformed;
  if (n < m) return kMismatch;
  return ConsistencyShape(m, n).size() == path_length ? kMismatch : kMalformed;
}

TEST(VerifyConsistencyTest, RefusesEveryOtherOldSize) {
  ForEachConsistency([](ReferenceTree& tree, const Consistency& good) {
    for (size_t other = 0; other <= kSizes; ++other) {
      if (other == good.old_size) continue;
      Consistency proof = good;
      proof.old_size = other;
      const auto expected = ExpectedForOtherSizes(other, good.new_size, good.path.size());
      EXPECT_EQ(proof.Verify(), expected) << "old size " << other;
      proof.old_root = tree.Root(other);
      EXPECT_EQ(proof.Verify(), expected) << "old tree of " << other;
    }
  });
}

TEST(VerifyConsistencyTest, RefusesEveryOtherNewSize) {
  ForEachConsistency([](ReferenceTree& tree, const Consistency& good) {
    const std::string shape = ConsistencyShape(good.old_size, good.new_size);
    for (size_t other = 0; other <= kSizes + 1; ++other) {
      if (other == good.new_size) continue;
      Consistency proof = good;
      proof.new_size = other;
      const auto expected = ExpectedForOtherSizes(good.old_size, other, good.path.size());
      // See VerifyInclusionTest: the new root comes with its size.
      if (other < good.old_size || ConsistencyShape(good.old_size, other) != shape) {
        EXPECT_EQ(proof.Verify(), expected) << "new size " << other;
      }
      proof.new_root = tree.Root(other);
      EXPECT_EQ(proof.Verify(), expected) << "new tree of " << other;
    }
  });
}

TEST(VerifyConsistencyTest, RefusesAShrunkenTreeAsTampering) {
  ReferenceTree tree(testing::MakeLeaves(kSizes));
  for (size_t m = 2; m <= kSizes; ++m) {
    for (size_t n = 0; n < m; ++n) {
      Consistency proof{m, tree.Root(m), n, tree.Root(n), {}};
      EXPECT_EQ(proof.Verify(), kMismatch) << m << " to " << n;
      if (n == 0) continue;
      proof.path = tree.Consistency(n, m);
      EXPECT_EQ(proof.Verify(), kMismatch) << m << " to " << n << " with the path backwards";
      proof.path = tree.Inclusion(n, m);
      EXPECT_EQ(proof.Verify(), kMismatch) << m << " to " << n << " with an inclusion path";
    }
  }
}

TEST(VerifyConsistencyTest, RefusesARewrittenHistory) {
  // A server that swapped one entry and proves its new tree honestly from the swapped old one.
  constexpr size_t kN = 25;
  ReferenceTree honest(testing::MakeLeaves(kN));
  for (size_t changed = 0; changed < kN; ++changed) {
    auto leaves = testing::MakeLeaves(kN);
    leaves[changed] = testing::Sha256("forged");
    ReferenceTree forged(leaves);
    for (size_t m = changed + 1; m <= kN; ++m) {
      const Consistency proof{m, honest.Root(m), kN, forged.Root(kN), forged.Consistency(m, kN)};
      EXPECT_EQ(proof.Verify(), kMismatch) << "entry " << changed << " known from size " << m;
    }
  }
}

TEST(VerifyConsistencyTest, IsNotConfusedByHostileNumbers) {
  constexpr uint64_t kMax = std::numeric_limits<uint64_t>::max();
  const Digest hash{};
  const auto code = [&](uint64_t m, uint64_t n, size_t length) {
    return VerifyConsistency(TreeSize{m}, hash, TreeSize{n}, hash, ProofPath(length)).code();
  };
  EXPECT_EQ(code(0, 0, 0), kMalformed);
  EXPECT_EQ(code(0, kMax, 1), kMalformed);
  EXPECT_EQ(code(1, 2, 0), kMalformed);
  EXPECT_EQ(code(kMax, kMax, 0), StatusCode::kOk) << "equal trees need no path";
  EXPECT_EQ(code(kMax, kMax, 1), kMalformed);
  EXPECT_EQ(code(1, kMax, 64), kMismatch);
  EXPECT_EQ(code(1, kMax, 63), kMalformed);
  EXPECT_EQ(code(uint64_t{1} << 63, kMax, 1), kMismatch);
  EXPECT_EQ(code(kMax - 1, kMax, 0), kMalformed);
}

TEST(SafeProofTest, AcceptsWhatTheOriginalsServerAnswers) {
  ASSERT_FALSE(Vectors()["safe_proofs"].empty());
  for (const auto& v : Vectors()["safe_proofs"]) {
    const auto& proof = v["proof"];
    const TreeSize size = TreeEndingAt(LeafIndex{proof["at"].get<uint64_t>()});
    const Digest root = Hash(proof["root"]);
    EXPECT_TRUE(VerifyInclusion(LeafIndex{proof["index"].get<uint64_t>()}, size,
                                Hash(proof["leaf"]), Path(proof["inclusionPath"]), root)
                    .ok())
        << v;
    const auto& known = v["request_root_index"];
    const TreeSize old_size = TreeEndingAt(LeafIndex{known.is_null() ? 0 : known.get<uint64_t>()});
    EXPECT_TRUE(VerifyConsistency(old_size, Hash(v["previous_root"]), size, root,
                                  Path(proof["consistencyPath"]))
                    .ok())
        << v;
  }
}

}  // namespace
}  // namespace immudb
