// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>

#include "base/file_system.h"
#include "immudb/status.h"

namespace immudb {

// The folder that a path stands in: "." if it names none.
std::string ParentOf(const std::string& path);
std::string WithoutSlashes(std::string path);  // at its end

// A folder for what is not finished; removed with everything in it by the destructor, unless it was
// renamed before, or never created by this object.
class StagingFolder {
 public:
  StagingFolder(FileSystem& fs, std::string path) : fs_(fs), path_(std::move(path)) {}
  ~StagingFolder();
  StagingFolder(const StagingFolder&) = delete;
  StagingFolder& operator=(const StagingFolder&) = delete;

  // What an earlier attempt left there is removed.
  Status Create();
  const std::string& path() const { return path_; }

 private:
  FileSystem& fs_;
  const std::string path_;
  bool created_ = false;
};

}  // namespace immudb
