// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

namespace rocksdb {
class Logger;
}  // namespace rocksdb

namespace immudb {

// RocksDB's messages about one directory, in our log instead of a LOG file (and its descriptor) in
// each database: errors as errors, warnings (write stalls, mostly) at debug level, the rest not at
// all.
std::shared_ptr<rocksdb::Logger> MakeRocksDbLogger(const std::string& directory);

}  // namespace immudb
