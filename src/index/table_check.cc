// SPDX-License-Identifier: Apache-2.0
#include "index/table_check.h"

#include <rocksdb/comparator.h>
#include <rocksdb/iterator.h>
#include <rocksdb/options.h>
#include <rocksdb/sst_file_reader.h>
#include <rocksdb/table.h>

#include <charconv>
#include <utility>

#include "base/bytes.h"
#include "base/file_system.h"
#include "base/status_macros.h"
#include "index/timestamp_comparator.h"

namespace immudb {
namespace {

using rocksdb::Slice;

// Behind the key in what an iterator over all versions gives: timestamp, sequence number and type.
constexpr size_t kKeySuffixBytes = kTimestampBytes + 8;

constexpr char kOldest[kTimestampBytes] = {};
constexpr char kNewest[kTimestampBytes] = {'\xFF', '\xFF', '\xFF', '\xFF',
                                           '\xFF', '\xFF', '\xFF', '\xFF'};

std::string_view ToView(const Slice& slice) {
  return {slice.data(), slice.size()};
}

// "... offset 39006 size 1237": where the library says that a block is damaged.
uint64_t OffsetIn(std::string_view message) {
  static constexpr std::string_view kWord = " offset ";
  const size_t at = message.rfind(kWord);
  uint64_t offset = 0;
  if (at == std::string_view::npos) return offset;
  const char* digits = message.data() + at + kWord.size();
  std::from_chars(digits, message.data() + message.size(), offset);
  return offset;
}

rocksdb::Options ReaderOptions(IndexTable::Family family) {
  rocksdb::BlockBasedTableOptions table;
  table.no_block_cache = true;
  rocksdb::Options options;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  options.comparator =
      family == IndexTable::Family::kMeta ? rocksdb::BytewiseComparator() : TimestampComparator();
  return options;
}

}  // namespace

class TableCheck::Impl {
 public:
  Impl(IndexTable table, RecordIsRight is_right)
      : table_(std::move(table)),
        is_right_(std::move(is_right)),
        reader_(ReaderOptions(table_.family)) {
    read_.verify_checksums = false;  // that was done for the whole file before
    read_.fill_cache = false;
    read_.timestamp = &newest_;
    read_.iter_start_ts = &oldest_;
  }

  Status Open();
  Result<bool> Advance(size_t records);
  const std::optional<TableDamage>& damage() const { return damage_; }

 private:
  Status Found(const rocksdb::Status& status);
  void LookAtRecord();

  const IndexTable table_;
  const RecordIsRight is_right_;
  const Slice newest_{kNewest, sizeof(kNewest)};
  const Slice oldest_{kOldest, sizeof(kOldest)};
  rocksdb::ReadOptions read_;
  rocksdb::SstFileReader reader_;
  std::unique_ptr<rocksdb::Iterator> records_;
  std::optional<TableDamage> damage_;
  std::string last_key_;  // of the last record that is right
};

// A damage of the file is noted, another error is returned.
Status TableCheck::Impl::Found(const rocksdb::Status& status) {
  if (status.ok()) return Status::Ok();
  const std::string message = status.ToString();
  if (!status.IsCorruption() && !status.IsNotSupported() && !status.IsInvalidArgument()) {
    return Status::IoError(table_.path + ": " + message);
  }
  if (!damage_) {
    damage_ = TableDamage{.offset = OffsetIn(message), .index = {}, .key = {}, .what = message};
  }
  return Status::Ok();
}

Status TableCheck::Impl::Open() {
  const auto exists = FileSystem::Real().Exists(table_.path);
  IMMUDB_RETURN_IF_ERROR(exists);
  if (!*exists) return Status::NotFound(table_.path + " is gone");
  const rocksdb::Status opened = reader_.Open(table_.path);
  if (opened.IsPathNotFound()) return Status::NotFound(table_.path + " is gone");
  IMMUDB_RETURN_IF_ERROR(Found(opened));
  if (!opened.ok()) return Status::Ok();
  IMMUDB_RETURN_IF_ERROR(Found(reader_.VerifyChecksum()));
  if (table_.family == IndexTable::Family::kMeta) return Status::Ok();
  records_.reset(reader_.NewIterator(read_));
  records_->SeekToFirst();
  return Status::Ok();
}

void TableCheck::Impl::LookAtRecord() {
  std::string_view key = ToView(records_->key());
  const Slice timestamp = records_->timestamp();
  std::optional<LeafIndex> index;
  if (key.size() >= kKeySuffixBytes && timestamp.size() == kTimestampBytes) {
    key.remove_suffix(kKeySuffixBytes);
    if (const auto next = LoadLE<uint64_t>(timestamp.data()); next > 0) index = {next - 1};
  }
  if (index && is_right_(table_.family, key, *index, ToView(records_->value()))) {
    last_key_ = key;
    return;
  }
  if (!damage_) damage_ = TableDamage{.offset = 0, .index = {}, .key = {}, .what = {}};
  damage_->index = index;
  damage_->key = key;
  damage_->what = "a record is not what the log leads to" +
                  (damage_->what.empty() ? std::string() : " (" + damage_->what + ")");
}

Result<bool> TableCheck::Impl::Advance(size_t records) {
  for (; records_ != nullptr && records_->Valid() && records > 0; --records) {
    LookAtRecord();
    // The first one is what is named.
    if (damage_ && damage_->index) {
      records_.reset();
    } else {
      records_->Next();
    }
  }
  if (records_ == nullptr) return false;
  if (records_->Valid()) return true;
  const rocksdb::Status ended = records_->status();
  records_.reset();
  IMMUDB_RETURN_IF_ERROR(Found(ended));
  if (!ended.ok()) {
    damage_->key = last_key_;
    damage_->what = "the records behind this key cannot be read: " + damage_->what;
  }
  return false;
}

TableCheck::TableCheck(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TableCheck::~TableCheck() = default;

Result<std::unique_ptr<TableCheck>> TableCheck::Open(const IndexTable& table,
                                                     RecordIsRight is_right) {
  auto impl = std::make_unique<Impl>(table, std::move(is_right));
  IMMUDB_RETURN_IF_ERROR(impl->Open());
  return std::unique_ptr<TableCheck>(new TableCheck(std::move(impl)));
}

Result<bool> TableCheck::Advance(size_t records) {
  return impl_->Advance(records);
}

const std::optional<TableDamage>& TableCheck::damage() const {
  return impl_->damage();
}

}  // namespace immudb
