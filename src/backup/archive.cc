// SPDX-License-Identifier: Apache-2.0
#include "backup/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <map>
#include <optional>
#include <system_error>
#include <utility>

#include "backup/piece_check.h"
#include "backup/staging.h"
#include "backup/zstd_writer.h"
#include "base/file_system.h"
#include "base/status_macros.h"

namespace immudb {
namespace {

constexpr size_t kBlockBytes = size_t{64} << 10;

using WritePtr = std::unique_ptr<archive, decltype(&archive_write_free)>;
using ReadPtr = std::unique_ptr<archive, decltype(&archive_read_free)>;
using EntryPtr = std::unique_ptr<archive_entry, decltype(&archive_entry_free)>;

Status OutOfMemory() {
  return Status::ResourceExhausted("no memory for an archive");
}

Status Failure(archive* from, const std::string& what) {
  const char* text = archive_error_string(from);
  const std::string message = what + ": " + (text != nullptr ? text : "unknown error");
  const int error = archive_errno(from);
  return error == ENOSPC || error == EDQUOT ? Status::ResourceExhausted(message)
                                            : Status::IoError(message);
}

Status SystemFailure(const std::string& what, int error) {
  const std::string message =
      what + ": " + std::error_code(error, std::generic_category()).message();
  return error == ENOSPC || error == EDQUOT ? Status::ResourceExhausted(message)
                                            : Status::IoError(message);
}

// A regular file that only its owner may read: the entries of users are in it.
EntryPtr RegularFile(const std::string& name, uint64_t bytes) {
  EntryPtr entry(archive_entry_new(), &archive_entry_free);
  if (entry == nullptr) return entry;
  archive_entry_set_pathname(entry.get(), name.c_str());
  archive_entry_set_filetype(entry.get(), AE_IFREG);
  archive_entry_set_perm(entry.get(), 0600);
  archive_entry_set_size(entry.get(), static_cast<la_int64_t>(bytes));
  return entry;
}

enum class Compression : uint8_t { kNone, kGzip, kZstd };

Compression CompressionOf(std::string_view path) {
  if (path.ends_with(".zst")) return Compression::kZstd;
  return path.ends_with(".gz") ? Compression::kGzip : Compression::kNone;
}

class TarSink final : public BackupSink {
 public:
  // `path`: of the finished file; empty for a stream.
  TarSink(int descriptor, std::string path, std::string partial)
      : descriptor_(descriptor), path_(std::move(path)), partial_(std::move(partial)) {}
  ~TarSink() override {
    // Freed without being closed, it would write the end of an archive that is not whole.
    if (tar_ != nullptr) archive_write_fail(tar_.get());
    tar_.reset();
    if (path_.empty()) return;
    ::close(descriptor_);
    if (!finished_) ::unlink(partial_.c_str());
  }

  Status Open(Compression compression) {
    tar_.reset(archive_write_new());
    if (tar_ == nullptr) return OutOfMemory();
    int done = archive_write_set_format_pax_restricted(tar_.get());
    if (compression == Compression::kGzip) done = archive_write_add_filter_gzip(tar_.get());
    // Nothing behind the compressed stream: readers of a pipe take it for another frame.
    if (done == ARCHIVE_OK) done = archive_write_set_bytes_in_last_block(tar_.get(), 1);
    if (done != ARCHIVE_OK) return Failed();
    if (compression == Compression::kZstd) {
      zstd_.emplace(descriptor_);
      done = archive_write_open(tar_.get(), this, nullptr, &TarSink::Compress, nullptr);
    } else {
      done = archive_write_open_fd(tar_.get(), descriptor_);
    }
    return done == ARCHIVE_OK ? Status::Ok() : Failed();
  }

  Status Begin(const std::string& name, uint64_t bytes) override {
    const EntryPtr entry = RegularFile(name, bytes);
    if (entry == nullptr) return OutOfMemory();
    return archive_write_header(tar_.get(), entry.get()) == ARCHIVE_OK ? Status::Ok() : Failed();
  }
  Status Write(std::string_view bytes) override {
    while (!bytes.empty()) {
      const la_ssize_t written = archive_write_data(tar_.get(), bytes.data(), bytes.size());
      if (written <= 0) return Failed();
      bytes.remove_prefix(static_cast<size_t>(written));
    }
    return Status::Ok();
  }
  Status End() override {
    return archive_write_finish_entry(tar_.get()) == ARCHIVE_OK ? Status::Ok() : Failed();
  }
  Status Finish() override {
    if (archive_write_close(tar_.get()) != ARCHIVE_OK) return Failed();
    if (zstd_) {
      const int error = zstd_->Finish();
      if (error != 0) return SystemFailure("cannot write the archive " + path_, error);
    }
    if (path_.empty()) return Status::Ok();
    if (::fsync(descriptor_) != 0) return SystemFailure("cannot sync " + partial_, errno);
    FileSystem& fs = FileSystem::Real();
    IMMUDB_RETURN_IF_ERROR(fs.Rename(partial_, path_));
    finished_ = true;
    return fs.SyncDirectory(ParentOf(path_));
  }

