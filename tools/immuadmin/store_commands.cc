// SPDX-License-Identifier: Apache-2.0
//
// Commands on the files of a data directory, with the server stopped.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/file_system.h"
#include "base/status_macros.h"
#include "base/thread_pool.h"
#include "cli/byte_form.h"
#include "cli/option_table.h"
#include "commands/command.h"
#include "commands/command_util.h"
#include "commands/output.h"
#include "commands/progress.h"
#include "immuadmin/commands.h"
#include "immudb/status.h"
#include "immudb/store.h"
#include "immudb/types.h"
#include "merkle/compact_range.h"

namespace immudb {
namespace {

using Clock = std::chrono::steady_clock;

// A data directory that no server uses while this lives.
struct OfflineDirectory {
  std::string path;
  std::vector<std::string> databases;  // that the command is about, by name
  std::unique_ptr<FileLock> lock;      // null: there is no lock file
};

Result<std::unique_ptr<FileLock>> LockOffline(const std::string& directory) {
  const std::string file = JoinPath(directory, "immudb.lock");
  const auto exists = FileSystem::Real().Exists(file);
  IMMUDB_RETURN_IF_ERROR(exists);
  if (!*exists) return std::unique_ptr<FileLock>();
  auto lock = FileSystem::Real().Lock(file);
  if (lock.status().code() != StatusCode::kFailedPrecondition) return lock;
  return Status::FailedPrecondition(directory + " is in use by a server: stop it first");
}

Result<std::vector<std::string>> DatabasesIn(const std::string& directory) {
  const auto names = FileSystem::Real().List(directory);
  IMMUDB_RETURN_IF_ERROR(names);
  std::vector<std::string> databases;
  for (const auto& name : *names) {
    const auto log = FileSystem::Real().Exists(JoinPath(JoinPath(directory, name), "log"));
    if (log.ok() && *log) databases.push_back(name);
  }
  std::ranges::sort(databases);
  return databases;
}

Result<OfflineDirectory> OpenOffline(const Settings& settings) {
  OfflineDirectory offline;
  offline.path = settings.Text("dir");
  const auto exists = FileSystem::Real().Exists(offline.path + "/.");
  IMMUDB_RETURN_IF_ERROR(exists);
  if (!*exists) return Status::NotFound("dir: there is no directory " + offline.path);
  auto databases = DatabasesIn(offline.path);
  IMMUDB_RETURN_IF_ERROR(databases);
  const std::string& wanted = settings.Text("database");
  if (wanted.empty()) {
    offline.databases = *std::move(databases);
    if (offline.databases.empty())
      return Status::NotFound("there is no database in " + offline.path);
  } else if (std::ranges::find(*databases, wanted) == databases->end()) {
    return Status::NotFound("there is no database " + wanted + " in " + offline.path);
  } else {
    offline.databases = {wanted};
  }
  auto lock = LockOffline(offline.path);
  IMMUDB_RETURN_IF_ERROR(lock);
  offline.lock = *std::move(lock);
  return offline;
}

// What was read, and how fast.
class Rate {
 public:
  void Add(uint64_t entries, uint64_t bytes) {
    entries_ += entries;
    bytes_ += bytes;
  }
  std::string Text() const {
    const double seconds = Seconds();
    char text[160];
    std::snprintf(text, sizeof(text), "%llu entries, %.1f MB in %.2f s: %.0f entries/s, %.1f MB/s",
                  static_cast<unsigned long long>(entries_), Megabytes(), seconds,
                  static_cast<double>(entries_) / seconds, Megabytes() / seconds);
    return text;
  }
  double Seconds() const {
    return std::max(std::chrono::duration<double>(Clock::now() - start_).count(), 1e-6);
  }

 private:
  double Megabytes() const { return static_cast<double>(bytes_) / 1e6; }

