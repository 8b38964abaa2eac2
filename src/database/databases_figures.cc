// SPDX-License-Identifier: Apache-2.0
//
// What the metrics page and the health checks ask of all databases.
#include <rocksdb/cache.h>
#include <rocksdb/statistics.h>

#include <algorithm>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/file_system.h"
#include "database/database_name.h"
#include "database/databases.h"

namespace immudb {

size_t Databases::open_count() const {
  const std::lock_guard lock(slots_mutex_);
  return open_count_;
}

size_t Databases::count() const {
  const std::shared_lock lock(mutex_);
  return in_order_.size();
}

std::vector<Databases::Figures> Databases::figures() const {
  std::vector<Figures> all;
  const auto add = [&](const std::string& name, const Store& store) {
    all.push_back(
        {name, JoinPath(options_.directory, name), store.figures(), !store.failure().ok()});
  };
  for (const auto& database : All()) {
    if (const auto store = database->Peek()) add(database->name(), *store);
  }
  add(std::string(kSystemDatabase), *system_);
  return all;
}

IndexFigures Databases::index_figures() const {
  const auto ticks = [this](uint32_t ticker) {
    return store_options_.statistics->getTickerCount(ticker);
  };
  return {.cache_bytes = store_options_.block_cache->GetUsage(),
          .cache_capacity_bytes = store_options_.block_cache->GetCapacity(),
          .cache_hits = ticks(rocksdb::BLOCK_CACHE_HIT),
          .cache_misses = ticks(rocksdb::BLOCK_CACHE_MISS),
          .gets = ticks(rocksdb::NUMBER_KEYS_READ),
          .memtable_gets = ticks(rocksdb::MEMTABLE_HIT),
          .level_gets = {ticks(rocksdb::GET_HIT_L0), ticks(rocksdb::GET_HIT_L1),
                         ticks(rocksdb::GET_HIT_L2_AND_UP)},
          .bloom_hits = ticks(rocksdb::BLOOM_FILTER_USEFUL),
          .read_bytes = ticks(rocksdb::BYTES_READ) + ticks(rocksdb::ITER_BYTES_READ),
          .written_bytes = ticks(rocksdb::BYTES_WRITTEN),
          .flushed_bytes = ticks(rocksdb::FLUSH_WRITE_BYTES),
          .compaction_read_bytes = ticks(rocksdb::COMPACT_READ_BYTES),
          .compaction_written_bytes = ticks(rocksdb::COMPACT_WRITE_BYTES),
          .stall_microseconds = ticks(rocksdb::STALL_MICROS)};
}

std::vector<std::pair<std::string, Status>> Databases::Healths() const {
  std::vector<std::pair<std::string, Status>> healths;
  for (const auto& database : All()) {
    const Status health = database->Health();
    if (!health.ok() || database->LastUse()) healths.emplace_back(database->name(), health);
  }
  std::ranges::sort(healths, {}, &std::pair<std::string, Status>::first);
  return healths;
}

}  // namespace immudb
