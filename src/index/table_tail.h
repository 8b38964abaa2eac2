// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace immudb {

// Reads `bytes` bytes of a table at `offset`; nothing if they cannot be read whole.
using ReadTable = std::function<std::optional<std::string>(uint64_t offset, size_t bytes)>;

// Checks what RocksDB reads of a table before it compares a checksum: the footer, which has none,
// and the block of properties, which RocksDB 7 decodes first and verifies afterwards. Its decoder
// ends the process by an assertion, a division by zero or an allocation of a damaged length.
// Everything else of a table is verified, block by block, before it is decoded.
//
// A table ends with: properties block, metaindex block (names the properties block), footer. Each
// block is followed by its type and its checksum (5 bytes).
//
// Returns what is wrong, naming offset and size as RocksDB does; nothing if the tail is sound.
// Costs three small reads.
std::optional<std::string> DamageOfTableTail(uint64_t table_bytes, const ReadTable& read);

}  // namespace immudb
