// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace rocksdb {
class Env;
}  // namespace rocksdb

namespace immudb {

// The operating system as RocksDB is to see it: a table whose tail is damaged (table_tail.h) cannot
// be opened (Corruption), at start and whenever a closed table is opened again, and reads of tables
// may be forbidden to wait (table_file.h). One for the process; thread-safe.
rocksdb::Env* GuardedEnv();

}  // namespace immudb
