// SPDX-License-Identifier: Apache-2.0
#include "index/key_index.h"

#include <rocksdb/db.h>
#include <rocksdb/iterator.h>
#include <rocksdb/options.h>
#include <rocksdb/slice.h>
#include <rocksdb/status.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/file_system.h"
#include "base/status_macros.h"
#include "index/record_format.h"
#include "index/rocksdb_options.h"
#include "index/timestamp_comparator.h"

namespace immudb {
namespace {

using rocksdb::Slice;

constexpr char kKeysFamily[] = "keys";
constexpr char kSetsFamily[] = "sets";
constexpr char kAppliedKey[] = "applied";

// What follows the key and its timestamp in the keys of an iterator over all versions: sequence
// number and type.
constexpr size_t kInternalFooterBytes = 8;

Slice ToSlice(std::string_view bytes) {
  return {bytes.data(), bytes.size()};
}
std::string_view ToView(const Slice& slice) {
  return {slice.data(), slice.size()};
}

// Sees the entries below a size: the timestamp of an entry is its index + 1.
class Timestamp {
 public:
  explicit Timestamp(uint64_t value) { StoreLE(bytes_, value); }
  Timestamp(const Timestamp&) = delete;
  Timestamp& operator=(const Timestamp&) = delete;

  const Slice* slice() const { return &slice_; }

 private:
  char bytes_[kTimestampBytes];
  const Slice slice_{bytes_, sizeof(bytes_)};
};

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

SortItem MakeSortItem(const IndexUpdate& update) {
  char head[8] = {};
  std::memcpy(head, update.key.data(), std::min(sizeof(head), update.key.size()));
  return {LoadBE64(head), &update};
}

}  // namespace

class KeyIndex::Impl {
 public:
  explicit Impl(std::string directory, size_t inline_value_bytes)
      : directory_(std::move(directory)), inline_value_bytes_(inline_value_bytes) {}
  ~Impl();
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Status Open(const KeyIndexOptions& options);
  Status Apply(std::span<const IndexUpdate> group, TreeSize through);
  Result<Version> Get(std::string_view key, TreeSize at) const;
  Status History(std::string_view key, TreeSize at, const Visitor& visit) const;
  Status List(const ListOptions& options, TreeSize at, const Visitor& visit) const;
  Status ListVersions(const std::optional<VersionMark>& after, TreeSize at,
                      const Visitor& visit) const;
  Status ListSet(const SetListOptions& options, TreeSize at, const Visitor& visit) const;
  Result<bool> CheckEntry(const IndexUpdate& entry) const;
  std::vector<IndexTable> Tables() const;
  Result<IndexFingerprint> Fingerprint(TreeSize at, uint64_t seed) const;
  Status Flush();
  Figures figures() const;

  TreeSize applied() const { return {applied_.load(std::memory_order_acquire)}; }

 private:
  // From `begin` to before `end` (empty: to the last key).
  struct Range {
    std::string begin = {};
    std::string end = {};
    bool reverse = false;
    bool fill_cache = true;
  };

  Status LoadApplied();
  Status AddKeys(std::vector<SortItem> items, rocksdb::WriteBatch& batch) const;
  Status AddMembers(std::span<const SortItem> items, rocksdb::WriteBatch& batch) const;
  // Calls visit(iterator, index) for each record in the range that `at` sees: the latest one of
  // each key or, with `all_versions`, all. `visit` gives false to stop.
  template <typename Visit>
  Status Walk(rocksdb::ColumnFamilyHandle* family, const Range& range, TreeSize at,
              bool all_versions, const Visit& visit) const;

  Status FromRocksDb(const rocksdb::Status& status) const;
  Status BadRecord() const {
    return Status::DataLoss("index " + directory_ + ": a record cannot be decoded");
  }

