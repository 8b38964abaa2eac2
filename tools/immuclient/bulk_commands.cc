// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <vector>

#include "cli/option_table.h"
#include "commands/command.h"
#include "commands/output.h"
#include "immuclient/bulk_options.h"
#include "immuclient/bulk_records.h"
#include "immuclient/commands.h"

namespace immudb {

OptionSpec BulkFormatOption() {
  return {.name = "format",
          .default_value = "auto",
          .help = "jsonl, csv, or auto: csv for files that end with .csv, else jsonl",
          .choices = {"auto", "jsonl", "csv"}};
}

BulkOptions BulkOptionsOf(const Settings& settings, const std::string& path) {
  const std::string& format = settings.Text("format");
  const bool csv = format == "csv" || (format == "auto" && path.ends_with(".csv"));
  return {.format = csv ? BulkFormat::kCsv : BulkFormat::kJsonLines, .bytes = ByteFormOf(settings)};
}

std::vector<Command> BulkCommands() {
  return {ImportCommand(), ExportCommand()};
}

}  // namespace immudb
