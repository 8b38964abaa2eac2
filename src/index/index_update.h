// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "immudb/types.h"

namespace immudb {

// One entry as the commit pipeline hands it to the index. The views must live until Apply returns.
struct IndexUpdate {
  LeafIndex index;
  EntryKind kind = EntryKind::kValue;
  std::string_view key;    // as hashed
  std::string_view value;  // as hashed
  // Sorted-set members only: length of the set name that starts `key` (score and member follow).
  uint32_t set_bytes = 0;
};

}  // namespace immudb
