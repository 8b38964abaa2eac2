// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "immudb/client.h"
#include "immudb/status.h"

namespace immudb::demo {

// The records of a Debian package database, in the order of the file: key "package/<name>/<arch>",
// value the whole paragraph. kIoError if the file cannot be read or holds no package.
Result<std::vector<KeyValue>> ReadPackageRecords(const std::string& path);

}  // namespace immudb::demo
