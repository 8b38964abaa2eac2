// SPDX-License-Identifier: Apache-2.0
#include "store/commit_pipeline.h"

#include <spdlog/spdlog.h>

#include <iterator>
#include <utility>

#include "base/atomic_histogram.h"
#include "base/bytes.h"
#include "base/status_macros.h"
#include "immudb/verify.h"

namespace immudb {
namespace {

// Fewer leaves than this are hashed faster than threads are woken.
constexpr size_t kParallelHashGrain = 2048;
// What a waiting transaction costs besides its bytes.
constexpr size_t kPendingOverhead = 256;
// So much waiting is worth sequencing while the writer is busy; less, it does itself in passing.
constexpr size_t kSequenceAheadBytes = size_t{64} << 10;

size_t HeldBytes(const TransactionBody& body) {
  return body.bytes.size() + body.items.size() * sizeof(TransactionBody::Item) + kPendingOverhead;
}

}  // namespace

CommitPipeline::CommitPipeline(const Parts& parts, const StoreOptions& options,
                               const PublishedState& recovered, PublishHook on_publish)
    : parts_(parts),
      options_(options),
      on_publish_(std::move(on_publish)),
      next_index_(recovered.size.value),
      published_(recovered) {}

void CommitPipeline::Schedule(Stage& stage) {
  stage.scheduled = true;
  // The pool of the commit threads refuses nothing.
  static_cast<void>(parts_.commit_threads.TrySubmit([this, &stage] { Run(stage); }));
}

void CommitPipeline::ScheduleWhatHasWork() {
  for (Stage* stage : {&applier_, &writer_, &sequencer_}) {
    if (!stage->scheduled && (this->*stage->has_work)()) Schedule(*stage);
  }
}

void CommitPipeline::Run(Stage& stage) {
  std::unique_lock lock(mutex_);
  while ((this->*stage.has_work)()) {
    (this->*stage.step)(lock);
    ScheduleWhatHasWork();
    // Other stores wait for a thread: it is their turn.
    if (parts_.commit_threads.busy() && (this->*stage.has_work)()) return Schedule(stage);
  }
  stage.scheduled = false;
  if (!sequencer_.scheduled && !writer_.scheduled && !applier_.scheduled) idle_.notify_all();
}

void CommitPipeline::Submit(std::unique_ptr<TransactionBody> body, Store::Completion done) {
  const size_t bytes = HeldBytes(*body) + options_.caller_bytes;
  Pending transaction{std::move(body), std::move(done), {}};
  const Status queued = Enqueue(transaction, bytes);
  if (queued.ok()) return;
  held_bytes_ -= bytes;
  transaction.done(queued);
}

// Takes the transaction unless it returns an error. Counts its bytes in any case.
Status CommitPipeline::Enqueue(Pending& transaction, size_t bytes) {
  if (held_bytes_.fetch_add(bytes) + bytes > options_.queue_bytes) {
    parts_.metrics.refused.fetch_add(1, std::memory_order_relaxed);
    return Status::ResourceExhausted("the write queue is full (" +
                                     std::to_string(options_.queue_bytes) +
                                     " bytes wait already); try again later");
  }
  const std::lock_guard lock(mutex_);
  if (closing_) return Status::Unavailable("the store is closed");
  if (!failure_.ok()) return failure_;
  if (!stalled_.ok() && !RetryIfDue()) return stalled_;
  if (pending_.empty()) pending_since_ = Clock::now();
  pending_.push_back(std::move(transaction));
  pending_bytes_ += HeldBytes(*pending_.back().body);
  // A busy writer looks at the queue when it is done: no wake-up, no context switch.
  if (!writer_.scheduled && WriterHasWork()) Schedule(writer_);
  if (!sequencer_.scheduled && SequencerHasWork()) Schedule(sequencer_);
  return Status::Ok();
}

// Has the applier try again what it could not apply, unless that was done a moment ago. Returns
// true if it will. Precondition: stalled_ is an error.
bool CommitPipeline::RetryIfDue() {
  if (!retry_wanted_) {
    if (closing_ || Clock::now() < retry_at_) return false;
    retry_wanted_ = true;
    if (!applier_.scheduled) Schedule(applier_);
  }
  return true;
}

bool CommitPipeline::SequencerHasWork() const {
  return writer_busy_ && !sequencing_ && pending_bytes_ >= kSequenceAheadBytes &&
         sequenced_bytes_ < options_.group_bytes;
}

bool CommitPipeline::WriterHasWork() const {
  if (durable_bytes_ >= options_.group_bytes || retry_wanted_) return false;
  return !sequenced_.empty() || (!sequencing_ && !pending_.empty());
}

bool CommitPipeline::ApplierHasWork() const {
  return !durable_.empty() || retry_wanted_;
}

PublishedState CommitPipeline::published() const {
  const std::lock_guard lock(published_mutex_);
  return published_;
}

Status CommitPipeline::unfinished() const {
  const std::lock_guard lock(mutex_);
  return failure_.ok() ? stalled_ : failure_;
}

Status CommitPipeline::failure() {
  {
    const std::lock_guard lock(mutex_);
    if (!failure_.ok()) return failure_;
    if (!stalled_.ok()) {
      // Without writes nobody else would: who routes them by the health must see that it passed.
      RetryIfDue();
      return stalled_;
    }
  }
  return CheckRoom();
}

Status CommitPipeline::CheckRoom() const {
  if (options_.reserved_bytes == 0) return Status::Ok();
  const auto free = parts_.file_system.FreeBytes(parts_.directory);
  // Why it cannot be known shows when something is written.
  if (!free.ok() || *free >= options_.reserved_bytes) return Status::Ok();
  return Status::ResourceExhausted(
      "the disk of " + parts_.directory + " is full: " + std::to_string(*free) +
      " bytes are free, " + std::to_string(options_.reserved_bytes) +
      " are kept in reserve; the database takes no writes until there is more room");
}

void CommitPipeline::NoteRoom(const Status& room) {
  if (room_missing_ == !room.ok()) return;
  room_missing_ = !room.ok();
  if (room_missing_) {
    spdlog::error("{}", room.message());
  } else {
    spdlog::info("{}: there is room again", parts_.directory);
  }
}

CommitPipeline::Figures CommitPipeline::figures() const {
  const std::lock_guard lock(mutex_);
  return {.waiting_transactions = pending_.size(),
          .held_bytes = held_bytes_.load(std::memory_order_relaxed),
          .appended_bytes = appended_bytes_.load(std::memory_order_relaxed)};
}

void CommitPipeline::Close() {
  std::unique_lock lock(mutex_);
  closing_ = true;
  // What is queued is always some scheduled stage's work.
  idle_.wait(lock,
             [this] { return !sequencer_.scheduled && !writer_.scheduled && !applier_.scheduled; });
}

void CommitPipeline::Finish(std::vector<Pending> transactions, const Status& status) {
  for (Pending& transaction : transactions) {
    held_bytes_ -= HeldBytes(*transaction.body) + options_.caller_bytes;
    transaction.body.reset();
    if (!transaction.done) continue;  // answered before
    transaction.done(status.ok() ? Result<CommitInfo>(transaction.info)
                                 : Result<CommitInfo>(status));
  }
}

// Takes what waits and sequences it. Precondition: something waits and sequencing_ is off.
void CommitPipeline::SequencePending(std::unique_lock<std::mutex>& lock) {
  sequencing_ = true;
  std::vector<Pending> taken;
  for (size_t bytes = 0; !pending_.empty() && bytes < options_.group_bytes;) {
    const size_t held = HeldBytes(*pending_.front().body);
    bytes += held;
    pending_bytes_ -= held;
    taken.push_back(std::move(pending_.front()));
    pending_.pop_front();
  }
  const Clock::time_point since = pending_since_;
  if (!pending_.empty()) pending_since_ = Clock::now();
  if (reset_.wanted) {
    next_index_ = reset_.next_index;
    parts_.log.ResetLayout(reset_.log_end);
    reset_.wanted = false;
  }
  lock.unlock();
  std::unique_ptr<Group> group = Sequence(std::move(taken));
  group->since = since;
  lock.lock();
  sequencing_ = false;
  if (failure_.ok() && !reset_.wanted) {
    sequenced_bytes_ += group->log.bytes.size();
    sequenced_.push_back(std::move(group));
  } else {
    // The groups before this one were taken back meanwhile.
    const Status failure = failure_.ok() ? reset_.error : failure_;
    lock.unlock();
    Finish(std::move(group->transactions), failure);
    lock.lock();
  }
}

std::unique_ptr<CommitPipeline::Group> CommitPipeline::Sequence(std::vector<Pending> transactions) {
  auto group = std::make_unique<Group>();
  size_t entries = 0;
  size_t bytes = 0;
  for (const Pending& transaction : transactions) {
    entries += transaction.body->items.size();
    bytes += FrameBytes(transaction.body->bytes.size());
  }
  struct LeafSource {
    const TransactionBody* body;
    const TransactionBody::Item* item;
  };
  std::vector<LeafSource> sources;
  sources.reserve(entries);
  group->positions.resize(entries * sizeof(uint64_t));
  group->log = parts_.log.BeginGroup({next_index_});
  group->log.bytes.reserve(bytes);
  const uint64_t first = next_index_;
  for (Pending& transaction : transactions) {
    const TransactionBody& body = *transaction.body;
    const auto count = static_cast<uint32_t>(body.items.size());
    const LogPosition place =
        parts_.log.Place(group->log, {next_index_}, count, body.bytes, body.checksum);
    for (const auto& item : body.items) {
      const LogPosition position{place.segment, place.offset + item.offset};
      StoreLE(group->positions.data() + sources.size() * sizeof(uint64_t), position.Packed());
      sources.push_back({&body, &item});
    }
    transaction.info = {{next_index_}, {next_index_ + count - 1}};
    next_index_ += count;
  }
  group->leaves.resize(entries);
  const auto hash = [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) {
      const auto& [body, item] = sources[i];
      group->leaves[i] = LeafDigest({first + i}, body->Key(*item), body->Value(*item));
    }
  };
  if (parts_.pool != nullptr && entries >= 2 * kParallelHashGrain) {
    parts_.pool->ParallelFor(entries, kParallelHashGrain, hash);
  } else {
    hash(0, entries);
  }
  group->transactions = std::move(transactions);
  return group;
}

