// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "immuclient/bulk_records.h"
#include "immuclient/commands.h"

namespace immudb {

// The row format: auto, jsonl, csv.
OptionSpec BulkFormatOption();
// Format and form of bytes; auto: CSV for a path that ends with .csv, else JSON lines.
BulkOptions BulkOptionsOf(const Settings& settings, const std::string& path);

Command ImportCommand();
Command ExportCommand();

}  // namespace immudb
