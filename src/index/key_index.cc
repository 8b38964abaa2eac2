// SPDX-License-Identifier: Apache-2.0
#include "index/key_index.h"

#include <rocksdb/write_batch.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/file_system.h"
#include "base/status_macros.h"
#include "index/key_index_impl.h"
#include "index/record_format.h"
#include "index/rocksdb_options.h"

namespace immudb {
namespace {

using rocksdb::Slice;

constexpr char kAppliedKey[] = "applied";

// RocksDB has no code for what a process lacks for a while, only the text of the system.
bool IsShortage(const std::string& text) {
  for (const int error : {EMFILE, ENFILE, ENOMEM}) {
    if (text.ends_with(std::generic_category().message(error))) return true;
  }
  return false;
}

}  // namespace

// An update with the start of its key as a number, so that sorting seldom has to look at the keys.
struct SortItem {
  uint64_t head;
  const IndexUpdate* update;

  friend bool operator<(const SortItem& a, const SortItem& b) {
    if (a.head != b.head) {
      return a.head < b.head;
    }
    const int order = a.update->key.compare(b.update->key);
    return order != 0 ? order < 0 : a.update->index < b.update->index;
  }
};

namespace {

SortItem MakeSortItem(const IndexUpdate& update) {
  char head[8] = {};
  std::memcpy(head, update.key.data(), std::min(sizeof(head), update.key.size()));
  return {LoadBE64(head), &update};
}

}  // namespace

KeyIndex::Impl::~Impl() {
  // If that fails, their entries are applied again from the log.
  if (db_) FlushMemtables().PermitUncheckedError();
  for (auto* family : families_) {
    db_->DestroyColumnFamilyHandle(family).PermitUncheckedError();
  }
  if (db_) {
    db_->Close().PermitUncheckedError();
  }
}

Status KeyIndex::Impl::FromRocksDb(const rocksdb::Status& status) const {
  if (status.ok()) {
    return Status::Ok();
  }
  const std::string text = status.ToString();
  std::string message = "index " + directory_ + ": " + text;
  if (status.IsCorruption()) {
    return Status::DataLoss(std::move(message));
  }
  if (status.IsNoSpace()) return Status::ResourceExhausted(std::move(message));
  if (status.IsMemoryLimit() || IsShortage(text)) return Status::Unavailable(std::move(message));
  // A lock that somebody holds has no code of its own.
  if (status.IsBusy() || text.find("lock hold by") != std::string::npos ||
      text.find("While lock file") != std::string::npos) {
    return Status::FailedPrecondition(std::move(message));
  }
  return Status::IoError(std::move(message));
}

Status KeyIndex::Impl::Open(const KeyIndexOptions& options) {
  if (!options.read_only) {
    IMMUDB_RETURN_IF_ERROR(FileSystem::Real().CreateDirectory(directory_));
  }
  // One set of options for both versioned families: they share the block cache.
  const rocksdb::ColumnFamilyOptions versioned = MakeVersionedFamilyOptions(options);
  const std::vector<rocksdb::ColumnFamilyDescriptor> families = {
      {rocksdb::kDefaultColumnFamilyName, MakeMetaFamilyOptions(options)},
      {kKeysFamily, versioned},
      {kSetsFamily, versioned}};
  rocksdb::DB* db = nullptr;
  const rocksdb::DBOptions db_options = MakeDbOptions(directory_, options);
  const rocksdb::Status opened =
      options.read_only
          ? rocksdb::DB::OpenForReadOnly(db_options, directory_, families, &families_, &db)
          : rocksdb::DB::Open(db_options, directory_, families, &families_, &db);
  // Files that are missing or say something else than what was written are damage, too.
  if (opened.IsNotFound() || opened.IsPathNotFound() || opened.IsInvalidArgument() ||
      opened.IsNotSupported()) {
    return Status::DataLoss("index " + directory_ + ": " + opened.ToString());
  }
  IMMUDB_RETURN_IF_ERROR(FromRocksDb(opened));
  db_.reset(db);
  meta_ = families_[0];
  keys_ = families_[1];
  sets_ = families_[2];
  return LoadApplied();
}

KeyIndex::Figures KeyIndex::Impl::figures() const {
  const auto sum = [this](const std::string& property) {
    uint64_t value = 0;
    return db_->GetAggregatedIntProperty(property, &value) ? value : 0;
  };
  uint64_t running = 0;  // of the whole, whichever family is asked
  db_->GetIntProperty(rocksdb::DB::Properties::kNumRunningCompactions, &running);
  return {.table_bytes = sum(rocksdb::DB::Properties::kTotalSstFilesSize),
          .memory_bytes = sum(rocksdb::DB::Properties::kCurSizeAllMemTables),
          .compactions_running = running,
          .compaction_due_bytes = sum(rocksdb::DB::Properties::kEstimatePendingCompactionBytes)};
}

Status KeyIndex::Impl::LoadApplied() {
  std::string bytes;
  const rocksdb::Status status = db_->Get(rocksdb::ReadOptions(), meta_, kAppliedKey, &bytes);
  if (status.IsNotFound()) {
    return Status::Ok();
  }
  IMMUDB_RETURN_IF_ERROR(FromRocksDb(status));
  if (bytes.size() != sizeof(uint64_t)) {
    return BadRecord();
  }
  applied_.store(LoadLE<uint64_t>(bytes.data()), std::memory_order_release);
  return Status::Ok();
}

Status KeyIndex::Impl::Apply(std::span<const IndexUpdate> group, TreeSize through) {
  const TreeSize applied = this->applied();
  if (through <= applied) {
    return Status::Ok();
  }
  std::vector<SortItem> items;
  items.reserve(group.size());
  size_t bytes = 64;
  for (const IndexUpdate& update : group) {
    if (!through.Contains(update.index)) {
      return Status::InvalidArgument("index update beyond the end of its group");
    }
    if (applied.Contains(update.index)) {
      continue;
    }
    items.push_back(MakeSortItem(update));
    bytes += update.key.size() + std::min(update.value.size(), inline_value_bytes_) + 24;
  }

  rocksdb::WriteBatch batch(bytes);
  IMMUDB_RETURN_IF_ERROR(AddMembers(items, batch));
  IMMUDB_RETURN_IF_ERROR(AddKeys(std::move(items), batch));
  char watermark[sizeof(uint64_t)];
  StoreLE(watermark, through.value);
  IMMUDB_RETURN_IF_ERROR(
      FromRocksDb(batch.Put(meta_, kAppliedKey, Slice(watermark, sizeof(watermark)))));

  rocksdb::WriteOptions options;
  options.disableWAL = true;
  rocksdb::Status written = db_->Write(options, &batch);
  if (written.IsIOError() && Resume().ok()) written = db_->Write(options, &batch);
  IMMUDB_RETURN_IF_ERROR(FromRocksDb(written));
  applied_.store(through.value, std::memory_order_release);
  return Status::Ok();
}

Status KeyIndex::Impl::AddKeys(std::vector<SortItem> items, rocksdb::WriteBatch& batch) const {
  // Neighbours are inserted one after the other: twice as fast in large groups.
  std::sort(items.begin(), items.end());
  std::string record;
  for (const SortItem& item : items) {
    const IndexUpdate& update = *item.update;
    EncodeVersion(update.kind, update.value, inline_value_bytes_, &record);
    const ReadTimestamp timestamp(update.index.value + 1);
    IMMUDB_RETURN_IF_ERROR(
        FromRocksDb(batch.Put(keys_, ToSlice(update.key), *timestamp.slice(), record)));
  }
  return Status::Ok();
}

Status KeyIndex::Impl::AddMembers(std::span<const SortItem> items,
                                  rocksdb::WriteBatch& batch) const {
  std::vector<std::pair<std::string, LeafIndex>> members;
  for (const SortItem& item : items) {
    const IndexUpdate& update = *item.update;
    if (update.kind != EntryKind::kSortedSetMember) {
      continue;
    }
    if (!IsMemberKey(update.key, update.set_bytes) ||
        MemberOf(update.key, update.set_bytes) != update.value) {
      return Status::InvalidArgument("malformed sorted-set member");
    }
    members.emplace_back(EncodeSetRecordKey(update.key, update.set_bytes), update.index);
  }
  std::sort(members.begin(), members.end());
  for (const auto& [key, index] : members) {
    const ReadTimestamp timestamp(index.value + 1);
    IMMUDB_RETURN_IF_ERROR(FromRocksDb(batch.Put(sets_, key, *timestamp.slice(), Slice())));
  }
  return Status::Ok();
}

// After an error of the system RocksDB does not try again by itself (see MakeErrorListener), and
// may forget to write out the memtables that met it: a later write would wait for them for ever.
rocksdb::Status KeyIndex::Impl::Resume() {
  const rocksdb::Status resumed = db_->Resume();
  return resumed.ok() ? FlushMemtables() : resumed;
}

rocksdb::Status KeyIndex::Impl::FlushMemtables() {
  rocksdb::FlushOptions options;
  // Else it waits, without an end, until somebody has written out the memtables that are full.
  options.allow_write_stall = true;
  return db_->Flush(options, families_);
}

Status KeyIndex::Impl::Flush() {
  return FromRocksDb(FlushMemtables());
}

Result<std::unique_ptr<KeyIndex>> KeyIndex::Open(const std::string& directory,
                                                 const KeyIndexOptions& options) {
  auto impl = std::make_unique<Impl>(directory, options.inline_value_bytes);
  IMMUDB_RETURN_IF_ERROR(impl->Open(options));
  return std::unique_ptr<KeyIndex>(new KeyIndex(std::move(impl)));
}

KeyIndex::KeyIndex(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
KeyIndex::~KeyIndex() = default;

TreeSize KeyIndex::applied() const {
  return impl_->applied();
}
Status KeyIndex::Apply(std::span<const IndexUpdate> group, TreeSize through) {
  return impl_->Apply(group, through);
}
Result<Version> KeyIndex::Get(std::string_view key, TreeSize at, ReadMode mode) const {
  return impl_->Get(key, at, mode);
}
Status KeyIndex::History(std::string_view key, TreeSize at, const Visitor& visit) const {
  return impl_->History(key, at, visit);
}
Status KeyIndex::List(const ListOptions& options, TreeSize at, const Visitor& visit) const {
  return impl_->List(options, at, visit);
}
Status KeyIndex::ListVersions(const std::optional<VersionMark>& after, TreeSize at,
                              const Visitor& visit) const {
  return impl_->ListVersions(after, at, visit);
}
Status KeyIndex::ListSet(const SetListOptions& options, TreeSize at, const Visitor& visit) const {
  return impl_->ListSet(options, at, visit);
}
Result<bool> KeyIndex::CheckEntry(const IndexUpdate& entry) const {
  return impl_->CheckEntry(entry);
}
std::vector<IndexTable> KeyIndex::Tables() const {
  return impl_->Tables();
}
Result<IndexFingerprint> KeyIndex::Fingerprint(TreeSize at, uint64_t seed) const {
  return impl_->Fingerprint(at, seed);
}
KeyIndex::Figures KeyIndex::figures() const {
  return impl_->figures();
}

Status KeyIndex::Flush() {
  return impl_->Flush();
}

}  // namespace immudb
