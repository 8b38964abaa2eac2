// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/atomic_histogram.h"
#include "base/read_mode.h"
#include "base/status_macros.h"
#include "immudb/status.h"
#include "immudb/store.h"
#include "immudb/types.h"
#include "immudb/verify.h"
#include "index/key_index.h"
#include "merkle/hash_tree.h"
#include "store/store_impl.h"
#include "store/store_metrics.h"

namespace immudb {
namespace {

Status IndexNotFound() {
  return Status::NotFound("index not found");
}

ReadMode ModeOf(const ReadLimits& limits) {
  return limits.would_wait == nullptr ? ReadMode::kMayWait : ReadMode::kAtOnce;
}

bool Cancelled(const ReadLimits& limits) {
  return limits.cancelled != nullptr && limits.cancelled->load(std::memory_order_relaxed);
}

// The version as an entry; large values come from the log.
Result<Entry> ToEntry(const StoreImpl& store, std::string_view key, const Version& version,
                      ReadMode mode = ReadMode::kMayWait) {
  if (version.value_is_inline) {
    return Entry{version.index, version.kind, std::string(key), version.value};
  }
  auto entry = store.ReadEntry(version.index, mode);
  IMMUDB_RETURN_IF_ERROR(entry);
  if (entry->key != key) {
    return Status::DataLoss("index and log disagree on entry " +
                            std::to_string(version.index.value));
  }
  return entry;
}

// Hands on what a listing of the index finds, until the limit, the visitor, an error or the caller
// ends it.
class Handover {
 public:
  Handover(const ReadLimits& limits, size_t limit, const EntryVisitor& visit)
      : limits_(limits), limit_(limit), visit_(visit) {}

  // False when the listing is to end.
  bool operator()(Result<Entry> entry) {
    if (!entry.ok()) {
      failed_ = entry.status();
      return false;
    }
    return Skip() && visit_(*std::move(entry)) && ++count_ != limit_;
  }
  // As for an entry that is not handed on.
  bool Skip() {
    if (!Cancelled(limits_)) return true;
    failed_ = Status::Unavailable("the listing was cancelled");
    return false;
  }

  // `listed`: how the listing itself ended.
  Status Finish(const Status& listed) const { return listed.ok() ? failed_ : listed; }

