// SPDX-License-Identifier: Apache-2.0
#include "cli/pid_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <filesystem>
#include <optional>
#include <string_view>
#include <system_error>

#include "base/file_system.h"
#include "base/status_macros.h"
#include "cli/parent_directory.h"

namespace immudb {
namespace {

Status Failed(std::string_view what, const std::string& path) {
  const int error = errno;
  return Status::IoError("cannot " + std::string(what) + " pid file " + path + ": " +
                         std::generic_category().message(error));
}

// The last part of the path as Go's filepath.Base sees it: "" and "a/." name no file.
bool NamesAFile(const std::string& path) {
  const auto name = std::filesystem::path(path).filename();
  return !name.empty() && name != "." && name != "..";
}

std::optional<pid_t> ParsePid(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.remove_suffix(1);
  pid_t pid = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), pid);
  if (error != std::errc() || end != text.data() + text.size() || pid <= 0) return std::nullopt;
  return pid;
}

bool Lives(pid_t pid) {
  return ::kill(pid, 0) == 0 || errno == EPERM;
}

// May the file be written? Our own id in it is left over from an earlier life: in a container the
// daemon has the same id at every start.
Status CheckFree(const std::string& path) {
  const auto content = ReadFile(FileSystem::Real(), path);
  if (content.status().code() == StatusCode::kNotFound) return Status::Ok();
  if (!content.ok()) return content.status().WithContext("pid file");
  if (content->empty()) return Status::Ok();
  const auto pid = ParsePid(*content);
  if (!pid) {
    return Status::FailedPrecondition("pid file " + path +
                                      " holds something else than a process id: it is left as it "
                                      "is, choose another path or delete it");
  }
  if (*pid == ::getpid() || !Lives(*pid)) return Status::Ok();
  return Status::FailedPrecondition("pid file found, ensure immudb is not running or delete " +
                                    path);
}

// Writes and closes; the mode is exact, whatever the umask.
Status WriteWhole(const std::string& path, std::string_view text) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
  if (fd < 0) return Failed("write", path);
  const bool written = ::fchmod(fd, 0644) == 0 &&
                       ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  Status status = written ? Status::Ok() : Failed("write", path);
  ::close(fd);
  return status;
}

}  // namespace

Result<std::unique_ptr<PidFile>> PidFile::Prepare(std::string path) {
  if (!NamesAFile(path)) return Status::InvalidArgument("Pid filename is invalid: " + path);
  IMMUDB_RETURN_IF_ERROR(CheckFree(path));
  IMMUDB_RETURN_IF_ERROR(MakeParentDirectory(path).WithContext("pid file"));
  return std::unique_ptr<PidFile>(new PidFile(std::move(path)));
}

Status PidFile::Write() {
  IMMUDB_RETURN_IF_ERROR(CheckFree(path_));
  const std::string pid = std::to_string(::getpid());
  const std::string temporary = path_ + '.' + pid;
  Status written = WriteWhole(temporary, pid);
  if (written.ok() && ::rename(temporary.c_str(), path_.c_str()) != 0) {
    written = Failed("write", path_);
  }
  if (!written.ok()) ::unlink(temporary.c_str());
  return written;
}

PidFile::~PidFile() {
  const auto content = ReadFile(FileSystem::Real(), path_);
  if (content.ok() && ParsePid(*content) == ::getpid()) ::unlink(path_.c_str());
}

}  // namespace immudb
