// SPDX-License-Identifier: Apache-2.0
#include "client/token_store.h"

#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <system_error>

#include "base/bytes.h"
#include "base/file_system.h"
#include "base/status_macros.h"

namespace immudb {
namespace {

constexpr size_t kLengthBytes = 8;
constexpr std::string_view kOldFormat = "v2.public.";

std::string HomeDirectory() {
  const char* home = std::getenv("HOME");  // NOLINT(concurrency-mt-unsafe)
  return home == nullptr ? "" : home;
}

Status ErrnoStatus(std::string_view what, const std::string& path) {
  return Status::IoError(std::string(what) + ' ' + path + ": " +
                         std::error_code(errno, std::generic_category()).message());
}

Status WriteAll(int fd, std::string_view content, const std::string& path) {
  while (!content.empty()) {
    const ssize_t n = ::write(fd, content.data(), content.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return ErrnoStatus("cannot write", path);
    content.remove_prefix(static_cast<size_t>(n));
  }
  return ::fsync(fd) == 0 ? Status::Ok() : ErrnoStatus("cannot sync", path);
}

// As ReplaceFile, but nobody else can read the file at any moment: mkstemp makes it with mode 0600.
Status ReplacePrivateFile(const std::string& path, std::string_view content) {
  std::string temporary = path + ".XXXXXX";
  const int fd = ::mkstemp(temporary.data());
  if (fd < 0) return ErrnoStatus("cannot create", temporary);
  Status status = WriteAll(fd, content, temporary);
  if (::close(fd) != 0 && status.ok()) status = ErrnoStatus("cannot close", temporary);
  if (status.ok() && ::rename(temporary.c_str(), path.c_str()) != 0) {
    status = ErrnoStatus("cannot replace", path);
  }
  if (!status.ok()) ::unlink(temporary.c_str());
  return status;
}

}  // namespace

TokenStore::TokenStore(std::string_view name, std::string_view home)
    : path_(name.empty() || name.find('/') != std::string_view::npos || home.empty()
                ? std::string(name)
                : JoinPath(home, name)) {}

TokenStore::TokenStore(std::string_view name) : TokenStore(name, HomeDirectory()) {}

Result<std::optional<SavedSession>> TokenStore::Load() const {
  if (path_.empty()) return std::optional<SavedSession>();
  const auto content = ReadFile(FileSystem::Real(), path_);
  if (content.status().code() == StatusCode::kNotFound) return std::optional<SavedSession>();
  IMMUDB_RETURN_IF_ERROR(content);
  if (content->starts_with(kOldFormat)) {
    return Status::FailedPrecondition("old token format. Please remove old token " + path_);
  }
  const auto missing = Status::FailedPrecondition(path_ + ": token content not present");
  if (content->size() <= kLengthBytes) return missing;
  const uint64_t length = LoadBE64(content->data());
  if (length > content->size() - kLengthBytes) return missing;
  return std::optional(
      SavedSession{content->substr(kLengthBytes, length), content->substr(kLengthBytes + length)});
}

Status TokenStore::Save(const SavedSession& session) const {
  if (path_.empty()) return Status::Ok();
  std::string content(kLengthBytes, '\0');
  StoreBE64(content.data(), session.database.size());
  return ReplacePrivateFile(path_, content + session.database + session.token);
}

Result<bool> TokenStore::Remove() const {
  if (path_.empty()) return false;
  if (::unlink(path_.c_str()) == 0) return true;
  if (errno == ENOENT) return false;
  return ErrnoStatus("cannot remove", path_);
}

}  // namespace immudb