 private:
  static la_ssize_t Compress(archive* tar, void* self, const void* bytes, size_t size) {
    const int error =
        static_cast<TarSink*>(self)->zstd_->Write({static_cast<const char*>(bytes), size});
    if (error == 0) return static_cast<la_ssize_t>(size);
    archive_set_error(tar, error, "%s", std::generic_category().message(error).c_str());
    return -1;
  }

  Status Failed() {
    return Failure(tar_.get(),
                   path_.empty() ? "cannot write the archive" : "cannot write " + path_);
  }

  const int descriptor_;
  const std::string path_;
  const std::string partial_;
  std::optional<ZstdWriter> zstd_;
  WritePtr tar_{nullptr, &archive_write_free};
  bool finished_ = false;
};

// Takes the files of an archive one by one, as its manifest announces them.
class Unpacker {
 public:
  explicit Unpacker(std::string name) : name_(std::move(name)) {}

  Result<Manifest> ReadManifest(int descriptor) {
    tar_.reset(archive_read_new());
    if (tar_ == nullptr) return OutOfMemory();
    archive_read_support_format_tar(tar_.get());
    archive_read_support_filter_zstd(tar_.get());
    archive_read_support_filter_gzip(tar_.get());
    // Reads on behind the end of the tar: the checksum of the compressed stream stands there.
    archive_read_set_format_option(tar_.get(), "tar", "read_concatenated_archives", "1");
    if (archive_read_open_fd(tar_.get(), descriptor, kBlockBytes) != ARCHIVE_OK) return Damaged();
    archive_entry* entry = nullptr;
    IMMUDB_RETURN_IF_ERROR(Next(&entry));
    if (entry == nullptr) return Status::DataLoss(name_ + " is empty");
    const auto text = ManifestIn(entry);
    IMMUDB_RETURN_IF_ERROR(text);
    auto manifest = ParseManifest(*text);
    if (!manifest.ok()) return manifest.status().WithContext(name_);
    return manifest;
  }

  // Names of files are taken from the manifest, never from the archive, and the folder is new: no
  // name and no link can lead out of it.
  Status Run(int descriptor, FileSystem& fs, const std::string& directory) {
    const auto manifest = ReadManifest(descriptor);
    IMMUDB_RETURN_IF_ERROR(manifest);
    IMMUDB_RETURN_IF_ERROR(CheckSpace(fs, directory, manifest->TotalBytes()));
    IMMUDB_RETURN_IF_ERROR(
        ReplaceFile(fs, JoinPath(directory, kManifestFile), ManifestText(*manifest)));
    for (const auto& database : manifest->databases) {
      for (const auto& file : database.files) expected_[file.name] = &file;
    }
    for (archive_entry* entry = nullptr;;) {
      IMMUDB_RETURN_IF_ERROR(Next(&entry));
      if (entry == nullptr) break;
      IMMUDB_RETURN_IF_ERROR(TakeFile(entry, fs, directory));
    }
    if (expected_.empty()) return Status::Ok();
    return Status::DataLoss(name_ + " ends before " + expected_.begin()->first);
  }

 private:
  Status Damaged() {
    const Status failure = Failure(tar_.get(), name_ + " is damaged, or no archive of a backup");
    return Status::DataLoss(failure.message());
  }

  // Null at the end.
  Status Next(archive_entry** entry) {
    const int result = archive_read_next_header(tar_.get(), entry);
    if (result == ARCHIVE_EOF) *entry = nullptr;
    return result == ARCHIVE_OK || result == ARCHIVE_EOF ? Status::Ok() : Damaged();
  }

  // The name of a regular file; kDataLoss for anything else.
  Result<std::string> NameOf(archive_entry* entry) {
    const char* path = archive_entry_pathname(entry);
    const std::string name = path != nullptr ? path : "";
    if (archive_entry_filetype(entry) != AE_IFREG || archive_entry_hardlink(entry) != nullptr ||
        archive_entry_symlink(entry) != nullptr || !archive_entry_size_is_set(entry)) {
      return Status::DataLoss(name_ + ": \"" + name + "\" is no regular file");
    }
    return name;
  }

  Result<std::string> ManifestIn(archive_entry* entry) {
    const auto name = NameOf(entry);
    IMMUDB_RETURN_IF_ERROR(name);
    const la_int64_t bytes = archive_entry_size(entry);
    if (*name != kManifestFile || bytes < 0 || static_cast<uint64_t>(bytes) > kMaxManifestBytes) {
      return Status::DataLoss(name_ + " does not begin with a manifest: it is no backup of immudb");
    }
    std::string text(static_cast<size_t>(bytes), '\0');
    size_t held = 0;
    while (held < text.size()) {
      const la_ssize_t count =
          archive_read_data(tar_.get(), text.data() + held, text.size() - held);
      if (count <= 0) return Damaged();
      held += static_cast<size_t>(count);
    }
    return text;
  }

