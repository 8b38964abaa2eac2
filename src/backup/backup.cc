// SPDX-License-Identifier: Apache-2.0
#include "backup/backup.h"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <string_view>
#include <utility>

#include "backup/log_reader.h"
#include "backup/sha256.h"
#include "base/bytes.h"
#include "base/status_macros.h"
#include "database/catalogue.h"
#include "database/database_name.h"
#include "database/server_identifier.h"
#include "merkle/compact_range.h"
#include "store/checkpoint.h"
#include "vlog/frame.h"

namespace immudb {
namespace {

constexpr uint64_t kCopyBytes = uint64_t{1} << 20;

using BytesVisitor = std::function<Status(std::string_view bytes)>;

// [offset, offset + bytes) of a file. A log may end inside the padding of its last frame: the zeros
// that are missing there are added.
Status VisitBytes(FileSystem& fs, const std::string& path, uint64_t offset, uint64_t bytes,
                  const BytesVisitor& visit) {
  const auto file = fs.Open(path, FileSystem::Mode::kRead);
  IMMUDB_RETURN_IF_ERROR(file);
  std::string buffer;
  while (bytes > 0) {
    buffer.assign(static_cast<size_t>(std::min(bytes, kCopyBytes)), '\0');
    const auto read = (*file)->ReadAt(offset, buffer.data(), buffer.size());
    IMMUDB_RETURN_IF_ERROR(read);
    if (*read + kFrameAlignment <= buffer.size()) {
      return Status::DataLoss(path + " became shorter while it was copied");
    }
    IMMUDB_RETURN_IF_ERROR(visit(buffer));
    offset += buffer.size();
    bytes -= buffer.size();
  }
  return Status::Ok();
}

class Backup {
 public:
  Backup(const BackupOptions& options, BackupSink& sink)
      : options_(options),
        fs_(options.file_system != nullptr ? *options.file_system : FileSystem::Real()),
        sink_(sink) {}

  Result<Manifest> Run() {
    manifest_.created = UtcNow();
    if (options_.since && options_.databases.size() != 1) {
      return Status::InvalidArgument("an index belongs to one database: name it");
    }
    if (options_.databases.empty()) {
      IMMUDB_RETURN_IF_ERROR(PlanAll());
    } else {
      for (const std::string& name : options_.databases) IMMUDB_RETURN_IF_ERROR(Plan(name));
    }
    const std::string text = ManifestText(manifest_);
    if (text.size() > kMaxManifestBytes) {
      return Status::InvalidArgument(
          "the manifest of so many databases could not be restored: "
          "back up fewer at once, by name");
    }
    IMMUDB_RETURN_IF_ERROR(sink_.Begin(kManifestFile, text.size()));
    IMMUDB_RETURN_IF_ERROR(sink_.Write(text));
    IMMUDB_RETURN_IF_ERROR(sink_.End());
    for (const BackupDatabase& database : manifest_.databases) {
      for (const BackupFile& file : database.files) {
        IMMUDB_RETURN_IF_ERROR(Copy(database, file));
      }
    }
    IMMUDB_RETURN_IF_ERROR(sink_.Finish());
    return std::move(manifest_);
  }

 private:
  static std::string UtcNow() {
    const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
    std::tm parts{};
    ::gmtime_r(&now, &parts);
    char text[32];
    std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts);
    return text;
  }

  std::string FolderOf(const std::string& database) const {
    return JoinPath(options_.directory, database);
  }
  std::string PathOf(const BackupDatabase& database, const BackupFile& file) const {
    if (file.is_identity) return JoinPath(options_.directory, file.name);
    return JoinPath(FolderOf(database.name) + "/log", SegmentFileName(file.segment));
  }

  // The system database first: it may then name databases that are younger than the list of
  // folders is, but never lacks one that is copied.
  Status PlanAll() {
    const auto system = HasDatabase(fs_, FolderOf(std::string(kSystemDatabase)));
    IMMUDB_RETURN_IF_ERROR(system);
    if (*system) IMMUDB_RETURN_IF_ERROR(Plan(std::string(kSystemDatabase)));
    const auto folders = FindDatabaseFolders(fs_, options_.directory);
    IMMUDB_RETURN_IF_ERROR(folders);
    for (const std::string& name : *folders) IMMUDB_RETURN_IF_ERROR(Plan(name));
    if (!manifest_.databases.empty()) return Status::Ok();
    return Status::NotFound("there is no database in " + options_.directory);
  }

