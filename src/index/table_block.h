// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string_view>

namespace immudb {

// Reads a data block of a table whose checksum is wrong, to find out which record was hit: RocksDB
// may only be shown blocks whose bytes can be trusted.
//
// How RocksDB stores a data block, by its type: 0 as it is, 4 compressed with LZ4 behind the length
// of the plain bytes. Plain bytes: records, each with its key as a difference to the one before,
// then the restart points.
inline constexpr char kPlainBlock = 0;
inline constexpr char kLz4Block = 4;

// Hands over the records (with internal keys) up to the first that cannot be decoded, or until
// `visit` gives false. Nothing for a block that cannot be decompressed.
void VisitBlock(std::string_view block, char type,
                const std::function<bool(std::string_view key, std::string_view value)>& visit);

}  // namespace immudb