  // Unpacked they are there twice, until the databases are put together.
  Status CheckSpace(FileSystem& fs, const std::string& directory, uint64_t bytes) const {
    const auto free = fs.FreeBytes(directory);
    IMMUDB_RETURN_IF_ERROR(free);
    if (*free / 2 >= bytes) return Status::Ok();
    return Status::ResourceExhausted(name_ + " unpacks to " + std::to_string(bytes) +
                                     " bytes; twice as many are needed in " + directory + ", " +
                                     std::to_string(*free) + " are free");
  }

  Status TakeFile(archive_entry* entry, FileSystem& fs, const std::string& directory) {
    const auto name = NameOf(entry);
    IMMUDB_RETURN_IF_ERROR(name);
    const auto expected = expected_.find(*name);
    if (expected == expected_.end()) {
      return Status::DataLoss(name_ + ": \"" + *name + "\" is not in the manifest, or there twice");
    }
    const BackupFile& file = *expected->second;
    if (archive_entry_size(entry) != static_cast<la_int64_t>(file.bytes)) {
      return Status::DataLoss(name_ + ": " + *name + " has another size than in the manifest");
    }
    const std::string target = JoinPath(directory, *name);
    IMMUDB_RETURN_IF_ERROR(fs.CreateDirectory(ParentOf(target)));
    const auto out = fs.Open(target, FileSystem::Mode::kCreate);
    IMMUDB_RETURN_IF_ERROR(out);
    PieceCheck check(file);
    uint64_t done = 0;
    for (;;) {
      const void* block = nullptr;
      size_t size = 0;
      la_int64_t offset = 0;
      const int result = archive_read_data_block(tar_.get(), &block, &size, &offset);
      if (result == ARCHIVE_EOF) break;
      if (result != ARCHIVE_OK) return Damaged();
      if (offset != static_cast<la_int64_t>(done) || size > file.bytes - done) {
        return Status::DataLoss(name_ + ": " + *name + " has holes, or more bytes than it says");
      }
      const std::string_view bytes(static_cast<const char*>(block), size);
      IMMUDB_RETURN_IF_ERROR(check.Update(bytes).WithContext(name_));
      IMMUDB_RETURN_IF_ERROR((*out)->WriteAt(done, bytes));
      done += size;
    }
    if (done < file.bytes) return Status::DataLoss(name_ + ": " + *name + " has holes");
    IMMUDB_RETURN_IF_ERROR(check.Finish().WithContext(name_));
    expected_.erase(expected);
    return Status::Ok();
  }

  const std::string name_;
  std::map<std::string, const BackupFile*> expected_;  // not seen yet
  ReadPtr tar_{nullptr, &archive_read_free};
};

}  // namespace

bool IsArchiveName(std::string_view path) {
  return path.ends_with(".tar.zst") || path.ends_with(".tar.gz") || path.ends_with(".tar");
}

Result<std::unique_ptr<BackupSink>> ArchiveSink(const std::string& path) {
  const auto exists = FileSystem::Real().Exists(path);
  IMMUDB_RETURN_IF_ERROR(exists);
  if (*exists) return Status(StatusCode::kAlreadyExists, path + " exists already");
  const std::string partial = path + ".partial";
  const int descriptor = ::open(partial.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (descriptor < 0) return SystemFailure("cannot create " + partial, errno);
  auto sink = std::make_unique<TarSink>(descriptor, path, partial);
  IMMUDB_RETURN_IF_ERROR(sink->Open(CompressionOf(path)));
  return std::unique_ptr<BackupSink>(std::move(sink));
}

Result<std::unique_ptr<BackupSink>> StreamSink(int descriptor) {
  auto sink = std::make_unique<TarSink>(descriptor, "", "");
  IMMUDB_RETURN_IF_ERROR(sink->Open(Compression::kZstd));
  return std::unique_ptr<BackupSink>(std::move(sink));
}

Status UnpackArchive(const std::string& path, FileSystem& fs, const std::string& directory) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return SystemFailure("cannot open " + path, errno);
  const Status unpacked = Unpacker(path).Run(descriptor, fs, directory);
  ::close(descriptor);
  return unpacked;
}

Result<Manifest> ReadArchiveManifest(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return SystemFailure("cannot open " + path, errno);
  auto manifest = Unpacker(path).ReadManifest(descriptor);
  ::close(descriptor);
  return manifest;
}

Status UnpackStream(int descriptor, FileSystem& fs, const std::string& directory) {
  return Unpacker("the stream").Run(descriptor, fs, directory);
}

}  // namespace immudb