  Status Plan(const std::string& name) {
    if (name != kSystemDatabase) {
      const Status legal = CheckDatabaseName(name);
      if (!legal.ok()) return legal.WithContext("database");
    }
    const auto exists = HasDatabase(fs_, FolderOf(name));
    IMMUDB_RETURN_IF_ERROR(exists);
    if (!*exists)
      return Status::NotFound("there is no database " + name + " in " + options_.directory);
    const Status planned = PlanDatabase(name);
    return planned.WithContext("database " + name);
  }

  Status PlanDatabase(const std::string& name) {
    std::optional<VerifyOptions::Trusted> published;
    if (options_.root_of) {
      auto asked = options_.root_of(name);
      IMMUDB_RETURN_IF_ERROR(asked);
      published = *asked;
    }
    LogReadOptions reading;
    const BackupDatabase* base = options_.base ? options_.base->Find(name) : nullptr;
    if (base != nullptr) reading.from = base->state;
    if (published) reading.until = published->size;
    if (options_.since) reading.watched.push_back({options_.since->value});
    if (published && published->size < reading.from.tree.size()) {
      return Status::FailedPrecondition(
          "it has " + std::to_string(published->size.value) + " entries, the base " +
          std::to_string(reading.from.tree.size().value) + ": the base is of another database");
    }
    const std::string log = FolderOf(name) + "/log";
    // What the database itself knows to be durable; read before the log, which may grow.
    const auto checkpoint = ReadCheckpoint(fs_, FolderOf(name) + "/CHECKPOINT");
    IMMUDB_RETURN_IF_ERROR(checkpoint);
    if (*checkpoint) reading.watched.push_back((*checkpoint)->size);
    const uint64_t total = TotalBytes(log);
    reading.progress = [&](uint64_t bytes) { Tell(bytes, total); };
    const auto read = ReadLog(fs_, log, reading);
    if (!read.ok()) {
      return base != nullptr ? read.status().WithContext("reading on from the base")
                             : read.status();
    }
    if (published && read->end.tree.Root() != published->root) {
      return Status::DataLoss("the log leads to root " + ToHex(read->end.tree.Root()) + " at " +
                              std::to_string(published->size.value) + " entries, the server says " +
                              ToHex(published->root) +
                              ": the log was changed, or the base is of another database");
    }
    if (*checkpoint) IMMUDB_RETURN_IF_ERROR(CheckAgainst(**checkpoint, reading, *read));
    LogState from = reading.from;
    if (options_.since) {
      const auto start = StartAt({options_.since->value}, *read);
      IMMUDB_RETURN_IF_ERROR(start);
      from = *start;
    }
    if (!published) IMMUDB_RETURN_IF_ERROR(MakeDurable(log, read->end.end));
    return AddDatabase(name, from, *read);
  }

  // A damaged end of a log may look like the torn tail of a crash: the checkpoint knows better.
  static Status CheckAgainst(const PublishedState& checkpoint, const LogReadOptions& reading,
                             const LogRead& read) {
    const auto met = read.watched.find(checkpoint.size);
    if (met == read.watched.end()) {
      const bool outside = checkpoint.size < reading.from.tree.size() ||
                           (reading.until && *reading.until < checkpoint.size);
      if (outside) return Status::Ok();
      return Status::DataLoss("the log ends with " + std::to_string(read.end.tree.size().value) +
                              " entries, before the " + std::to_string(checkpoint.size.value) +
                              " of the last checkpoint: acknowledged entries are missing");
    }
    if (met->second.root == checkpoint.root) return Status::Ok();
    return Status::DataLoss("the log leads to another root at " +
                            std::to_string(checkpoint.size.value) +
                            " entries than the last checkpoint: it was changed outside of immudb");
  }

  static Result<LogState> StartAt(TreeSize size, const LogRead& read) {
    const auto watched = read.watched.find(size);
    if (watched == read.watched.end()) {
      return Status::InvalidArgument("there are only " +
                                     std::to_string(read.end.tree.size().value) +
                                     " entries, none since index " + std::to_string(size.value));
    }
    if (!watched->second.state) {
      return Status::InvalidArgument("index " + std::to_string(size.value) +
                                     " is inside a transaction: give that of its first entry");
    }
    return *watched->second.state;
  }

