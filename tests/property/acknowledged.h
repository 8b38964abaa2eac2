// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "immudb/store.h"
#include "immudb/verify.h"
#include "support/store_checks.h"

namespace immudb::testing {

// What a writer was told, and a client may hold against the store for ever.
struct Acknowledged {
  uint64_t number = 0;  // of the workload's transaction
  LeafIndex first;
  TreeSize size;  // of a tree that it was seen in
  Digest root{};
};

// The transaction is there, proven, and the tree that was seen then is the beginning of this one.
inline ::testing::AssertionResult StillHolds(const Snapshot& snapshot, const Acknowledged& was) {
  if (was.size > snapshot.size()) {
    return ::testing::AssertionFailure()
           << "the tree had " << was.size.value << " leaves and has " << snapshot.size().value;
  }
  const auto past = snapshot.At(was.size);
  if (!past.ok() || past->root() != was.root) {
    return ::testing::AssertionFailure() << "another root at size " << was.size.value;
  }
  const auto path = snapshot.ConsistencyProof(was.size);
  if (!path.ok()) return ::testing::AssertionFailure() << path.status().ToString();
  const Status consistent =
      VerifyConsistency(was.size, was.root, snapshot.size(), snapshot.root(), *path);
  if (!consistent.ok()) return ::testing::AssertionFailure() << consistent.ToString();
  return HoldsTransaction(snapshot, was.number, was.first);
}

inline ::testing::AssertionResult AllHold(const Snapshot& snapshot,
                                          const std::vector<Acknowledged>& all) {
  for (const Acknowledged& was : all) {
    ::testing::AssertionResult holds = StillHolds(snapshot, was);
    if (!holds) return holds;
  }
  return ::testing::AssertionSuccess();
}

}  // namespace immudb::testing
