// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

namespace rocksdb {
class EventListener;
}  // namespace rocksdb

namespace immudb {

// After an I/O error in the background RocksDB takes no writes until DB::Resume(), and refuses even
// that for most of them (too many open files, no memory, an input/output error). The listener makes
// them errors that Resume() may end: nothing is lost by it, since memtables are kept until they are
// on disk and the log has every entry. Corruption stays final.
std::shared_ptr<rocksdb::EventListener> MakeErrorListener();

}  // namespace immudb
