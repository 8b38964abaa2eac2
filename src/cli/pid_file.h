// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "immudb/status.h"

namespace immudb {

// A file that holds the process's id (decimal, no newline, mode 0644) while the process serves.
// The destructor removes it, if it still holds our id. Not thread-safe.
class PidFile {
 public:
  // To be called before anything of the process is opened: refuses the file of a process that lives
  // and makes one missing parent directory. The file itself is not touched. Errors:
  //   kInvalidArgument     the path names no file
  //   kFailedPrecondition  the file holds the id of a living process, or something else than an id
  //   kIoError             it cannot be read, or its directory cannot be made
  static Result<std::unique_ptr<PidFile>> Prepare(std::string path);
  ~PidFile();
  PidFile(const PidFile&) = delete;
  PidFile& operator=(const PidFile&) = delete;

  // Checks again and writes, atomically. What a dead process left is replaced.
  Status Write();

 private:
  explicit PidFile(std::string path) : path_(std::move(path)) {}

  const std::string path_;
};

}  // namespace immudb
