// SPDX-License-Identifier: Apache-2.0
//
// The definitions of RFC 6962 section 2.1 written down once more, recursively and over a plain
// vector: what the real tree is compared with. Shares no code with it, not even the hash calls.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "immudb/types.h"

namespace immudb::testing {

Digest Sha256(std::string_view bytes);

// Distinct made-up leaf hashes; other `salt`, other leaves.
std::vector<Digest> MakeLeaves(size_t count, std::string_view salt = "leaf");

// Root of many leaves, level by level from below, an odd last node promoted.
Digest RootByLevels(std::vector<Digest> level);

class ReferenceTree {
 public:
  explicit ReferenceTree(std::vector<Digest> leaves) : leaves_(std::move(leaves)) {}

  const Digest& leaf(size_t i) const { return leaves_[i]; }
  size_t size() const { return leaves_.size(); }

  Digest Root(size_t n) { return Mth(0, n); }
  ProofPath Inclusion(size_t index, size_t n) { return Path(index, 0, n); }
  // Precondition: 0 < m <= n.
  ProofPath Consistency(size_t m, size_t n) { return SubProof(m, 0, n, true); }

 private:
  Digest Mth(size_t begin, size_t end);
  ProofPath Path(size_t m, size_t begin, size_t end);
  ProofPath SubProof(size_t m, size_t begin, size_t end, bool complete);

  std::vector<Digest> leaves_;
  std::map<std::pair<size_t, size_t>, Digest> known_;  // of Mth, which is asked again and again
};

// On which side each sibling of the inclusion path stands, leaf first ("LRR"). A proof says nothing
// about index and size beyond this: RFC 6962 roots do not commit to their size.
std::string InclusionShape(size_t index, size_t n);
// The same for a consistency path; a leading "S" if it brings its own start.
std::string ConsistencyShape(size_t m, size_t n);

Digest DigestFromHex(std::string_view hex);
std::string BytesFromHex(std::string_view hex);

}  // namespace immudb::testing
