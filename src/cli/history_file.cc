// SPDX-License-Identifier: Apache-2.0
#include "cli/history_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <system_error>
#include <utility>

#include "base/file_system.h"
#include "base/status_macros.h"

namespace immudb {
namespace {

Status Failed(std::string_view what, const std::string& path) {
  return Status::IoError(std::string(what) + ' ' + path + ": " +
                         std::generic_category().message(errno));
}

Status WriteAll(int fd, std::string_view text, const std::string& path) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Failed("cannot write", path);
    text.remove_prefix(static_cast<size_t>(n));
  }
  return Status::Ok();
}

}  // namespace

HistoryFile::HistoryFile(std::string path, size_t limit) : path_(std::move(path)), limit_(limit) {}

Result<std::vector<std::string>> HistoryFile::Load() {
  std::vector<std::string> lines;
  if (path_.empty()) return lines;
  if (::access(path_.c_str(), F_OK) != 0 && errno == ENOENT) return lines;
  std::ifstream file(path_, std::ios::binary);
  if (!file) return Failed("cannot read", path_);
  for (std::string line; std::getline(file, line);) {
    if (!line.empty()) lines.push_back(std::move(line));
  }
  if (lines.size() <= limit_) return lines;
  const bool cut = lines.size() > 2 * limit_;
  lines.erase(lines.begin(), lines.end() - static_cast<std::ptrdiff_t>(limit_));
  if (cut) IMMUDB_RETURN_IF_ERROR(Replace(lines));
  return lines;
}

Status HistoryFile::Append(std::string_view line) {
  if (path_.empty()) return Status::Ok();
  const int fd = ::open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return Failed("cannot open", path_);
  struct stat info {};
  const bool open_to_others =
      ::fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && (info.st_mode & (S_IRWXG | S_IRWXO)) != 0;
  Status status =
      open_to_others && ::fchmod(fd, 0600) != 0 ? Failed("cannot protect", path_) : Status::Ok();
  std::string text(line);
  text += '\n';
  if (status.ok()) status = WriteAll(fd, text, path_);
  ::close(fd);
  return status;
}

Status HistoryFile::Replace(const std::vector<std::string>& lines) const {
  std::string text;
  for (const auto& line : lines) {
    text += line;
    text += '\n';
  }
  std::string temporary = path_ + ".XXXXXX";
  const int fd = ::mkstemp(temporary.data());  // with mode 0600
  if (fd < 0) return Failed("cannot create", temporary);
  Status status = WriteAll(fd, text, temporary);
  ::close(fd);
  if (status.ok() && ::rename(temporary.c_str(), path_.c_str()) != 0) {
    status = Failed("cannot replace", path_);
  }
  if (!status.ok()) ::unlink(temporary.c_str());
  return status;
}

std::string HistoryPath(std::string_view name, std::string_view home) {
  if (name.empty() || name == "none") return {};
  if (name.find('/') != std::string_view::npos) return std::string(name);
  return home.empty() ? std::string() : JoinPath(home, name);
}

}  // namespace immudb
