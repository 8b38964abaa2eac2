// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <ctime>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/status_macros.h"
#include "commands/command.h"
#include "commands/command_util.h"
#include "commands/progress.h"
#include "immuadmin/commands.h"
#include "immuadmin/dump_file.h"
#include "immuadmin/dump_load.h"
#include "immudb/client.h"
#include "immudb/status.h"
#include "immudb/types.h"

namespace immudb {
namespace {

Status Interrupted() {
  return {StatusCode::kUnknown, "interrupted"};
}

std::string DefaultName() {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  ::localtime_r(&now, &local);
  char name[64];
  std::strftime(name, sizeof(name), "immudb_%Y-%m-%d_%H-%M-%S.bkp", &local);
  return name;
}

Result<uint64_t> DumpTo(const CommandContext& context, Client* client, DumpWriter* writer) {
  const Interruption interruption(context.streams());
  Progress progress(context.streams(), "Dumping", 0, Progress::Unit::kBytes);
  uint64_t entries = 0;
  const auto records = client->Dump([&](const DumpRecord& record) {
    IMMUDB_RETURN_IF_ERROR(writer->Add(record));
    if (record.user_meta != "\xFF") ++entries;
    progress.Show(entries, writer->bytes());
    return interruption.Wanted() ? Interrupted() : Status::Ok();
  });
  IMMUDB_RETURN_IF_ERROR(records);
  if (*records > 0) IMMUDB_RETURN_IF_ERROR(writer->Finish());
  return entries;
}

Outcome Dump(const CommandContext& context, const CommandArguments& arguments) {
  const std::string path = arguments.empty() ? DefaultName() : arguments[0];
  const auto client = context.Connected();
  if (!client.ok()) return Failed(client.status());
  const auto writer = DumpWriter::Create(path);
  if (!writer.ok()) return Failed(writer.status());
  const auto entries = DumpTo(context, *client, writer->get());
  if (!entries.ok()) return Failed(entries.status().WithContext("Backup failed."));
  if (*entries == 0) return Said("Database is empty.", {{"entries", 0}});
  return Said(
      "SUCCESS: " + std::to_string(*entries) + " key-value entries were backed-up to file " + path,
      {{"entries", *entries}, {"file", path}});
}

Outcome Load(const CommandContext& context, const CommandArguments& arguments) {
  const auto client = context.Connected();
  if (!client.ok()) return Failed(client.status());
  std::optional<Progress> progress;
  const auto plan = LoadPlan::Make(arguments[0], [&](uint64_t done, uint64_t total) {
    if (!progress) {
      progress.emplace(context.streams(), "Checking", total, Progress::Unit::kBytes);
    }
    progress->Show(0, done);
  });
  if (!plan.ok()) return Failed(plan.status());
  const uint64_t size = (*plan)->size().value;
  progress.emplace(context.streams(), "Loading", size);
  const Interruption interruption(context.streams());
  const Status loaded = LoadInto(*client, plan->get(), [&](uint64_t done) {
    progress->Show(done, done);
    return interruption.Wanted() ? Interrupted() : Status::Ok();
  });
  progress.reset();
  if (!loaded.ok()) return Failed(loaded);
  const std::string root = ToHex((*plan)->root());
  return Said("Loaded " + std::to_string(size) + " entries; the root is that of the dump: " + root,
              {{"entries", size}, {"root", root}});
}

}  // namespace

std::vector<Command> DumpCommands() {
  return {{{.name = "dump",
            .arguments = "[file]",
            .max_arguments = 1,
            .help = "Write every version of every entry of the selected database, and its tree, "
                    "into a file; default: immudb_<date>_<time>.bkp"},
           Dump},
          {{.name = "load",
            .arguments = "file",
            .min_arguments = 1,
            .max_arguments = 1,
            .help = "Write what dump wrote into the selected, empty database, and compare the "
                    "roots"},
           Load}};
}

}  // namespace immudb
