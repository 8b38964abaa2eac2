// SPDX-License-Identifier: Apache-2.0
#include "index/table_file.h"

#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

namespace immudb {
namespace {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;

thread_local bool reads_at_once = false;

IOStatus ErrnoStatus(const std::string& what, const std::string& path, int error) {
  const std::string text = std::error_code(error, std::generic_category()).message();
  if (error == ENOENT) return IOStatus::PathNotFound(what + " " + path, text);
  return IOStatus::IOError(what + " " + path, text);
}

class TableFile final : public rocksdb::FSRandomAccessFile {
 public:
  TableFile(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  ~TableFile() override { ::close(fd_); }

  IOStatus Read(uint64_t offset, size_t size, const IOOptions&, rocksdb::Slice* result,
                char* scratch, IODebugContext*) const override {
    int flags = reads_at_once ? RWF_NOWAIT : 0;
    size_t done = 0;
    while (done < size) {
      iovec rest{.iov_base = scratch + done, .iov_len = size - done};
      const ssize_t n = ::preadv2(fd_, &rest, 1, static_cast<off_t>(offset + done), flags);
      if (n == 0) break;
      if (n > 0) {
        done += static_cast<size_t>(n);
      } else if (errno == EAGAIN && flags != 0) {
        return IOStatus::TimedOut("not in memory");
      } else if (errno == EINTR) {
        continue;
      } else if (flags != 0) {
        flags = 0;  // this file system cannot tell
      } else {
        return ErrnoStatus("cannot read", path_, errno);
      }
    }
    *result = rocksdb::Slice(scratch, done);
    return IOStatus::OK();
  }

  IOStatus Prefetch(uint64_t offset, size_t size, const IOOptions&, IODebugContext*) override {
    return ::readahead(fd_, static_cast<off_t>(offset), size) == 0
               ? IOStatus::OK()
               : ErrnoStatus("cannot read", path_, errno);
  }

  void Hint(AccessPattern pattern) override {
    const bool random = pattern == kRandom;
    if (random || pattern == kNormal || pattern == kSequential) {
      ::posix_fadvise(fd_, 0, 0,
                      random               ? POSIX_FADV_RANDOM
                      : pattern == kNormal ? POSIX_FADV_NORMAL
                                           : POSIX_FADV_SEQUENTIAL);
    }
  }

  IOStatus InvalidateCache(size_t offset, size_t length) override {
    ::posix_fadvise(fd_, static_cast<off_t>(offset), static_cast<off_t>(length),
                    POSIX_FADV_DONTNEED);
    return IOStatus::OK();
  }

 private:
  const int fd_;
  const std::string path_;
};

}  // namespace

AtOnceReads::AtOnceReads() {
  reads_at_once = true;
}

AtOnceReads::~AtOnceReads() {
  reads_at_once = false;
}

IOStatus OpenTableFile(const std::string& path,
                       std::unique_ptr<rocksdb::FSRandomAccessFile>* file) {
  // Whoever opens a table reads its end next.
  if (reads_at_once) return IOStatus::TimedOut("not open");
  int fd = -1;
  do {
    fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  } while (fd < 0 && errno == EINTR);
  if (fd < 0) return ErrnoStatus("cannot open", path, errno);
  *file = std::make_unique<TableFile>(fd, path);
  return IOStatus::OK();
}

}  // namespace immudb
