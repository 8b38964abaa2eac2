// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <rocksdb/db.h>
#include <rocksdb/iterator.h>
#include <rocksdb/options.h>
#include <rocksdb/slice.h>
#include <rocksdb/status.h>

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "index/key_index.h"
#include "index/timestamp_comparator.h"

namespace rocksdb {
class WriteBatch;
}  // namespace rocksdb

namespace immudb {

// What follows the key and its timestamp in the keys of an iterator over all versions: sequence
// number and type.
inline constexpr size_t kInternalFooterBytes = 8;

inline constexpr char kKeysFamily[] = "keys";
inline constexpr char kSetsFamily[] = "sets";

inline rocksdb::Slice ToSlice(std::string_view bytes) {
  return {bytes.data(), bytes.size()};
}
inline std::string_view ToView(const rocksdb::Slice& slice) {
  return {slice.data(), slice.size()};
}

// Sees the entries below a size: the timestamp of an entry is its index + 1.
class ReadTimestamp {
 public:
  explicit ReadTimestamp(uint64_t value) { StoreLE(bytes_, value); }
  ReadTimestamp(const ReadTimestamp&) = delete;
  ReadTimestamp& operator=(const ReadTimestamp&) = delete;

  const rocksdb::Slice* slice() const { return &slice_; }

 private:
  char bytes_[kTimestampBytes];
  const rocksdb::Slice slice_{bytes_, sizeof(bytes_)};
};

// An update with the start of its key as a number: see key_index.cc.
struct SortItem;

class KeyIndex::Impl {
 public:
  explicit Impl(std::string directory, size_t inline_value_bytes)
      : directory_(std::move(directory)), inline_value_bytes_(inline_value_bytes) {}
  ~Impl();
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Status Open(const KeyIndexOptions& options);
  Status Apply(std::span<const IndexUpdate> group, TreeSize through);
  Result<Version> Get(std::string_view key, TreeSize at, ReadMode mode) const;
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
  rocksdb::Status Resume();
  rocksdb::Status FlushMemtables();
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

template <typename Visit>
Status KeyIndex::Impl::Walk(rocksdb::ColumnFamilyHandle* family, const Range& range, TreeSize at,
                            bool all_versions, const Visit& visit) const {
  if (at.empty() || (!range.end.empty() && range.begin >= range.end)) {
    return Status::Ok();
  }
  const ReadTimestamp newest(at.value);
  const ReadTimestamp oldest(0);
  const rocksdb::Slice lower(range.begin);
  const rocksdb::Slice upper(range.end);
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
    const rocksdb::Slice timestamp = it->timestamp();
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

}  // namespace immudb
