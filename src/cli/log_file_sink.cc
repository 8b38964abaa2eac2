// SPDX-License-Identifier: Apache-2.0
#include "cli/log_file_sink.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <system_error>

#include "cli/parent_directory.h"

namespace immudb {

LogFileSink::~LogFileSink() {
  if (fd_ >= 0) ::close(fd_);
}

Status LogFileSink::Open() {
  if (const Status made = MakeParentDirectory(path_); !made.ok()) {
    return made.WithContext("Unable to create log folder");
  }
  const int fd = ::open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
  if (fd < 0) {
    return Status::IoError("Unable to create log file: " + path_ + ": " +
                           std::generic_category().message(errno));
  }
  const std::lock_guard lock(mutex_);
  if (take_standard_streams_) {
    ::dup2(fd, STDOUT_FILENO);
    ::dup2(fd, STDERR_FILENO);
  }
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
  return Status::Ok();
}

void LogFileSink::sink_it_(const spdlog::details::log_msg& message) {
  spdlog::memory_buf_t line;
  formatter_->format(message, line);
  std::string_view rest(line.data(), line.size());
  while (!rest.empty()) {
    const ssize_t n = ::write(fd_, rest.data(), rest.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) spdlog::throw_spdlog_ex("cannot write " + path_, errno);
    rest.remove_prefix(static_cast<size_t>(n));
  }
}

}  // namespace immudb
