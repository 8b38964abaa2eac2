// SPDX-License-Identifier: Apache-2.0
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "cli/option_table.h"
#include "commands/command.h"
#include "commands/command_util.h"
#include "commands/progress.h"
#include "immuclient/bulk_options.h"
#include "immuclient/bulk_records.h"
#include "immudb/client.h"
#include "immudb/status.h"
#include "immudb/types.h"

namespace immudb {
namespace {

// A batch is one message; a larger value than this travels alone.
constexpr size_t kMaxBatchBytes = size_t{4} << 20;

struct Batch {
  std::vector<KeyValue> entries;
  size_t bytes = 0;
  uint64_t first_line = 0;
};

// How far it came.
struct ImportReport {
  uint64_t entries = 0;
  uint64_t batches = 0;
  std::optional<LeafIndex> last_index;
  uint64_t next_line = 0;  // where to go on: all before it is written
};

class Import {
 public:
  Import(Client* client, std::istream& in, const BulkOptions& options, const Settings& settings)
      : client_(client),
        reader_(in, options),
        batch_size_(static_cast<size_t>(settings.Int("batch"))),
        from_line_(static_cast<uint64_t>(settings.Int("from-line"))) {
    report_.next_line = from_line_;
  }

  Status Run(const Interruption& interruption, Progress* progress) {
    while (true) {
      auto next = reader_.Next(from_line_);
      // Also when it interrupted the reading, which looks like an early end of the file.
      if (interruption.Wanted()) return {StatusCode::kUnknown, "interrupted"};
      if (!next.ok()) {
        failed_line_ = reader_.line();
        return next.status();
      }
      if (!*next) return Send();
      const size_t size = (*next)->entry.key.size() + (*next)->entry.value.size();
      if (batch_.entries.size() >= batch_size_ || batch_.bytes + size > kMaxBatchBytes) {
        IMMUDB_RETURN_IF_ERROR(Send());
        progress->Show(report_.entries, reader_.bytes_read());
        report_.next_line = (*next)->line;
      }
      if (batch_.entries.empty()) batch_.first_line = (*next)->line;
      batch_.bytes += size;
      batch_.entries.push_back(std::move((*next)->entry));
    }
  }

  const ImportReport& report() const { return report_; }
  // Of the malformed record, or the first of the batch that was refused.
  const std::optional<uint64_t>& failed_line() const { return failed_line_; }
  bool in_doubt() const { return in_doubt_; }

 private:
  Status Send() {
    if (batch_.entries.empty()) return Status::Ok();
    const auto last = client_->SetBatch(batch_.entries);
    if (!last.ok()) {
      failed_line_ = batch_.first_line;
      in_doubt_ = last.status().code() == StatusCode::kUnavailable;
      return last.status().WithContext("batch from line " + std::to_string(batch_.first_line));
    }
    report_.entries += batch_.entries.size();
    ++report_.batches;
    report_.last_index = *last;
    report_.next_line = reader_.line() + 1;
    batch_ = {};
    return Status::Ok();
  }

  Client* client_;
  BulkReader reader_;
  const size_t batch_size_;
  const uint64_t from_line_;
  Batch batch_;
  std::optional<uint64_t> failed_line_;
  bool in_doubt_ = false;  // the server may have written the failed batch
  ImportReport report_;
};

Outcome Report(const Import& import, const Status& status) {
  const ImportReport& report = import.report();
  Json json{{"entries", report.entries}, {"batches", report.batches}};
  if (report.last_index) json["last_index"] = report.last_index->value;
  std::string text = "Imported " + std::to_string(report.entries) + " entries in ";
  text += std::to_string(report.batches) + " batch(es)";
  if (!status.ok()) {
    const std::string next = std::to_string(report.next_line);
    if (import.failed_line()) json["failed_line"] = *import.failed_line();
    json["next_line"] = report.next_line;
    text += "; everything before line " + next;
    text += import.in_doubt() ? " is written, the batch from there on may be"
                              : " is written, nothing from there on";
    text += ": go on with --from-line " + next;
  }
  Outcome outcome = Said(std::move(text), std::move(json));
  outcome.status = status;
  return outcome;
}

uint64_t SizeOf(std::istream& in) {
  in.seekg(0, std::ios::end);
  const auto size = in.tellg();
  in.clear();
  in.seekg(0);
  return size > 0 ? static_cast<uint64_t>(size) : 0;
}

Outcome RunImport(const CommandContext& context, std::istream& in, uint64_t total,
                  const std::string& path) {
  const auto client = context.Connected();
  if (!client.ok()) return Failed(client.status());
  BulkOptions options = BulkOptionsOf(context.settings(), path);
  options.raw = context.settings().Bool("raw");
  options.header = !context.settings().Bool("no-header");
  const Interruption interruption(context.streams());
  Import import(*client, in, options, context.settings());
  Status status;
  {
    Progress progress(context.streams(), "Importing", total);
    status = import.Run(interruption, &progress);
  }
  return Report(import, status);
}

Outcome ImportFile(const CommandContext& context, const CommandArguments& arguments) {
  if (arguments[0] == "-") {
    if (context.streams().in == nullptr) {
      return WrongUsage("standard input belongs to the shell; name a file");
    }
    return RunImport(context, *context.streams().in, 0, "");
  }
  errno = 0;
  std::ifstream file(arguments[0], std::ios::binary);
  if (!file || file.peek() == std::ifstream::traits_type::eof()) {
    const int error = errno;
    if (!file.is_open() || error != 0) {
      return Failed(
          Status::FailedPrecondition("file " + arguments[0] + ": " +
                                     std::error_code(error, std::generic_category()).message()));
    }
    file.clear();
  }
  return RunImport(context, file, SizeOf(file), arguments[0]);
}

}  // namespace

Command ImportCommand() {
  CommandSpec spec{
      .name = "import",
      .arguments = "file|-",
      .min_arguments = 1,
      .max_arguments = 1,
      .help =
          "Write the entries of a file of JSON lines or CSV, in batches that are "
          "written whole or not at all",
      .options = {BulkFormatOption(),
                  {.name = "batch",
                   .type = OptionType::kInt,
                   .default_value = "1000",
                   .help = "entries of a batch",
                   .min = 1,
                   .max = 50000},
                  {.name = "from-line",
                   .type = OptionType::kInt,
                   .default_value = "1",
                   .help = "go on at this line: read over all before it",
                   .min = 1},
                  {.name = "raw",
                   .type = OptionType::kBool,
                   .default_value = "false",
                   .help = "store values that have no time as they are, instead of as "
                           "set does"},
                  {.name = "no-header",
                   .type = OptionType::kBool,
                   .default_value = "false",
                   .help = "CSV: the first record is an entry, whatever it looks like"}}};
  return {std::move(spec), ImportFile};
}

}  // namespace immudb
