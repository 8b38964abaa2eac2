// SPDX-License-Identifier: Apache-2.0
#include "immuadmin/backup_commands.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <ostream>
#include <system_error>

#include "backup/archive.h"
#include "backup/backup.h"
#include "backup/backup_sink.h"
#include "backup/log_reader.h"
#include "base/bytes.h"
#include "base/file_system.h"
#include "base/status_macros.h"
#include "merkle/compact_range.h"

namespace immudb {
namespace {

namespace files = std::filesystem;

constexpr char kLockFile[] = "immudb.lock";
constexpr char kStopped[] =
    "Please make sure the immudb server is not running before proceeding. Are you sure you want to "
    "proceed? [y/N]: ";
constexpr char kNote[] =
    "NOTE: If the backup process is forcibly interrupted, a manual restart of the immudb service "
    "may be needed.\nAre you sure you want to proceed? [y/N]: ";

Status Canceled() {
  return Status::FailedPrecondition("Canceled");
}

Status Ask(const BackupSurroundings& surroundings, const std::string& question) {
  if (surroundings.in == nullptr) {
    return Status::FailedPrecondition("this needs an answer, and there is nobody to ask: " +
                                      question.substr(question.rfind('\n') + 1) +
                                      "If so, give --yes (or --replace)");
  }
  *surroundings.err << question << std::flush;
  std::string answer;
  std::getline(*surroundings.in, answer);
  return answer == "y" || answer == "Y" ? Status::Ok() : Canceled();
}

// Stops the installed service, unless the user did, and starts it again when it goes.
class ServerPause {
 public:
  ServerPause(const BackupSurroundings& surroundings, bool manual)
      : surroundings_(surroundings), manual_(manual) {}
  ~ServerPause() {
    if (!stopped_) return;
    const Status started = surroundings_.start_server();
    if (!started.ok()) {
      *surroundings_.err << "error starting immudb server: " << started.message() << std::endl;
    }
  }
  ServerPause(const ServerPause&) = delete;
  ServerPause& operator=(const ServerPause&) = delete;

  Status Begin(const std::string& process, bool yes) {
    if (manual_) return yes ? Status::Ok() : Ask(surroundings_, kStopped);
    if (!yes) {
      IMMUDB_RETURN_IF_ERROR(
          Ask(surroundings_, "Server will be stopped and then restarted during the " + process +
                                 " process.\n" + kNote));
    }
    if (surroundings_.authorize) IMMUDB_RETURN_IF_ERROR(surroundings_.authorize());
    if (!surroundings_.stop_server || !surroundings_.start_server) {
      return Status::FailedPrecondition("error stopping immudb server: no service is known");
    }
    const Status stopped = surroundings_.stop_server();
    if (!stopped.ok()) return stopped.WithContext("error stopping immudb server");
    stopped_ = true;
    return Status::Ok();
  }

