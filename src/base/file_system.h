// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "immudb/status.h"

namespace immudb {

// A file open for positional reads and writes. Thread-safe as the system calls are: distinct ranges
// may be read and written at once. Closed by the destructor.
class File {
 public:
  virtual ~File() = default;

  // Writes all of `data` or fails. After a failure any prefix of it may have been written.
  // kResourceExhausted: the disk (or the quota) is full. kUnavailable: the process or the system
  // has no descriptor or memory left, which may pass.
  virtual Status WriteAt(uint64_t offset, std::string_view data) = 0;
  // Reads up to `size` bytes; fewer only at the end of the file.
  virtual Result<size_t> ReadAt(uint64_t offset, char* buffer, size_t size) const = 0;
  // As ReadAt, without waiting for the disk: kUnavailable if not all of it is in memory. A file
  // system that cannot tell reads as ReadAt does.
  virtual Result<size_t> ReadCached(uint64_t offset, char* buffer, size_t size) const {
    return ReadAt(offset, buffer, size);
  }
  // Data and what is needed to find it again is on stable storage when this returns ok. After an
  // error the state of everything written since the last success is unknown: MUST NOT be retried.
  virtual Status SyncData() = 0;
  virtual Status Truncate(uint64_t size) = 0;
  virtual Result<uint64_t> Size() const = 0;
  // For mapping; valid as long as the File.
  virtual int descriptor() const = 0;
};

// Held as long as the object lives; also by other processes.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

// The seam between our storage and the operating system: tests replace it to drop un-synced bytes,
// write short, and fill the disk. Thread-safe. Errors are kIoError, kNotFound, kResourceExhausted,
// and name the path.
class FileSystem {
 public:
  enum class Mode : uint8_t { kRead, kReadWrite, kCreate };  // kCreate: read-write, made if absent

  virtual ~FileSystem() = default;

  static FileSystem& Real();

  virtual Result<std::unique_ptr<File>> Open(const std::string& path, Mode mode) = 0;
  // With parents, each of which is synced when it got an entry; fine if it exists.
  virtual Status CreateDirectory(const std::string& path) = 0;
  // Names, without "." and "..", in no particular order.
  virtual Result<std::vector<std::string>> List(const std::string& path) = 0;
  virtual Result<bool> Exists(const std::string& path) = 0;
  // Of a file; fine if it is absent.
  virtual Status Remove(const std::string& path) = 0;
  virtual Status RemoveTree(const std::string& path) = 0;
  virtual Status Rename(const std::string& from, const std::string& to) = 0;
  // Makes creations, renames and removals in this directory durable.
  virtual Status SyncDirectory(const std::string& path) = 0;
  // That may still be written to the file system of this path.
  virtual Result<uint64_t> FreeBytes(const std::string& path) = 0;
  // kFailedPrecondition if somebody else holds it.
  virtual Result<std::unique_ptr<FileLock>> Lock(const std::string& path) = 0;
};

// The whole of a (small) file.
Result<std::string> ReadFile(FileSystem& fs, const std::string& path);

// Replaces the file atomically and durably: readers see the old or the new content, never a mix.
Status ReplaceFile(FileSystem& fs, const std::string& path, std::string_view content);

// "a/b" and "c" make "a/b/c".
std::string JoinPath(std::string_view directory, std::string_view name);

}  // namespace immudb
