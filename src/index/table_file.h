// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <rocksdb/file_system.h>

#include <memory>
#include <string>

namespace immudb {

// While it lives, reads of table files by this thread give what is in memory or fail with
// kTimedOut, and no table is opened. A thread's state, because RocksDB passes no option of a read
// to all that a Get reads (parts of filters, tables that are opened). Not to be nested.
class AtOnceReads {
 public:
  AtOnceReads();
  ~AtOnceReads();
  AtOnceReads(const AtOnceReads&) = delete;
  AtOnceReads& operator=(const AtOnceReads&) = delete;
};

// Opens a table of the index as RocksDB does on POSIX systems, but for AtOnceReads. The file is
// thread-safe.
rocksdb::IOStatus OpenTableFile(const std::string& path,
                                std::unique_ptr<rocksdb::FSRandomAccessFile>* file);

}  // namespace immudb
