// SPDX-License-Identifier: Apache-2.0
#include "merkle/hash_tree.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cassert>
#include <cstring>
#include <functional>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "base/thread_pool.h"
#include "immudb/verify.h"
#include "merkle/proof_path.h"

namespace immudb {
namespace {

constexpr size_t kRecordBytes = sizeof(Digest);
constexpr uint64_t kNoRecord = ~uint64_t{0};
// A subtree that one thread hashes in one go (some 200 us), and how many of them it should get at
// least.
constexpr unsigned kPartLevel = 10;
constexpr uint64_t kPartLeaves = uint64_t{1} << kPartLevel;
constexpr size_t kPartsPerThread = 2;
// A group smaller than this is not worth waking another thread for.
constexpr uint64_t kParallelLeaves = 4096;
// A larger buffer is given back after the append.
constexpr size_t kKeptBufferBytes = size_t{1} << 20;

// The number of complete nodes of a tree, which is also the record of the leaf that comes next.
uint64_t RecordCount(uint64_t leaves) {
  return 2 * leaves - std::popcount(leaves);
}

// The most whole leaves that `records` hold.
uint64_t WholeLeaves(uint64_t records) {
  uint64_t leaves = 0;
  for (uint64_t bit = std::bit_floor(records); bit != 0; bit >>= 1) {
    if (RecordCount(leaves | bit) <= records) leaves |= bit;
  }
  return leaves;
}

// The record of the node that covers the leaves [position << level, (position + 1) << level).
uint64_t RecordOf(unsigned level, uint64_t position) {
  return RecordCount(((position + 1) << level) - 1) + level;
}

Digest Load(const char* record) {
  Digest digest;
  std::memcpy(digest.data(), record, kRecordBytes);
  return digest;
}

void Store(char* record, const Digest& digest) {
  std::memcpy(record, digest.data(), kRecordBytes);
}

}  // namespace

uint64_t FirstRecordOfLeaf(LeafIndex index) {
  return RecordCount(index.value);
}

// Reads the nodes of one answer, and remembers the first that could not be read: what is computed
// from the zeros given in its place must not be used.
class HashTree::NodeReader {
 public:
  explicit NodeReader(const AppendMap& nodes) : nodes_(nodes) {}

  Digest operator()(unsigned level, uint64_t position) { return At(RecordOf(level, position)); }
  Digest At(uint64_t record) {
    Digest digest{};
    if (failed_ == kNoRecord && !nodes_.Read(record, reinterpret_cast<char*>(digest.data()))) {
      failed_ = record;
      digest = {};
    }
    return digest;
  }
  template <typename T>
  Result<T> Checked(T answer) const {
    if (failed_ != kNoRecord) return nodes_.ReadFailure(failed_);
    return answer;
  }

 private:
  const AppendMap& nodes_;
  uint64_t failed_ = kNoRecord;
};

// Lays out the records of one group of leaves. Distinct ranges of leaves write distinct records.
class HashTree::Builder {
 public:
  Builder(const HashTree& tree, std::span<const Digest> leaves, char* records)
      : nodes_(*tree.nodes_),
        first_leaf_(tree.size_.value),
        end_leaf_(first_leaf_ + leaves.size()),
        first_record_(RecordCount(first_leaf_)),
        leaves_(leaves),
        records_(records) {}

  Status Build(ThreadPool* pool) {
    Hash(pool);
    const uint64_t failed = failed_.load();
    return failed == kNoRecord ? Status::Ok() : nodes_.ReadFailure(failed);
  }

 private:
  static constexpr unsigned kAllLevels = 64;

  void Hash(ThreadPool* pool) {
    const uint64_t parts_begin = (first_leaf_ + kPartLeaves - 1) >> kPartLevel;
    const uint64_t parts_end = end_leaf_ >> kPartLevel;
    if (pool == nullptr || leaves_.size() < kParallelLeaves || parts_begin >= parts_end) {
      HashRange(first_leaf_, end_leaf_, kAllLevels);
      return;
    }
    // The nodes above the parts need all parts on their left: they come last, and are few.
    HashRange(first_leaf_, parts_begin << kPartLevel, kAllLevels);
    pool->ParallelFor(parts_end - parts_begin, kPartsPerThread, [&](size_t begin, size_t end) {
      for (uint64_t part = parts_begin + begin; part < parts_begin + end; ++part) {
        HashRange(part << kPartLevel, (part + 1) << kPartLevel, kPartLevel);
      }
    });
    for (uint64_t part = parts_begin; part < parts_end; ++part) {
      CompleteNodes(((part + 1) << kPartLevel) - 1, kPartLevel, kAllLevels);
    }
    HashRange(parts_end << kPartLevel, end_leaf_, kAllLevels);
  }

  // The leaves [begin, end) and the nodes up to `top` that they complete.
  void HashRange(uint64_t begin, uint64_t end, unsigned top) {
    for (uint64_t leaf = begin; leaf < end; ++leaf) {
      Store(Record(RecordCount(leaf)), leaves_[leaf - first_leaf_]);
      CompleteNodes(leaf, 0, top);
    }
  }

