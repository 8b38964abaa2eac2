// SPDX-License-Identifier: Apache-2.0
#include "database/catalogue.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/file_system.h"
#include "base/status_macros.h"
#include "database/audit_trail.h"
#include "database/data_folder.h"
#include "database/database_name.h"
#include "database/system_records.h"
#include "immudb/store.h"
#include "immudb/types.h"

namespace immudb {
namespace {

constexpr std::string_view kLogFolder = "log";

}  // namespace

Result<std::vector<std::string>> ReadCatalogue(const Store& system_database) {
  const std::string prefix(1, kDatabaseRecord);
  const auto records = system_database.Latest().Scan({.prefix = prefix});
  IMMUDB_RETURN_IF_ERROR(records);
  std::vector<std::pair<uint64_t, std::string>> found;
  for (const Entry& record : *records) {
    std::string name = record.key.substr(1);
    if (!CheckDatabaseName(name).ok()) {
      return Status::DataLoss("the catalogue in the system database cannot be understood");
    }
    found.emplace_back(record.index.value, std::move(name));
  }
  std::sort(found.begin(), found.end());
  std::vector<std::string> names;
  names.reserve(found.size());
  for (auto& [index, name] : found) names.push_back(std::move(name));
  return names;
}

Status RecordInCatalogue(Store& system_database, std::string_view name, const AuditRecord& act,
                         AuditTrail& trail) {
  const nlohmann::ordered_json record{
      {"name", name},
      {"createdBy", act.user},
      {"createdat", AuditTimeText(std::chrono::system_clock::now())}};
  Transaction transaction;
  IMMUDB_RETURN_IF_ERROR(
      transaction.Set(std::string(1, kDatabaseRecord).append(name), record.dump()));
  IMMUDB_RETURN_IF_ERROR(trail.AddTo(transaction, act));
  return system_database.Commit(std::move(transaction)).status();
}

Result<bool> HasDatabase(FileSystem& fs, const std::string& folder) {
  return fs.Exists(JoinPath(folder, kLogFolder));
}

Result<std::set<std::string>> FindDatabaseFolders(FileSystem& fs, const std::string& directory) {
  const auto names = fs.List(directory);
  IMMUDB_RETURN_IF_ERROR(names);
  std::set<std::string> databases;
  for (const std::string& name : *names) {
    const std::string path = JoinPath(directory, name);
    if (name == kSystemDatabase) continue;
    if (name == kRestoreFolder) {
      spdlog::warn("{} is what a restore that was not finished left: run it again, or remove it",
                   path);
      continue;
    }
    const auto has_log = HasDatabase(fs, path);
    IMMUDB_RETURN_IF_ERROR(has_log);
    if (*has_log && CheckDatabaseName(name).ok()) {
      databases.insert(name);
    } else if (const auto is_folder = fs.Exists(path + "/."); is_folder.ok() && *is_folder) {
      spdlog::warn("{} is no database: it is left alone", path);
    }
  }
  return databases;
}

}  // namespace immudb
