// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "immudb/export.h"
#include "immudb/status.h"
#include "immudb/types.h"

namespace rocksdb {
class Cache;
class Statistics;
class WriteBufferManager;
}  // namespace rocksdb

namespace immudb {

class FileSystem;
class IntegrityCheck;
class ThreadPool;
class StoreImpl;
struct StoreMetrics;
struct TransactionBody;

// One entry as it was hashed: for a reference, key = its name and value = the referenced key; for a
// sorted-set member, key = SortedSetKey(...) and value = the member's key.
struct Entry {
  LeafIndex index;
  EntryKind kind = EntryKind::kValue;
  std::string key;
  std::string value;
};

// Takes the entries of a listing, one by one; false ends it.
using EntryVisitor = std::function<bool(Entry&& entry)>;

// Limits that callers meet. Longer keys are refused with kInvalidArgument.
inline constexpr size_t kMaxKeyBytes = 65'000;

// A list of entries that are stored all or not at all, with consecutive indices in the order in
// which they were added. Not thread-safe. The bytes are copied (and their checksums computed) as
// they are added, by the calling thread, so that the commit pipeline does not have to.
class IMMUDB_EXPORT Transaction {
 public:
  Transaction();
  ~Transaction();
  Transaction(Transaction&&) noexcept;
  Transaction& operator=(Transaction&&) noexcept;
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  // Each refuses (kInvalidArgument, nothing added) an empty or reserved key with the text of the
  // contract: "invalid key", "invalid reference", "invalid set", "invalid score" (NaN).
  // Reserved: first byte 0x00, prefix "!badger!", the name "IMMUDB.METADATA.LAST_FLUSHED_LEAF".
  Status Set(std::string_view key, std::string_view value);
  // `key` must exist in the store (or earlier in this transaction) when it is committed.
  Status AddReference(std::string_view name, std::string_view key);
  Status AddSortedSetMember(std::string_view set, double score, std::string_view key);

  size_t entry_count() const;
  size_t byte_size() const;  // as it will stand in the log

 private:
  friend class Store;
  friend class StoreImpl;
  std::unique_ptr<TransactionBody> body_;
};

// Where a committed transaction stands. `last - first + 1` is its number of entries.
struct CommitInfo {
  LeafIndex first;
  LeafIndex last;
};

struct ScanOptions {
  std::string_view prefix = {};
  // The listing starts strictly after this key, in the direction of travel; empty: from the end.
  std::string_view offset = {};
  size_t limit = 0;  // 0: no limit
  bool reverse = false;
  // Also references and sorted-set members, each replaced by the entry it points to (one level).
  bool deep = false;
};

struct SetScanOptions {
  std::string_view set = {};
  std::string_view offset = {};  // a member as SortedSetKey() gives it; strictly after it
  size_t limit = 0;
  bool reverse = false;
};

// How a Snapshot reads. By default it waits for the disk, and listings run to their end.
struct ReadLimits {
  // At once: values of more bytes are not read.
  static constexpr size_t kAtOnceBytes = size_t{64} << 10;

  // Listings and counts end with kUnavailable once this is true; they look at each record. Must
  // outlive the snapshot. Null: they cannot be cancelled.
  const std::atomic<bool>* cancelled = nullptr;
  // For callers that must not wait, if not null: a read of one entry that would wait for the disk,
  // or has a large value, sets this and ends with kUnavailable. Files that are mapped (the tree,
  // the positions) are read in any case.
  bool* would_wait = nullptr;
};

// A reader's view: the database as of one published size. Everything read through it (entries,
// proofs, root) belongs to that one tree, whatever is committed meanwhile.
//
// Cheap to copy; thread-safe; must not outlive the Store. kDataLoss from any call means that stored
// bytes did not match their checksum or their leaf hash.
//
// Listings hand their entries to a visitor and hold one at a time, however many there are. Without
// a visitor they gather them in a vector: for listings that are known to be short.
class IMMUDB_EXPORT Snapshot {
 public:
  TreeSize size() const { return size_; }
  // The root of this tree; EmptyTreeRoot() if it has no leaves.
  const Digest& root() const { return root_; }

