// SPDX-License-Identifier: Apache-2.0
#include "server/engine_metrics.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <utility>

#include "base/atomic_histogram.h"
#include "database/database.h"
#include "immudb/status.h"
#include "immudb/store.h"
#include "server/health_checks.h"
#include "server/integrity_checker.h"
#include "server/metric_families.h"
#include "store/store_metrics.h"

namespace immudb {
namespace {

namespace fs = std::filesystem;
using prometheus::MetricFamily;
using prometheus::MetricType;

constexpr double kNanosecondsPerSecond = 1e9;
// Series of tampered databases; the open ones are bounded anyway.
constexpr size_t kMostNamed = 512;

double Number(uint64_t value) {
  return static_cast<double>(value);
}

double Value(const StoreMetrics::Count& count) {
  return Number(count.load(std::memory_order_relaxed));
}

}  // namespace

// The families in the making.
class EngineMetrics::Page {
 public:
  MetricFamily& Family(std::string name, std::string help, MetricType type) {
    return families_.emplace_back(MakeFamily(std::move(name), std::move(help), type));
  }
  void Counter(std::string name, std::string help, double value) {
    AddValue(Family(std::move(name), std::move(help), MetricType::Counter), value);
  }
  void Gauge(std::string name, std::string help, double value) {
    AddValue(Family(std::move(name), std::move(help), MetricType::Gauge), value);
  }
  void Untyped(std::string name, std::string help, double value) {
    AddValue(Family(std::move(name), std::move(help), MetricType::Untyped), value);
  }
  void Histogram(std::string name, std::string help, const AtomicHistogram& values,
                 double per_unit) {
    AddHistogram(Family(std::move(name), std::move(help), MetricType::Histogram), values, per_unit);
  }
  std::vector<MetricFamily> Take() { return std::move(families_); }

