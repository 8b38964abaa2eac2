// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/file_system.h"
#include "immudb/status.h"

namespace immudb {

// Where the files of a backup go, one behind the other. Not thread-safe. What was not finished is
// removed by the destructor, except from a stream.
class BackupSink {
 public:
  virtual ~BackupSink() = default;
  // `bytes` will be written to this file.
  virtual Status Begin(const std::string& name, uint64_t bytes) = 0;
  virtual Status Write(std::string_view bytes) = 0;
  virtual Status End() = 0;
  // All is on stable storage under its final name when this returns ok.
  virtual Status Finish() = 0;
};

// A folder, which must not exist (kAlreadyExists).
Result<std::unique_ptr<BackupSink>> FolderSink(FileSystem& fs, const std::string& path);

}  // namespace immudb
