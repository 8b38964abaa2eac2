// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/append_map.h"
#include "base/file_system.h"
#include "base/read_mode.h"
#include "base/thread_pool.h"
#include "immudb/status.h"
#include "immudb/store.h"
#include "immudb/types.h"
#include "index/key_index.h"
#include "merkle/hash_tree.h"
#include "store/checkpoint.h"
#include "store/commit_pipeline.h"
#include "store/store_metrics.h"
#include "store/transaction.h"
#include "vlog/frame.h"
#include "vlog/value_log.h"

namespace immudb {

// The files of a store's directory.
struct StorePaths {
  explicit StorePaths(const std::string& directory);
  std::string lock;
  std::string checkpoint;
  std::string log;        // directory of segments
  std::string index;      // directory of RocksDB
  std::string tree;       // complete Merkle nodes
  std::string positions;  // where each entry stands in the log
};

// Removes index, tree and positions: the next open derives them from the log. They must be closed.
Status RemoveDerivedFiles(FileSystem& fs, const StorePaths& paths);

// What Store owns: the parts, in the order in which they are opened; see Store for the contract.
class StoreImpl {
 public:
  static Result<std::unique_ptr<StoreImpl>> Open(const std::string& directory,
                                                 const StoreOptions& options);
  ~StoreImpl();
  StoreImpl(const StoreImpl&) = delete;
  StoreImpl& operator=(const StoreImpl&) = delete;

  void CommitAsync(Transaction transaction, Store::Completion done);
  Status CheckReferences(const TransactionBody& body, const ReadLimits& limits) const;
  Snapshot Latest() const;
  StoreFigures Figures() const;
  Status failure() const { return pipeline_->failure(); }
  Status Close();
  StoreMetrics& metrics() const { return *metrics_; }

  PublishedState published() const { return pipeline_->published(); }
  const StorePaths& paths() const { return paths_; }
  FileSystem& file_system() const { return fs_; }
  std::string SegmentPath(uint32_t segment) const { return log_->SegmentPath(segment); }

  const HashTree& tree() const { return *tree_; }
  const KeyIndex& index() const { return *index_; }
  // The entry, read from the log. Precondition: published.
  Result<Entry> ReadEntry(LeafIndex index, ReadMode mode) const;
  Result<ValueLog::OwnedEntry> ReadLogEntry(LeafIndex index,
                                            ReadMode mode = ReadMode::kMayWait) const;
  Result<std::string> ReadKey(LeafIndex index) const;

 private:
  StoreImpl(const std::string& directory, const StoreOptions& options);

  // recovery.cc
  Result<PublishedState> Recover();
  std::optional<LogPosition> FrameOfFirst(LeafIndex first) const;
  Status RepairCheckpoint(const PublishedState& recovered);
  Result<PublishedState> OpenDerivedParts(const std::optional<PublishedState>& checkpoint);

  Result<LogPosition> PositionOf(LeafIndex index) const;
  void OnPublish(const PublishedState& state);
  void WriteDueCheckpoints();
  Status Checkpoint(const PublishedState& state);

  const StorePaths paths_;
  const StoreOptions options_;
  FileSystem& fs_;
  const std::shared_ptr<StoreMetrics> metrics_;
  uint64_t opened_log_bytes_ = 0;  // of the log when it was opened
  std::unique_ptr<FileLock> lock_;
  std::unique_ptr<ValueLog> log_;
  std::unique_ptr<HashTree> tree_;
  std::unique_ptr<AppendMap> positions_;
  std::unique_ptr<KeyIndex> index_;
  std::unique_ptr<ThreadPool> own_threads_;  // null if the commit threads are shared
  ThreadPool& commit_threads_;
  std::unique_ptr<CommitPipeline> pipeline_;

  // A checkpoint is a task of the commit threads, each time enough entries were published.
  std::mutex checkpoint_mutex_;
  std::condition_variable checkpoint_done_;
  PublishedState checkpoint_due_;      // guarded by checkpoint_mutex_
  TreeSize checkpointed_;              // guarded by checkpoint_mutex_
  bool checkpoint_scheduled_ = false;  // guarded by checkpoint_mutex_

  std::mutex close_mutex_;
  bool closed_ = false;  // guarded by close_mutex_
  Status close_status_;  // guarded by close_mutex_
};

}  // namespace immudb