  const Clock::time_point start_ = Clock::now();
  uint64_t entries_ = 0;
  uint64_t bytes_ = 0;
};

std::string DamageText(const Damage& damage) {
  std::string text = "file " + damage.file + ", offset " + std::to_string(damage.offset);
  if (damage.index) text += ", index " + std::to_string(damage.index->value);
  if (!damage.key.empty()) text += ", key " + ToLine(damage.key);
  return text + ": " + damage.what;
}

Json DamageJson(const Damage& damage) {
  Json json{{"file", damage.file}, {"offset", damage.offset}};
  if (damage.index) json["index"] = damage.index->value;
  if (!damage.key.empty()) AddBytes("key", damage.key, ByteForm::kText, &json);
  json["what"] = damage.what;
  return json;
}

Result<std::optional<VerifyOptions::Trusted>> TrustedOf(const Settings& settings) {
  const std::string& root = settings.Text("root");
  const std::string& index = settings.Text("index");
  if (root.empty() && index.empty()) return std::optional<VerifyOptions::Trusted>();
  if (root.empty() || index.empty()) {
    return Status::InvalidArgument("options root and index belong together");
  }
  if (settings.Text("database").empty()) {
    return Status::InvalidArgument("options root and index need the option database");
  }
  const auto digest = DigestFromHex(root);
  if (!digest) return Status::InvalidArgument("option root: not 64 lower-case hex digits: " + root);
  const auto number = ParseNumber(index, "index number");
  IMMUDB_RETURN_IF_ERROR(number);
  return std::optional(VerifyOptions::Trusted{TreeEndingAt({*number}), *digest});
}

Result<VerifyReport> VerifyWithProgress(const CommandContext& context, const std::string& folder,
                                        const std::string& database, VerifyOptions options) {
  std::optional<Progress> progress;
  options.progress = [&](uint64_t entries, uint64_t bytes, uint64_t total) {
    if (!progress) {
      progress.emplace(context.streams(), database + ':', total, Progress::Unit::kBytes);
    }
    progress->Show(entries, bytes);
  };
  auto report = Store::Verify(folder, options);
  if (report.ok()) return report;
  return report.status().WithContext("database " + database);
}

std::string ReportText(const std::string& database, const VerifyReport& report) {
  std::string text = database + (report.damages.empty() ? ": sound, " : ": DAMAGED, ");
  text += std::to_string(report.size.value) + " entries, root " + ToHex(report.root) + '\n';
  for (const auto& damage : report.damages) text += "  " + DamageText(damage) + '\n';
  if (report.torn_bytes > 0) {
    text += "  the last " + std::to_string(report.torn_bytes) +
            " bytes of the log are of a write that a crash cut off; it was never acknowledged\n";
  }
  return text;
}

Json ReportJson(const std::string& database, const VerifyReport& report) {
  Json damages = Json::array();
  for (const auto& damage : report.damages) damages.push_back(DamageJson(damage));
  return {{"database", database},          {"sound", report.damages.empty()},
          {"entries", report.size.value},  {"root", ToHex(report.root)},
          {"log_bytes", report.log_bytes}, {"torn_bytes", report.torn_bytes},
          {"damages", std::move(damages)}};
}

size_t HelperThreads() {
  const unsigned cores = std::thread::hardware_concurrency();
  return cores > 1 ? cores - 1 : 1;
}

Outcome Verify(const CommandContext& context, const CommandArguments& /*arguments*/) {
  const auto trusted = TrustedOf(context.settings());
  if (!trusted.ok()) return WrongUsage(trusted.status().message());
  const auto offline = OpenOffline(context.settings());
  if (!offline.ok()) return Failed(offline.status());
  ThreadPool pool(HelperThreads());
  Outcome outcome{.list = true};
  Rate rate;
  std::string first;  // damage, for the error
  size_t damaged = 0;
  for (const auto& database : offline->databases) {
    const auto report = VerifyWithProgress(context, JoinPath(offline->path, database), database,
                                           {.trusted = *trusted, .pool = &pool});
    if (!report.ok()) {
      outcome.status = report.status();
      return outcome;
    }
    rate.Add(report->size.value, report->log_bytes);
    outcome.text += ReportText(database, *report);
    outcome.results.push_back(ReportJson(database, *report));
    if (report->damages.empty()) continue;
    ++damaged;
    if (first.empty()) first = "database " + database + ": " + DamageText(report->damages.front());
  }
  outcome.text += "checked " + rate.Text();
  if (damaged > 1) first += " (and " + std::to_string(damaged - 1) + " more databases)";
  if (damaged > 0) outcome.status = {StatusCode::kDataLoss, "damaged: " + first};
  return outcome;
}

// Only what can be derived from the log may be wrong: else it would be lost.
Status CheckSource(const std::string& folder, const VerifyReport& report) {
  for (const auto& damage : report.damages) {
    const bool derived = damage.file == JoinPath(folder, "tree") ||
                         damage.file == JoinPath(folder, "positions") ||
                         damage.file.starts_with(JoinPath(folder, "index"));
    // An index that knows more than the log: the end of the log is gone.
    const bool lost = damage.index && *damage.index >= LeafIndex{report.size.value};
    if (!derived || lost) {
      return {
          StatusCode::kDataLoss,
          "nothing was changed, because what cannot be derived is damaged: " + DamageText(damage)};
    }
  }
  return Status::Ok();
}

Outcome Rebuild(const CommandContext& context, const CommandArguments& /*arguments*/) {
  const auto offline = OpenOffline(context.settings());
  if (!offline.ok()) return Failed(offline.status());
  ThreadPool pool(HelperThreads());
  Outcome outcome{.list = true};
  Rate rate;
  for (const auto& database : offline->databases) {
    const std::string folder = JoinPath(offline->path, database);
    outcome.status = ConfirmByName(context,
                                   "Index and tree of the database in " + folder +
                                       " will be removed and derived again from its log.",
                                   database);
    if (!outcome.status.ok()) return outcome;
    const auto report =
        VerifyWithProgress(context, folder, database, {.pool = &pool, .read_index = false});
    outcome.status = report.ok() ? CheckSource(folder, *report).WithContext("database " + database)
                                 : report.status();
    if (!outcome.status.ok()) return outcome;
    StoreOptions options;
    options.pool = &pool;
    outcome.status = Store::Rebuild(folder, options).WithContext("database " + database);
    if (!outcome.status.ok()) return outcome;
    rate.Add(report->size.value, report->log_bytes);
    outcome.text += database + ": rebuilt, " + std::to_string(report->size.value) +
                    " entries, root " + ToHex(report->root) + '\n';
    outcome.results.push_back(
        {{"database", database}, {"entries", report->size.value}, {"root", ToHex(report->root)}});
  }
  outcome.text += "rebuilt " + rate.Text();
  return outcome;
}

std::vector<OptionSpec> DirectoryOptions() {
  return {{.name = "dir", .default_value = "./data", .help = "the server's data directory"},
          {.name = "database", .help = "only this one; default: all, systemdb too"}};
}

}  // namespace

std::vector<Command> StoreCommands() {
  auto verify = DirectoryOptions();
  verify.push_back(
      {.name = "root", .help = "a trusted root (hex) that the database must have had"});
  verify.push_back({.name = "index", .help = "the last index under the trusted root"});
  auto rebuild = DirectoryOptions();
  rebuild.push_back(YesOption());
  return {{{.name = "verify",
            .help = "Read and hash every entry on disk and compare tree, index and roots; the "
                    "server must be stopped. Exit code 3: damaged",
            .options = std::move(verify)},
           Verify},
          {{.name = "rebuild",
            .help = "Derive index and tree anew from a log that is sound; the server must be "
                    "stopped",
            .options = std::move(rebuild)},
           Rebuild}};
}

}  // namespace immudb