  // The latest version of exactly this key; kNotFound "Key not found".
  Result<Entry> Get(std::string_view key) const;
  // As Get, and follows a reference or sorted-set member one level to the latest version of the key
  // it names. If that key cannot be found, the reference itself is returned.
  Result<Entry> GetResolved(std::string_view key) const;
  // The entry with this index, exactly as hashed; its hash is compared with the tree (kDataLoss).
  // kNotFound "index not found" unless index < size().
  Result<Entry> GetByIndex(LeafIndex index) const;
  // Only the key of that entry, without the cost of a large value; not compared with the tree.
  Result<std::string> KeyAt(LeafIndex index) const;
  // All versions of exactly this key, newest first. Unknown key: an empty list.
  Status History(std::string_view key, const EntryVisitor& visit) const;
  Result<std::vector<Entry>> History(std::string_view key) const;
  // Latest versions in byte order of the keys.
  Status Scan(const ScanOptions& options, const EntryVisitor& visit) const;
  Result<std::vector<Entry>> Scan(const ScanOptions& options) const;
  // The members of one set by score as a number, ties by key; each is the latest version of the
  // key.
  Status ScanSet(const SetScanOptions& options, const EntryVisitor& visit) const;
  Result<std::vector<Entry>> ScanSet(const SetScanOptions& options) const;
  // Entries [first, first + count) that exist, by index.
  Status Range(LeafIndex first, size_t count, const EntryVisitor& visit) const;
  Result<std::vector<Entry>> Range(LeafIndex first, size_t count) const;
  // Each entry of the tree once: by byte order of the keys, newest version first; strictly after
  // `mark`, if there is one. A listing that was ended goes on behind the last entry it gave, also
  // from a copy of the snapshot, and costs nothing in between.
  Status ScanVersions(const std::optional<VersionMark>& mark, const EntryVisitor& visit) const;
  // Distinct keys (values and references, no sorted-set members) that start with prefix.
  Result<uint64_t> Count(std::string_view prefix) const;

  // Hash of a leaf. Precondition as for GetByIndex.
  Result<Digest> Leaf(LeafIndex index) const;
  // A node of the tree: see TreeSize::LayerCount. kNotFound "no such node".
  Result<Digest> Node(unsigned layer, uint64_t position) const;
  // RFC 6962 audit path of `index` in this tree. kNotFound unless index < size().
  Result<ProofPath> InclusionProof(LeafIndex index) const;
  // RFC 6962 PROOF(first, D[size()]). Empty when first >= size() or first is empty.
  Result<ProofPath> ConsistencyProof(TreeSize first) const;

  // The same database at an earlier size. Precondition: size <= this->size().
  Result<Snapshot> At(TreeSize size) const;

  // The same, read within these limits.
  Snapshot Within(const ReadLimits& limits) const {
    Snapshot snapshot = *this;
    snapshot.limits_ = limits;
    return snapshot;
  }

 private:
  friend class StoreImpl;
  Snapshot(const StoreImpl* store, TreeSize size, const Digest& root)
      : store_(store), size_(size), root_(root) {}
  // kNotFound if there is no such key.
  IMMUDB_LOCAL Status Find(std::string_view key) const;
  IMMUDB_LOCAL Status Noted(Status status) const;

  const StoreImpl* store_;
  TreeSize size_;
  Digest root_;
  ReadLimits limits_;
};

struct StoreOptions {
  // false: an acknowledged write may be lost by a power failure (not by a crash of the process).
  bool sync = true;
  size_t segment_bytes = size_t{256} << 20;  // a log segment is closed when it passes this
  size_t group_bytes = size_t{16} << 20;     // at most so much is written as one group
  size_t queue_bytes = size_t{128} << 20;    // waiting writes; above: kResourceExhausted
  // What a waiting write costs its caller besides its own bytes (a call, a connection): counted
  // with them.
  size_t caller_bytes = 0;
  // Of the disk: with less the store takes no writes, so that what it has accepted always finds
  // room.
  uint64_t reserved_bytes = 0;
  size_t inline_value_bytes = 128;                  // values up to this are also kept in the index
  uint64_t checkpoint_entries = uint64_t{1} << 20;  // derived files are synced this often
  size_t write_buffer_bytes = size_t{16} << 20;     // index memtable of one store
  // Shared by all stores of a process; null: the store makes its own, small ones.
  std::shared_ptr<rocksdb::Cache> block_cache;
  std::shared_ptr<rocksdb::WriteBufferManager> write_buffer_manager;
  std::shared_ptr<rocksdb::Statistics> statistics;  // null: the index keeps none
  std::shared_ptr<StoreMetrics> metrics;            // null: nobody reads them
  ThreadPool* pool = nullptr;  // for hashing large groups; must outlive the store
  // For writing; shared by all stores of a process, must outlive them and differ from `pool`, whose
  // work must not wait behind a sync. Null: the store starts three threads of its own.
  ThreadPool* commit_threads = nullptr;
  // Files of index and log that are kept open besides the four that always are; at least 24.
  size_t max_open_files = 80;
  FileSystem* file_system = nullptr;  // null: the real one; tests put a faulty one in
};

// Something in a store's files that is not what was written.
struct Damage {
  std::string file;
  uint64_t offset = 0;             // in that file, where it has a meaning
  std::optional<LeafIndex> index;  // of the entry that is affected
  std::string key;                 // of that entry, as far as it can be read
  std::string what;
};

struct VerifyOptions {
  // What somebody trusts: the store must have had this root at this size.
  struct Trusted {
    TreeSize size;
    Digest root{};
  };
  std::optional<Trusted> trusted = {};
  size_t inline_value_bytes = 128;  // as StoreOptions
  ThreadPool* pool = nullptr;       // hashes on all its threads; null: on the caller's only
  // False: the index is not opened, for a caller that is about to remove it.
  bool read_index = true;
  // Told now and then how far it is; `total_bytes` is the size of the log.
  std::function<void(uint64_t entries, uint64_t bytes, uint64_t total_bytes)> progress = {};
};

struct VerifyReport {
  TreeSize size;  // entries that were read, up to the first damage of the log
  Digest root{};  // derived from them
  uint64_t log_bytes = 0;
  uint64_t torn_bytes = 0;      // the tail of a write that a crash cut off: no damage
  std::vector<Damage> damages;  // the first of each file; empty: the store is sound
};

// A store as it is now. Bytes are those of its files, without what is laid down ahead.
struct StoreFigures {
  uint64_t entries = 0;
  uint64_t log_bytes = 0;
  uint64_t tree_bytes = 0;
  uint64_t positions_bytes = 0;
  uint64_t index_bytes = 0;           // tables on disk
  uint64_t index_memory_bytes = 0;    // not yet in a table
  uint64_t compactions_running = 0;   // of the index
  uint64_t compaction_due_bytes = 0;  // that they have still to rewrite, estimated
  uint64_t waiting_transactions = 0;  // not yet taken by the commit pipeline
  uint64_t waiting_bytes = 0;         // of all that is not answered yet
};

// The engine: an append-only value log (the only truth), a versioned key index and a Merkle tree
// (both derived from the log), under one commit pipeline. A directory belongs to one Store at a
// time (locked); all members are thread-safe.
//
// A transaction's life:
//
//     accepted -> sequenced -> written -> durable -> published
//     (queued)   (index,      (in the   (fdata-    (index and tree readable,
//                leaf hash)   log file)  sync)      completion called)
//
// Acknowledged means published, which comes after durable (unless StoreOptions::sync is false): an
// acknowledged entry is readable and provable after a crash of the process or of the machine.
//
// After a failed fdatasync of the log, or damage of a derived file, the store refuses further
// writes (reads go on) until it is opened again: what the disk holds is then unknown, and retrying
// could acknowledge what is not there. What may pass (a full disk: kResourceExhausted; too many
// open files, no memory, a failing disk below index or tree: kIoError) refuses writes until it has
// passed; reads go on. Nothing of a refused write is stored, with one exception, which its text
// tells: the log took it and index or tree could not. Then it can be read when they can.
class IMMUDB_EXPORT Store {
 public:
  using Completion = std::function<void(Result<CommitInfo>)>;

