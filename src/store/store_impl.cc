// SPDX-License-Identifier: Apache-2.0
#include "store/store_impl.h"

#include <spdlog/spdlog.h>

#include <atomic>
#include <cstddef>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "base/bytes.h"
#include "base/read_mode.h"
#include "base/status_macros.h"
#include "vlog/frame.h"

namespace immudb {
namespace {

constexpr size_t kOwnCommitThreads = 3;  // one for each stage

}  // namespace

StorePaths::StorePaths(const std::string& directory)
    : lock(JoinPath(directory, "LOCK")),
      checkpoint(JoinPath(directory, "CHECKPOINT")),
      log(JoinPath(directory, "log")),
      index(JoinPath(directory, "index")),
      tree(JoinPath(directory, "tree")),
      positions(JoinPath(directory, "positions")) {}

StoreImpl::StoreImpl(const std::string& directory, const StoreOptions& options)
    : paths_(directory),
      options_(options),
      fs_(options.file_system != nullptr ? *options.file_system : FileSystem::Real()),
      metrics_(options.metrics != nullptr ? options.metrics : std::make_shared<StoreMetrics>()),
      own_threads_(options.commit_threads == nullptr
                       ? std::make_unique<ThreadPool>(kOwnCommitThreads)
                       : nullptr),
      commit_threads_(own_threads_ != nullptr ? *own_threads_ : *options.commit_threads) {}

Result<std::unique_ptr<StoreImpl>> StoreImpl::Open(const std::string& directory,
                                                   const StoreOptions& options) {
  std::unique_ptr<StoreImpl> store(new StoreImpl(directory, options));
  IMMUDB_RETURN_IF_ERROR(store->fs_.CreateDirectory(directory));
  auto lock = store->fs_.Lock(store->paths_.lock);
  IMMUDB_RETURN_IF_ERROR(lock);
  store->lock_ = *std::move(lock);
  const auto recovered = store->Recover();
  IMMUDB_RETURN_IF_ERROR(recovered);
  if (recovered->size.empty()) {
    // Whoever made the folders: a segment is not durable before the way to it is.
    IMMUDB_RETURN_IF_ERROR(store->fs_.SyncDirectory(directory));
    IMMUDB_RETURN_IF_ERROR(store->fs_.SyncDirectory(JoinPath(directory, "..")));
  }

  const auto log_bytes = store->log_->TotalBytes();
  if (log_bytes.ok()) store->opened_log_bytes_ = *log_bytes;

  StoreImpl* self = store.get();
  self->checkpoint_due_ = *recovered;
  self->pipeline_ = std::make_unique<CommitPipeline>(
      CommitPipeline::Parts{*self->log_, *self->tree_, *self->positions_, *self->index_,
                            options.pool, self->commit_threads_, *self->metrics_, self->fs_,
                            self->paths_.log},
      options, *recovered, [self](const PublishedState& state) { self->OnPublish(state); });
  return store;
}

StoreImpl::~StoreImpl() {
  if (pipeline_ == nullptr) return;
  if (const Status closed = Close(); !closed.ok()) {
    spdlog::error("closing {}: {}", paths_.log, closed.message());
  }
}

Status StoreImpl::CheckReferences(const TransactionBody& body, const ReadLimits& limits) const {
  const Snapshot snapshot = Latest().Within(limits);
  std::unordered_set<std::string_view> earlier;
  for (const auto& item : body.items) {
    if (item.kind != EntryKind::kValue && !earlier.contains(body.Value(item))) {
      IMMUDB_RETURN_IF_ERROR(snapshot.Find(body.Value(item)));
    }
    earlier.insert(body.Key(item));
  }
  return Status::Ok();
}

void StoreImpl::CommitAsync(Transaction transaction, Store::Completion done) {
  std::unique_ptr<TransactionBody> body = std::move(transaction.body_);
  if (body == nullptr || body->items.empty()) {
    done(Status::InvalidArgument("Empty set"));
    return;
  }
  if (body->has_references) {
    if (const Status found = CheckReferences(*body, {}); !found.ok()) {
      done(found);
      return;
    }
  }
  body->checksum = BodyChecksum(body->bytes);
  pipeline_->Submit(std::move(body), std::move(done));
}

Snapshot StoreImpl::Latest() const {
  const PublishedState state = pipeline_->published();
  return {this, state.size, state.root};
}

Result<LogPosition> StoreImpl::PositionOf(LeafIndex index) const {
  char record[sizeof(uint64_t)];
  if (!positions_->Read(index.value, record)) return positions_->ReadFailure(index.value);
  return LogPosition::Unpack(LoadLE<uint64_t>(record));
}

Result<std::string> StoreImpl::ReadKey(LeafIndex index) const {
  metrics_->log_reads.fetch_add(1, std::memory_order_relaxed);
  const auto position = PositionOf(index);
  IMMUDB_RETURN_IF_ERROR(position);
  return log_->ReadKey(*position);
}

Result<ValueLog::OwnedEntry> StoreImpl::ReadLogEntry(LeafIndex index, ReadMode mode) const {
  metrics_->log_reads.fetch_add(1, std::memory_order_relaxed);
  const auto position = PositionOf(index);
  IMMUDB_RETURN_IF_ERROR(position);
  return log_->Read(*position, mode);
}

Result<Entry> StoreImpl::ReadEntry(LeafIndex index, ReadMode mode) const {
  auto entry = ReadLogEntry(index, mode);
  IMMUDB_RETURN_IF_ERROR(entry);
  return Entry{index, entry->kind, std::move(entry->key), std::move(entry->value)};
}

void StoreImpl::OnPublish(const PublishedState& state) {
  const std::lock_guard lock(checkpoint_mutex_);
  checkpoint_due_ = state;
  if (checkpoint_scheduled_ ||
      state.size.value - checkpointed_.value < options_.checkpoint_entries) {
    return;
  }
  checkpoint_scheduled_ = commit_threads_.TrySubmit([this] { WriteDueCheckpoints(); });
}

void StoreImpl::WriteDueCheckpoints() {
  std::unique_lock lock(checkpoint_mutex_);
  while (checkpoint_due_.size.value - checkpointed_.value >= options_.checkpoint_entries) {
    const PublishedState state = checkpoint_due_;
    lock.unlock();
    const Status written = Checkpoint(state);
    // The log has everything: a missed checkpoint costs time at the next open, nothing else.
    if (!written.ok()) spdlog::warn("checkpoint of {} failed: {}", paths_.log, written.message());
    lock.lock();
    checkpointed_ = state.size;
  }
  checkpoint_scheduled_ = false;
  checkpoint_done_.notify_all();
}

Status StoreImpl::Checkpoint(const PublishedState& state) {
  // The log first: a checkpoint must not know more than it (it may, if syncs are off).
  IMMUDB_RETURN_IF_ERROR(log_->ForceSync());
  IMMUDB_RETURN_IF_ERROR(tree_->Sync());
  IMMUDB_RETURN_IF_ERROR(positions_->Sync());
  return WriteCheckpoint(fs_, paths_.checkpoint, state);
}

StoreFigures StoreImpl::Figures() const {
  const uint64_t entries = pipeline_->published().size.value;
  const CommitPipeline::Figures pipeline = pipeline_->figures();
  const KeyIndex::Figures index = index_->figures();
  return {.entries = entries,
          .log_bytes = opened_log_bytes_ + pipeline.appended_bytes,
          // As many records as the next leaf has before it.
          .tree_bytes = FirstRecordOfLeaf({entries}) * sizeof(Digest),
          .positions_bytes = entries * sizeof(uint64_t),
          .index_bytes = index.table_bytes,
          .index_memory_bytes = index.memory_bytes,
          .compactions_running = index.compactions_running,
          .compaction_due_bytes = index.compaction_due_bytes,
          .waiting_transactions = pipeline.waiting_transactions,
          .waiting_bytes = pipeline.held_bytes};
}

Status StoreImpl::Close() {
  const std::lock_guard guard(close_mutex_);
  if (closed_) return close_status_;
  closed_ = true;
  pipeline_->Close();
  {
    std::unique_lock lock(checkpoint_mutex_);
    checkpoint_done_.wait(lock, [this] { return !checkpoint_scheduled_; });
  }
  const auto finish = [this]() -> Status {
    IMMUDB_RETURN_IF_ERROR(index_->Flush());
    // After a failed sync or write the files may hold more or less than was published: the next
    // open finds out from the log.
    IMMUDB_RETURN_IF_ERROR(pipeline_->unfinished());
    IMMUDB_RETURN_IF_ERROR(log_->Close());
    return Checkpoint(pipeline_->published());
  };
  close_status_ = finish();
  return close_status_;
}

}  // namespace immudb
