// SPDX-License-Identifier: Apache-2.0
#include "backup/restore.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "backup/archive.h"
#include "backup/backup.h"
#include "backup/log_reader.h"
#include "backup/sha256.h"
#include "backup/staging.h"
#include "base/bytes.h"
#include "base/status_macros.h"
#include "database/data_folder.h"
#include "database/server_identifier.h"
#include "merkle/compact_range.h"
#include "vlog/frame.h"

namespace immudb {
namespace {

constexpr char kServerLock[] = "immudb.lock";
constexpr size_t kCopyBytes = size_t{1} << 20;

struct Source {
  std::string name;    // as the user gave it
  std::string folder;  // where its files are
  Manifest manifest;
};

// The backups that make up one database, oldest first.
struct Link {
  const Source* source;
  const BackupDatabase* part;
};
using Chain = std::vector<Link>;

std::string Entries(TreeSize size) {
  return std::to_string(size.value) + " entries";
}

// Does the first piece go on where the log of the part before ended?
bool GoesOn(const BackupDatabase& before, const BackupDatabase& next) {
  if (next.files.empty() || next.files.front().is_identity) return next.state == before.state;
  const BackupFile& piece = next.files.front();
  const LogPosition end = before.state.end;
  return LogPosition{piece.segment, piece.offset} == end ||
         (piece.segment == end.segment + 1 && piece.offset == 0) ||
         (end == LogPosition{} && piece.segment == 0 && piece.offset == 0);
}

Result<Chain> ChainOf(const std::vector<Source>& sources, const std::string& name) {
  Chain chain;
  for (const Source& source : sources) {
    const BackupDatabase* part = source.manifest.Find(name);
    if (part == nullptr) continue;
    if (part->base.empty()) chain.clear();
    if (chain.empty() && !part->base.empty()) {
      return Status::FailedPrecondition(source.name + " has only what came after " +
                                        Entries(part->base) + " of database " + name +
                                        ": put the backup that it continues in front of it");
    }
    if (!chain.empty()) {
      const BackupDatabase& before = *chain.back().part;
      if (before.state.tree.size() != part->base || before.state.tree.Root() != part->base_root ||
          !GoesOn(before, *part)) {
        return Status::FailedPrecondition(
            source.name + " does not continue " + chain.back().source->name + ": database " + name +
            " ends there with " + Entries(before.state.tree.size()) + " and root " +
            ToHex(before.state.tree.Root()) + ", here it goes on from " + Entries(part->base) +
            " and root " + ToHex(part->base_root));
      }
    }
    chain.push_back({&source, part});
  }
  return chain;
}

class Restore {
 public:
  explicit Restore(const RestoreOptions& options)
      : options_(options),
        fs_(options.file_system != nullptr ? *options.file_system : FileSystem::Real()),
        directory_(WithoutSlashes(options.directory)),
        staging_(fs_, JoinPath(directory_, kRestoreFolder)) {}

  Result<std::vector<RestoredDatabase>> Run() {
    IMMUDB_RETURN_IF_ERROR(OpenSources());
    IMMUDB_RETURN_IF_ERROR(Choose());
    IMMUDB_RETURN_IF_ERROR(CheckSpace());
    for (const auto& [name, chain] : chains_) {
      const Status built = Build(name, chain);
      if (!built.ok()) return built.WithContext("database " + name);
    }
    IMMUDB_RETURN_IF_ERROR(PutInPlace());
    return std::move(restored_);
  }

  // Before Run, which needs its result to live as long.
  Result<std::unique_ptr<FileLock>> LockDirectory() {
    IMMUDB_RETURN_IF_ERROR(fs_.CreateDirectory(directory_));
    auto lock = fs_.Lock(JoinPath(directory_, kServerLock));
    if (lock.ok()) IMMUDB_RETURN_IF_ERROR(staging_.Create());
    if (lock.status().code() != StatusCode::kFailedPrecondition) return lock;
    return Status::FailedPrecondition("dir: " + directory_ +
                                      " is in use by an immudb server: stop it first");
  }

 private:
  Status OpenSources() {
    if (options_.backups.empty()) return Status::InvalidArgument("no backup was given");
    for (const std::string& name : options_.backups) {
      Source source{name, WithoutSlashes(name), {}};
      const bool stream = name == "-";
      if (stream || IsArchiveName(name)) {
        source.folder = JoinPath(staging_.path(), "unpacked-" + std::to_string(sources_.size()));
        IMMUDB_RETURN_IF_ERROR(fs_.CreateDirectory(source.folder));
        IMMUDB_RETURN_IF_ERROR(stream ? UnpackStream(options_.stream, fs_, source.folder)
                                      : UnpackArchive(name, fs_, source.folder));
      }
      auto manifest = ReadManifest(fs_, source.folder);
      IMMUDB_RETURN_IF_ERROR(manifest);
      source.manifest = *std::move(manifest);
      total_ += source.manifest.TotalBytes();
      sources_.push_back(std::move(source));
    }
    return Status::Ok();
  }

