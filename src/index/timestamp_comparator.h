// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace rocksdb {
class Comparator;
}  // namespace rocksdb

namespace immudb {

inline constexpr size_t kTimestampBytes = 8;

// The order of every versioned column family: user keys ascending by bytes, versions of one key by
// timestamp (8 bytes, little-endian) newest first. A constant; its name is part of the disk format.
const rocksdb::Comparator* TimestampComparator();

}  // namespace immudb
