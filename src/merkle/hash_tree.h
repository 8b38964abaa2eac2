// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "base/append_map.h"
#include "base/file_system.h"
#include "immudb/status.h"
#include "immudb/types.h"
#include "merkle/compact_range.h"

namespace immudb {

class ThreadPool;

// The record in the file of a HashTree at which this leaf stands; the nodes that it completes
// follow.
uint64_t FirstRecordOfLeaf(LeafIndex index);

// The RFC 6962 Merkle tree over the leaf digests of a database, kept in one append-only file of
// 32-byte records. Only complete nodes are stored, in the order in which they become complete
// (post-order); the ragged right edge is computed when it is needed.
//
//                    6
//            2               5            records 0..7 of a tree of 5 leaves:
//        0       1       3       4     7  leaves l0 l1 l2 l3 l4 stand at 0 1 3 4 7
//        l0      l1      l2      l3    l4
//
// Leaf i stands at record 2i - popcount(i); the level-k node that leaf i completes stands k records
// behind it. A perfect subtree is contiguous, so its parts can be hashed by several threads into
// one buffer, and the lower levels of an audit path share a page.
//
// Threads: one appender at a time; any number of readers, without locks, each at a size that was
// handed to it after the Append that made it. Nothing is durable before Sync().
class HashTree {
 public:
  // Opens or creates. A file that a crash cut off inside the nodes of a leaf is cut back to the
  // last whole leaf.
  static Result<std::unique_ptr<HashTree>> Open(FileSystem& fs, const std::string& path);

  TreeSize size() const { return size_; }

  // Appends the leaves. Large appends hash on `pool` (may be null) too. On error nothing is
  // appended.
  Status Append(std::span<const Digest> leaves, ThreadPool* pool);
  // Forgets the leaves at and above `size`; for recovery, before there are readers.
  // Precondition: size <= this->size().
  Status Truncate(TreeSize size);
  Status Sync() { return nodes_->Sync(); }

  // Precondition of all reads: `size` (and what is asked below it) was appended. An error says that
  // the file does not give a node any more: kDataLoss if it was cut off, else kIoError.

  // EmptyTreeRoot() for size 0.
  Result<Digest> Root(TreeSize size) const;
  Result<Digest> Leaf(LeafIndex index) const;
  // The node that covers those of the leaves [position << layer, (position + 1) << layer) that the
  // tree of `size` has. Precondition: layer < size.LayerCount(), position < size.LayerWidth(layer).
  Result<Digest> LayerNode(unsigned layer, uint64_t position, TreeSize size) const;
  // The leaves below `size` as a range that can be appended to.
  Result<CompactRange> Range(TreeSize size) const;
  // The audit path of `index` in the tree of `size`: sibling of the leaf first. 0 <= index < size.
  Result<ProofPath> InclusionPath(LeafIndex index, TreeSize size) const;
  // PROOF(old_size, D[size]). Empty if old_size is 0 or >= size.
  Result<ProofPath> ConsistencyPath(TreeSize old_size, TreeSize size) const;

 private:
  class Builder;
  class NodeReader;

  HashTree(std::unique_ptr<AppendMap> nodes, TreeSize size)
      : nodes_(std::move(nodes)), size_(size) {}

  // Room for `bytes`, kept from append to append.
  char* Buffer(size_t bytes);

  const std::unique_ptr<AppendMap> nodes_;
  // Of the appender:
  TreeSize size_;
  std::unique_ptr<char[]> buffer_;
  size_t buffer_bytes_ = 0;
};

}  // namespace immudb
