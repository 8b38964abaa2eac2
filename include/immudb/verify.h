// SPDX-License-Identifier: Apache-2.0
//
// The verifier: everything a party needs that trusts nothing but SHA-256. It depends on libcrypto
// only; it never sees storage or network. All functions are pure and safe to call from any thread.
//
// Sources: RFC 6962 section 2.1 (tree, audit paths, consistency proofs); the leaf hash is immudb's
// own.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "immudb/export.h"
#include "immudb/status.h"
#include "immudb/types.h"

namespace immudb {

// SHA-256(0x00 | index u64 BE | len(key) u64 BE | key | value). The length of the value is implied.
// For a reference: key = its name, value = the referenced key. For a sorted-set member:
// key = SortedSetKey(...), value = the member's key.
IMMUDB_EXPORT Digest LeafDigest(LeafIndex index, std::string_view key, std::string_view value);

// SHA-256(0x01 | left | right).
IMMUDB_EXPORT Digest NodeDigest(const Digest& left, const Digest& right);

// SHA-256 of the empty string: the root of the tree without leaves.
IMMUDB_EXPORT const Digest& EmptyTreeRoot();

// The bytes under which a sorted-set member is hashed and stored: set, then the IEEE-754 bits of
// the score big-endian and untransformed, then key. No separators.
IMMUDB_EXPORT std::string SortedSetKey(std::string_view set, double score, std::string_view key);

// Does `path` prove that `leaf` stands at `index` in the tree of `size` leaves with root `root`?
//   Preconditions on honest input: index < size; path has the length RFC 6962 gives it.
//   Ok               the proof holds
//   kInvalidArgument malformed: index out of range, or a path that cannot belong to (index, size)
//   kDataLoss        well-formed, but it leads to another root: something was changed
IMMUDB_EXPORT Status VerifyInclusion(LeafIndex index, TreeSize size, const Digest& leaf,
                                     std::span<const Digest> path, const Digest& root);

// One step of the way from a leaf to the root. On levels where the ragged right edge is promoted
// unchanged there is none.
struct ProofStep {
  unsigned layer = 0;  // of `node` and `sibling`; 0: that of the leaves
  Digest node{};
  Digest sibling{};
  bool sibling_is_left = false;
  Digest parent{};  // the hash of both, the left one first
};

// The way that VerifyInclusion goes, for people; the last parent (with an empty path: the leaf) is
// what the path proves to be the root. kInvalidArgument as there; whether that root is the right
// one is not judged.
IMMUDB_EXPORT Result<std::vector<ProofStep>> ExplainInclusion(LeafIndex index, TreeSize size,
                                                              const Digest& leaf,
                                                              std::span<const Digest> path);

// Does `path` prove that the tree (old_size, old_root) is a prefix of the tree (new_size,
// new_root)?
//   Preconditions on honest input: 0 < old_size <= new_size; the path is empty exactly when the
//   sizes are equal. Results as for VerifyInclusion. A new tree smaller than the old one is
//   kDataLoss: an append-only log never shrinks.
IMMUDB_EXPORT Status VerifyConsistency(TreeSize old_size, const Digest& old_root, TreeSize new_size,
                                       const Digest& new_root, std::span<const Digest> path);

}  // namespace immudb