 private:
  const BackupSurroundings& surroundings_;
  const bool manual_;
  bool stopped_ = false;
};

std::string BaseName(const std::string& directory) {
  const files::path path = files::path(directory).lexically_normal();
  return (path.has_filename() ? path : path.parent_path()).filename().string();
}

std::string OutputOf(const BackupArguments& arguments, const std::string& time) {
  if (!arguments.output.empty()) return arguments.output;
  std::string name = BaseName(arguments.directory) + "_bkp_" + time;
  if (arguments.uncompressed) return name;
  return name.append(arguments.offline ? ".tar.gz" : ".tar.zst");
}

Result<Manifest> BaseOf(const std::string& path) {
  auto manifest =
      IsArchiveName(path) ? ReadArchiveManifest(path) : ReadManifest(FileSystem::Real(), path);
  if (!manifest.ok()) return manifest.status().WithContext("base");
  return manifest;
}

Result<std::unique_ptr<BackupSink>> SinkFor(const std::string& path, int stream) {
  if (path == "-") return StreamSink(stream);
  if (IsArchiveName(path)) return ArchiveSink(path);
  return FolderSink(FileSystem::Real(), path);
}

std::string Summary(const std::string& name, TreeSize size, const Digest& root) {
  return "\n  " + name + ": " + std::to_string(size.value) + " entries, root " + ToHex(root);
}

Status CheckFormat(const std::string& snapshot) {
  if (snapshot == "-" || IsArchiveName(snapshot) || files::is_directory(snapshot)) {
    return Status::Ok();
  }
  const std::string extension = files::path(snapshot).extension().string();
  if (extension.empty()) return Status::NotFound("snapshot " + snapshot + " does not exist");
  return Status::InvalidArgument("snapshot " + snapshot + " has unsupported format " + extension +
                                 "; supported formats: .tar.zst, .tar.gz, .tar or none "
                                 "(uncompressed)");
}

// A backup in the data folder would be taken for a part of it; a name that ends like another kind
// of archive would become a folder.
Status CheckOutput(const BackupArguments& arguments, const std::string& output) {
  if (output == "-") return Status::Ok();
  std::error_code error;
  const files::path data = files::weakly_canonical(arguments.directory, error);
  files::path above = files::weakly_canonical(files::absolute(output), error);
  for (; above.has_relative_path(); above = above.parent_path()) {
    if (above != data) continue;
    return Status::InvalidArgument("a backup cannot be written into the data folder: " + output +
                                   " is in " + arguments.directory +
                                   "; give another --output-path");
  }
  const std::string extension = files::path(output).extension().string();
  const bool is_word =
      std::ranges::any_of(extension, [](unsigned char c) { return std::isalpha(c); });
  if (arguments.uncompressed || IsArchiveName(output) || !is_word) return Status::Ok();
  return Status::InvalidArgument("output-path: " + output + " has unsupported format " + extension +
                                 "; supported formats: .tar.zst, .tar.gz, .tar or none (a folder; "
                                 "with --uncompressed any name)");
}

bool HasDatabases(const std::string& directory) {
  std::error_code error;
  for (const auto& each : files::directory_iterator(directory, error)) {
    if (files::exists(each.path() / "log", error)) return true;
  }
  return false;
}

}  // namespace

Result<BackupDone> RunBackup(const BackupArguments& arguments,
                             const BackupSurroundings& surroundings) {
  if (!files::is_directory(arguments.directory)) {
    return Status::InvalidArgument(arguments.directory + " is not a directory");
  }
  const std::string output = OutputOf(arguments, surroundings.time);
  IMMUDB_RETURN_IF_ERROR(CheckOutput(arguments, output));
  BackupOptions options;
  options.directory = arguments.directory;
  options.databases = arguments.databases;
  options.since = arguments.since;
  options.progress = surroundings.progress;
  if (!arguments.base.empty()) {
    auto base = BaseOf(arguments.base);
    IMMUDB_RETURN_IF_ERROR(base);
    options.base = *std::move(base);
  }
  ServerPause pause(surroundings, arguments.manual_stop_start);
  std::unique_ptr<FileLock> lock;
  if (arguments.offline) {
    std::error_code error;
    if (files::equivalent(arguments.directory, ".", error)) {
      return Status::InvalidArgument(
          "cannot backup the current directory, please specify a subdirectory, for example "
          "./data");
    }
    IMMUDB_RETURN_IF_ERROR(pause.Begin("backup", arguments.yes));
    auto locked = FileSystem::Real().Lock((files::path(arguments.directory) / kLockFile).string());
    IMMUDB_RETURN_IF_ERROR(locked);
    lock = *std::move(locked);
  } else {
    options.root_of = arguments.root_of;
  }
  BackupDone done;
  const auto sink = SinkFor(output, surroundings.out_descriptor);
  IMMUDB_RETURN_IF_ERROR(sink);
  auto manifest = WriteBackup(options, **sink);
  IMMUDB_RETURN_IF_ERROR(manifest);
  done.manifest = *std::move(manifest);
  done.path = output == "-" ? output : files::absolute(output).lexically_normal().string();
  done.text = "Database backup created: " + done.path;
  for (const auto& database : done.manifest.databases) {
    done.text += Summary(database.name, database.state.tree.size(), database.state.tree.Root());
    if (!database.base.empty()) {
      done.text.append(", since index ").append(std::to_string(database.base.value));
    }
  }
  lock.reset();  // before the server starts again
  return done;
}

Result<RestoreDone> RunRestore(const RestoreArguments& arguments, const BackupSurroundings& given) {
  BackupSurroundings surroundings = given;
  for (const std::string& snapshot : arguments.snapshots) {
    IMMUDB_RETURN_IF_ERROR(CheckFormat(snapshot));
    if (snapshot == "-") surroundings.in = nullptr;  // it is not there for answers
  }
  RestoreOptions options;
  options.replace = arguments.replace;
  if (!options.replace && surroundings.in != nullptr && HasDatabases(arguments.directory)) {
    IMMUDB_RETURN_IF_ERROR(Ask(surroundings, "Databases of the backup that exist in " +
                                                 arguments.directory +
                                                 " will be replaced; the old ones are kept as "
                                                 "<database>_bkp_before_restore_" +
                                                 surroundings.time + ". Replace them? [y/N]: "));
    options.replace = true;
  }
  options.directory = arguments.directory;
  options.backups = arguments.snapshots;
  options.stream = surroundings.in_descriptor;
  options.databases = arguments.databases;
  options.without_identity = arguments.new_identity;
  options.trusted = arguments.trusted;
  options.time = surroundings.time;
  options.progress = surroundings.progress;
  ServerPause pause(surroundings, arguments.manual_stop_start);
  IMMUDB_RETURN_IF_ERROR(pause.Begin("restore", arguments.yes));
  auto restored = RestoreBackup(options);
  IMMUDB_RETURN_IF_ERROR(restored);
  RestoreDone done;
  done.text = "Database restored from backup " + arguments.snapshots.back();
  for (const RestoredDatabase& database : *restored) {
    done.text += Summary(database.name, database.size, database.root);
  }
  for (const RestoredDatabase& database : *restored) {
    if (database.replaced.empty()) continue;
    done.text += "\nA backup of the previous database has been also created: " + database.replaced;
  }
  done.databases = *std::move(restored);
  return done;
}

Result<std::pair<std::string, VerifyOptions::Trusted>> ParseTrustedRoot(const std::string& text) {
  const auto wrong = [&] {
    return Status::InvalidArgument("\"" + text +
                                   "\" is not a root: give <database>:<size>:<64 hex digits>");
  };
  const size_t first = text.find(':');
  const size_t last = text.rfind(':');
  if (first == std::string::npos || first == last || first == 0) return wrong();
  VerifyOptions::Trusted trusted;
  const char* end = text.data() + last;
  const auto parsed = std::from_chars(text.data() + first + 1, end, trusted.size.value);
  const auto root = DigestFromHex(text.substr(last + 1));
  if (parsed.ec != std::errc() || parsed.ptr != end || !root) return wrong();
  trusted.root = *root;
  return std::pair(text.substr(0, first), trusted);
}

}  // namespace immudb
