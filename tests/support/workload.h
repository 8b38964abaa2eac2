// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "immudb/store.h"

namespace immudb::testing {

// An endless list of transactions of all kinds and sizes. Each is known by its number alone, so
// that whoever finds a store again can tell what should be in it.
//
// Transaction n begins with the value "tx/<n>", which no other transaction writes; some go on with
// more values (also of keys that many transactions write), references, or members of sorted sets.

struct WorkloadEntry {
  EntryKind kind = EntryKind::kValue;
  std::string key;    // as hashed
  std::string value;  // as hashed
  std::string set;    // sorted-set members
  double score = 0;   // sorted-set members
};

std::vector<WorkloadEntry> WorkloadEntries(uint64_t number);
Transaction WorkloadTransaction(uint64_t number);

// "key" and 7 make "key7".
inline std::string Numbered(std::string_view name, uint64_t number) {
  return std::string(name).append(std::to_string(number));
}

// "tx/<number>"
std::string WorkloadKey(uint64_t number);
// The number of the transaction that wrote this key; nothing if the key is not a "tx/<number>".
std::optional<uint64_t> WorkloadNumber(std::string_view key);

}  // namespace immudb::testing