  const std::string directory_;
  const size_t inline_value_bytes_;
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> families_;
  rocksdb::ColumnFamilyHandle* meta_ = nullptr;
  rocksdb::ColumnFamilyHandle* keys_ = nullptr;
  rocksdb::ColumnFamilyHandle* sets_ = nullptr;
  std::atomic<uint64_t> applied_{0};
};

KeyIndex::Impl::~Impl() {
  for (auto* family : families_) {
    db_->DestroyColumnFamilyHandle(family).PermitUncheckedError();
  }
  if (db_) {
    // Writes the memtables out; if that fails, their entries are applied again from the log.
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
  if (status.IsNoSpace()) {
    return Status::ResourceExhausted(std::move(message));
  }
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
  IMMUDB_RETURN_IF_ERROR(FromRocksDb(
      options.read_only
          ? rocksdb::DB::OpenForReadOnly(db_options, directory_, families, &families_, &db)
          : rocksdb::DB::Open(db_options, directory_, families, &families_, &db)));
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
  // Memtables that found no room once are not tried again by themselves.
  if (written.IsNoSpace() && db_->Resume().ok()) written = db_->Write(options, &batch);
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
    const Timestamp timestamp(update.index.value + 1);
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
    const Timestamp timestamp(index.value + 1);
    IMMUDB_RETURN_IF_ERROR(FromRocksDb(batch.Put(sets_, key, *timestamp.slice(), Slice())));
  }
  return Status::Ok();
}

Result<Version> KeyIndex::Impl::Get(std::string_view key, TreeSize at) const {
  const Timestamp timestamp(at.value);
  rocksdb::ReadOptions options;
  options.timestamp = timestamp.slice();
  rocksdb::PinnableSlice record;
  std::string found;
  const rocksdb::Status status = db_->Get(options, keys_, ToSlice(key), &record, &found);
  if (status.IsNotFound()) {
    return Status::NotFound("Key not found");
  }
  IMMUDB_RETURN_IF_ERROR(FromRocksDb(status));
  Version version;
  if (found.size() != kTimestampBytes || !DecodeVersion(ToView(record), &version)) {
    return BadRecord();
  }
  version.index = TreeSize{LoadLE<uint64_t>(found.data())}.Last();
  return version;
}

template <typename Visit>
Status KeyIndex::Impl::Walk(rocksdb::ColumnFamilyHandle* family, const Range& range, TreeSize at,
                            bool all_versions, const Visit& visit) const {
  if (at.empty() || (!range.end.empty() && range.begin >= range.end)) {
    return Status::Ok();
  }
  const Timestamp newest(at.value);
  const Timestamp oldest(0);
  const Slice lower(range.begin);
  const Slice upper(range.end);
  rocksdb::ReadOptions options;
  options.timestamp = newest.slice();
  options.fill_cache = range.fill_cache;
  if (all_versions) {
    options.iter_start_ts = oldest.slice();
  }
  options.iterate_lower_bound = &lower;
  if (!range.end.empty()) {
    options.iterate_upper_bound = &upper;
  }
  // Holds the blocks of the place where it stands, however far it goes.
  const std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(options, family));
  const bool reverse = range.reverse;
  for (reverse ? it->SeekToLast() : it->SeekToFirst(); it->Valid();
       reverse ? it->Prev() : it->Next()) {
    const Slice timestamp = it->timestamp();
    if (timestamp.size() != kTimestampBytes) {
      return BadRecord();
    }
    Result<bool> more = visit(*it, TreeSize{LoadLE<uint64_t>(timestamp.data())}.Last());
    IMMUDB_RETURN_IF_ERROR(more);
    if (!*more) {
      return Status::Ok();
    }
  }
  return FromRocksDb(it->status());
}

Status KeyIndex::Impl::History(std::string_view key, TreeSize at, const Visitor& visit) const {
  Range range{.begin = std::string(key), .end = std::string(key)};
  range.end += '\0';
  Version version;
  return Walk(keys_, range, at, /*all_versions=*/true,
              [&](const rocksdb::Iterator& it, LeafIndex index) -> Result<bool> {
                version.index = index;
                if (!DecodeVersion(ToView(it.value()), &version)) {
                  return BadRecord();
                }
                return visit(key, version);
              });
}

Status KeyIndex::Impl::List(const ListOptions& options, TreeSize at, const Visitor& visit) const {
  Range range{.begin = std::string(options.prefix),
              .end = PrefixEnd(options.prefix),
              .reverse = options.reverse};
  if (!options.after.empty()) {
    if (!options.reverse) {
      range.begin = std::max(range.begin, std::string(options.after) + '\0');
    } else if (range.end.empty() || options.after < range.end) {
      range.end = options.after;
    }
  }
  Version version;
  return Walk(keys_, range, at, /*all_versions=*/false,
              [&](const rocksdb::Iterator& it, LeafIndex index) -> Result<bool> {
                version.index = index;
                if (!DecodeVersion(ToView(it.value()), &version)) {
                  return BadRecord();
                }
                return visit(ToView(it.key()), version);
              });
}

Status KeyIndex::Impl::ListVersions(const std::optional<VersionMark>& after, TreeSize at,
                                    const Visitor& visit) const {
  Range range;
  range.fill_cache = false;
  bool more = true;
  if (after) {
    // What is older than the mark is what a reader saw before it was written: however many newer
    // versions the key has, none of them is looked at again.
    const TreeSize before_mark = std::min(at, TreeSize{after->index.value});
    IMMUDB_RETURN_IF_ERROR(History(
        after->key, before_mark,
        [&](std::string_view key, const Version& version) { return more = visit(key, version); }));
    range.begin = after->key + '\0';
  }
  if (!more) {
    return Status::Ok();
  }
  Version version;
  return Walk(keys_, range, at, /*all_versions=*/true,
              [&](const rocksdb::Iterator& it, LeafIndex index) -> Result<bool> {
                std::string_view key = ToView(it.key());
                version.index = index;
                if (key.size() < kTimestampBytes + kInternalFooterBytes ||
                    !DecodeVersion(ToView(it.value()), &version)) {
                  return BadRecord();
                }
                key.remove_suffix(kTimestampBytes + kInternalFooterBytes);
                return visit(key, version);
              });
}

