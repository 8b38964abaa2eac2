// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <rocksdb/options.h>

#include <string>

#include "index/key_index.h"

namespace immudb {

rocksdb::DBOptions MakeDbOptions(const std::string& directory, const KeyIndexOptions& options);

// Of the family that holds the watermark.
rocksdb::ColumnFamilyOptions MakeMetaFamilyOptions(const KeyIndexOptions& options);

// Of the families with timestamps.
rocksdb::ColumnFamilyOptions MakeVersionedFamilyOptions(const KeyIndexOptions& options);

}  // namespace immudb
