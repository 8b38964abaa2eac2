// SPDX-License-Identifier: Apache-2.0
#include "index/table_check.h"

#include <rocksdb/comparator.h>
#include <rocksdb/file_checksum.h>
#include <rocksdb/iterator.h>
#include <rocksdb/options.h>
#include <rocksdb/sst_file_reader.h>
#include <rocksdb/table.h>

#include <charconv>
#include <utility>

#include "base/bytes.h"
#include "base/file_system.h"
#include "base/status_macros.h"
#include "index/guarded_env.h"
#include "index/table_block.h"
#include "index/timestamp_comparator.h"

namespace immudb {
namespace {

using rocksdb::Slice;

// Behind the key in what an iterator over all versions gives: timestamp, sequence number and type.
constexpr size_t kKeySuffixBytes = kTimestampBytes + 8;
constexpr size_t kReadBytes = size_t{256} << 10;

constexpr char kOldest[kTimestampBytes] = {};
constexpr char kNewest[kTimestampBytes] = {'\xFF', '\xFF', '\xFF', '\xFF',
                                           '\xFF', '\xFF', '\xFF', '\xFF'};

std::string_view ToView(const Slice& slice) {
  return {slice.data(), slice.size()};
}

// "... offset 39006 size 1237": where the library says that a block is damaged.
struct Block {
  uint64_t offset = 0;
  uint64_t size = 0;
};

uint64_t NumberBehind(std::string_view text, std::string_view word) {
  uint64_t number = 0;
  if (const size_t at = text.rfind(word); at != std::string_view::npos) {
    std::from_chars(text.data() + at + word.size(), text.data() + text.size(), number);
  }
  return number;
}

Block BlockIn(std::string_view message) {
  return {NumberBehind(message, " offset "), NumberBehind(message, " size ")};
}

rocksdb::Options ReaderOptions(IndexTable::Family family) {
  rocksdb::BlockBasedTableOptions table;
  table.no_block_cache = true;
  rocksdb::Options options;
  options.env = GuardedEnv();
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
    read_.fill_cache = false;
    read_.timestamp = &newest_;
    read_.iter_start_ts = &oldest_;
  }

  Status Open();
  Result<bool> Advance(size_t records);
  const std::optional<TableDamage>& damage() const { return damage_; }

 private:
  Status Found(const rocksdb::Status& status);
  Status CheckFile(const File& file);
  void NameRecordIn(const File& file, const Block& block);
  // False if it is wrong, and what is wrong is noted.
  bool LookAt(std::string_view internal_key, std::string_view record);

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
    damage_ = TableDamage{BlockIn(message).offset, {}, {}, message};
  }
  return Status::Ok();
}

Status TableCheck::Impl::Open() {
  const auto file = FileSystem::Real().Open(table_.path, FileSystem::Mode::kRead);
  IMMUDB_RETURN_IF_ERROR(file);
  const rocksdb::Status opened = reader_.Open(table_.path);
  if (opened.IsPathNotFound()) return Status::NotFound(table_.path + " is gone");
  IMMUDB_RETURN_IF_ERROR(Found(opened));
  if (opened.ok()) {
    const rocksdb::Status blocks = reader_.VerifyChecksum();
    IMMUDB_RETURN_IF_ERROR(Found(blocks));
    if (!blocks.ok()) NameRecordIn(**file, BlockIn(blocks.ToString()));
  }
  if (!damage_) IMMUDB_RETURN_IF_ERROR(CheckFile(**file));
  if (damage_ || table_.family == IndexTable::Family::kMeta) return Status::Ok();
  records_.reset(reader_.NewIterator(read_));
  records_->SeekToFirst();
  return Status::Ok();
}

// Also what stands between the blocks.
Status TableCheck::Impl::CheckFile(const File& file) {
  if (table_.checksum.empty()) return Status::Ok();
  const auto generator =
      rocksdb::GetFileChecksumGenCrc32cFactory()->CreateFileChecksumGenerator({});
  std::string bytes(kReadBytes, '\0');
  for (uint64_t offset = 0; offset < table_.bytes;) {
    const auto read = file.ReadAt(offset, bytes.data(), bytes.size());
    IMMUDB_RETURN_IF_ERROR(read);
    if (*read == 0) break;
    generator->Update(bytes.data(), *read);
    offset += *read;
  }
  generator->Finalize();
  if (generator->GetChecksum() != table_.checksum) {
    damage_ = TableDamage{0, {}, {}, "the file does not match its checksum"};
  }
  return Status::Ok();
}

void TableCheck::Impl::NameRecordIn(const File& file, const Block& block) {
  // Data blocks come first.
  const auto properties = reader_.GetTableProperties();
  if (table_.family == IndexTable::Family::kMeta || properties == nullptr ||
      block.offset + block.size >= properties->data_size || block.size > table_.bytes) {
    return;
  }
  std::string bytes(block.size + 1, '\0');  // its type comes behind it
  const auto read = file.ReadAt(block.offset, bytes.data(), bytes.size());
  if (!read.ok() || *read != bytes.size()) return;
  VisitBlock(std::string_view(bytes).substr(0, block.size), bytes.back(),
             [this](std::string_view key, std::string_view record) { return LookAt(key, record); });
  if (!damage_->index && !last_key_.empty()) damage_->key = last_key_;
}

bool TableCheck::Impl::LookAt(std::string_view internal_key, std::string_view record) {
  std::string_view key = internal_key;
  std::optional<LeafIndex> index;
  if (key.size() >= kKeySuffixBytes) {
    key.remove_suffix(kKeySuffixBytes);
    const auto timestamp = LoadLE<uint64_t>(key.data() + key.size());
    if (timestamp > 0) index = {timestamp - 1};
  }
  if (index && is_right_(table_.family, key, *index, record)) {
    last_key_ = key;
    return true;
  }
  if (!damage_) damage_.emplace();
  damage_->index = index;
  damage_->key = key;
  damage_->what = "a record is not what the log leads to" +
                  (damage_->what.empty() ? std::string() : " (" + damage_->what + ")");
  return false;
}

Result<bool> TableCheck::Impl::Advance(size_t records) {
  for (; records_ != nullptr && records_->Valid() && records > 0; --records) {
    // The first one is what is named.
    if (!LookAt(ToView(records_->key()), ToView(records_->value()))) {
      records_.reset();
      return false;
    }
    records_->Next();
  }
  if (records_ == nullptr) return false;
  if (records_->Valid()) return true;
  const rocksdb::Status ended = records_->status();
  records_.reset();
  IMMUDB_RETURN_IF_ERROR(Found(ended));
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