  Status Choose() {
    std::set<std::string> names(options_.databases.begin(), options_.databases.end());
    if (names.empty()) {
      for (const Source& source : sources_) {
        for (const auto& database : source.manifest.databases) names.insert(database.name);
      }
    }
    for (const std::string& name : names) {
      auto chain = ChainOf(sources_, name);
      IMMUDB_RETURN_IF_ERROR(chain);
      if (chain->empty())
        return Status::NotFound("there is no database " + name + " in the backup");
      const auto exists = fs_.Exists(JoinPath(directory_, name));
      IMMUDB_RETURN_IF_ERROR(exists);
      if (*exists && !options_.replace) {
        return {StatusCode::kAlreadyExists,
                "database " + name + " exists already in " + directory_};
      }
      chains_[name] = *std::move(chain);
    }
    for (const auto& [name, trusted] : options_.trusted) {
      if (!chains_.contains(name)) {
        return Status::InvalidArgument("a root of database " + name +
                                       " was given, which is not restored");
      }
    }
    return Status::Ok();
  }

  Status CheckSpace() const {
    uint64_t bytes = 0;
    for (const auto& [name, chain] : chains_) {
      for (const Link& link : chain) {
        for (const BackupFile& file : link.part->files) bytes += file.bytes;
      }
    }
    const auto free = fs_.FreeBytes(directory_);
    IMMUDB_RETURN_IF_ERROR(free);
    if (*free >= bytes) return Status::Ok();
    return Status::ResourceExhausted("the databases need " + std::to_string(bytes) + " bytes in " +
                                     directory_ + ", " + std::to_string(*free) + " are free");
  }

  std::string Staged(const std::string& name) const { return JoinPath(staging_.path(), name); }

  Status Build(const std::string& name, const Chain& chain) {
    const std::string folder = Staged(name);
    const std::string log = JoinPath(folder, "log");
    IMMUDB_RETURN_IF_ERROR(fs_.CreateDirectory(log));
    for (const Link& link : chain) {
      for (const BackupFile& file : link.part->files) {
        const std::string from = JoinPath(link.source->folder, file.name);
        const std::string to = file.is_identity ? JoinPath(folder, kServerIdentifierFile)
                                                : JoinPath(log, SegmentFileName(file.segment));
        IMMUDB_RETURN_IF_ERROR(CopyFile(from, file, to));
      }
    }
    if (options_.without_identity) IMMUDB_RETURN_IF_ERROR(KeepIdentity(name));
    IMMUDB_RETURN_IF_ERROR(CheckEntries(name, chain, log));
    IMMUDB_RETURN_IF_ERROR(Derive(folder, chain.back().part->state));
    IMMUDB_RETURN_IF_ERROR(fs_.SyncDirectory(log));
    IMMUDB_RETURN_IF_ERROR(fs_.SyncDirectory(folder));
    const LogState& state = chain.back().part->state;
    restored_.push_back({name, state.tree.size(), state.tree.Root(), {}});
    return Status::Ok();
  }

  Status CopyFile(const std::string& path, const BackupFile& file, const std::string& target) {
    const auto in = fs_.Open(path, FileSystem::Mode::kRead);
    if (!in.ok())
      return Status::DataLoss("the backup lacks " + file.name + ": " + in.status().message());
    const auto size = (*in)->Size();
    IMMUDB_RETURN_IF_ERROR(size);
    if (*size != file.bytes) {
      return Status::DataLoss(path + " has " + std::to_string(*size) + " bytes, " +
                              std::to_string(file.bytes) + " in the manifest");
    }
    const auto out = fs_.Open(target, FileSystem::Mode::kCreate);
    IMMUDB_RETURN_IF_ERROR(out);
    Sha256 sha;
    std::string buffer;
    for (uint64_t done = 0; done < file.bytes; done += buffer.size()) {
      buffer.resize(static_cast<size_t>(std::min<uint64_t>(kCopyBytes, file.bytes - done)));
      const auto read = (*in)->ReadAt(done, buffer.data(), buffer.size());
      IMMUDB_RETURN_IF_ERROR(read);
      if (*read < buffer.size()) return Status::DataLoss(path + " became shorter");
      sha.Update(buffer);
      IMMUDB_RETURN_IF_ERROR((*out)->WriteAt(file.offset + done, buffer));
      copied_ += buffer.size();
      if (options_.progress) options_.progress(copied_, std::max(copied_, total_));
    }
    if (sha.FinishHex() != file.sha256) {
      return Status::DataLoss(path + " does not match its SHA-256 in the manifest: it was changed");
    }
    return (*out)->SyncData();
  }

