// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <string>
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

// A power of two, so that a page can be halved and still begin where the last one ended.
constexpr uint64_t kFirstPage = 1024;

class Export {
 public:
  Export(Client* client, std::ostream& out, const BulkOptions& options,
         const Interruption& interruption)
      : client_(client), out_(out), options_(options), interruption_(interruption) {
    out_ << BulkHeader(options);
  }

  // The newest version of every key, in the order of the keys.
  Status Keys(const std::string& prefix, Progress* progress) {
    std::string last;
    while (true) {
      auto page = client_->Scan({.prefix = prefix, .offset = last, .limit = page_});
      if (IsTooLarge(page.status())) continue;
      IMMUDB_RETURN_IF_ERROR(page);
      IMMUDB_RETURN_IF_ERROR(Write(*page, /*with_place=*/false, progress));
      if (page->size() < page_) return Status::Ok();
      last = page->back().key;
    }
  }

  // Every entry up to the one that was the last when the export began.
  Status Log(Progress* progress, uint64_t entries) {
    while (written_ < entries) {
      auto page = client_->IScan(written_ / page_ + 1, page_);
      if (IsTooLarge(page.status())) continue;
      IMMUDB_RETURN_IF_ERROR(page);
      if (page->items.empty()) return Status::DataLoss("the log ends before its last entry");
      if (page->items.size() > entries - written_) page->items.resize(entries - written_);
      IMMUDB_RETURN_IF_ERROR(Write(page->items, /*with_place=*/true, progress));
    }
    return Status::Ok();
  }

  uint64_t written() const { return written_; }

 private:
  // Then the page is halved, and asked for again.
  bool IsTooLarge(const Status& status) {
    if (status.code() != StatusCode::kResourceExhausted || page_ == 1) return false;
    page_ /= 2;
    return true;
  }

  Status Write(const std::vector<Item>& items, bool with_place, Progress* progress) {
    for (const auto& item : items) out_ << ToBulkRecord(item, options_, with_place);
    written_ += items.size();
    if (!out_) return Status::IoError("the export could not be written");
    progress->Show(written_, written_);
    if (interruption_.Wanted()) return {StatusCode::kUnknown, "interrupted"};
    return Status::Ok();
  }

  Client* client_;
  std::ostream& out_;
  const BulkOptions options_;
  const Interruption& interruption_;
  uint64_t page_ = kFirstPage;
  uint64_t written_ = 0;
};

Status RunExport(const CommandContext& context, Client* client, std::ostream& out,
                 const std::string& path, uint64_t* written) {
  const Settings& settings = context.settings();
  const auto prefix = BytesArgument(context, settings.Text("prefix"), "prefix");
  IMMUDB_RETURN_IF_ERROR(prefix);
  const bool log = settings.Bool("log");
  uint64_t total = 0;
  if (log) {
    const auto root = client->CurrentRoot();
    IMMUDB_RETURN_IF_ERROR(root);
    total = *root ? (*root)->index.value + 1 : 0;
  }
  const Interruption interruption(context.streams());
  Progress progress(context.streams(), "Exporting", total);
  Export run(client, out, BulkOptionsOf(settings, path), interruption);
  const Status status = log ? run.Log(&progress, total) : run.Keys(*prefix, &progress);
  *written = run.written();
  out.flush();
  return status.ok() && !out ? Status::IoError("the export could not be written") : status;
}

// Under another name until it is complete, so that half an export is never taken for a whole one.
Outcome ExportToFile(const CommandContext& context, Client* client, const std::string& path) {
  const std::string part = path + ".part";
  std::ofstream file(part, std::ios::binary | std::ios::trunc);
  if (!file) return Failed(Status::FailedPrecondition("file " + part + " cannot be written"));
  uint64_t written = 0;
  Status status = RunExport(context, client, file, path, &written);
  file.close();
  if (status.ok() && !file) status = Status::IoError("file " + part + " could not be written");
  if (status.ok() && std::rename(part.c_str(), path.c_str()) != 0) {
    status = Status::IoError("file " + path + " could not be replaced");
  }
  if (!status.ok()) {
    std::remove(part.c_str());
    return Failed(status);
  }
  return Said("Exported " + std::to_string(written) + " entries to " + path,
              {{"entries", written}, {"file", path}});
}

Outcome ExportEntries(const CommandContext& context, const CommandArguments& arguments) {
  if (context.settings().Bool("log") && !context.settings().Text("prefix").empty()) {
    return WrongUsage("options log and prefix exclude each other");
  }
  const auto client = context.Connected();
  if (!client.ok()) return Failed(client.status());
  if (!arguments.empty() && arguments[0] != "-") {
    return ExportToFile(context, *client, arguments[0]);
  }
  uint64_t written = 0;
  Outcome outcome{.printed = true};
  outcome.status = RunExport(context, *client, *context.streams().out, "", &written);
  return outcome;
}

}  // namespace

Command ExportCommand() {
  CommandSpec spec{
      .name = "export",
      .arguments = "[file|-]",
      .max_arguments = 1,
      .help = "Write all current keys, or the whole log, as JSON lines or CSV",
      .options = {BulkFormatOption(),
                  {.name = "log",
                   .type = OptionType::kBool,
                   .default_value = "false",
                   .help = "every entry in the order they were written: all versions, references "
                           "and set members as they are hashed"},
                  {.name = "prefix", .help = "only keys with this prefix"}}};
  return {std::move(spec), ExportEntries};
}

}  // namespace immudb