void CommitPipeline::WriteSequenced(std::unique_lock<std::mutex>& lock) {
  if (sequenced_.empty()) return SequencePending(lock);
  Groups groups;
  size_t bytes = 0;
  do {  // what belongs to one segment
    bytes += sequenced_.front()->log.bytes.size();
    groups.push_back(std::move(sequenced_.front()));
    sequenced_.pop_front();
  } while (!sequenced_.empty() && !sequenced_.front()->log.opens_segment);
  sequenced_bytes_ -= bytes;
  writer_busy_ = true;
  if (!sequencer_.scheduled && SequencerHasWork()) Schedule(sequencer_);
  Status status = failure_.ok() ? stalled_ : failure_;
  lock.unlock();
  if (status.ok()) {
    status = CheckRoom();
    NoteRoom(status);
  }
  // Unless it is written, nothing has to be taken back.
  bool retracted = !status.ok();
  LogPosition end = parts_.log.written_end();
  if (status.ok()) status = WriteAndSync(groups, retracted, end);
  if (!status.ok()) {
    AbandonFrom(std::move(groups), status, retracted, end);
    lock.lock();
    writer_busy_ = false;
    return;
  }
  lock.lock();
  writer_busy_ = false;
  durable_bytes_ += bytes;
  durable_.insert(durable_.end(), std::make_move_iterator(groups.begin()),
                  std::make_move_iterator(groups.end()));
}

