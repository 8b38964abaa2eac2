// SPDX-License-Identifier: Apache-2.0
//
// An audit path has two parts. Below the level where the way of the leaf joins the way of the last
// leaf of the tree, the bits of the index say on which side each sibling stands ("inner" nodes).
// Above it every sibling stands on the left ("border" nodes), and levels where the ragged right
// edge was promoted unchanged have none: one node for each one-bit left in the index.
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/status_macros.h"
#include "immudb/status.h"
#include "immudb/types.h"
#include "immudb/verify.h"

namespace immudb {
namespace {

struct Shape {
  size_t inner;
  size_t border;
};

// Precondition: index < size.
Shape ShapeOf(uint64_t index, uint64_t size) {
  const auto inner = static_cast<size_t>(std::bit_width(index ^ (size - 1)));
  // A shift by the whole width would be undefined; index and size - 1 then differ in the top bit.
  const uint64_t above = inner < 64 ? index >> inner : 0;
  return {inner, static_cast<size_t>(std::popcount(above))};
}

// The root that `path` gives to `hash`, standing at `index` on the level where the path begins.
// Precondition: path.size() >= inner.
Digest Climb(Digest hash, uint64_t index, std::span<const Digest> path, size_t inner) {
  for (size_t level = 0; level < path.size(); ++level) {
    const bool sibling_is_right = level < inner && (index >> level & 1) == 0;
    hash = sibling_is_right ? NodeDigest(hash, path[level]) : NodeDigest(path[level], hash);
  }
  return hash;
}

// The root of the old tree: the same way up, but what stands on the right is not there yet.
Digest ClimbOld(Digest hash, uint64_t index, std::span<const Digest> path, size_t inner) {
  for (size_t level = 0; level < path.size(); ++level) {
    const bool sibling_is_right = level < inner && (index >> level & 1) == 0;
    if (!sibling_is_right) hash = NodeDigest(path[level], hash);
  }
  return hash;
}

Status WrongLength(size_t length, size_t expected) {
  return Status::InvalidArgument("the path has " + std::to_string(length) + " nodes instead of " +
                                 std::to_string(expected));
}

// Can a path of this length belong to the leaf?
Status CheckLength(LeafIndex index, TreeSize size, size_t length) {
  if (!size.Contains(index)) {
    return Status::InvalidArgument("leaf " + std::to_string(index.value) +
                                   " is outside of a tree of " + std::to_string(size.value));
  }
  const Shape shape = ShapeOf(index.value, size.value);
  const size_t expected = shape.inner + shape.border;
  return length == expected ? Status::Ok() : WrongLength(length, expected);
}

}  // namespace

Status VerifyInclusion(LeafIndex index, TreeSize size, const Digest& leaf,
                       std::span<const Digest> path, const Digest& root) {
  IMMUDB_RETURN_IF_ERROR(CheckLength(index, size, path.size()));
  if (Climb(leaf, index.value, path, ShapeOf(index.value, size.value).inner) != root) {
    return Status::DataLoss("leaf " + std::to_string(index.value) +
                            " does not lead to the root of the tree of " +
                            std::to_string(size.value));
  }
  return Status::Ok();
}

Result<std::vector<ProofStep>> ExplainInclusion(LeafIndex index, TreeSize size, const Digest& leaf,
                                                std::span<const Digest> path) {
  IMMUDB_RETURN_IF_ERROR(CheckLength(index, size, path.size()));
  std::vector<ProofStep> steps;
  uint64_t place = index.value;
  Digest node = leaf;
  for (unsigned layer = 0; steps.size() < path.size(); ++layer, place >>= 1) {
    const bool sibling_is_left = (place & 1) != 0;
    if (!sibling_is_left && place + 1 == size.LayerWidth(layer)) continue;
    const Digest& sibling = path[steps.size()];
    const Digest parent = sibling_is_left ? NodeDigest(sibling, node) : NodeDigest(node, sibling);
    steps.push_back({layer, node, sibling, sibling_is_left, parent});
    node = parent;
  }
  return steps;
}

Status VerifyConsistency(TreeSize old_size, const Digest& old_root, TreeSize new_size,
                         const Digest& new_root, std::span<const Digest> path) {
  if (old_size.empty()) return Status::InvalidArgument("nothing can be proved about an empty tree");
  if (new_size < old_size) {
    return Status::DataLoss("the tree shrank from " + std::to_string(old_size.value) + " to " +
                            std::to_string(new_size.value) + " leaves");
  }
  if (new_size == old_size) {
    if (!path.empty()) return WrongLength(path.size(), 0);
    if (old_root == new_root) return Status::Ok();
    return Status::DataLoss("two different roots for the tree of " +
                            std::to_string(old_size.value));
  }

  // The way up begins at the root of the last perfect subtree of the old tree. If that is all of
  // the old tree, the path leaves it out: it is the old root.
  const auto levels_below = static_cast<size_t>(std::countr_zero(old_size.value));
  const uint64_t start = (old_size.value - 1) >> levels_below;
  const bool starts_at_old_root = start == 0;
  Shape shape = ShapeOf(old_size.value - 1, new_size.value);
  shape.inner -= levels_below;  // the new tree is larger: its ways join above that subtree
  const size_t expected = shape.inner + shape.border + (starts_at_old_root ? 0 : 1);
  if (path.size() != expected) return WrongLength(path.size(), expected);

  const Digest& seed = starts_at_old_root ? old_root : path.front();
  const auto way = path.subspan(starts_at_old_root ? 0 : 1);
  if (ClimbOld(seed, start, way, shape.inner) != old_root) {
    return Status::DataLoss("the path does not lead to the known root of " +
                            std::to_string(old_size.value) + " leaves");
  }
  if (Climb(seed, start, way, shape.inner) != new_root) {
    return Status::DataLoss("the path does not lead to the new root of " +
                            std::to_string(new_size.value) + " leaves");
  }
  return Status::Ok();
}

}  // namespace immudb
