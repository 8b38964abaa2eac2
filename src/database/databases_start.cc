// SPDX-License-Identifier: Apache-2.0
//
// How the data directory is opened: what is there, what is made, and what is refused.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "base/file_system.h"
#include "base/status_macros.h"
#include "database/catalogue.h"
#include "database/data_folder.h"
#include "database/database_name.h"
#include "database/databases.h"

namespace immudb {
namespace {

constexpr std::string_view kLockFile = "immudb.lock";

Result<std::unique_ptr<FileLock>> LockDirectory(FileSystem& fs, const std::string& directory) {
  if (const Status made = fs.CreateDirectory(directory); !made.ok()) return made.WithContext("dir");
  auto lock = fs.Lock(JoinPath(directory, kLockFile));
  if (lock.ok()) return lock;
  if (lock.status().code() == StatusCode::kFailedPrecondition) {
    return Status::FailedPrecondition("dir: " + directory + " is in use by another immudb server");
  }
  return lock.status().WithContext("dir");
}

}  // namespace

Result<std::unique_ptr<Databases>> Databases::Open(const DatabasesOptions& options) {
  if (const Status name = CheckDatabaseName(options.default_database); !name.ok()) {
    return name.WithContext("dbname");
  }
  std::unique_ptr<Databases> databases(new Databases(options));
  auto lock = LockDirectory(databases->file_system_, options.directory);
  IMMUDB_RETURN_IF_ERROR(lock);
  Databases& self = *databases;
  self.lock_ = *std::move(lock);

  IMMUDB_RETURN_IF_ERROR(RemoveUnfinishedFolder(self.file_system_, options.directory));
  IMMUDB_RETURN_IF_ERROR(self.OpenSystem());
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

Status Databases::OpenSystem() {
  FileSystem& fs = file_system_;
  const std::string name(kSystemDatabase);
  const auto exists = HasDatabase(fs, JoinPath(options_.directory, name));
  IMMUDB_RETURN_IF_ERROR(exists);
  std::string beside;
  if (!*exists) {
    const auto found = LookAtDataFolder(fs, options_.directory);
    IMMUDB_RETURN_IF_ERROR(found);
    IMMUDB_RETURN_IF_ERROR(
        CheckNewSystemDatabase(*found, options_.directory, options_.new_system_database));
    if (!found->databases.empty()) beside = std::to_string(found->databases.size());
    IMMUDB_RETURN_IF_ERROR(MakeDatabaseFolder(fs, options_.directory, name));
  }
  auto system = Store::Open(JoinPath(options_.directory, name), store_options_);
  if (!system.ok()) {
    return Status(system.status().code(),
                  "database " + name + ": " + system.status().message() +
                      "; how to go on without it: docs/recovery.md, The system database");
  }
  system_ = *std::move(system);
  audit_ = std::make_unique<AuditTrail>(*system_, [] { return std::chrono::system_clock::now(); });
  IMMUDB_RETURN_IF_ERROR(fs.SyncDirectory(JoinPath(options_.directory, name)));
  if (beside.empty()) return Status::Ok();
  spdlog::error(
      "there was no system database: an empty one, without users and permissions, was made beside "
      "the databases that are there: {}",
      beside);
  return audit_->Record({.act = "make the system database anew",
                         .target = name,
                         .detail = beside + " databases stood in the data folder"});
}

Result<bool> Databases::IsFirstStart() const {
  const auto found = LookAtDataFolder(file_system_, options_.directory);
  IMMUDB_RETURN_IF_ERROR(found);
  IMMUDB_RETURN_IF_ERROR(
      CheckNewAdministrator(*found, options_.directory, options_.new_system_database));
  return !found->has_entries;
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
  FileSystem& fs = file_system_;
  const std::string& name = options_.default_database;
  const auto recorded = ReadCatalogue(*system_);
  IMMUDB_RETURN_IF_ERROR(recorded);
  const bool known = std::find(recorded->begin(), recorded->end(), name) != recorded->end();
  default_ = Add(name, known);
  const auto exists = HasDatabase(fs, default_directory());
  IMMUDB_RETURN_IF_ERROR(exists);
  if (known) {
    const Status found = CheckDatabaseFolder(fs, options_.directory, name, true);
    if (!found.ok()) return LostDefault(found);
  } else if (!*exists) {
    const auto found = LookAtDataFolder(fs, options_.directory);
    IMMUDB_RETURN_IF_ERROR(found);
    if (std::ranges::find(found->without_log, name) != found->without_log.end()) {
      return LostDefault(CheckDatabaseFolder(fs, options_.directory, name, false));
    }
    IMMUDB_RETURN_IF_ERROR(MakeDatabaseFolder(fs, options_.directory, name));
  }
  const auto opened = OpenStore(*default_);
  if (!opened.ok()) {
    // A damaged one is refused by each call; the others, and the users, are still there.
    return opened.status().code() == StatusCode::kDataLoss ? Status::Ok() : opened.status();
  }
  if (known) return Status::Ok();
  IMMUDB_RETURN_IF_ERROR(fs.SyncDirectory(default_directory()));
  IMMUDB_RETURN_IF_ERROR(RecordInCatalogue(
      *system_, name, {.act = "create database", .target = name, .detail = "default database"},
      *audit_));
  default_->set_complete();
  return Status::Ok();
}

Status Databases::LostDefault(const Status& found) const {
  if (found.code() != StatusCode::kDataLoss) return found;
  return Status::DataLoss("database " + options_.default_database + " was created here, but " +
                          found.message() +
                          ". Mount its volume, or restore it from a backup; to serve the other "
                          "databases without it, name another default database with --dbname");
}

Status Databases::LoadCatalogue() {
  const auto recorded = ReadCatalogue(*system_);
  IMMUDB_RETURN_IF_ERROR(recorded);
  const auto folders = FindDatabaseFolders(file_system_, options_.directory);
  IMMUDB_RETURN_IF_ERROR(folders);
  for (const std::string& name : *recorded) {
    if (!folders->contains(name)) {
      spdlog::error("database {} was created here, but its folder is missing", name);
    }
    Add(name, true);
  }
  for (const std::string& name : *folders) Add(name, false);
  if (in_order_.size() > 1) spdlog::info("{} databases", in_order_.size());
  return Status::Ok();
}

Result<ServerIdentifier> Databases::Identifier(bool may_be_new) {
  const auto store = default_->Peek();
  const bool is_empty = store != nullptr && store->Latest().size().empty();
  return OpenServerIdentifier(file_system_, default_directory(), *system_, *audit_,
                              may_be_new || is_empty);
}

}  // namespace immudb