Status KeyIndex::Impl::ListSet(const SetListOptions& options, TreeSize at,
                               const Visitor& visit) const {
  const SetRange records = SetRecords(options.set);
  Range range{.begin = records.begin, .end = records.end, .reverse = options.reverse};
  if (!options.after.empty()) {
    if (!options.after.starts_with(options.set) ||
        !IsMemberKey(options.after, options.set.size())) {
      return Status::InvalidArgument("invalid offset");
    }
    std::string after = EncodeSetRecordKey(options.after, options.set.size());
    if (options.reverse) {
      range.end = std::move(after);
    } else {
      range.begin = std::move(after) + '\0';
    }
  }
  std::string key;
  Version version;
  version.kind = EntryKind::kSortedSetMember;
  version.value_is_inline = true;
  return Walk(
      sets_, range, at, /*all_versions=*/false,
      [&](const rocksdb::Iterator& it, LeafIndex index) -> Result<bool> {
        if (!DecodeSetRecordKey(ToView(it.key()), options.set, records.begin.size(), &key)) {
          return BadRecord();
        }
        version.index = index;
        version.value = MemberOf(key, options.set.size());
        return visit(key, version);
      });
}

Result<bool> KeyIndex::Impl::CheckEntry(const IndexUpdate& entry) const {
  const auto has = [&](IndexTable::Family family, std::string_view key) -> Result<bool> {
    const Timestamp timestamp(entry.index.value + 1);
    rocksdb::ReadOptions options;
    options.timestamp = timestamp.slice();
    options.fill_cache = false;
    rocksdb::PinnableSlice record;
    std::string found;
    const rocksdb::Status status =
        db_->Get(options, family == IndexTable::Family::kKeys ? keys_ : sets_, ToSlice(key),
                 &record, &found);
    if (status.IsNotFound()) {
      return false;
    }
    IMMUDB_RETURN_IF_ERROR(FromRocksDb(status));
    return Slice(found) == *timestamp.slice() && IsRecordOf(entry, family, key, ToView(record));
  };
  Result<bool> right = has(IndexTable::Family::kKeys, entry.key);
  if (right.ok() && *right && entry.kind == EntryKind::kSortedSetMember) {
    right = has(IndexTable::Family::kSets, EncodeSetRecordKey(entry.key, entry.set_bytes));
  }
  return right;
}

std::vector<IndexTable> KeyIndex::Impl::Tables() const {
  std::vector<rocksdb::LiveFileMetaData> files;
  db_->GetLiveFilesMetaData(&files);
  std::vector<IndexTable> tables;
  for (const auto& file : files) {
    const IndexTable::Family family =
        file.column_family_name == kKeysFamily   ? IndexTable::Family::kKeys
        : file.column_family_name == kSetsFamily ? IndexTable::Family::kSets
                                                 : IndexTable::Family::kMeta;
    const bool has_checksum = file.file_checksum_func_name != rocksdb::kUnknownFileChecksumFuncName;
    tables.push_back({JoinPath(file.directory, file.relative_filename), family, file.size,
                      has_checksum ? file.file_checksum : ""});
  }
  return tables;
}

Result<IndexFingerprint> KeyIndex::Impl::Fingerprint(TreeSize at, uint64_t seed) const {
  using Family = IndexFingerprint::Family;
  IndexFingerprint sum(seed);
  Range all;
  all.fill_cache = false;
  for (const Family family : {Family::kKeys, Family::kSets}) {
    auto* const records = family == Family::kKeys ? keys_ : sets_;
    IMMUDB_RETURN_IF_ERROR(Walk(records, all, at, /*all_versions=*/true,
                                [&](const rocksdb::Iterator& it, LeafIndex index) -> Result<bool> {
                                  std::string_view key = ToView(it.key());
                                  if (key.size() < kTimestampBytes + kInternalFooterBytes) {
                                    return BadRecord();
                                  }
                                  key.remove_suffix(kTimestampBytes + kInternalFooterBytes);
                                  sum.AddRecord(family, key, index, ToView(it.value()));
                                  return true;
                                }));
  }
  return sum;
}

Status KeyIndex::Impl::Flush() {
  return FromRocksDb(db_->Flush(rocksdb::FlushOptions(), families_));
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
Result<Version> KeyIndex::Get(std::string_view key, TreeSize at) const {
  return impl_->Get(key, at);
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
bool KeyIndex::IsRecordOf(const IndexUpdate& entry, IndexTable::Family family, std::string_view key,
                          std::string_view record) {
  if (family == IndexTable::Family::kSets) {
    return entry.kind == EntryKind::kSortedSetMember && record.empty() &&
           key == EncodeSetRecordKey(entry.key, entry.set_bytes);
  }
  Version version;
  return key == entry.key && DecodeVersion(record, &version) && version.kind == entry.kind &&
         (!version.value_is_inline || version.value == entry.value);
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
