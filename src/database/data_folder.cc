// SPDX-License-Identifier: Apache-2.0
#include "database/data_folder.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "base/file_system.h"
#include "base/status_macros.h"
#include "database/database_name.h"
#include "database/server_identifier.h"

namespace immudb {
namespace {

constexpr std::string_view kLogFolder = "log";
constexpr std::string_view kUnfinishedFolder = ".creating";  // no legal name of a database
constexpr std::array<std::string_view, 4> kDerivedFiles = {"CHECKPOINT", "index", "tree",
                                                           "positions"};
constexpr size_t kNamesShown = 3;

Result<bool> HasAny(FileSystem& fs, const std::string& folder) {
  for (const std::string_view name : kDerivedFiles) {
    auto exists = fs.Exists(JoinPath(folder, name));
    if (!exists.ok() || *exists) return exists;
  }
  return false;
}

Result<bool> HasSegments(FileSystem& fs, const std::string& folder) {
  const auto names = fs.List(JoinPath(folder, kLogFolder));
  IMMUDB_RETURN_IF_ERROR(names);
  return std::ranges::any_of(*names,
                             [](const std::string& name) { return name.ends_with(".log"); });
}

// Sorts one folder of the data directory into `found`.
Status Look(FileSystem& fs, const std::string& directory, const std::string& name,
            DataFolder* found) {
  const std::string folder = JoinPath(directory, name);
  if (name == kRestoreFolder) found->unfinished_restore = true;
  if (name.find(kReplacedMark) != std::string::npos) found->replaced.push_back(name);
  if (name != kSystemDatabase && !CheckDatabaseName(name).ok()) return Status::Ok();
  const auto has_log = fs.Exists(JoinPath(folder, kLogFolder));
  IMMUDB_RETURN_IF_ERROR(has_log);
  if (!*has_log) {
    const auto derived = HasAny(fs, folder);
    IMMUDB_RETURN_IF_ERROR(derived);
    const auto identifier = fs.Exists(JoinPath(folder, kServerIdentifierFile));
    IMMUDB_RETURN_IF_ERROR(identifier);
    if (*derived || *identifier) found->without_log.push_back(name);
    return Status::Ok();
  }
  if (name == kSystemDatabase) {
    found->has_system_database = true;
    return Status::Ok();
  }
  found->databases.push_back(name);
  const auto segments = HasSegments(fs, folder);
  IMMUDB_RETURN_IF_ERROR(segments);
  found->has_entries = found->has_entries || *segments;
  return Status::Ok();
}

// "a, b, c and 4 more"
std::string Listed(const std::vector<std::string>& names) {
  std::string text;
  for (size_t i = 0; i < std::min(names.size(), kNamesShown); ++i) {
    if (i > 0) text += ", ";
    text += names[i];
  }
  if (names.size() > kNamesShown) {
    text += " and " + std::to_string(names.size() - kNamesShown) + " more";
  }
  return text;
}

bool IsReplaced(std::string_view folder, std::string_view database) {
  return folder.starts_with(database) && folder.substr(database.size()).starts_with(kReplacedMark);
}

// What a restore left of a database, as one more sentence; empty if nothing.
std::string LeftByRestore(const DataFolder& found, const std::string& directory,
                          std::string_view name) {
  if (found.unfinished_restore) {
    return ". A restore was not finished (" + JoinPath(directory, kRestoreFolder) +
           "): run the same immuadmin restore again, or move that folder away";
  }
  for (const std::string& folder : found.replaced) {
    if (!IsReplaced(folder, name)) continue;
    return ". " + JoinPath(directory, folder) + " is what a restore replaced: rename it to " +
           std::string(name) + ", or move it out of the data folder";
  }
  return "";
}

constexpr char kWaysBack[] =
    ". Bring systemdb back (immuadmin restore --database systemdb BACKUP), or make a new one, "
    "without the users, permissions and audit trail of the old one: start once with "
    "--admin-password-file or --maintenance (docs/recovery.md)";

}  // namespace

Result<DataFolder> LookAtDataFolder(FileSystem& fs, const std::string& directory) {
  auto names = fs.List(directory);
  IMMUDB_RETURN_IF_ERROR(names);
  std::sort(names->begin(), names->end());
  DataFolder found;
  for (const std::string& name : *names) {
    IMMUDB_RETURN_IF_ERROR(Look(fs, directory, name, &found));
  }
  return found;
}

Status CheckNewSystemDatabase(const DataFolder& found, const std::string& directory, bool consent) {
  const std::string left = LeftByRestore(found, directory, kSystemDatabase);
  std::string held = Listed(found.databases);
  if (held.empty()) held = Listed(found.without_log);
  if (held.empty() && left.empty()) return Status::Ok();
  const bool in_the_way =
      std::ranges::find(found.without_log, kSystemDatabase) != found.without_log.end();
  if (consent && left.empty() && !in_the_way) return Status::Ok();
  std::string text = "dir: " + directory + " has no system database (systemdb), which holds the " +
                     "users and their permissions";
  if (!held.empty()) text += ", but it holds " + held;
  if (in_the_way) {
    text += ". The log of systemdb is missing: move " + JoinPath(directory, kSystemDatabase) +
            " away before another one can stand there";
  }
  return Status::FailedPrecondition(text + left + kWaysBack);
}

Status CheckNewAdministrator(const DataFolder& found, const std::string& directory, bool consent) {
  const std::string left = LeftByRestore(found, directory, kSystemDatabase);
  if (left.empty() && (consent || !found.has_entries)) return Status::Ok();
  return Status::FailedPrecondition("dir: the system database in " + directory +
                                    " has no users, but there are entries in " +
                                    Listed(found.databases) + left + kWaysBack);
}

Status MakeDatabaseFolder(FileSystem& fs, const std::string& directory, std::string_view name) {
  IMMUDB_RETURN_IF_ERROR(RemoveUnfinishedFolder(fs, directory));
  const std::string folder = JoinPath(directory, name);
  const auto exists = fs.Exists(folder);
  IMMUDB_RETURN_IF_ERROR(exists);
  const std::string made = *exists ? folder : JoinPath(directory, kUnfinishedFolder);
  IMMUDB_RETURN_IF_ERROR(fs.CreateDirectory(JoinPath(made, kLogFolder)));
  IMMUDB_RETURN_IF_ERROR(fs.SyncDirectory(made));
  if (*exists) return Status::Ok();
  IMMUDB_RETURN_IF_ERROR(fs.Rename(made, folder));
  Status synced = fs.SyncDirectory(directory);
  if (!synced.ok()) UnmakeDatabaseFolder(fs, directory, name);
  return synced;
}

void UnmakeDatabaseFolder(FileSystem& fs, const std::string& directory, std::string_view name) {
  const std::string unfinished = JoinPath(directory, kUnfinishedFolder);
  // What cannot be removed now is removed by the next creation or start.
  if (!fs.Rename(JoinPath(directory, name), unfinished).ok()) return;
  static_cast<void>(fs.SyncDirectory(directory));
  static_cast<void>(fs.RemoveTree(unfinished));
}

Status RemoveUnfinishedFolder(FileSystem& fs, const std::string& directory) {
  return fs.RemoveTree(JoinPath(directory, kUnfinishedFolder));
}

Status CheckDatabaseFolder(FileSystem& fs, const std::string& directory, std::string_view name,
                           bool was_complete) {
  const std::string folder = JoinPath(directory, name);
  const auto has_log = fs.Exists(JoinPath(folder, kLogFolder));
  IMMUDB_RETURN_IF_ERROR(has_log);
  std::string missing;
  if (!*has_log) {
    missing = "there is no value log in " + folder;
  } else if (was_complete) {
    const auto segments = HasSegments(fs, folder);
    IMMUDB_RETURN_IF_ERROR(segments);
    const auto derived = *segments ? Result<bool>(true) : HasAny(fs, folder);
    IMMUDB_RETURN_IF_ERROR(derived);
    if (!*derived) missing = folder + " was emptied: no file of the database is left in it";
  }
  if (missing.empty()) return Status::Ok();
  const auto found = LookAtDataFolder(fs, directory);
  if (found.ok()) missing += LeftByRestore(*found, directory, name);
  return Status::DataLoss(missing);
}

}  // namespace immudb
