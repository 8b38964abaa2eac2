// SPDX-License-Identifier: Apache-2.0
#include "merkle/proof_path.h"

#include <algorithm>
#include <bit>
#include <cassert>

#include "immudb/verify.h"

namespace immudb {
namespace {

// Where the RFC splits the subtree: the largest power of two below its size.
// Precondition: size > 1.
uint64_t LeftSize(uint64_t size) {
  return std::bit_floor(size - 1);
}

}  // namespace

Digest SubtreeRoot(const CompleteNode& node, uint64_t begin, uint64_t end) {
  assert(begin < end && begin % std::bit_floor(end - begin) == 0);
  // One perfect subtree for each one-bit of the size, the smallest at the right; folded from there.
  uint64_t rest = end - begin;
  const auto take_last = [&] {
    const auto level = static_cast<unsigned>(std::countr_zero(rest));
    rest &= rest - 1;
    return node(level, (begin + rest) >> level);
  };
  Digest root = take_last();
  while (rest != 0) root = NodeDigest(take_last(), root);
  return root;
}

ProofPath MakeInclusionPath(const CompleteNode& node, LeafIndex index, TreeSize size) {
  assert(size.Contains(index));
  ProofPath path;
  uint64_t begin = 0;
  uint64_t end = size.value;
  while (end - begin > 1) {
    const uint64_t middle = begin + LeftSize(end - begin);
    if (index.value < middle) {
      path.push_back(SubtreeRoot(node, middle, end));
      end = middle;
    } else {
      path.push_back(SubtreeRoot(node, begin, middle));
      begin = middle;
    }
  }
  std::reverse(path.begin(), path.end());
  return path;
}

ProofPath MakeConsistencyPath(const CompleteNode& node, TreeSize old_size, TreeSize size) {
  assert(!old_size.empty() && old_size <= size);
  ProofPath path;
  uint64_t begin = 0;
  uint64_t end = size.value;
  while (end != old_size.value) {
    const uint64_t middle = begin + LeftSize(end - begin);
    if (old_size.value <= middle) {
      path.push_back(SubtreeRoot(node, middle, end));
      end = middle;
    } else {
      path.push_back(SubtreeRoot(node, begin, middle));
      begin = middle;
    }
  }
  // A subtree that begins at leaf 0 is the old tree itself, whose root the verifier knows.
  if (begin != 0) path.push_back(SubtreeRoot(node, begin, end));
  std::reverse(path.begin(), path.end());
  return path;
}

}  // namespace immudb
