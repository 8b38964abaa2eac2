// SPDX-License-Identifier: Apache-2.0
//
// The proof algorithms of RFC 6962 section 2.1, independent of where the nodes are kept. All take
// O(log size) looks at nodes and hashes. Pure functions; as thread-safe as `node`.
#pragma once

#include <cstdint>
#include <functional>

#include "immudb/types.h"

namespace immudb {

// The root of the perfect subtree of 2^level leaves that begins at leaf position << level.
using CompleteNode = std::function<Digest(unsigned level, uint64_t position)>;

// MTH(D[begin:end]). Precondition: begin < end, and begin is a multiple of the largest power of two
// <= end - begin: so it is for every subtree that the RFC speaks of.
Digest SubtreeRoot(const CompleteNode& node, uint64_t begin, uint64_t end);

// PATH(index, D[size]), sibling of the leaf first. Precondition: 0 <= index < size.
ProofPath MakeInclusionPath(const CompleteNode& node, LeafIndex index, TreeSize size);

// PROOF(old_size, D[size]). Precondition: 0 < old_size <= size.
ProofPath MakeConsistencyPath(const CompleteNode& node, TreeSize old_size, TreeSize size);

}  // namespace immudb
