// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/append_map.h"
#include "base/file_system.h"
#include "base/thread_pool.h"
#include "immudb/status.h"
#include "immudb/store.h"
#include "immudb/types.h"
#include "index/key_index.h"
#include "merkle/hash_tree.h"
#include "store/checkpoint.h"
#include "store/store_metrics.h"
#include "store/transaction.h"
#include "vlog/frame.h"
#include "vlog/value_log.h"

namespace immudb {

// The write path of one store: three stages in a row, so that group N+1 is sequenced and hashed
// while group N syncs and group N-1 is applied.
//
//     Submit -> pending_ -> [sequencer] -> sequenced_ -> [writer] -> durable_ -> [applier] -> done
//                           indices,       write, one    index, tree,
//                           leaf hashes    fdatasync     publish, callbacks
//
// Each stage takes all that waits for it, so groups grow with the load and one sync serves them
// all. A stage is a task: it is scheduled on the commit threads (shared by the stores of a process)
// when there is work for it, runs on one of them at a time, and leaves it when there is no more.
//
// Locks: mutex_ (queues), then that of the thread pool; published_mutex_ alone. None is held over
// I/O, hashing or a callback.
class CommitPipeline {
 public:
  struct Parts {
    ValueLog& log;
    HashTree& tree;
    AppendMap& positions;  // LogPosition::Packed() of each entry
    KeyIndex& index;
    ThreadPool* pool;  // may be null
    ThreadPool& commit_threads;
    StoreMetrics& metrics;
    FileSystem& file_system;
    std::string directory;  // of the log: whose disk must have room
  };
  using PublishHook = std::function<void(const PublishedState&)>;

  // `on_publish` runs on the applier after each publication; it must be quick.
  CommitPipeline(const Parts& parts, const StoreOptions& options, const PublishedState& recovered,
                 PublishHook on_publish);
  ~CommitPipeline() { Close(); }
  CommitPipeline(const CommitPipeline&) = delete;
  CommitPipeline& operator=(const CommitPipeline&) = delete;

  // See Store::CommitAsync. The body's checksum is set.
  void Submit(std::unique_ptr<TransactionBody> body, Store::Completion done);

  PublishedState published() const;

  // Finishes what was submitted, refuses what comes later; no stage runs any more then. Idempotent.
  // Not from a commit thread.
  void Close();

  // See Store::failure.
  Status failure();
  // Is everything that was acknowledged where it belongs? Then the store can close clean.
  Status unfinished() const;

  struct Figures {
    uint64_t waiting_transactions = 0;  // to be sequenced
    uint64_t held_bytes = 0;            // of all that is not finished
    uint64_t appended_bytes = 0;        // to the log, since the start
  };
  Figures figures() const;

 private:
  using Clock = std::chrono::steady_clock;

  struct Pending {
    std::unique_ptr<TransactionBody> body;
    Store::Completion done;
    CommitInfo info{};
  };
  // Transactions that were sequenced together.
  struct Group {
    std::vector<Pending> transactions;
    LogGroup log;
    std::vector<Digest> leaves;
    std::string positions;
    Clock::time_point since;  // the oldest of them waits
  };
  using Groups = std::vector<std::unique_ptr<Group>>;

  // A stage of the pipeline as a task.
  struct Stage {
    void (CommitPipeline::*step)(std::unique_lock<std::mutex>&);
    bool (CommitPipeline::*has_work)() const;
    bool scheduled = false;  // guarded by mutex_
  };

  // All with mutex_ held; the steps release it while they work.
  void Schedule(Stage& stage);
  void ScheduleWhatHasWork();
  void Run(Stage& stage);
  bool SequencerHasWork() const;
  bool WriterHasWork() const;
  bool ApplierHasWork() const;
  void SequencePending(std::unique_lock<std::mutex>& lock);
  void WriteSequenced(std::unique_lock<std::mutex>& lock);
  void ApplyDurable(std::unique_lock<std::mutex>& lock);

  Status Enqueue(Pending& transaction, size_t bytes);
  bool RetryIfDue();  // with mutex_ held
  std::unique_ptr<Group> Sequence(std::vector<Pending> transactions);
  Status WriteAndSync(const Groups& groups, bool& retracted, LogPosition& end);
  void AbandonFrom(Groups groups, const Status& error, bool retracted, LogPosition end);
  Status CheckRoom() const;
  void NoteRoom(const Status& room);
  Status Apply(const Groups& groups);
  void KeepUnapplied(Groups groups, const Status& cause);
  void CountPublished(const Groups& groups);
  void Finish(std::vector<Pending> transactions, const Status& status);

  const Parts parts_;
  const StoreOptions options_;
  const PublishHook on_publish_;
  std::atomic<size_t> held_bytes_{0};  // from Submit to completion

  std::atomic<uint64_t> appended_bytes_{0};

  // Of the thread that has set sequencing_, like the layout of the log.
  uint64_t next_index_;

  mutable std::mutex mutex_;
  std::condition_variable idle_;  // no stage is scheduled
  // Guarded by mutex_.
  Stage sequencer_{&CommitPipeline::SequencePending, &CommitPipeline::SequencerHasWork};
  Stage writer_{&CommitPipeline::WriteSequenced, &CommitPipeline::WriterHasWork};
  Stage applier_{&CommitPipeline::ApplyDurable, &CommitPipeline::ApplierHasWork};
  std::deque<Pending> pending_;
  size_t pending_bytes_ = 0;
  Clock::time_point pending_since_;  // the oldest waits
  std::deque<std::unique_ptr<Group>> sequenced_;
  size_t sequenced_bytes_ = 0;
  Groups durable_;
  size_t durable_bytes_ = 0;
  bool closing_ = false;
  bool sequencing_ = false;   // one of two stages sequences, with mutex_ released
  bool writer_busy_ = false;  // writing or syncing; it will look at the queues again
  Status failure_;            // sticky
  // Why unapplied_ could not be applied; writes fail until it is applied. A submitted write, and a
  // call of failure(), schedules a retry, at most twice a second.
  Status stalled_;
  Clock::time_point retry_at_;
  bool retry_wanted_ = false;
  // A failed write takes back the indices and places that were given out behind it.
  struct Reset {
    bool wanted = false;
    uint64_t next_index = 0;
    LogPosition log_end;
    Status error;
  };
  Reset reset_;

  mutable std::mutex published_mutex_;
  PublishedState published_;  // guarded by published_mutex_

  bool room_missing_ = false;  // of the writer, when it looked last

  // Of the applier:
  Status broken_;     // nothing can be applied any more
  Groups unapplied_;  // durable and answered, but index, tree or positions did not take them
};

}  // namespace immudb
