// SPDX-License-Identifier: Apache-2.0
//
// The last stage of the pipeline: durable groups become readable and provable.
#include <spdlog/spdlog.h>

#include <chrono>
#include <cstdint>
#include <iterator>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "immudb/status.h"
#include "immudb/types.h"
#include "index/index_update.h"
#include "store/commit_pipeline.h"

namespace immudb {
namespace {

// After index, tree or positions could not be written: until this has passed, writes fail at once;
// then the next write or question for the health has it tried again.
constexpr std::chrono::milliseconds kRetryInterval{500};

// Errors of the system that may pass: no room, no descriptor, no memory, a disk that fails now.
// Damage and defects do not.
bool MayPass(const Status& error) {
  const StatusCode code = error.code();
  return code == StatusCode::kResourceExhausted || code == StatusCode::kUnavailable ||
         code == StatusCode::kIoError;
}

}  // namespace

void CommitPipeline::ApplyDurable(std::unique_lock<std::mutex>& lock) {
  Groups groups = std::exchange(unapplied_, {});
  groups.insert(groups.end(), std::make_move_iterator(durable_.begin()),
                std::make_move_iterator(durable_.end()));
  durable_.clear();
  durable_bytes_ = 0;
  ScheduleWhatHasWork();
  lock.unlock();
  if (broken_.ok() && !groups.empty()) {
    Status applied = Apply(groups);
    if (MayPass(applied)) {
      KeepUnapplied(std::move(groups), applied);
      lock.lock();
      return;
    }
    if (!applied.ok()) {
      // The entries are durable and will be there after the next open, but cannot be shown now.
      broken_ = applied.WithContext("writes are refused until the store is opened again");
      spdlog::error("{}", broken_.message());
      const std::lock_guard relock(mutex_);
      if (failure_.ok()) failure_ = broken_;
    }
  }
  for (auto& group : groups) Finish(std::move(group->transactions), broken_);
  groups.clear();
  lock.lock();
  if (!stalled_.ok()) {
    spdlog::info("{}: index and tree can be written again; the database takes writes",
                 parts_.directory);
  }
  stalled_ = Status::Ok();
  retry_wanted_ = false;
}

// Their callers are answered: who waits for room, or for a disk, may wait for hours.
void CommitPipeline::KeepUnapplied(Groups groups, const Status& cause) {
  const bool full = cause.code() == StatusCode::kResourceExhausted;
  // Without the cause, which names files: clients must learn that the write is in the log.
  const Status answer =
      full
          ? Status::ResourceExhausted(
                "the disk is full; the write is in the log and will be readable when there is room")
          : Status::Unavailable(
                "index and tree cannot be written now; the write is in the log and will be "
                "readable when they can");
  std::vector<Store::Completion> waiting;
  for (auto& group : groups) {
    for (Pending& transaction : group->transactions) {
      if (auto done = std::exchange(transaction.done, nullptr)) waiting.push_back(std::move(done));
    }
  }
  std::unique_lock lock(mutex_);
  unapplied_ = std::move(groups);
  if (stalled_.ok()) spdlog::error("{}: no writes until this has passed", cause.message());
  stalled_ = cause.WithContext(
      full ? "the disk is full; the database takes no writes until there is room"
           : "index and tree cannot be written now; the database takes no writes until they can");
  retry_at_ = Clock::now() + kRetryInterval;
  retry_wanted_ = false;
  lock.unlock();
  // Whoever is answered finds the store in this state.
  for (const Store::Completion& done : waiting) done(answer);
}

Status CommitPipeline::Apply(const Groups& groups) {
  std::vector<IndexUpdate> updates;
  std::vector<Digest> all_leaves;
  std::string all_positions;
  const bool merge = groups.size() > 1;
  for (const auto& group : groups) {
    updates.reserve(updates.size() + group->leaves.size());
    for (const Pending& transaction : group->transactions) {
      const TransactionBody& body = *transaction.body;
      uint64_t index = transaction.info.first.value;
      for (const auto& item : body.items) {
        updates.push_back({{index++}, item.kind, body.Key(item), body.Value(item), item.set_bytes});
      }
    }
    if (!merge) break;
    all_leaves.insert(all_leaves.end(), group->leaves.begin(), group->leaves.end());
    all_positions += group->positions;
  }
  const Group& last = *groups.back();
  // An attempt that a full disk ended may have got some way.
  const uint64_t first = groups.front()->log.first.value;
  const std::span<const Digest> leaves = merge ? all_leaves : last.leaves;
  const std::string_view positions = merge ? all_positions : last.positions;
  IMMUDB_RETURN_IF_ERROR(
      parts_.tree.Append(leaves.subspan(parts_.tree.size().value - first), parts_.pool));
  IMMUDB_RETURN_IF_ERROR(parts_.positions.Append(
      positions.substr((parts_.positions.count() - first) * sizeof(uint64_t))));
  PublishedState state;
  state.size = parts_.tree.size();
  IMMUDB_RETURN_IF_ERROR(parts_.index.Apply(updates, state.size));
  const auto root = parts_.tree.Root(state.size);
  IMMUDB_RETURN_IF_ERROR(root);
  state.root = *root;
  state.log_end = {last.log.start.segment, last.log.start.offset + last.log.bytes.size()};
  {
    const std::lock_guard lock(published_mutex_);
    published_ = state;
  }
  CountPublished(groups);
  on_publish_(state);
  return Status::Ok();
}

void CommitPipeline::CountPublished(const Groups& groups) {
  const auto now = Clock::now();
  uint64_t transactions = 0;
  uint64_t entries = 0;
  for (const auto& group : groups) {
    transactions += group->transactions.size();
    entries += group->leaves.size();
    appended_bytes_.fetch_add(group->log.bytes.size(), std::memory_order_relaxed);
    parts_.metrics.commit.Observe(now - group->since);
  }
  parts_.metrics.transactions.fetch_add(transactions, std::memory_order_relaxed);
  parts_.metrics.entries.fetch_add(entries, std::memory_order_relaxed);
}

}  // namespace immudb
