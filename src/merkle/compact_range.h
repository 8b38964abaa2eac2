// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "immudb/types.h"

namespace immudb {

// The first `size` leaves of a tree, kept as the roots of its perfect subtrees, largest first: one
// for each bit that is set in the size, so at most 64 hashes. Enough to add leaves and to know the
// root at any time, without the leaves. Size 11 = 8 + 2 + 1:
//
//            *                 <- Root()
//         /     \            .
//       [8]       *
//      /   \     / \         .
//     ......   [2] [1]         <- what is kept: [8] [2] [1]
//
// A value type; not thread-safe.
class CompactRange {
 public:
  CompactRange() = default;
  // `nodes`: the roots of the perfect subtrees of a tree of this size, largest first.
  CompactRange(TreeSize size, std::vector<Digest> nodes) : size_(size), nodes_(std::move(nodes)) {}

  TreeSize size() const { return size_; }
  // `completed` (may be null) gets the leaf and the nodes that it completes, from the leaf upwards:
  // they follow each other so in the file of a HashTree.
  void Append(const Digest& leaf, std::vector<Digest>* completed = nullptr);
  // The root of RFC 6962; EmptyTreeRoot() for no leaves.
  Digest Root() const;

  // "11:<hex>,<hex>,<hex>"; "0:" when empty.
  std::string Text() const;
  // None if it is not such a text.
  static std::optional<CompactRange> FromText(std::string_view text);

  friend bool operator==(const CompactRange&, const CompactRange&) = default;

 private:
  TreeSize size_;
  std::vector<Digest> nodes_;
};

// The 32 bytes of 64 lower-case hex digits; none for anything else.
std::optional<Digest> DigestFromHex(std::string_view hex);

}  // namespace immudb