  // What was read may only have been in the memory of the system.
  Status MakeDurable(const std::string& log, LogPosition end) {
    if (end.offset == 0) return Status::Ok();
    const auto file =
        fs_.Open(JoinPath(log, SegmentFileName(end.segment)), FileSystem::Mode::kRead);
    IMMUDB_RETURN_IF_ERROR(file);
    return (*file)->SyncData();
  }

  Status AddDatabase(const std::string& name, const LogState& from, const LogRead& read) {
    BackupDatabase database{name, from.tree.size(), from.tree.Root(), read.end, {}};
    const LogPosition last = read.end.end;
    for (uint32_t segment = from.end.segment; segment <= last.segment; ++segment) {
      const uint64_t begin = segment == from.end.segment ? from.end.offset : 0;
      const auto closed = read.closed_segments.find(segment);
      const uint64_t end = segment == last.segment || closed == read.closed_segments.end()
                               ? last.offset
                               : closed->second;
      if (end <= begin) continue;
      BackupFile file{PieceName(name, segment, begin), end - begin, {}, false, segment, begin};
      IMMUDB_RETURN_IF_ERROR(Hash(database, &file));
      database.files.push_back(std::move(file));
    }
    const std::string identity = IdentityName(name);
    const auto exists = fs_.Exists(JoinPath(options_.directory, identity));
    IMMUDB_RETURN_IF_ERROR(exists);
    if (*exists) {
      BackupFile file{identity, sizeof(ServerIdentifier), {}, true, 0, 0};
      IMMUDB_RETURN_IF_ERROR(Hash(database, &file));
      database.files.push_back(std::move(file));
    }
    manifest_.databases.push_back(std::move(database));
    return Status::Ok();
  }

  Status Hash(const BackupDatabase& database, BackupFile* file) {
    Sha256 sha;
    IMMUDB_RETURN_IF_ERROR(VisitBytes(fs_, PathOf(database, *file), file->offset, file->bytes,
                                      [&](std::string_view bytes) {
                                        sha.Update(bytes);
                                        return Status::Ok();
                                      }));
    file->sha256 = sha.FinishHex();
    return Status::Ok();
  }

  Status Copy(const BackupDatabase& database, const BackupFile& file) {
    const uint64_t total = manifest_.TotalBytes();
    IMMUDB_RETURN_IF_ERROR(sink_.Begin(file.name, file.bytes));
    Sha256 sha;
    IMMUDB_RETURN_IF_ERROR(VisitBytes(fs_, PathOf(database, file), file.offset, file.bytes,
                                      [&](std::string_view bytes) {
                                        sha.Update(bytes);
                                        copied_ += bytes.size();
                                        Tell(copied_, total);
                                        return sink_.Write(bytes);
                                      }));
    if (sha.FinishHex() != file.sha256) {
      return Status::DataLoss(PathOf(database, file) + " changed while it was copied");
    }
    return sink_.End();
  }

  uint64_t TotalBytes(const std::string& log) const {
    uint64_t total = 0;
    const auto names = fs_.List(log);
    if (!names.ok()) return 0;
    for (const std::string& name : *names) {
      const auto file = fs_.Open(JoinPath(log, name), FileSystem::Mode::kRead);
      const auto size = file.ok() ? (*file)->Size() : Result<uint64_t>(file.status());
      if (size.ok()) total += *size;
    }
    return total;
  }
  void Tell(uint64_t bytes, uint64_t total) const {
    if (options_.progress) options_.progress(bytes, std::max(bytes, total));
  }

  const BackupOptions& options_;
  FileSystem& fs_;
  BackupSink& sink_;
  Manifest manifest_;
  uint64_t copied_ = 0;
};

}  // namespace

Result<Manifest> WriteBackup(const BackupOptions& options, BackupSink& sink) {
  return Backup(options, sink).Run();
}

Result<Manifest> ReadManifest(FileSystem& fs, const std::string& path) {
  const bool is_file = path.ends_with(".json");
  const std::string name = is_file ? path : JoinPath(path, kManifestFile);
  const auto file = fs.Open(name, FileSystem::Mode::kRead);
  if (!file.ok()) return file.status().WithContext(path + " is no backup");
  const auto size = (*file)->Size();
  IMMUDB_RETURN_IF_ERROR(size);
  if (*size > kMaxManifestBytes) return Status::DataLoss(name + " is too large for a manifest");
  const auto text = ReadFile(fs, name);
  IMMUDB_RETURN_IF_ERROR(text);
  auto manifest = ParseManifest(*text);
  if (!manifest.ok()) return manifest.status().WithContext(name);
  return manifest;
}

}  // namespace immudb