  // That of the database that is replaced, or one that no other server has.
  Status KeepIdentity(const std::string& name) {
    const std::string staged = JoinPath(Staged(name), kServerIdentifierFile);
    const auto brought = fs_.Exists(staged);
    IMMUDB_RETURN_IF_ERROR(brought);
    IMMUDB_RETURN_IF_ERROR(fs_.Remove(staged));
    const std::string old = JoinPath(JoinPath(directory_, name), kServerIdentifierFile);
    const auto exists = fs_.Exists(old);
    IMMUDB_RETURN_IF_ERROR(exists);
    if (!*exists && !*brought) return Status::Ok();
    // The server would copy the old identity from a system database that was restored with it.
    if (!*exists) return MakeServerIdentifier(fs_, Staged(name)).status();
    const auto identity = ReadFile(fs_, old);
    IMMUDB_RETURN_IF_ERROR(identity);
    return ReplaceFile(fs_, staged, *identity);
  }

  // The entries lead to each root that a manifest of the chain says, and end with the last one.
  Status CheckEntries(const std::string& name, const Chain& chain, const std::string& log) {
    LogReadOptions reading;
    for (const Link& link : chain) reading.watched.push_back(link.part->state.tree.size());
    const auto trusted = options_.trusted.find(name);
    if (trusted != options_.trusted.end()) reading.watched.push_back(trusted->second.size);
    const auto read = ReadLog(fs_, log, reading);
    IMMUDB_RETURN_IF_ERROR(read);
    for (const Link& link : chain) {
      const LogState& state = link.part->state;
      const auto found = read->watched.find(state.tree.size());
      if (found == read->watched.end() || !found->second.state ||
          found->second.state->tree != state.tree) {
        return Status::DataLoss("the entries do not lead to root " + ToHex(state.tree.Root()) +
                                " at " + Entries(state.tree.size()) + ", which the manifest of " +
                                link.source->name + " says");
      }
    }
    if (read->end != chain.back().part->state || read->torn_bytes > 0) {
      return Status::DataLoss("the log has " + Entries(read->end.tree.size()) +
                              " and does not end where the manifest says");
    }
    if (trusted == options_.trusted.end()) return Status::Ok();
    const auto found = read->watched.find(trusted->second.size);
    if (found != read->watched.end() && found->second.root == trusted->second.root) {
      return Status::Ok();
    }
    return Status::DataLoss("the backup does not have the trusted root " +
                            ToHex(trusted->second.root) + " at " + Entries(trusted->second.size));
  }

  // Index and tree, by the engine itself, which must come to the same root.
  Status Derive(const std::string& folder, const LogState& state) {
    StoreOptions store_options;
    store_options.file_system = &fs_;
    const auto store = Store::Open(folder, store_options);
    IMMUDB_RETURN_IF_ERROR(store);
    const Snapshot latest = (*store)->Latest();
    const bool same = latest.size() == state.tree.size() && latest.root() == state.tree.Root();
    IMMUDB_RETURN_IF_ERROR((*store)->Close());
    return same ? Status::Ok() : Status::DataLoss("the derived tree has another root");
  }

  Status PutInPlace() {
    std::vector<std::pair<std::string, std::string>> renamed;
    const auto rename = [&](const std::string& from, const std::string& to) {
      Status done = fs_.Rename(from, to);
      if (done.ok()) renamed.emplace_back(from, to);
      return done;
    };
    const auto put_all = [&]() -> Status {
      for (RestoredDatabase& database : restored_) {
        const std::string target = JoinPath(directory_, database.name);
        const auto exists = fs_.Exists(target);
        IMMUDB_RETURN_IF_ERROR(exists);
        if (*exists) {
          database.replaced = target + kReplacedMark + options_.time;
          const auto taken = fs_.Exists(database.replaced);
          IMMUDB_RETURN_IF_ERROR(taken);
          if (*taken) return {StatusCode::kAlreadyExists, database.replaced + " exists already"};
          IMMUDB_RETURN_IF_ERROR(rename(target, database.replaced));
        }
        IMMUDB_RETURN_IF_ERROR(rename(Staged(database.name), target));
      }
      return fs_.SyncDirectory(directory_);
    };
    const Status put = put_all();
    if (put.ok()) return put;
    for (auto each = renamed.rbegin(); each != renamed.rend(); ++each) {
      const Status undone = fs_.Rename(each->second, each->first);
      if (!undone.ok()) {
        return put.WithContext("could not be undone, " + each->first + " is now " + each->second);
      }
    }
    return put;
  }

  const RestoreOptions& options_;
  FileSystem& fs_;
  const std::string directory_;
  StagingFolder staging_;
  std::vector<Source> sources_;
  std::map<std::string, Chain> chains_;
  std::vector<RestoredDatabase> restored_;
  uint64_t total_ = 0;
  uint64_t copied_ = 0;
};

}  // namespace

Result<std::vector<RestoredDatabase>> RestoreBackup(const RestoreOptions& options) {
  // Locked before anything of an earlier attempt is removed, and until what is left is.
  std::unique_ptr<FileLock> held;
  Restore restore(options);
  auto lock = restore.LockDirectory();
  IMMUDB_RETURN_IF_ERROR(lock);
  held = *std::move(lock);
  return restore.Run();
}

}  // namespace immudb
