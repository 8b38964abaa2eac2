// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "base/file_system.h"
#include "base/status_macros.h"
#include "immudb/status.h"

namespace immudb {
namespace {

// Who owns what refused us, and who we are. Of a path that is not there, or that we may not look
// at, the nearest folder above that we may.
std::string Owners(const std::string& path) {
  struct stat found {};
  std::string owned = path;
  while (::stat(owned.c_str(), &found) != 0) {
    std::string parent = std::filesystem::path(owned).parent_path().string();
    if (parent.empty()) parent = ".";
    if (parent == owned) return "";
    owned = std::move(parent);
  }
  return fmt::format(
      "; {} belongs to user {}, group {} (mode {:04o}), this process is user {}, group {}", owned,
      found.st_uid, found.st_gid, found.st_mode & 07777U, ::geteuid(), ::getegid());
}

Status ErrnoStatus(std::string_view what, const std::string& path, int error) {
  std::string message = std::string(what) + " " + path + ": " +
                        std::error_code(error, std::generic_category()).message();
  if (error == ENOSPC || error == EDQUOT) return Status::ResourceExhausted(std::move(message));
  if (error == EMFILE || error == ENFILE || error == ENOMEM) {
    return Status::Unavailable(std::move(message));
  }
  if (error == ENOENT) return Status::NotFound(std::move(message));
  if (error == EACCES) message += Owners(path);
  return Status::IoError(std::move(message));
}

// "." for a name without a folder, "/" for itself.
std::string ParentOf(const std::string& path) {
  std::filesystem::path parent(path);
  if (!parent.has_filename() && parent.has_relative_path()) parent = parent.parent_path();
  parent = parent.parent_path();
  return parent.empty() ? "." : parent.string();
}

bool IsDirectory(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

class PosixFile final : public File {
 public:
  PosixFile(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}

  Status WriteAt(uint64_t offset, std::string_view data) override {
    while (!data.empty()) {
      const ssize_t n = ::pwrite(fd_.get(), data.data(), data.size(), static_cast<off_t>(offset));
      if (n < 0) {
        if (errno == EINTR) continue;
        return ErrnoStatus("cannot write", path_, errno);
      }
      offset += static_cast<uint64_t>(n);
      data.remove_prefix(static_cast<size_t>(n));
    }
    return Status::Ok();
  }

  Result<size_t> ReadAt(uint64_t offset, char* buffer, size_t size) const override {
    size_t done = 0;
    while (done < size) {
      const ssize_t n =
          ::pread(fd_.get(), buffer + done, size - done, static_cast<off_t>(offset + done));
      if (n < 0) {
        if (errno == EINTR) continue;
        return ErrnoStatus("cannot read", path_, errno);
      }
      if (n == 0) break;
      done += static_cast<size_t>(n);
    }
    return done;
  }

  Result<size_t> ReadCached(uint64_t offset, char* buffer, size_t size) const override {
    size_t done = 0;
    while (done < size) {
      iovec rest{.iov_base = buffer + done, .iov_len = size - done};
      const ssize_t n =
          ::preadv2(fd_.get(), &rest, 1, static_cast<off_t>(offset + done), RWF_NOWAIT);
      if (n == 0) break;
      if (n > 0) {
        done += static_cast<size_t>(n);
      } else if (errno == EAGAIN) {
        return Status::Unavailable("not in memory");
      } else if (errno != EINTR) {
        return ReadAt(offset, buffer, size);  // the file system does not know this flag
      }
    }
    return done;
  }

  Status SyncData() override {
    return ::fdatasync(fd_.get()) == 0 ? Status::Ok() : ErrnoStatus("cannot sync", path_, errno);
  }

  Status Truncate(uint64_t size) override {
    return ::ftruncate(fd_.get(), static_cast<off_t>(size)) == 0
               ? Status::Ok()
               : ErrnoStatus("cannot truncate", path_, errno);
  }

  Result<uint64_t> Size() const override {
    struct stat info {};
    if (::fstat(fd_.get(), &info) != 0) return ErrnoStatus("cannot stat", path_, errno);
    return static_cast<uint64_t>(info.st_size);
  }

  int descriptor() const override { return fd_.get(); }

 private:
  const Descriptor fd_;
  const std::string path_;
};

class PosixLock final : public FileLock {
 public:
  explicit PosixLock(int fd) : fd_(fd) {}

 private:
  const Descriptor fd_;  // closing it releases the lock
};

class PosixFileSystem final : public FileSystem {
 public:
  Result<std::unique_ptr<File>> Open(const std::string& path, Mode mode) override {
    int flags = O_CLOEXEC;
    flags |= mode == Mode::kRead ? O_RDONLY : O_RDWR;
    if (mode == Mode::kCreate) flags |= O_CREAT;
    const int fd = ::open(path.c_str(), flags, 0644);
    if (fd < 0) return ErrnoStatus("cannot open", path, errno);
    return std::unique_ptr<File>(std::make_unique<PosixFile>(fd, path));
  }

  Status CreateDirectory(const std::string& path) override {
    if (::mkdir(path.c_str(), 0777) == 0) return SyncParentOf(path);
    if (errno == EEXIST && IsDirectory(path)) return Status::Ok();
    const std::string parent = ParentOf(path);
    if (errno != ENOENT || parent == path) {
      return ErrnoStatus("cannot create directory", path, errno);
    }
    IMMUDB_RETURN_IF_ERROR(CreateDirectory(parent));
    if (::mkdir(path.c_str(), 0777) == 0) return SyncParentOf(path);
    // Somebody else may have made it meanwhile.
    if (errno == EEXIST && IsDirectory(path)) return Status::Ok();
    return ErrnoStatus("cannot create directory", path, errno);
  }

  Result<std::vector<std::string>> List(const std::string& path) override {
    std::error_code error;
    std::filesystem::directory_iterator it(path, error);
    std::vector<std::string> names;
    while (!error && it != std::filesystem::directory_iterator()) {
      names.push_back(it->path().filename().string());
      it.increment(error);
    }
    if (error) return ErrnoStatus("cannot list", path, error.value());
    return names;
  }

  Result<bool> Exists(const std::string& path) override {
    struct stat info {};
    if (::stat(path.c_str(), &info) == 0) return true;
    if (errno == ENOENT || errno == ENOTDIR) return false;
    return ErrnoStatus("cannot stat", path, errno);
  }

  Status Remove(const std::string& path) override {
    if (::unlink(path.c_str()) == 0 || errno == ENOENT) return Status::Ok();
    return ErrnoStatus("cannot remove", path, errno);
  }

  Status RemoveTree(const std::string& path) override {
    std::error_code error;
    std::filesystem::remove_all(path, error);
    return error ? ErrnoStatus("cannot remove", path, error.value()) : Status::Ok();
  }

  Status Rename(const std::string& from, const std::string& to) override {
    return ::rename(from.c_str(), to.c_str()) == 0 ? Status::Ok()
                                                   : ErrnoStatus("cannot rename", from, errno);
  }

  Status SyncDirectory(const std::string& path) override {
    const Descriptor fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (fd.get() < 0) return ErrnoStatus("cannot open", path, errno);
    return ::fsync(fd.get()) == 0 ? Status::Ok() : ErrnoStatus("cannot sync", path, errno);
  }

  // A folder that we may write to and not read cannot be synced.
  Status SyncParentOf(const std::string& path) {
    const std::string parent = ParentOf(path);
    return ::access(parent.c_str(), R_OK) == 0 ? SyncDirectory(parent) : Status::Ok();
  }

  Result<uint64_t> FreeBytes(const std::string& path) override {
    struct statvfs system {};
    if (::statvfs(path.c_str(), &system) != 0)
      return ErrnoStatus("cannot look at the disk of", path, errno);
    return uint64_t{system.f_bavail} * system.f_frsize;
  }

  Result<std::unique_ptr<FileLock>> Lock(const std::string& path) override {
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0) return ErrnoStatus("cannot open", path, errno);
    auto lock = std::make_unique<PosixLock>(fd);
    if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return std::unique_ptr<FileLock>(std::move(lock));
    if (errno == EWOULDBLOCK) {
      return Status::FailedPrecondition(path + " is locked: another process uses this directory");
    }
    return ErrnoStatus("cannot lock", path, errno);
  }
};

}  // namespace

FileSystem& FileSystem::Real() {
  static PosixFileSystem file_system;
  return file_system;
}

}  // namespace immudb
