// SPDX-License-Identifier: Apache-2.0
#include "database/databases.h"

#include <rocksdb/cache.h>
#include <rocksdb/statistics.h>
#include <rocksdb/write_buffer_manager.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <new>
#include <set>
#include <system_error>
#include <utility>

#include "base/status_macros.h"
#include "database/catalogue.h"
#include "database/data_folder.h"
#include "database/database_name.h"
#include "store/store_metrics.h"

namespace immudb {
namespace {

constexpr int kCacheShardBits = 2;
// More than cores: most of the time they wait for the disk.
constexpr size_t kCommitThreads = 12;
// What a waiting write holds besides its bytes: the call with its messages, here and in gRPC.
constexpr size_t kWaitingCallBytes = size_t{8} << 10;

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

std::chrono::steady_clock::time_point Now() {
  return std::chrono::steady_clock::now();
}

}  // namespace

Databases::Databases(const DatabasesOptions& options)
    : options_(options),
      file_system_(options.file_system != nullptr ? *options.file_system : FileSystem::Real()),
      max_open_(MaxOpen(options)),
      slots_(max_open_) {
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
  store_options_.caller_bytes = kWaitingCallBytes;
  store_options_.reserved_bytes = options_.reserved_bytes;
  store_options_.max_open_files = FilesOfStore(options_);
  store_options_.file_system = &file_system_;
}

Databases::~Databases() {
  static_cast<void>(Close());
}

std::shared_ptr<Database> Databases::Add(std::string_view name, bool complete) {
  if (const auto found = by_name_.find(name); found != by_name_.end()) return found->second;
  auto database = std::make_shared<Database>(std::string(name), Now);
  if (complete) database->set_complete();
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
  FileSystem& fs = file_system_;
  const std::string folder = JoinPath(options_.directory, name);
  const auto exists = fs.Exists(folder);
  IMMUDB_RETURN_IF_ERROR(exists);
  if (*exists) {
    return Status::FailedPrecondition("the data folder of database " + std::string(name) +
                                      " exists already and is none of this server");
  }
  IMMUDB_RETURN_IF_ERROR(MakeDatabaseFolder(fs, options_.directory, name));
  auto database = std::make_shared<Database>(std::string(name), Now);
  Status made = OpenStore(*database).status();
  const bool opened = made.ok();
  // The derived files, so that a complete database is never without any.
  if (made.ok()) made = fs.SyncDirectory(folder);
  if (made.ok()) made = RecordInCatalogue(*system_, name, act, *audit_);
  if (!made.ok()) {
    if (opened) {
      static_cast<void>(database->Close());
      ReturnSlot();
    }
    UnmakeDatabaseFolder(fs, options_.directory, name);
    return made;
  }
  database->set_complete();
  const std::unique_lock lock(mutex_);
  by_name_.emplace(name, database);
  in_order_.push_back(std::move(database));
  return Status::Ok();
}

Result<std::unique_ptr<Store>> Databases::OpenFolder(const Database& database) const {
  const std::string& directory = options_.directory;
  IMMUDB_RETURN_IF_ERROR(
      CheckDatabaseFolder(file_system_, directory, database.name(), database.complete()));
  try {
    return Store::Open(JoinPath(directory, database.name()), store_options_);
  } catch (const std::bad_alloc&) {
    return Status::ResourceExhausted("there is no memory to open it");
  } catch (const std::system_error& error) {  // no thread
    return Status::ResourceExhausted(error.what());
  }
}

Result<std::shared_ptr<Store>> Databases::OpenStore(Database& database) {
  if (auto store = database.StoreIfOpen()) return store;
  const bool needs_slot = &database != default_.get();  // that one stays open, in no slot
  return database.Open([&] { return needs_slot ? TakeSlot() : Status::Ok(); },
                       [&] {
                         auto store = OpenFolder(database);
                         if (needs_slot && !store.ok()) ReturnSlot();
                         return store;
                       });
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