Status CommitPipeline::WriteAndSync(const Groups& groups, bool& retracted, LogPosition& end) {
  std::vector<LogGroup*> logs;
  logs.reserve(groups.size());
  for (const auto& group : groups) logs.push_back(&group->log);
  if (Status written = parts_.log.Write(logs); !written.ok()) {
    const auto back = parts_.log.Retract();
    retracted = back.ok();
    if (retracted) end = *back;
    return written;
  }
  uint64_t entries = 0;
  uint64_t bytes = 0;
  for (const auto& group : groups) {
    entries += group->leaves.size();
    bytes += group->log.bytes.size();
  }
  parts_.metrics.log_writes.fetch_add(1, std::memory_order_relaxed);
  parts_.metrics.log_written_bytes.fetch_add(bytes, std::memory_order_relaxed);
  parts_.metrics.group.Observe(entries);
  // After a failed sync nobody knows what the disk holds: nothing is taken back or tried again.
  if (!options_.sync) return parts_.log.Sync();
  const auto begin = Clock::now();
  Status synced = parts_.log.Sync();
  parts_.metrics.sync.Observe(Clock::now() - begin);
  return synced;
}

// Fails `groups` and all that was sequenced behind them. If the log was cut back, later writes may
// succeed; if not, the store takes no more.
void CommitPipeline::AbandonFrom(Groups groups, const Status& error, bool retracted,
                                 LogPosition end) {
  {
    const std::lock_guard lock(mutex_);
    if (failure_.ok() && !retracted) {
      failure_ = error.WithContext("writes are refused until the store is opened again");
      spdlog::error("{}", failure_.message());
    }
    reset_ = {true, groups.front()->log.first.value, end, error};
    while (!sequenced_.empty()) {
      groups.push_back(std::move(sequenced_.front()));
      sequenced_.pop_front();
    }
    sequenced_bytes_ = 0;
  }
  for (auto& group : groups) Finish(std::move(group->transactions), error);
}

}  // namespace immudb
