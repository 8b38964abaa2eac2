// SPDX-License-Identifier: Apache-2.0
#include "base/file_system.h"

#include "base/status_macros.h"

namespace immudb {
namespace {

// The largest file that ReadFile reads. Callers read identities, keys, states, settings, manifests.
constexpr uint64_t kMostFileBytes = uint64_t{256} << 20;

}  // namespace

Result<std::string> ReadFile(FileSystem& fs, const std::string& path) {
  auto file = fs.Open(path, FileSystem::Mode::kRead);
  IMMUDB_RETURN_IF_ERROR(file);
  const auto size = (*file)->Size();
  IMMUDB_RETURN_IF_ERROR(size);
  if (*size > kMostFileBytes) {
    return Status::ResourceExhausted(path + " has " + std::to_string(*size) +
                                     " bytes, more than a file of its kind ever has");
  }
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
