// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "immudb/status.h"
#include "immudb/types.h"
#include "vlog/frame.h"

namespace immudb {

// The entries of a transaction, already in the bytes of the value log.
struct TransactionBody {
  struct Item {
    EntryKind kind = EntryKind::kValue;
    uint32_t set_bytes = 0;
    uint32_t offset = 0;  // of the encoded entry in `bytes`, as are the others
    uint32_t key_offset = 0;
    uint32_t key_bytes = 0;
    uint32_t value_offset = 0;
    uint32_t value_bytes = 0;
  };

  Status Add(const EntryView& entry);
  std::string_view Key(const Item& item) const {
    return std::string_view(bytes).substr(item.key_offset, item.key_bytes);
  }
  std::string_view Value(const Item& item) const {
    return std::string_view(bytes).substr(item.value_offset, item.value_bytes);
  }

  std::string bytes;
  std::vector<Item> items;
  bool has_references = false;  // that nobody has looked for yet
  uint64_t checksum = 0;        // of `bytes`, set when the transaction is committed
};

}  // namespace immudb