  // The nodes of the levels (from, top] that `leaf` completes.
  void CompleteNodes(uint64_t leaf, unsigned from, unsigned top) {
    const unsigned last = std::min(top, static_cast<unsigned>(std::countr_one(leaf)));
    if (from >= last) return;
    const uint64_t leaf_record = RecordCount(leaf);
    Digest node = Load(Record(leaf_record + from));
    for (unsigned level = from; level < last; ++level) {
      // The right child ends where the left one's parent would: 2^(level+1) - 1 records behind it.
      const uint64_t right = leaf_record + level;
      const uint64_t left = right + 1 - (uint64_t{2} << level);
      node = NodeDigest(left < first_record_ ? Stored(left) : Load(Record(left)), node);
      Store(Record(right + 1), node);
    }
  }

  // A node that the tree had before this group.
  Digest Stored(uint64_t record) {
    Digest digest{};
    if (!nodes_.Read(record, reinterpret_cast<char*>(digest.data()))) failed_ = record;
    return digest;
  }

  // Precondition: record >= first_record_.
  char* Record(uint64_t record) { return records_ + (record - first_record_) * kRecordBytes; }

  const AppendMap& nodes_;
  const uint64_t first_leaf_;
  const uint64_t end_leaf_;
  const uint64_t first_record_;
  const std::span<const Digest> leaves_;
  char* const records_;
  std::atomic<uint64_t> failed_{kNoRecord};  // a record that could not be read
};

Result<std::unique_ptr<HashTree>> HashTree::Open(FileSystem& fs, const std::string& path) {
  auto nodes = AppendMap::Open(fs, path, kRecordBytes);
  IMMUDB_RETURN_IF_ERROR(nodes);
  const uint64_t records = (*nodes)->count();
  const uint64_t leaves = WholeLeaves(records);
  if (RecordCount(leaves) != records) {
    IMMUDB_RETURN_IF_ERROR((*nodes)->Truncate(RecordCount(leaves)));
  }
  return std::unique_ptr<HashTree>(new HashTree(*std::move(nodes), TreeSize{leaves}));
}

Status HashTree::Append(std::span<const Digest> leaves, ThreadPool* pool) {
  if (leaves.empty()) return Status::Ok();
  const TreeSize new_size{size_.value + leaves.size()};
  const size_t bytes = (RecordCount(new_size.value) - RecordCount(size_.value)) * kRecordBytes;
  char* const buffer = Buffer(bytes);
  Status status = Builder(*this, leaves, buffer).Build(pool);
  if (status.ok()) status = nodes_->Append({buffer, bytes});
  if (status.ok()) size_ = new_size;
  if (buffer_bytes_ > kKeptBufferBytes) {
    buffer_.reset();
    buffer_bytes_ = 0;
  }
  return status;
}

Status HashTree::Truncate(TreeSize size) {
  assert(size <= size_);
  IMMUDB_RETURN_IF_ERROR(nodes_->Truncate(RecordCount(size.value)));
  size_ = size;
  return Status::Ok();
}

Result<Digest> HashTree::Root(TreeSize size) const {
  if (size.empty()) return EmptyTreeRoot();
  NodeReader node(*nodes_);
  return node.Checked(SubtreeRoot(std::ref(node), 0, size.value));
}

Result<Digest> HashTree::Leaf(LeafIndex index) const {
  NodeReader node(*nodes_);
  return node.Checked(node(0, index.value));
}

Result<Digest> HashTree::LayerNode(unsigned layer, uint64_t position, TreeSize size) const {
  const uint64_t begin = position << layer;
  const uint64_t width = std::min(size.value - begin, uint64_t{1} << layer);
  NodeReader node(*nodes_);
  return node.Checked(width == uint64_t{1} << layer
                          ? node(layer, position)
                          : SubtreeRoot(std::ref(node), begin, begin + width));
}

Result<CompactRange> HashTree::Range(TreeSize size) const {
  NodeReader node(*nodes_);
  std::vector<Digest> roots;
  for (unsigned level = 64; level-- > 0;) {
    const uint64_t position = size.value >> level;
    if ((position & 1) != 0) roots.push_back(node(level, position - 1));
  }
  return node.Checked(CompactRange(size, std::move(roots)));
}

Result<ProofPath> HashTree::InclusionPath(LeafIndex index, TreeSize size) const {
  NodeReader node(*nodes_);
  return node.Checked(MakeInclusionPath(std::ref(node), index, size));
}

Result<ProofPath> HashTree::ConsistencyPath(TreeSize old_size, TreeSize size) const {
  if (old_size.empty() || old_size >= size) return ProofPath{};
  NodeReader node(*nodes_);
  return node.Checked(MakeConsistencyPath(std::ref(node), old_size, size));
}

char* HashTree::Buffer(size_t bytes) {
  if (bytes > buffer_bytes_) {
    // Not zeroed: the builder writes every byte.
    const size_t room = std::bit_ceil(bytes);
    buffer_ = std::make_unique_for_overwrite<char[]>(room);
    buffer_bytes_ = room;
  }
  return buffer_.get();
}

}  // namespace immudb
