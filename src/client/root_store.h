// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file_system.h"
#include "immudb/status.h"
#include "immudb/types.h"

namespace immudb {

// The trusted roots for one server, one a database, in the file `<directory>/.root-<uuid>` that the
// original's programs also read: lines `<database>:<base64 of the serialised Root>`.
//
// Trust only grows: a root is replaced by one that was proven to continue it, never by an older
// one. Thread-safe, also against other processes: changes are made under a lock file beside it, and
// readers see an old or a new file, never a mix. A damaged file is an error, not "no root": the
// user decides whether to trust the server anew, by removing it.
class RootStore {
 public:
  // Does not touch the disk. The uuid must have passed IsSafeUuid.
  RootStore(FileSystem& fs, std::string directory, std::string_view uuid);

  // The same lines in files of other names, as auditors keep them.
  struct Files {
    std::string directory;
    std::string roots;
    std::string lock;
  };
  RootStore(FileSystem& fs, Files files);

  // May this text of a server become part of a file name? Letters, digits, '-' and '_', at most 64.
  static bool IsSafeUuid(std::string_view uuid);

  const std::string& path() const { return path_; }

  // The trusted root of a database; none before the first contact.
  Result<std::optional<TreeRoot>> Load(std::string_view database) const;
  // The databases that have a line.
  Result<std::vector<std::string>> Databases() const;

  // Held while a root is being moved. Other holders, of this process too, wait.
  class Lock {
   public:
    Result<std::optional<TreeRoot>> Load(std::string_view database) const;
    // Replaces the root of a database and of no other.
    Status Save(std::string_view database, const TreeRoot& root) const;

   private:
    friend class RootStore;
    Lock(const RootStore& store, std::unique_ptr<FileLock> lock)
        : store_(store), lock_(std::move(lock)) {}
    const RootStore& store_;
    std::unique_ptr<FileLock> lock_;
  };
  // Waits for the lock, for some seconds; kUnavailable then.
  Result<Lock> Acquire() const;

 private:
  using Roots = std::map<std::string, std::optional<TreeRoot>, std::less<>>;
  Result<Roots> LoadAll() const;

  FileSystem& fs_;
  const std::string directory_;
  const std::string path_;
  const std::string lock_path_;
};

}  // namespace immudb
