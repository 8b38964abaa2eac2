// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include "base/status_macros.h"
#include "immudb/store.h"
#include "immudb/verify.h"
#include "store/store_impl.h"

namespace immudb {
namespace {

Status IndexNotFound() {
  return Status::NotFound("index not found");
}

// The version as an entry; large values come from the log.
Result<Entry> ToEntry(const StoreImpl& store, std::string_view key, const Version& version) {
  if (version.value_is_inline) {
    return Entry{version.index, version.kind, std::string(key), version.value};
  }
  auto entry = store.ReadEntry(version.index);
  IMMUDB_RETURN_IF_ERROR(entry);
  if (entry->key != key) {
    return Status::DataLoss("index and log disagree on entry " +
                            std::to_string(version.index.value));
  }
  return entry;
}

// What a listing has found so far.
class Collector {
 public:
  explicit Collector(size_t limit) : limit_(limit) {}

  // Takes one more; false when the listing is to end.
  bool Add(Result<Entry> entry) {
    if (!entry.ok()) {
      failed_ = entry.status();
      return false;
    }
    entries_.push_back(*std::move(entry));
    return limit_ == 0 || entries_.size() < limit_;
  }

  // `listed`: how the listing itself ended.
  Result<std::vector<Entry>> Finish(const Status& listed) && {
    IMMUDB_RETURN_IF_ERROR(listed);
    IMMUDB_RETURN_IF_ERROR(failed_);
    return std::move(entries_);
  }

 private:
  const size_t limit_;
  std::vector<Entry> entries_;
  Status failed_;
};

}  // namespace

Result<Entry> Snapshot::Get(std::string_view key) const {
  auto version = store_->index().Get(key, size_);
  IMMUDB_RETURN_IF_ERROR(version);
  return ToEntry(*store_, key, *version);
}

Result<Entry> Snapshot::GetResolved(std::string_view key) const {
  auto entry = Get(key);
  if (!entry.ok() || entry->kind == EntryKind::kValue) return entry;
  auto target = Get(entry->value);
  return target.status().code() == StatusCode::kNotFound ? entry : target;
}

Result<Entry> Snapshot::GetByIndex(LeafIndex index) const {
  if (!size_.Contains(index)) return IndexNotFound();
  auto entry = store_->ReadEntry(index);
  IMMUDB_RETURN_IF_ERROR(entry);
  if (LeafDigest(index, entry->key, entry->value) != store_->tree().Leaf(index)) {
    return Status::DataLoss(
        "insertion order index hash is not equal to the digest of the related value");
  }
  return entry;
}

Result<std::vector<Entry>> Snapshot::History(std::string_view key) const {
  Collector found(0);
  const Status listed =
      store_->index().History(key, size_, [&](std::string_view, const Version& version) {
        return found.Add(ToEntry(*store_, key, version));
      });
  return std::move(found).Finish(listed);
}

Result<std::vector<Entry>> Snapshot::Scan(const ScanOptions& options) const {
  Collector found(options.limit);
  const KeyIndex::ListOptions list{options.prefix, options.offset, options.reverse};
  const Status listed =
      store_->index().List(list, size_, [&](std::string_view key, const Version& version) {
        if (version.kind != EntryKind::kValue && !options.deep) return true;
        auto entry = ToEntry(*store_, key, version);
        if (entry.ok() && entry->kind != EntryKind::kValue) entry = Get(entry->value);
        return found.Add(std::move(entry));
      });
  return std::move(found).Finish(listed);
}

Result<std::vector<Entry>> Snapshot::ScanSet(const SetScanOptions& options) const {
  Collector found(options.limit);
  const KeyIndex::SetListOptions list{options.set, options.offset, options.reverse};
  const Status listed = store_->index().ListSet(
      list, size_,
      [&](std::string_view, const Version& member) { return found.Add(Get(member.value)); });
  return std::move(found).Finish(listed);
}

Result<std::vector<Entry>> Snapshot::Range(LeafIndex first, size_t count) const {
  std::vector<Entry> entries;
  if (!size_.Contains(first)) return entries;
  const uint64_t end = first.value + std::min<uint64_t>(count, size_.value - first.value);
  for (uint64_t i = first.value; i < end; ++i) {
    auto entry = GetByIndex({i});
    IMMUDB_RETURN_IF_ERROR(entry);
    entries.push_back(*std::move(entry));
  }
  return entries;
}

Result<uint64_t> Snapshot::Count(std::string_view prefix) const {
  uint64_t count = 0;
  const Status listed = store_->index().List({prefix, {}, false}, size_,
                                             [&](std::string_view, const Version& version) {
                                               if (version.kind != EntryKind::kSortedSetMember)
                                                 ++count;
                                               return true;
                                             });
  IMMUDB_RETURN_IF_ERROR(listed);
  return count;
}

Result<Digest> Snapshot::Leaf(LeafIndex index) const {
  if (!size_.Contains(index)) return IndexNotFound();
  return store_->tree().Leaf(index);
}

Result<ProofPath> Snapshot::InclusionProof(LeafIndex index) const {
  if (!size_.Contains(index)) return IndexNotFound();
  return store_->tree().InclusionPath(index, size_);
}

Result<ProofPath> Snapshot::ConsistencyProof(TreeSize first) const {
  return store_->tree().ConsistencyPath(first, size_);
}

Result<Snapshot> Snapshot::At(TreeSize size) const {
  if (size > size_) return IndexNotFound();
  return Snapshot(store_, size, store_->tree().Root(size));
}

}  // namespace immudb
