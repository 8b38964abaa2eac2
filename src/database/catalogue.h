// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "immudb/status.h"

namespace immudb {

class AuditTrail;
class FileSystem;
class Store;
struct AuditRecord;

// The entries of the system database that say which databases were created here.

// Their names, in the order of creation. kDataLoss for a record that cannot be understood.
Result<std::vector<std::string>> ReadCatalogue(const Store& system_database);

// Waits until the entry, and the audit record of the act, are durable.
Status RecordInCatalogue(Store& system_database, std::string_view name, const AuditRecord& act,
                         AuditTrail& trail);

// Does this folder hold the log of a database?
Result<bool> HasDatabase(FileSystem& fs, const std::string& folder);

// Folders in the data directory that have the name and the log of a database; others are named in
// the log and left alone. The system database is not among them.
Result<std::set<std::string>> FindDatabaseFolders(FileSystem& fs, const std::string& directory);

}  // namespace immudb
