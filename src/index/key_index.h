// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/read_mode.h"
#include "immudb/status.h"
#include "immudb/types.h"
#include "index/index_fingerprint.h"
#include "index/index_update.h"
#include "index/table_check.h"

namespace rocksdb {
class Cache;
class Statistics;
class WriteBufferManager;
}  // namespace rocksdb

namespace immudb {

// A version of a key. Whether `value` is there depends on its size: larger ones are in the log.
struct Version {
  LeafIndex index;
  EntryKind kind = EntryKind::kValue;
  bool value_is_inline = false;
  std::string value;
};

struct KeyIndexOptions {
  size_t inline_value_bytes = 128;
  // Of a memtable. Small ones stay in the cache of the processor and take more entries a second.
  size_t write_buffer_bytes = size_t{8} << 20;
  bool read_only = false;                                 // changes no file; reads only
  int max_open_files = 64;                                // RocksDB takes at least 20
  std::shared_ptr<rocksdb::Cache> block_cache = nullptr;  // null: a small one of its own
  std::shared_ptr<rocksdb::WriteBufferManager> write_buffer_manager = nullptr;  // may be null
  std::shared_ptr<rocksdb::Statistics> statistics = nullptr;                    // may be null
};

// Which versions each key has: the derived index over the value log, in RocksDB with user-defined
// timestamps (timestamp = index + 1). Its write-ahead log is off: what a crash loses is applied
// again from the value log, starting at applied(). docs/format.md gives the layout of keys and
// values.
//
// Threads: Apply and Flush from one thread at a time; reads from any number of threads at once,
// each at a size that was published after the Apply that covered it. Internal records never appear.
class KeyIndex {
 public:
  // Return false to stop.
  using Visitor = std::function<bool(std::string_view key, const Version& version)>;

  struct ListOptions {
    std::string_view prefix = {};
    // Strictly after this key, in the direction of travel; empty: from the end.
    std::string_view after = {};
    bool reverse = false;
  };
  struct SetListOptions {
    std::string_view set = {};
    // A stored member key (set || score || member), as above.
    std::string_view after = {};
    bool reverse = false;
  };

  // kDataLoss: files of the index are missing or damaged, so that it has to be derived again.
  // kFailedPrecondition: somebody else has it open.
  static Result<std::unique_ptr<KeyIndex>> Open(const std::string& directory,
                                                const KeyIndexOptions& options);
  ~KeyIndex();
  KeyIndex(const KeyIndex&) = delete;
  KeyIndex& operator=(const KeyIndex&) = delete;

  // Entries [0, applied()) are in the index. After a crash this may be less than what was applied,
  // never more.
  TreeSize applied() const;

  // Adds a whole group and moves applied() to `through`, atomically. Updates carry ascending
  // indices; entries that are already applied are accepted (replay) and change nothing.
  // kInvalidArgument: an index is not below `through`, or a member's key or value is not what its
  // set says. kResourceExhausted (no room), kUnavailable (too many open files, no memory), kIoError
  // (a failing disk): the same call may be repeated, and succeeds when the cause has passed.
  Status Apply(std::span<const IndexUpdate> group, TreeSize through);

  // The latest version of exactly this key among the first `at` entries; kNotFound "Key not found".
  Result<Version> Get(std::string_view key, TreeSize at, ReadMode mode = ReadMode::kMayWait) const;
  // All versions of exactly this key, newest first.
  Status History(std::string_view key, TreeSize at, const Visitor& visit) const;
  // The latest version of each key (all kinds), in byte order of the keys.
  Status List(const ListOptions& options, TreeSize at, const Visitor& visit) const;
  // All versions of all keys: by byte order of the keys, newest first; strictly after the mark
  // (none: from the start), which need not exist. Does not drive what others read out of the block
  // cache.
  Status ListVersions(const std::optional<VersionMark>& after, TreeSize at,
                      const Visitor& visit) const;
  // The members of exactly this set by score as a number (-0 = 0), ties by member key, then by
  // score bits. `key` is the stored key (set || score || member); `version.index` the entry that
  // added it last, its value (the member, the key the set refers to) always there. kInvalidArgument
  // "invalid offset" if `after` has not the form of a member key of this set; it need not exist.
  Status ListSet(const SetListOptions& options, TreeSize at, const Visitor& visit) const;

  // Does the index have exactly the records that this entry must have made? kDataLoss: a damaged
  // table keeps from knowing it. Leaves the block cache alone. Precondition: the entry is applied.
  Result<bool> CheckEntry(const IndexUpdate& entry) const;
  // Is this one of the records that the entry must have made? See TableCheck.
  static bool IsRecordOf(const IndexUpdate& entry, IndexTable::Family family, std::string_view key,
                         std::string_view record);
  // The tables that are on disk now; compactions replace them. See TableCheck.
  std::vector<IndexTable> Tables() const;

  // Of all records that `at` sees; reads the whole index.
  Result<IndexFingerprint> Fingerprint(TreeSize at, uint64_t seed) const;

  struct Figures {
    uint64_t table_bytes = 0;   // on disk
    uint64_t memory_bytes = 0;  // not yet there
    uint64_t compactions_running = 0;
    uint64_t compaction_due_bytes = 0;  // estimated
  };
  Figures figures() const;

  // Everything applied is on stable storage.
  Status Flush();

 private:
  class Impl;
  explicit KeyIndex(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace immudb
