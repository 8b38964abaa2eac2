// SPDX-License-Identifier: Apache-2.0
#include "cli/queued_log_sink.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <pthread.h>
#include <spdlog/details/log_msg.h>
#include <spdlog/pattern_formatter.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <string_view>
#include <system_error>
#include <utility>

#include "cli/parent_directory.h"

namespace immudb {
namespace {

using std::chrono::steady_clock;

// A pipe that poll() calls writable takes so much without blocking.
constexpr size_t kPipeBytes = 4096;
constexpr int kPollMs = 100;

bool IsFile(int fd) {
  struct stat found {};
  return ::fstat(fd, &found) == 0 && S_ISREG(found.st_mode);
}

bool IsWritable(int fd) {
  pollfd wanted{.fd = fd, .events = POLLOUT, .revents = 0};
  return ::poll(&wanted, 1, kPollMs) > 0;
}

// Signals are for the threads of the program.
template <typename Body>
std::thread StartWithoutSignals(Body body) {
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread thread(std::move(body));
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return thread;
}

}  // namespace

QueuedLogSink::QueuedLogSink(std::string path, bool take_standard_streams)
    : path_(std::move(path)),
      take_standard_streams_(take_standard_streams),
      formatter_(std::make_unique<spdlog::pattern_formatter>()),
      writer_(StartWithoutSignals([this] { WriteQueued(); })) {}

QueuedLogSink::~QueuedLogSink() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    give_up_at_ = steady_clock::now() + kPatience;
  }
  queued_changed_.notify_all();
  writer_.join();
  if (fd_ >= 0) ::close(fd_);
}

Status QueuedLogSink::Open() {
  if (path_.empty()) return Status::Ok();
  if (const Status made = MakeParentDirectory(path_); !made.ok()) {
    return made.WithContext("Unable to create log folder");
  }
  const int fd = ::open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
  if (fd < 0) {
    return Status::IoError("Unable to create log file: " + path_ + ": " +
                           std::generic_category().message(errno));
  }
  const std::lock_guard lock(file_mutex_);
  if (take_standard_streams_) {
    ::dup2(fd, STDOUT_FILENO);
    ::dup2(fd, STDERR_FILENO);
  }
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
  return Status::Ok();
}

void QueuedLogSink::log(const spdlog::details::log_msg& message) {
  const std::lock_guard lock(mutex_);
  spdlog::memory_buf_t line;
  formatter_->format(message, line);
  if (queued_.size() + line.size() > kMaxQueuedBytes) {
    ++dropped_;
    return;
  }
  queued_.append(line.data(), line.size());
  if (!writing_) queued_changed_.notify_one();
}

void QueuedLogSink::flush() {
  std::unique_lock lock(mutex_);
  written_changed_.wait_for(lock, kPatience, [this] { return queued_.empty() && !writing_; });
}

void QueuedLogSink::set_pattern(const std::string& pattern) {
  set_formatter(std::make_unique<spdlog::pattern_formatter>(pattern));
}

void QueuedLogSink::set_formatter(std::unique_ptr<spdlog::formatter> formatter) {
  const std::lock_guard lock(mutex_);
  formatter_ = std::move(formatter);
}

std::string QueuedLogSink::DroppedLine() {
  if (dropped_ == 0) return "";
  const std::string text = fmt::format(
      "{} lines of the log were dropped: they came faster than they could be written", dropped_);
  dropped_ = 0;
  spdlog::memory_buf_t line;
  formatter_->format({"", spdlog::level::warn, spdlog::string_view_t(text)}, line);
  return {line.data(), line.size()};
}

void QueuedLogSink::WriteQueued() {
  std::unique_lock lock(mutex_);
  while (true) {
    queued_changed_.wait(lock, [this] { return stopping_ || !queued_.empty(); });
    if (queued_.empty()) return;
    // What was dropped came behind what is queued, and before what comes next.
    std::string lines = std::exchange(queued_, {});
    lines += DroppedLine();
    writing_ = true;
    lock.unlock();
    const bool written = Write(lines);
    lock.lock();
    if (!written) CountDropped(lines);
    writing_ = false;
    written_changed_.notify_all();
  }
}

void QueuedLogSink::CountDropped(const std::string& lines) {
  dropped_ += static_cast<uint64_t>(std::ranges::count(lines, '\n'));
}

bool QueuedLogSink::GivenUp() {
  const std::lock_guard lock(mutex_);
  return stopping_ && steady_clock::now() >= give_up_at_;
}

// False: the lines, or the last of them, could not be written.
bool QueuedLogSink::Write(const std::string& lines) {
  const std::lock_guard lock(file_mutex_);
  const int fd = path_.empty() ? STDERR_FILENO : fd_;
  const bool file = IsFile(fd);
  std::string_view rest = lines;
  while (!rest.empty()) {
    if (!file && !IsWritable(fd)) {
      if (GivenUp()) return false;
      continue;
    }
    const ssize_t n =
        ::write(fd, rest.data(), file ? rest.size() : std::min(rest.size(), kPipeBytes));
    if (n < 0 && errno != EINTR && errno != EAGAIN) return false;
    if (n > 0) rest.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

}  // namespace immudb