 private:
  const ReadLimits limits_;
  const size_t limit_;  // 0: none
  const EntryVisitor& visit_;
  size_t count_ = 0;
  Status failed_;
};

// Runs a listing with a visitor that gathers the entries.
template <typename Listing>
Result<std::vector<Entry>> Gathered(const Listing& listing) {
  std::vector<Entry> entries;
  IMMUDB_RETURN_IF_ERROR(listing([&](Entry&& entry) {
    entries.push_back(std::move(entry));
    return true;
  }));
  return entries;
}

}  // namespace

// A shortage of memory or descriptors has the same code: the caller reads again, and then it is
// told.
Status Snapshot::Noted(Status status) const {
  if (status.code() == StatusCode::kUnavailable && limits_.would_wait != nullptr) {
    *limits_.would_wait = true;
  }
  return status;
}

Status Snapshot::Find(std::string_view key) const {
  return Noted(store_->index().Get(key, size_, ModeOf(limits_)).status());
}

Result<Entry> Snapshot::Get(std::string_view key) const {
  auto version = store_->index().Get(key, size_, ModeOf(limits_));
  if (!version.ok()) return Noted(version.status());
  auto entry = ToEntry(*store_, key, *version, ModeOf(limits_));
  if (!entry.ok()) return Noted(entry.status());
  return entry;
}

Result<Entry> Snapshot::GetResolved(std::string_view key) const {
  auto entry = Get(key);
  if (!entry.ok() || entry->kind == EntryKind::kValue) return entry;
  auto target = Get(entry->value);
  return target.status().code() == StatusCode::kNotFound ? entry : target;
}

Result<Entry> Snapshot::GetByIndex(LeafIndex index) const {
  if (!size_.Contains(index)) return IndexNotFound();
  auto entry = store_->ReadEntry(index, ModeOf(limits_));
  if (!entry.ok()) return Noted(entry.status());
  const auto leaf = store_->tree().Leaf(index);
  IMMUDB_RETURN_IF_ERROR(leaf);
  if (LeafDigest(index, entry->key, entry->value) != *leaf) {
    return Status::DataLoss(
        "insertion order index hash is not equal to the digest of the related value");
  }
  return entry;
}

Result<std::string> Snapshot::KeyAt(LeafIndex index) const {
  if (!size_.Contains(index)) return IndexNotFound();
  return store_->ReadKey(index);
}

Status Snapshot::History(std::string_view key, const EntryVisitor& visit) const {
  Handover hand_on(limits_, 0, visit);
  return hand_on.Finish(
      store_->index().History(key, size_, [&](std::string_view, const Version& version) {
        return hand_on(ToEntry(*store_, key, version));
      }));
}

Status Snapshot::Scan(const ScanOptions& options, const EntryVisitor& visit) const {
  Handover hand_on(limits_, options.limit, visit);
  const KeyIndex::ListOptions list{options.prefix, options.offset, options.reverse};
  return hand_on.Finish(
      store_->index().List(list, size_, [&](std::string_view key, const Version& version) {
        if (version.kind == EntryKind::kValue) return hand_on(ToEntry(*store_, key, version));
        if (!options.deep) return hand_on.Skip();
        const auto reference = ToEntry(*store_, key, version);
        return hand_on(reference.ok() ? Get(reference->value) : reference);
      }));
}

Status Snapshot::ScanSet(const SetScanOptions& options, const EntryVisitor& visit) const {
  Handover hand_on(limits_, options.limit, visit);
  const KeyIndex::SetListOptions list{options.set, options.offset, options.reverse};
  return hand_on.Finish(store_->index().ListSet(
      list, size_,
      [&](std::string_view, const Version& member) { return hand_on(Get(member.value)); }));
}

Status Snapshot::Range(LeafIndex first, size_t count, const EntryVisitor& visit) const {
  if (!size_.Contains(first)) return Status::Ok();
  const uint64_t end = first.value + std::min<uint64_t>(count, size_.value - first.value);
  for (uint64_t i = first.value; i < end; ++i) {
    if (Cancelled(limits_)) return Status::Unavailable("the listing was cancelled");
    auto entry = GetByIndex({i});
    IMMUDB_RETURN_IF_ERROR(entry);
    if (!visit(*std::move(entry))) break;
  }
  return Status::Ok();
}

Status Snapshot::ScanVersions(const std::optional<VersionMark>& mark,
                              const EntryVisitor& visit) const {
  Handover hand_on(limits_, 0, visit);
  // The visitor may move the caller's own one on.
  const auto from = mark;  // NOLINT(performance-unnecessary-copy-initialization)
  return hand_on.Finish(
      store_->index().ListVersions(from, size_, [&](std::string_view key, const Version& version) {
        return hand_on(ToEntry(*store_, key, version));
      }));
}

Result<std::vector<Entry>> Snapshot::History(std::string_view key) const {
  return Gathered([&](const EntryVisitor& visit) { return History(key, visit); });
}

Result<std::vector<Entry>> Snapshot::Scan(const ScanOptions& options) const {
  return Gathered([&](const EntryVisitor& visit) { return Scan(options, visit); });
}

Result<std::vector<Entry>> Snapshot::ScanSet(const SetScanOptions& options) const {
  return Gathered([&](const EntryVisitor& visit) { return ScanSet(options, visit); });
}

Result<std::vector<Entry>> Snapshot::Range(LeafIndex first, size_t count) const {
  return Gathered([&](const EntryVisitor& visit) { return Range(first, count, visit); });
}

Result<uint64_t> Snapshot::Count(std::string_view prefix) const {
  uint64_t count = 0;
  bool cancelled = false;
  const Status listed = store_->index().List({prefix, {}, false}, size_,
                                             [&](std::string_view, const Version& version) {
                                               if (version.kind != EntryKind::kSortedSetMember)
                                                 ++count;
                                               cancelled = Cancelled(limits_);
                                               return !cancelled;
                                             });
  IMMUDB_RETURN_IF_ERROR(listed);
  if (cancelled) return Status::Unavailable("the count was cancelled");
  return count;
}

Result<Digest> Snapshot::Leaf(LeafIndex index) const {
  if (!size_.Contains(index)) return IndexNotFound();
  return store_->tree().Leaf(index);
}

Result<Digest> Snapshot::Node(unsigned layer, uint64_t position) const {
  if (layer >= size_.LayerCount() || position >= size_.LayerWidth(layer)) {
    return Status::NotFound("no such node");
  }
  return store_->tree().LayerNode(layer, position, size_);
}

Result<ProofPath> Snapshot::InclusionProof(LeafIndex index) const {
  if (!size_.Contains(index)) return IndexNotFound();
  const auto begin = std::chrono::steady_clock::now();
  auto path = store_->tree().InclusionPath(index, size_);
  store_->metrics().proof.Observe(std::chrono::steady_clock::now() - begin);
  return path;
}

Result<ProofPath> Snapshot::ConsistencyProof(TreeSize first) const {
  const auto begin = std::chrono::steady_clock::now();
  auto path = store_->tree().ConsistencyPath(first, size_);
  store_->metrics().proof.Observe(std::chrono::steady_clock::now() - begin);
  return path;
}

Result<Snapshot> Snapshot::At(TreeSize size) const {
  if (size > size_) return IndexNotFound();
  const auto root = store_->tree().Root(size);
  IMMUDB_RETURN_IF_ERROR(root);
  return Snapshot(store_, size, *root).Within(limits_);
}

}  // namespace immudb
