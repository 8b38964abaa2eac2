// SPDX-License-Identifier: Apache-2.0
#include "base/file_system.h"

#include "base/status_macros.h"

namespace immudb {

Result<std::string> ReadFile(FileSystem& fs, const std::string& path) {
  auto file = fs.Open(path, FileSystem::Mode::kRead);
  IMMUDB_RETURN_IF_ERROR(file);
  const auto size = (*file)->Size();
  IMMUDB_RETURN_IF_ERROR(size);
  std::string content(*size, '\0');
  const auto read = (*file)->ReadAt(0, content.data(), content.size());
  IMMUDB_RETURN_IF_ERROR(read);
  content.resize(*read);
  return content;
}

Status ReplaceFile(FileSystem& fs, const std::string& path, std::string_view content) {
  const std::string temporary = path + ".tmp";
  {
    auto file = fs.Open(temporary, FileSystem::Mode::kCreate);
    IMMUDB_RETURN_IF_ERROR(file);
    IMMUDB_RETURN_IF_ERROR((*file)->Truncate(0));
    IMMUDB_RETURN_IF_ERROR((*file)->WriteAt(0, content));
    IMMUDB_RETURN_IF_ERROR((*file)->SyncData());
  }
  IMMUDB_RETURN_IF_ERROR(fs.Rename(temporary, path));
  const auto slash = path.rfind('/');
  return fs.SyncDirectory(slash == std::string::npos ? "." : path.substr(0, slash));
}

std::string JoinPath(std::string_view directory, std::string_view name) {
  std::string path(directory);
  if (!path.empty() && path.back() != '/') path += '/';
  path += name;
  return path;
}

}  // namespace immudb
