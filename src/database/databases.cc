// SPDX-License-Identifier: Apache-2.0
#include "database/databases.h"

#include <rocksdb/cache.h>
#include <rocksdb/statistics.h>
#include <rocksdb/write_buffer_manager.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <set>
#include <utility>

#include "base/status_macros.h"
#include "database/catalogue.h"
#include "database/database_name.h"
#include "store/store_metrics.h"

namespace immudb {
namespace {

constexpr std::string_view kLockFile = "immudb.lock";
constexpr int kCacheShardBits = 2;
// More than cores: most of the time they wait for the disk.
constexpr size_t kCommitThreads = 12;

// Descriptors: those of a store besides StoreOptions::max_open_files, and the bounds of these.
constexpr size_t kFixedFiles = 4;
constexpr size_t kFewestFiles = 24;
constexpr size_t kMostFiles = 80;
constexpr size_t kPinnedStores = 2;
constexpr size_t kVisitedStores = 1;
constexpr std::chrono::milliseconds kSlotPoll{2};

// What is left for the stores that are opened on demand, when clients have their share.
size_t DescriptorsForStores(const DatabasesOptions& options) {
  const size_t others =
      std::max<size_t>(options.descriptors / 4, 64) + kPinnedStores * (kMostFiles + kFixedFiles);
  return options.descriptors > others ? options.descriptors - others : 0;
}

size_t MaxOpen(const DatabasesOptions& options) {
  const size_t affordable = DescriptorsForStores(options) / (kFewestFiles + kFixedFiles);
  const size_t for_calls = affordable - std::min(affordable, kVisitedStores);
  return std::max<size_t>(std::min(options.max_open, for_calls), 1);
}

size_t FilesOfStore(const DatabasesOptions& options) {
  const size_t share = DescriptorsForStores(options) / (MaxOpen(options) + kVisitedStores);
  return std::clamp(share - std::min(share, kFixedFiles), kFewestFiles, kMostFiles);
}

Result<std::unique_ptr<FileLock>> LockDirectory(FileSystem& fs, const std::string& directory) {
  if (const Status made = fs.CreateDirectory(directory); !made.ok()) return made.WithContext("dir");
  auto lock = fs.Lock(JoinPath(directory, kLockFile));
  if (lock.ok()) return lock;
  if (lock.status().code() == StatusCode::kFailedPrecondition) {
    return Status::FailedPrecondition("dir: " + directory + " is in use by another immudb server");
  }
  return lock.status().WithContext("dir");
}

std::chrono::steady_clock::time_point Now() {
  return std::chrono::steady_clock::now();
}

}  // namespace

Databases::Databases(const DatabasesOptions& options)
    : options_(options), max_open_(MaxOpen(options)), slots_(max_open_) {
  // One core is left to the thread that asks for help.
  const unsigned helpers = std::max(2U, std::thread::hardware_concurrency()) - 1;
  pool_ = std::make_unique<ThreadPool>(helpers);
  commit_threads_ = std::make_unique<ThreadPool>(kCommitThreads);
  store_options_.sync = options_.sync;
  // Few shards: a block of index or filter must not crowd out the rest of one.
  store_options_.block_cache = rocksdb::NewLRUCache(options_.block_cache_bytes, kCacheShardBits);
  store_options_.write_buffer_manager =
      std::make_shared<rocksdb::WriteBufferManager>(options_.write_buffer_bytes);
  store_options_.statistics = rocksdb::CreateDBStatistics();
  store_options_.statistics->set_stats_level(rocksdb::kExceptHistogramOrTimers);
  store_options_.metrics = std::make_shared<StoreMetrics>();
  store_options_.pool = pool_.get();
  store_options_.commit_threads = commit_threads_.get();
  store_options_.reserved_bytes = options_.reserved_bytes;
  store_options_.max_open_files = FilesOfStore(options_);
}

Databases::~Databases() {
  static_cast<void>(Close());
}

Result<std::unique_ptr<Databases>> Databases::Open(const DatabasesOptions& options) {
  if (const Status name = CheckDatabaseName(options.default_database); !name.ok()) {
    return name.WithContext("dbname");
  }
  auto lock = LockDirectory(FileSystem::Real(), options.directory);
  IMMUDB_RETURN_IF_ERROR(lock);
  std::unique_ptr<Databases> databases(new Databases(options));
  Databases& self = *databases;
  self.lock_ = *std::move(lock);

  auto system = self.OpenFolder(kSystemDatabase, Folder::kMayBeMade);
  if (!system.ok()) return system.status().WithContext("database " + std::string(kSystemDatabase));
  self.system_ = *std::move(system);
  self.audit_ =
      std::make_unique<AuditTrail>(*self.system_, [] { return std::chrono::system_clock::now(); });
  auto tampered = TamperLatches::Load(*self.system_, *self.audit_);
  IMMUDB_RETURN_IF_ERROR(tampered);
  self.tampered_ = *std::move(tampered);
  for (const auto& [name, report] : self.Tampered()) {
    spdlog::error("database {} was tampered with ({}): {}", name, report.time, TamperText(report));
  }
  IMMUDB_RETURN_IF_ERROR(self.OpenDefault());
  IMMUDB_RETURN_IF_ERROR(self.LoadCatalogue());
  self.idle_closer_ = std::thread([&self] { self.CloseIdle(); });
  return databases;
}

Status Databases::ReadAudit(const std::string& directory,
                            const std::function<bool(const std::string&)>& visit) {
  FileSystem& fs = FileSystem::Real();
  const std::string folder = JoinPath(directory, kSystemDatabase);
  const auto exists = HasDatabase(fs, folder);
  IMMUDB_RETURN_IF_ERROR(exists);
  if (!*exists) return Status::NotFound("dir: there is no system database in " + directory);
  const auto lock = LockDirectory(fs, directory);
  IMMUDB_RETURN_IF_ERROR(lock);
  const auto store = Store::Open(folder, {});
  IMMUDB_RETURN_IF_ERROR(store);
  return AuditTrail::Read(**store, visit);
}

Status Databases::OpenDefault() {
  const std::string& name = options_.default_database;
  default_ = Add(name);
  const auto recorded = ReadCatalogue(*system_);
  IMMUDB_RETURN_IF_ERROR(recorded);
  const bool known = std::find(recorded->begin(), recorded->end(), name) != recorded->end();
  const auto exists = FileSystem::Real().Exists(default_directory());
  IMMUDB_RETURN_IF_ERROR(exists);
  if (known && !*exists) {
    return Status::DataLoss("database " + name + " was created here, but its folder " +
                            default_directory() + " is missing");
  }
  const auto opened = OpenStore(*default_, Folder::kMayBeMade);
  if (!opened.ok()) {
    // A damaged one is refused by each call; the others, and the users, are still there.
    return opened.status().code() == StatusCode::kDataLoss ? Status::Ok() : opened.status();
  }
  if (known) return Status::Ok();
  return RecordInCatalogue(*system_, name,
                           {.act = "create database", .target = name, .detail = "default database"},
                           *audit_);
}

Status Databases::LoadCatalogue() {
  const auto recorded = ReadCatalogue(*system_);
  IMMUDB_RETURN_IF_ERROR(recorded);
  const auto folders = FindDatabaseFolders(FileSystem::Real(), options_.directory);
  IMMUDB_RETURN_IF_ERROR(folders);
  for (const std::string& name : *recorded) {
    if (!folders->contains(name)) {
      spdlog::error("database {} was created here, but its folder is missing", name);
    }
    Add(name);
  }
  for (const std::string& name : *folders) Add(name);
  if (in_order_.size() > 1) spdlog::info("{} databases", in_order_.size());
  return Status::Ok();
}

std::shared_ptr<Database> Databases::Add(std::string_view name) {
  if (const auto found = by_name_.find(name); found != by_name_.end()) return found->second;
  auto database = std::make_shared<Database>(std::string(name), Now);
  database->set_tampered(tampered_->IsSet(name));
  by_name_.emplace(name, database);
  in_order_.push_back(database);
  return database;
}

std::shared_ptr<Database> Databases::Find(std::string_view name) const {
  const std::shared_lock lock(mutex_);
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : found->second;
}

std::vector<std::string> Databases::Names() const {
  std::vector<std::string> names;
  for (const auto& database : All()) names.push_back(database->name());
  return names;
}

std::vector<std::shared_ptr<Database>> Databases::All() const {
  const std::shared_lock lock(mutex_);
  return in_order_;
}

bool Databases::multiple() const {
  const std::shared_lock lock(mutex_);
  return in_order_.size() > 1;
}

std::string Databases::default_directory() const {
  return JoinPath(options_.directory, options_.default_database);
}

Status Databases::Create(std::string_view name, const AuditRecord& act) {
  IMMUDB_RETURN_IF_ERROR(CheckDatabaseName(name));
  const std::lock_guard creating(create_mutex_);
  if (Find(name) != nullptr) {
    return {StatusCode::kAlreadyExists, "database " + std::string(name) + " already exists"};
  }
  FileSystem& fs = FileSystem::Real();
  const std::string folder = JoinPath(options_.directory, name);
  const auto exists = fs.Exists(folder);
  IMMUDB_RETURN_IF_ERROR(exists);
  if (*exists) {
    return Status::FailedPrecondition("the data folder of database " + std::string(name) +
                                      " exists already and is none of this server");
  }
  auto database = std::make_shared<Database>(std::string(name), Now);
  IMMUDB_RETURN_IF_ERROR(OpenStore(*database, Folder::kMayBeMade));
  Status made = fs.SyncDirectory(options_.directory);
  if (made.ok()) made = RecordInCatalogue(*system_, name, act, *audit_);
  if (!made.ok()) {
    static_cast<void>(database->Close());
    ReturnSlot();
    static_cast<void>(fs.RemoveTree(folder));
    return made;
  }
  const std::unique_lock lock(mutex_);
  by_name_.emplace(name, database);
  in_order_.push_back(std::move(database));
  return Status::Ok();
}

Result<std::unique_ptr<Store>> Databases::OpenFolder(std::string_view name, Folder folder) const {
  const std::string path = JoinPath(options_.directory, name);
  if (folder == Folder::kMustExist) {
    const auto exists = HasDatabase(FileSystem::Real(), path);
    IMMUDB_RETURN_IF_ERROR(exists);
    if (!*exists) return Status::DataLoss("there is no value log in " + path);
  }
  return Store::Open(path, store_options_);
}

Result<std::shared_ptr<Store>> Databases::OpenStore(Database& database, Folder folder) {
  if (auto store = database.StoreIfOpen()) return store;
  if (Status failed = database.failure(); !failed.ok()) return failed;
  bool slot_used = &database == default_.get();  // it stays open, in no slot
  if (!slot_used) IMMUDB_RETURN_IF_ERROR(TakeSlot());
  auto opened = database.Open([&](std::string_view name) -> Result<std::unique_ptr<Store>> {
    auto store = OpenFolder(name, folder);
    slot_used = slot_used || store.ok();
    return store;
  });
  if (!slot_used) ReturnSlot();  // it failed, or another thread was faster
  return opened;
}

Status Databases::TakeSlot() {
  const auto deadline = Now() + options_.slot_wait;
  std::unique_lock lock(slots_mutex_);
  while (!closing_ && open_count_ >= slots_) {
    lock.unlock();
    const bool made_room = CloseLeastRecentlyUsed();
    lock.lock();
    if (made_room) continue;
    if (Now() >= deadline) {
      return Status::ResourceExhausted("too many databases are in use at once (" +
                                       std::to_string(max_open_) + "), try again later");
    }
    // A call that was answered lets go of its store a moment later, and nobody tells.
    closing_wake_.wait_for(lock, kSlotPoll, [this] { return closing_ || open_count_ < slots_; });
  }
  if (closing_) return Status::Unavailable("the server is stopping");
  ++open_count_;
  return Status::Ok();
}

void Databases::ReturnSlot() {
  const std::lock_guard lock(slots_mutex_);
  --open_count_;
}

bool Databases::CloseLeastRecentlyUsed() {
  std::vector<std::pair<Database::Time, std::shared_ptr<Database>>> open;
  for (auto& database : All()) {
    if (database == default_) continue;
    if (const auto used = database->LastUse()) open.emplace_back(*used, std::move(database));
  }
  std::sort(open.begin(), open.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  for (const auto& [used, database] : open) {
    if (database->CloseIfUnused(Database::Time::max())) {
      ReturnSlot();
      return true;
    }
  }
  return false;
}

void Databases::CloseIdle() {
  using std::chrono::milliseconds;
  const auto interval = std::clamp<milliseconds>(milliseconds(options_.idle_timeout) / 4,
                                                 milliseconds(250), std::chrono::minutes(1));
  std::unique_lock lock(slots_mutex_);
  while (!closing_wake_.wait_for(lock, interval, [this] { return closing_; })) {
    lock.unlock();
    for (const auto& database : All()) {
      if (database != default_ && database->CloseIfUnused(Now() - options_.idle_timeout)) {
        ReturnSlot();
      }
    }
    audit_->RecordCounted(/*all=*/false);
    lock.lock();
  }
}

Status Databases::Visit(Database& database, const std::function<void(const Store&)>& look) {
  struct AnotherSlot {
    explicit AnotherSlot(Databases& databases) : self(databases) {
      const std::lock_guard lock(self.slots_mutex_);
      self.slots_ += kVisitedStores;
    }
    ~AnotherSlot() {
      {
        const std::lock_guard lock(self.slots_mutex_);
        self.slots_ -= kVisitedStores;
      }
      while (self.open_count() > self.max_open_ && self.CloseLeastRecentlyUsed()) {
      }
    }
    Databases& self;
  };
  const AnotherSlot slot(*this);
  const bool was_closed = database.Peek() == nullptr;
  auto store = OpenStore(database);
  IMMUDB_RETURN_IF_ERROR(store);
  const auto opened = database.LastUse();
  look(**store);
  *store = nullptr;
  if (was_closed && opened && &database != default_.get() && database.CloseIfUnused(*opened)) {
    ReturnSlot();
  }
  return Status::Ok();
}

Status Databases::SetTampered(std::string_view name, const Damage& damage) {
  const std::lock_guard changing(tamper_mutex_);
  if (const auto database = Find(name)) database->set_tampered(true);
  return tampered_->Set(name, damage);
}

Status Databases::ClearTampered(std::string_view name, const AuditRecord& act) {
  const auto database = Find(name);
  if (database == nullptr && name != kSystemDatabase) {
    return Status::NotFound("database " + std::string(name) + " does not exist");
  }
  const std::lock_guard changing(tamper_mutex_);
  IMMUDB_RETURN_IF_ERROR(tampered_->Clear(name, act));
  if (database != nullptr) database->set_tampered(false);
  return Status::Ok();
}

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

Status Databases::Close() {
  {
    const std::lock_guard lock(slots_mutex_);
    closing_ = true;
  }
  closing_wake_.notify_all();
  if (idle_closer_.joinable()) idle_closer_.join();
  Status first;
  const auto keep_first = [&first](Status closed) {
    if (first.ok()) first = std::move(closed);
  };
  for (const auto& database : All()) keep_first(database->Close());
  if (audit_ != nullptr) audit_->RecordCounted(/*all=*/true);
  if (system_ != nullptr) keep_first(system_->Close().WithContext("database systemdb"));
  return first;
}

}  // namespace immudb
