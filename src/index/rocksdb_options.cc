// SPDX-License-Identifier: Apache-2.0
#include "index/rocksdb_options.h"

#include <rocksdb/cache.h>
#include <rocksdb/file_checksum.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>

#include <cstddef>

#include "index/error_listener.h"
#include "index/guarded_env.h"
#include "index/rocksdb_logger.h"
#include "index/timestamp_comparator.h"

namespace immudb {
namespace {

constexpr size_t kOwnCacheBytes = size_t{32} << 20;
constexpr int kOwnCacheShardBits = 2;
constexpr double kFilterBitsPerKey = 10;

}  // namespace

rocksdb::DBOptions MakeDbOptions(const std::string& directory, const KeyIndexOptions& options) {
  rocksdb::DBOptions db;
  db.env = GuardedEnv();
  db.listeners = {MakeErrorListener()};
  // KeyIndex resumes and flushes itself, never waiting for what nobody does.
  db.max_bgerror_resume_count = 0;
  db.avoid_flush_during_shutdown = true;
  db.create_if_missing = true;
  db.create_missing_column_families = true;
  // Without a write-ahead log this is what keeps the watermark and the records together.
  db.atomic_flush = true;
  // One writer: the memtables need no atomic insertion, and may use insertion hints.
  db.allow_concurrent_memtable_write = false;
  db.enable_write_thread_adaptive_yield = false;
  db.write_buffer_manager = options.write_buffer_manager;
  db.statistics = options.statistics;
  // Over every byte of a table, also those between its blocks: for TableCheck.
  db.file_checksum_gen_factory = rocksdb::GetFileChecksumGenCrc32cFactory();
  db.max_background_jobs = 2;
  db.max_open_files = options.max_open_files;
  db.max_manifest_file_size = size_t{16} << 20;
  db.bytes_per_sync = size_t{1} << 20;
  db.skip_stats_update_on_db_open = true;
  db.stats_dump_period_sec = 0;
  db.stats_persist_period_sec = 0;
  db.info_log = MakeRocksDbLogger(directory);
  db.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
  return db;
}

rocksdb::ColumnFamilyOptions MakeMetaFamilyOptions(const KeyIndexOptions& options) {
  rocksdb::ColumnFamilyOptions family;
  family.write_buffer_size = options.write_buffer_bytes;
  family.arena_block_size = size_t{4} << 10;
  return family;
}

rocksdb::ColumnFamilyOptions MakeVersionedFamilyOptions(const KeyIndexOptions& options) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = options.block_cache
                          ? options.block_cache
                          : rocksdb::NewLRUCache(kOwnCacheBytes, kOwnCacheShardBits);
  table.cache_index_and_filter_blocks = true;
  // In partitions: the filter of a whole file is larger than a shard of a small cache, and would be
  // read again for every key.
  table.index_type = rocksdb::BlockBasedTableOptions::kTwoLevelIndexSearch;
  table.partition_filters = true;
  table.metadata_block_size = size_t{16} << 10;
  table.pin_top_level_index_and_filter = true;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(kFilterBitsPerKey));
  table.optimize_filters_for_memory = true;
  // These two are what table_tail.cc knows.
  table.format_version = 5;
  table.checksum = rocksdb::kXXH3;

  rocksdb::ColumnFamilyOptions family;
  family.comparator = TimestampComparator();
  family.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  family.write_buffer_size = options.write_buffer_bytes;
  family.max_write_buffer_number = 4;
  family.arena_block_size = size_t{64} << 10;
  // One hint for all keys: groups come sorted, so each insertion starts where the last one ended.
  family.memtable_insert_with_hint_prefix_extractor.reset(rocksdb::NewCappedPrefixTransform(0));
  family.compression = rocksdb::kLZ4Compression;
  family.max_bytes_for_level_base = size_t{64} << 20;
  family.target_file_size_base = size_t{64} << 20;
  return family;
}

}  // namespace immudb
