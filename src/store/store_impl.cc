// SPDX-License-Identifier: Apache-2.0
#include "store/store_impl.h"

#include <spdlog/spdlog.h>

#include <unordered_set>

#include "base/bytes.h"
#include "base/status_macros.h"
#include "vlog/frame.h"

namespace immudb {

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
      fs_(options.file_system != nullptr ? *options.file_system : FileSystem::Real()) {}

Result<std::unique_ptr<StoreImpl>> StoreImpl::Open(const std::string& directory,
                                                   const StoreOptions& options) {
  std::unique_ptr<StoreImpl> store(new StoreImpl(directory, options));
  IMMUDB_RETURN_IF_ERROR(store->fs_.CreateDirectory(directory));
  auto lock = store->fs_.Lock(store->paths_.lock);
  IMMUDB_RETURN_IF_ERROR(lock);
  store->lock_ = *std::move(lock);
  const auto recovered = store->Recover();
  IMMUDB_RETURN_IF_ERROR(recovered);

  StoreImpl* self = store.get();
  self->checkpoint_due_ = *recovered;
  self->pipeline_ = std::make_unique<CommitPipeline>(
      CommitPipeline::Parts{*self->log_, *self->tree_, *self->positions_, *self->index_,
                            options.pool},
      options, *recovered, [self](const PublishedState& state) {
        const std::lock_guard guard(self->checkpoint_mutex_);
        self->checkpoint_due_ = state;
        if (state.size.value - self->checkpointed_.value >= self->options_.checkpoint_entries) {
          self->checkpoint_wake_.notify_one();
        }
      });
  self->checkpointer_ = std::thread([self] { self->RunCheckpoints(); });
  return store;
}

StoreImpl::~StoreImpl() {
  if (pipeline_ == nullptr) return;
  if (const Status closed = Close(); !closed.ok()) {
    spdlog::error("closing {}: {}", paths_.log, closed.message());
  }
}

Status StoreImpl::CheckReferences(const TransactionBody& body) const {
  const Snapshot snapshot = Latest();
  std::unordered_set<std::string_view> earlier;
  for (const auto& item : body.items) {
    if (item.kind != EntryKind::kValue && !earlier.contains(body.Value(item))) {
      IMMUDB_RETURN_IF_ERROR(index_->Get(body.Value(item), snapshot.size()));
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
    if (const Status found = CheckReferences(*body); !found.ok()) {
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

Result<Entry> StoreImpl::ReadEntry(LeafIndex index) const {
  const auto position = LogPosition::Unpack(LoadLE<uint64_t>(positions_->At(index.value)));
  auto entry = log_->Read(position);
  IMMUDB_RETURN_IF_ERROR(entry);
  return Entry{index, entry->kind, std::move(entry->key), std::move(entry->value)};
}

void StoreImpl::RunCheckpoints() {
  std::unique_lock lock(checkpoint_mutex_);
  while (true) {
    checkpoint_wake_.wait(lock, [this] {
      return closing_ ||
             checkpoint_due_.size.value - checkpointed_.value >= options_.checkpoint_entries;
    });
    if (closing_) return;
    const PublishedState state = checkpoint_due_;
    lock.unlock();
    const Status written = Checkpoint(state);
    // The log has everything: a missed checkpoint costs time at the next open, nothing else.
    if (!written.ok()) spdlog::warn("checkpoint of {} failed: {}", paths_.log, written.message());
    lock.lock();
    checkpointed_ = state.size;
  }
}

Status StoreImpl::Checkpoint(const PublishedState& state) {
  // The log first: a checkpoint must not know more than it (it may, if syncs are off).
  IMMUDB_RETURN_IF_ERROR(log_->ForceSync());
  IMMUDB_RETURN_IF_ERROR(tree_->Sync());
  IMMUDB_RETURN_IF_ERROR(positions_->Sync());
  return WriteCheckpoint(fs_, paths_.checkpoint, state);
}

Status StoreImpl::Close() {
  const std::lock_guard guard(close_mutex_);
  if (closed_) return close_status_;
  closed_ = true;
  pipeline_->Close();
  {
    const std::lock_guard lock(checkpoint_mutex_);
    closing_ = true;
  }
  checkpoint_wake_.notify_one();
  checkpointer_.join();
  const auto finish = [this]() -> Status {
    IMMUDB_RETURN_IF_ERROR(index_->Flush());
    // After a failed sync or write the files may hold more or less than was published: the next
    // open finds out from the log.
    IMMUDB_RETURN_IF_ERROR(pipeline_->failure());
    IMMUDB_RETURN_IF_ERROR(log_->Close());
    return Checkpoint(pipeline_->published());
  };
  close_status_ = finish();
  return close_status_;
}

}  // namespace immudb
