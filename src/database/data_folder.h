// SPDX-License-Identifier: Apache-2.0
//
// The data directory as files, before a store in it is opened: what a start finds there, and what
// it may make there. All functions may wait for I/O; errors are those of the file system.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "immudb/status.h"

namespace immudb {

class FileSystem;

// A restore puts databases together in this folder of the data directory.
inline constexpr char kRestoreFolder[] = ".restore";
// A restore renames a database that it replaces: <database>, this text, <time>.
inline constexpr char kReplacedMark[] = "_bkp_before_restore_";

struct DataFolder {
  bool has_system_database = false;      // its folder has a log
  std::vector<std::string> databases;    // other folders with a log, by name
  std::vector<std::string> without_log;  // folders with other files of a database; no log
  std::vector<std::string> replaced;     // folders that a restore put aside, by name
  bool unfinished_restore = false;       // kRestoreFolder is there
  bool has_entries = false;              // a log of `databases` has a segment file
};
Result<DataFolder> LookAtDataFolder(FileSystem& fs, const std::string& directory);

// Ok if a system database may be made in this directory, which has none. kFailedPrecondition, with
// one line that says how to recover, if a new administrator would reach existing databases (unless
// there is `consent`), or if the old system database is there under another name.
Status CheckNewSystemDatabase(const DataFolder& found, const std::string& directory, bool consent);
// The same for a system database that is there but has no administrator.
Status CheckNewAdministrator(const DataFolder& found, const std::string& directory, bool consent);

// Makes the folder of a database with an empty log, durably. A crash or an error leaves nothing
// that has the name. A folder without anything of a database in it may exist already (the root of a
// mounted volume). One call at a time.
Status MakeDatabaseFolder(FileSystem& fs, const std::string& directory, std::string_view name);
// Takes back MakeDatabaseFolder. Needs no file descriptor to free the name.
void UnmakeDatabaseFolder(FileSystem& fs, const std::string& directory, std::string_view name);
// Removes what a crash left of making a folder.
Status RemoveUnfinishedFolder(FileSystem& fs, const std::string& directory);

// kDataLoss if the folder of a database is missing or has no log, or if nothing is left of one that
// was once complete; names what a restore left of it.
Status CheckDatabaseFolder(FileSystem& fs, const std::string& directory, std::string_view name,
                           bool was_complete);

}  // namespace immudb
