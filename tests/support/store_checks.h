// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "immudb/store.h"

namespace immudb::testing {

// An RFC 6962 root made from the leaves alone, without the tree under test.
Digest RootOf(const std::vector<Digest>& leaves);

// The entry is what it should be, its leaf is its hash, and its proof leads to the snapshot's root.
::testing::AssertionResult IsProven(const Snapshot& snapshot, LeafIndex index, EntryKind kind,
                                    std::string_view key, std::string_view value);

// Transaction `number` of the workload is in the snapshot from entry `first` on, proven, and found
// by its key.
::testing::AssertionResult HoldsTransaction(const Snapshot& snapshot, uint64_t number,
                                            LeafIndex first);

// The entries alone decide what index and tree must say: root, latest versions, histories, listings
// and counts are what they lead to.
::testing::AssertionResult AgreesWithItsEntries(const Snapshot& snapshot);

// Every transaction of the workload of which there is a trace is there whole.
::testing::AssertionResult HoldsWholeTransactionsOnly(const Snapshot& snapshot);

// All that can be asked, in one string: two stores with the same content answer the same.
std::string AllAnswers(const Snapshot& snapshot);

}  // namespace immudb::testing
