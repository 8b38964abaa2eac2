// SPDX-License-Identifier: Apache-2.0
//
// backup and restore as rows of the command table: their flags, and what they need of the world.
#include <unistd.h>

#include <cstdint>
#include <ctime>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "backup/log_reader.h"
#include "backup/manifest.h"
#include "backup/restore.h"
#include "base/bytes.h"
#include "base/status_macros.h"
#include "cli/option_table.h"
#include "cli/prompt.h"
#include "commands/command.h"
#include "commands/command_util.h"
#include "commands/progress.h"
#include "immuadmin/backup_commands.h"
#include "immuadmin/commands.h"
#include "immuadmin/machine_commands.h"
#include "immudb/client.h"
#include "immudb/status.h"
#include "immudb/store.h"
#include "immudb/types.h"
#include "merkle/compact_range.h"
#include "support/connection_options.h"
#include "support/systemd_service.h"

namespace immudb {
namespace {

constexpr char kSystemAdmin[] = "immudb";

std::string LocalTime() {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  ::localtime_r(&now, &local);
  char text[32];
  return {text, std::strftime(text, sizeof(text), "%Y-%m-%d_%H-%M-%S", &local)};
}

std::vector<std::string> Names(const std::string& list) {
  std::vector<std::string> names;
  std::istringstream in(list);
  for (std::string name; std::getline(in, name, ',');) {
    if (!name.empty()) names.push_back(name);
  }
  return names;
}

// A session of the administrator that leaves the token file alone.
Status TryAdminPassword(const CommandContext& context) {
  auto options = ToClientOptions(context.settings());
  IMMUDB_RETURN_IF_ERROR(options);
  options->token_file.clear();
  const auto client = Client::Connect(*options);
  IMMUDB_RETURN_IF_ERROR(client);
  const auto password = ReadPassword("Enter admin password:");
  IMMUDB_RETURN_IF_ERROR(password);
  return (*client)->Login(kSystemAdmin, *password).status();
}

// Asks the server for the root of a database, in a session of its own.
Result<std::optional<VerifyOptions::Trusted>> PublishedRoot(const CommandContext& context,
                                                            const std::string& database) {
  if (database == "systemdb") return std::optional<VerifyOptions::Trusted>();  // cannot be selected
  const auto client = context.Connected();
  IMMUDB_RETURN_IF_ERROR(client);
  const std::string before = (*client)->database();
  IMMUDB_RETURN_IF_ERROR((*client)->UseDatabase(database));
  const auto root = (*client)->CurrentRoot();
  if (!before.empty()) IMMUDB_RETURN_IF_ERROR((*client)->UseDatabase(before));
  IMMUDB_RETURN_IF_ERROR(root);
  if (!*root) return std::optional<VerifyOptions::Trusted>();
  return std::optional(VerifyOptions::Trusted{TreeSize{(*root)->index.value + 1}, (*root)->hash});
}

BackupSurroundings SurroundingsOf(const CommandContext& context, Progress& progress) {
  const auto service = [](Status (SystemdService::*act)()) {
    return [act] {
      SystemdService installed = InstalledService();
      return (installed.*act)();
    };
  };
  return {.in = ::isatty(STDIN_FILENO) == 1 ? context.streams().in : nullptr,
          .err = context.streams().err,
          .in_descriptor = STDIN_FILENO,
          .out_descriptor = STDOUT_FILENO,
          .time = LocalTime(),
          .authorize = [&context] { return TryAdminPassword(context); },
          .stop_server = service(&SystemdService::Stop),
          .start_server = service(&SystemdService::Start),
          .progress = [&progress](uint64_t bytes, uint64_t) { progress.Show(0, bytes); }};
}

Json DatabaseJson(const std::string& name, TreeSize size, const Digest& root) {
  return {{"database", name}, {"entries", size.value}, {"root", ToHex(root)}};
}

Outcome Backup(const CommandContext& context, const CommandArguments&) {
  const Settings& settings = context.settings();
  BackupArguments arguments;
  arguments.directory = settings.Text("dbdir");
  arguments.output = settings.Text("output-path");
  arguments.uncompressed = settings.Bool("uncompressed");
  arguments.manual_stop_start = settings.Bool("manual-stop-start");
  arguments.offline = settings.Bool("offline") || arguments.manual_stop_start;
  arguments.databases = Names(settings.Text("database"));
  arguments.base = settings.Text("base");
  if (const int64_t since = settings.Int("since"); since >= 0) {
    arguments.since = LeafIndex{static_cast<uint64_t>(since)};
  }
  arguments.yes = settings.Bool("yes");
  if (!arguments.offline) {
    arguments.root_of = [&context](const std::string& database) {
      return PublishedRoot(context, database);
    };
  }
  Progress progress(context.streams(), "Copied", 0, Progress::Unit::kBytes);
  const auto done = RunBackup(arguments, SurroundingsOf(context, progress));
  if (!done.ok()) return Failed(done.status());
  if (done->path == "-") return {.printed = true, .note = done->text};
  Json databases = Json::array();
  for (const auto& database : done->manifest.databases) {
    databases.push_back(
        DatabaseJson(database.name, database.state.tree.size(), database.state.tree.Root()));
  }
  return Said(done->text, {{"path", done->path}, {"databases", std::move(databases)}});
}

Outcome Restore(const CommandContext& context, const CommandArguments& snapshots) {
  const Settings& settings = context.settings();
  RestoreArguments arguments;
  arguments.directory = settings.Text("dbdir");
  arguments.snapshots = snapshots;
  arguments.manual_stop_start = settings.Bool("manual-stop-start");
  arguments.databases = Names(settings.Text("database"));
  arguments.replace = settings.Bool("replace");
  arguments.new_identity = settings.Bool("new-identity");
  arguments.yes = settings.Bool("yes");
  for (const auto& text : Names(settings.Text("trusted-root"))) {
    auto trusted = ParseTrustedRoot(text);
    if (!trusted.ok()) return WrongUsage(trusted.status().message());
    arguments.trusted.insert(*std::move(trusted));
  }
  Progress progress(context.streams(), "Restored", 0, Progress::Unit::kBytes);
  const auto done = RunRestore(arguments, SurroundingsOf(context, progress));
  if (!done.ok()) return Failed(done.status());
  Json databases = Json::array();
  for (const auto& database : done->databases) {
    databases.push_back(DatabaseJson(database.name, database.size, database.root));
  }
  return Said(done->text, {{"databases", std::move(databases)}});
}

OptionSpec Switch(std::string name, std::string help) {
  return {.name = std::move(name),
          .type = OptionType::kBool,
          .default_value = "false",
          .help = std::move(help)};
}

OptionSpec DirectoryOption() {
  return {.name = "dbdir", .default_value = "./data", .help = "data folder of the server"};
}

OptionSpec ManualOption() {
  return Switch("manual-stop-start", "the server is stopped already, and not started afterwards");
}

OptionSpec DatabaseOption() {
  return {.name = "database", .help = "only these databases, separated by commas"};
}

Command BackupCommand() {
  OptionSpec uncompressed = Switch("uncompressed", "a folder instead of an archive");
  uncompressed.short_name = 'u';
  return {
      {.name = "backup",
       .help = "Copy databases of a server on this machine, which may go on writing, at their "
               "published roots",
       .options = {DirectoryOption(),
                   {.name = "output-path",
                    .help = "a folder, a .tar.zst, .tar.gz or .tar, or - for a stream; default: "
                            "a name made of folder and time"},
                   uncompressed,
                   DatabaseOption(),
                   {.name = "base",
                    .help = "an earlier backup or its manifest.json: only what came after it"},
                   {.name = "since",
                    .type = OptionType::kInt,
                    .default_value = "-1",
                    .help = "only the entries from this index on, of one database",
                    .min = -1},
                   Switch("offline", "stop the installed service meanwhile, as the original did"),
                   ManualOption(),
                   YesOption()}},
      Backup};
}

Command RestoreCommand() {
  return {
      {.name = "restore",
       .arguments = "snapshot-path ...",
       .min_arguments = 1,
       .max_arguments = 1000,
       .help = "Put databases back from a backup and those that continue it, after everything in "
               "them was verified; - is a stream",
       .options = {DirectoryOption(),
                   DatabaseOption(),
                   Switch("replace",
                          "replace databases that exist; they are kept under another "
                          "name"),
                   Switch("new-identity",
                          "for a second server beside the old one: clients do not "
                          "take it for the same"),
                   {.name = "trusted-root",
                    .help = "name:size:root that the backup must lead to; several separated by "
                            "commas"},
                   ManualOption(),
                   YesOption()}},
      Restore};
}

}  // namespace

std::vector<Command> BackupCommands() {
  return {BackupCommand(), RestoreCommand()};
}

}  // namespace immudb
