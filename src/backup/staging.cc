// SPDX-License-Identifier: Apache-2.0
#include "backup/staging.h"

#include "base/status_macros.h"

namespace immudb {

std::string ParentOf(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string WithoutSlashes(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

StagingFolder::~StagingFolder() {
  if (!created_) return;
  static_cast<void>(fs_.RemoveTree(path_));  // fine if it was renamed; else nothing can be done
}

Status StagingFolder::Create() {
  IMMUDB_RETURN_IF_ERROR(fs_.RemoveTree(path_));
  created_ = true;
  return fs_.CreateDirectory(path_);
}

}  // namespace immudb