 private:
  std::vector<MetricFamily> families_;
};

void EngineMetrics::Serving(const Sources& sources) {
  const std::unique_lock lock(mutex_);
  sources_.emplace(sources);
  serving_since_ = std::chrono::steady_clock::now();
}

void EngineMetrics::Close() {
  const std::unique_lock lock(mutex_);
  sources_.reset();
}

std::vector<MetricFamily> EngineMetrics::Collect() const {
  Page page;
  AddValue(page.Family("immudb_build_info", "The version that runs; always 1.", MetricType::Gauge),
           1, {{"version", version_}});
  const std::shared_lock lock(mutex_);
  if (!sources_) return page.Take();
  AddContract(*sources_, page);
  AddDatabases(*sources_, page);
  AddWrites(*sources_, page);
  AddIndex(*sources_, page);
  AddServer(*sources_, page);
  AddIntegrity(*sources_, page);
  return page.Take();
}

// Names, types and help texts of the original: dashboards and `immuadmin stats` read them.
void EngineMetrics::AddContract(const Sources& sources, Page& page) const {
  const std::chrono::duration<double, std::ratio<3600>> uptime =
      std::chrono::steady_clock::now() - serving_since_;
  page.Counter("immudb_uptime_hours", "Server uptime in hours.", uptime.count());
  const StoreMetrics& stores = sources.databases.metrics();
  const IndexFigures index = sources.databases.index_figures();
  page.Untyped("immudb_blocked_puts_total", "Blocked Puts", Value(stores.refused));
  page.Untyped("immudb_disk_reads_total", "Disk Reads", Value(stores.log_reads));
  page.Untyped("immudb_disk_writes_total", "Disk Writes", Value(stores.log_writes));
  page.Untyped("immudb_gets_total", "Gets", Number(index.gets));
  page.Untyped("immudb_puts_total", "Puts", Value(stores.entries));
  page.Untyped("immudb_memtable_gets_total", "Memtable gets", Number(index.memtable_gets));
  page.Untyped("immudb_read_bytes", "Read bytes", Number(index.read_bytes));
  page.Untyped("immudb_written_bytes", "Written bytes", Value(stores.log_written_bytes));
  auto& gets = page.Family("immudb_lsm_level_gets_total", "LSM Level Gets", MetricType::Untyped);
  for (size_t level = 0; level < IndexFigures::kLevels; ++level) {
    AddValue(gets, Number(index.level_gets[level]), {{"level", "l" + std::to_string(level)}});
  }
  AddValue(page.Family("immudb_lsm_bloom_hits_total", "LSM Bloom Hits", MetricType::Untyped),
           Number(index.bloom_hits), {{"level", "all"}});
}

void EngineMetrics::AddDatabases(const Sources& sources, Page& page) const {
  const auto databases = sources.databases.figures();
  const auto& default_name = sources.databases.default_database()->name();
  const auto found = std::ranges::find(databases, default_name, &Databases::Figures::name);
  page.Counter("immudb_number_of_stored_entries",
               "Number of key-value entries currently stored by the database.",
               found == databases.end() ? 0 : Number(found->store.entries));

  // By directory, as the original has it: without "./".
  const auto untyped = [&](const char* name, const char* help, const auto& value) {
    auto& family = page.Family(name, help, MetricType::Untyped);
    for (const auto& database : databases) {
      AddValue(family, Number(value(database.store)),
               {{"database", fs::path(database.directory).lexically_normal()}});
    }
  };
  untyped("immudb_lsm_size_bytes", "LSM Size in bytes", [](const StoreFigures& store) {
    return store.index_bytes + store.tree_bytes + store.positions_bytes;
  });
  untyped("immudb_vlog_size_bytes", "Value Log Size in bytes",
          [](const StoreFigures& store) { return store.log_bytes; });
  untyped("immudb_pending_writes_total", "Pending Writes",
          [](const StoreFigures& store) { return store.waiting_transactions; });

  const auto gauge = [&](const char* name, const char* help, uint64_t StoreFigures::*figure) {
    auto& family = page.Family(name, help, MetricType::Gauge);
    for (const auto& database : databases) {
      AddValue(family, Number(database.store.*figure), {{"database", database.name}});
    }
  };
  gauge("immudb_database_entries", "Entries of an open database.", &StoreFigures::entries);
  gauge("immudb_database_log_bytes", "Bytes in the value log of an open database.",
        &StoreFigures::log_bytes);
  gauge("immudb_database_index_bytes", "Bytes in the index tables of an open database.",
        &StoreFigures::index_bytes);
  gauge("immudb_database_index_memory_bytes",
        "Bytes in memory that the index of an open database has not written to a table yet.",
        &StoreFigures::index_memory_bytes);
  gauge("immudb_database_tree_bytes", "Bytes in the Merkle tree of an open database.",
        &StoreFigures::tree_bytes);
  gauge("immudb_database_positions_bytes",
        "Bytes in the list of entry positions of an open database.",
        &StoreFigures::positions_bytes);
  gauge("immudb_database_queue_transactions",
        "Transactions that wait for the commit pipeline of an open database.",
        &StoreFigures::waiting_transactions);
  gauge("immudb_database_queue_bytes",
        "Bytes of the transactions of an open database that are not answered yet.",
        &StoreFigures::waiting_bytes);
  auto& read_only = page.Family("immudb_database_read_only",
                                "1 if an open database takes no writes, because the disk is full "
                                "or failed, else 0.",
                                MetricType::Gauge);
  for (const auto& database : databases) {
    AddValue(read_only, database.read_only ? 1 : 0, {{"database", database.name}});
  }
  gauge("immudb_database_compactions_running", "Compactions that an index runs now.",
        &StoreFigures::compactions_running);
  gauge("immudb_database_compaction_due_bytes",
        "Bytes that compactions of an index have still to rewrite, estimated.",
        &StoreFigures::compaction_due_bytes);
}

// Which databases are latched is counted without bound; named are the first ones.
void EngineMetrics::AddIntegrity(const Sources& sources, Page& page) {
  const auto tampered = sources.databases.Tampered();
  page.Gauge("immudb_tampered_databases",
             "Databases in which damage was found and whose calls are refused.",
             Number(tampered.size()));
  std::map<std::string, bool> named;
  for (const auto& database : sources.databases.figures()) named[database.name] = false;
  for (const auto& [name, report] : tampered) {
    if (named.size() < kMostNamed || named.contains(name)) named[name] = true;
  }
  auto& family = page.Family("immudb_database_tampered",
                             "1 if damage was found in the database, else 0; of those that are "
                             "open or tampered with.",
                             MetricType::Gauge);
  for (const auto& [name, is_tampered] : named) {
    AddValue(family, is_tampered ? 1 : 0, {{"database", name}});
  }
  const auto checker = sources.health.checker_figures();
  page.Gauge("immudb_integrity_check_enabled", "1 if the integrity checker runs, else 0.",
             checker ? 1 : 0);
  if (!checker) return;
  page.Counter("immudb_integrity_check_passes_total",
               "Passes over all databases that the integrity checker has finished.",
               Number(checker->passes));
  page.Counter("immudb_integrity_check_entries_total", "Entries that were read and hashed again.",
               Number(checker->entries));
  page.Counter("immudb_integrity_check_bytes_total", "Bytes of files that were read again.",
               Number(checker->bytes));
  page.Counter("immudb_integrity_check_damages_total",
               "Places at which stored bytes were not what was written, in each pass anew.",
               Number(checker->damages));
  page.Counter("immudb_integrity_check_read_errors_total",
               "Places that could not be read; the checker went on behind them.",
               Number(checker->read_errors));
  page.Gauge("immudb_integrity_check_pass_progress_ratio",
             "How much of the pass that runs is done, 0 to 1.", checker->progress);
  page.Gauge("immudb_integrity_check_last_pass_duration_seconds",
             "Time that the last pass took; 0 if none has ended.", checker->last_pass.count());
  page.Gauge("immudb_integrity_check_last_pass_end_timestamp_seconds",
             "Unix time at which the last pass ended; 0 if none has.",
             std::chrono::duration<double>(checker->last_pass_end.time_since_epoch()).count());
}

void EngineMetrics::AddWrites(const Sources& sources, Page& page) const {
  const StoreMetrics& stores = sources.databases.metrics();
  page.Counter("immudb_transactions_total", "Transactions that were committed.",
               Value(stores.transactions));
  if (!histograms_) return;
  page.Histogram("immudb_commit_duration_seconds",
                 "Time from the arrival of the oldest transaction of a group to its publication.",
                 stores.commit, kNanosecondsPerSecond);
  page.Histogram("immudb_commit_group_entries", "Entries that were written and synced together.",
                 stores.group, 1);
  page.Histogram("immudb_log_sync_duration_seconds", "Time of one sync of a value log.",
                 stores.sync, kNanosecondsPerSecond);
  page.Histogram("immudb_proof_duration_seconds",
                 "Time to gather one inclusion or consistency proof.", stores.proof,
                 kNanosecondsPerSecond);
}

void EngineMetrics::AddIndex(const Sources& sources, Page& page) const {
  const IndexFigures index = sources.databases.index_figures();
  page.Gauge("immudb_index_cache_bytes", "Bytes in the block cache of the indexes.",
             Number(index.cache_bytes));
  page.Gauge("immudb_index_cache_capacity_bytes", "Bytes that the block cache may hold.",
             Number(index.cache_capacity_bytes));
  page.Counter("immudb_index_cache_hits_total", "Blocks that were found in the block cache.",
               Number(index.cache_hits));
  page.Counter("immudb_index_cache_misses_total", "Blocks that were not in the block cache.",
               Number(index.cache_misses));
  page.Counter("immudb_index_flushed_bytes_total", "Bytes that flushes wrote to index tables.",
               Number(index.flushed_bytes));
  page.Counter("immudb_index_compaction_read_bytes_total",
               "Bytes that compactions of the indexes read.", Number(index.compaction_read_bytes));
  page.Counter("immudb_index_compaction_written_bytes_total",
               "Bytes that compactions of the indexes wrote.",
               Number(index.compaction_written_bytes));
  page.Counter("immudb_index_stall_seconds_total",
               "Time that writes waited for flushes and compactions of the indexes.",
               Number(index.stall_microseconds) / 1e6);
}

void EngineMetrics::AddServer(const Sources& sources, Page& page) const {
  page.Gauge("immudb_sessions", "Tokens in force.", Number(sources.sessions.size()));
  page.Counter("immudb_failed_logins_total", "Logins that failed.",
               Number(sources.throttle.failures()));
  page.Gauge("immudb_databases", "Databases of the server.", Number(sources.databases.count()));
  page.Gauge("immudb_open_databases",
             "Databases that are open, besides the default and the system database.",
             Number(sources.databases.open_count()));
  page.Gauge("immudb_max_open_databases", "Databases that may be open at once.",
             Number(sources.databases.max_open()));
  if (const auto free = sources.health.free_bytes(); free.ok()) {
    page.Gauge("immudb_disk_free_bytes", "Bytes that are free on the disk of the data.",
               Number(*free));
  }
  page.Gauge("immudb_disk_reserve_bytes", "With less free on the disk there are no writes.",
             Number(sources.health.reserved_bytes()));
  auto& health = page.Family("immudb_health_check",
                             "1 if the check finds all well, else 0; for databases, of all that "
                             "are open or failed to open.",
                             MetricType::Gauge);
  bool databases_ok = true;
  for (const auto& check : sources.health.Checks()) {
    if (check.decides || check.name == HealthChecks::kChecker) {
      AddValue(health, check.ok ? 1 : 0, {{"check", check.name}});
    } else {
      databases_ok = databases_ok && check.ok;
    }
  }
  AddValue(health, databases_ok ? 1 : 0, {{"check", "databases"}});
}

}  // namespace immudb
