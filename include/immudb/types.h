// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <bit>
#include <compare>
#include <cstdint>
#include <string>
#include <vector>

namespace immudb {

// A SHA-256 hash: of a leaf, of a node, or of a whole tree (its root).
using Digest = std::array<uint8_t, 32>;

// Sibling hashes, leaf side first (inclusion) or in RFC 6962 order (consistency).
using ProofPath = std::vector<Digest>;

// The number of an entry: dense and 0-based in its database. Deliberately not interchangeable with
// TreeSize: "the tree whose last leaf is 4" has size 5.
struct LeafIndex {
  uint64_t value = 0;
  friend auto operator<=>(const LeafIndex&,
                          const LeafIndex&) = default;  // NOLINT(modernize-use-nullptr)
};

// The number of leaves of a tree, which is also the number of entries of a database.
struct TreeSize {
  uint64_t value = 0;
  friend auto operator<=>(const TreeSize&,
                          const TreeSize&) = default;  // NOLINT(modernize-use-nullptr)

  bool empty() const { return value == 0; }
  bool Contains(LeafIndex index) const { return index.value < value; }
  // The index of the last leaf ("at" on the wire). Precondition: not empty.
  LeafIndex Last() const { return {value - 1}; }

  // The layers of the tree, from that of the leaves (0) to that of the root, and how many nodes
  // each has. A node without a sibling stands unchanged in the next layer too.
  unsigned LayerCount() const {
    return empty() ? 0 : 1 + static_cast<unsigned>(std::bit_width(value - 1));
  }
  // Precondition: layer < LayerCount().
  uint64_t LayerWidth(unsigned layer) const { return ((value - 1) >> layer) + 1; }
};

// The tree that ends exactly with this leaf.
constexpr TreeSize TreeEndingAt(LeafIndex index) {
  return {index.value + 1};
}

// The state of a database: the tree whose last leaf is `index`.
struct TreeRoot {
  LeafIndex index;
  Digest hash{};
  friend bool operator==(const TreeRoot&, const TreeRoot&) = default;
};

// A version of a key, as the place that a listing of all versions has come to.
struct VersionMark {
  std::string key;
  LeafIndex index;
};

// What an entry is. The numbers are stored on disk.
enum class EntryKind : uint8_t {
  kValue = 0,            // key -> value
  kReference = 1,        // name -> key
  kSortedSetMember = 2,  // set || score || key -> key
};

}  // namespace immudb
