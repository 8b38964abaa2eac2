// SPDX-License-Identifier: Apache-2.0
//
// Is the index what the log leads to?
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "base/status_macros.h"
#include "immudb/status.h"
#include "immudb/types.h"
#include "index/index_fingerprint.h"
#include "index/index_update.h"
#include "index/key_index.h"
#include "index/key_index_impl.h"
#include "index/record_format.h"
#include "index/table_check.h"
#include "index/timestamp_comparator.h"

namespace immudb {

Result<bool> KeyIndex::Impl::CheckEntry(const IndexUpdate& entry) const {
  const auto has = [&](IndexTable::Family family, std::string_view key) -> Result<bool> {
    const ReadTimestamp timestamp(entry.index.value + 1);
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
    return rocksdb::Slice(found) == *timestamp.slice() &&
           IsRecordOf(entry, family, key, ToView(record));
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
}  // namespace immudb