  // Opens or creates. Replays what the index and tree lack from the log; cuts off a torn last frame
  // (logged). kDataLoss names file, offset and index of damage; nothing is changed then.
  // kFailedPrecondition: another process has the directory.
  static Result<std::unique_ptr<Store>> Open(const std::string& directory,
                                             const StoreOptions& options = {});
  // Closes (see Close) if that was not done.
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // Queues a transaction and returns at once. `done` is called exactly once, after publication or
  // failure, from a thread of the store (or from this one if the transaction is refused); it must
  // be quick and must not block. Errors: kInvalidArgument for an empty transaction, kNotFound "Key
  // not found" for a reference to nothing, kResourceExhausted when the queue or the disk is full,
  // kUnavailable after Close, kIoError.
  void CommitAsync(Transaction transaction, Completion done);

  // Looks now for the keys that the transaction refers to; CommitAsync then does not look again: an
  // entry that exists stays. kNotFound as for CommitAsync; for `limits` see ReadLimits::would_wait.
  Status Prepare(Transaction& transaction, const ReadLimits& limits = {}) const;

  // CommitAsync, and waits.
  Result<CommitInfo> Commit(Transaction transaction);

  // The latest published state.
  Snapshot Latest() const;

  // Costs no more for a large store than for an empty one.
  StoreFigures figures() const;
  // Why the store takes no writes now, or ok. Asking has it tried again whether that has passed
  // (twice a second at most); a failed sync and damage stay until the store is opened again.
  Status failure() const;

  // Finishes what is queued, flushes index and tree, closes. Later writes are refused; snapshots
  // must not be used any more. Idempotent. The directory stays locked until the Store is destroyed.
  Status Close();

  // Checks a closed store's directory and changes nothing in it: reads every frame of the log,
  // hashes every entry, derives tree, root and positions anew and compares them with the files, the
  // index and the last checkpoint. Damage is in the report; errors are those of looking at it:
  // kFailedPrecondition (in use), kNotFound (there is no store), kIoError.
  static Result<VerifyReport> Verify(const std::string& directory, const VerifyOptions& options);

  // Drops index and tree of a closed store's directory and derives them again from the log.
  // kDataLoss if the log is damaged or leads to another root than the last checkpoint.
  static Status Rebuild(const std::string& directory, const StoreOptions& options = {});

 private:
  friend class IntegrityCheck;
  IMMUDB_LOCAL explicit Store(std::unique_ptr<StoreImpl> impl);
  std::unique_ptr<StoreImpl> impl_;
};

}  // namespace immudb
