// SPDX-License-Identifier: Apache-2.0
#include "cli/parent_directory.h"

#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

namespace immudb {

Status MakeParentDirectory(const std::string& path) {
  const std::string parent = std::filesystem::path(path).parent_path().string();
  if (parent.empty() || ::mkdir(parent.c_str(), 0755) == 0 || errno == EEXIST) return Status::Ok();
  return Status::IoError("cannot make directory " + parent + ": " +
                         std::generic_category().message(errno));
}

}  // namespace immudb
