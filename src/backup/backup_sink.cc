// SPDX-License-Identifier: Apache-2.0
#include "backup/backup_sink.h"

#include <set>
#include <utility>

#include "backup/staging.h"
#include "base/status_macros.h"

namespace immudb {
namespace {

class Folder final : public BackupSink {
 public:
  Folder(FileSystem& fs, std::string path)
      : fs_(fs), path_(std::move(path)), staging_(fs, path_ + ".partial") {}

  Status Open() { return staging_.Create(); }

  Status Begin(const std::string& name, uint64_t) override {
    const std::string file = JoinPath(staging_.path(), name);
    const std::string directory = ParentOf(file);
    IMMUDB_RETURN_IF_ERROR(fs_.CreateDirectory(directory));
    for (std::string each = directory; each.size() >= staging_.path().size();
         each = ParentOf(each)) {
      directories_.insert(each);
    }
    auto opened = fs_.Open(file, FileSystem::Mode::kCreate);
    IMMUDB_RETURN_IF_ERROR(opened);
    file_ = *std::move(opened);
    offset_ = 0;
    return Status::Ok();
  }
  Status Write(std::string_view bytes) override {
    IMMUDB_RETURN_IF_ERROR(file_->WriteAt(offset_, bytes));
    offset_ += bytes.size();
    return Status::Ok();
  }
  Status End() override {
    const Status synced = file_->SyncData();
    file_.reset();
    return synced;
  }
  Status Finish() override {
    for (const std::string& directory : directories_) {
      IMMUDB_RETURN_IF_ERROR(fs_.SyncDirectory(directory));
    }
    IMMUDB_RETURN_IF_ERROR(fs_.Rename(staging_.path(), path_));
    return fs_.SyncDirectory(ParentOf(path_));
  }

 private:
  FileSystem& fs_;
  const std::string path_;
  StagingFolder staging_;
  std::set<std::string> directories_;
  std::unique_ptr<File> file_;
  uint64_t offset_ = 0;
};

}  // namespace

Result<std::unique_ptr<BackupSink>> FolderSink(FileSystem& fs, const std::string& path) {
  const std::string plain = WithoutSlashes(path);
  const auto exists = fs.Exists(plain);
  IMMUDB_RETURN_IF_ERROR(exists);
  if (*exists) return Status(StatusCode::kAlreadyExists, plain + " exists already");
  auto sink = std::make_unique<Folder>(fs, plain);
  IMMUDB_RETURN_IF_ERROR(sink->Open());
  return std::unique_ptr<BackupSink>(std::move(sink));
}

}  // namespace immudb
