// SPDX-License-Identifier: Apache-2.0
//
// What the index is asked for: latest versions, histories, listings.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "base/status_macros.h"
#include "immudb/status.h"
#include "immudb/types.h"
#include "index/key_index.h"
#include "index/key_index_impl.h"
#include "index/record_format.h"
#include "index/table_file.h"
#include "index/timestamp_comparator.h"

namespace immudb {

Result<Version> KeyIndex::Impl::Get(std::string_view key, TreeSize at, ReadMode mode) const {
  const ReadTimestamp timestamp(at.value);
  rocksdb::ReadOptions options;
  options.timestamp = timestamp.slice();
  rocksdb::PinnableSlice record;
  std::string found;
  rocksdb::Status status;
  {
    std::optional<AtOnceReads> at_once;
    if (mode == ReadMode::kAtOnce) at_once.emplace();
    status = db_->Get(options, keys_, ToSlice(key), &record, &found);
  }
  if (status.IsTimedOut()) return Status::Unavailable("not in memory");
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

}  // namespace immudb
