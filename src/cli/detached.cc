// SPDX-License-Identifier: Apache-2.0
#include "cli/detached.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/status_macros.h"

namespace immudb {
namespace {

constexpr int kReportDescriptor = 3;
constexpr char kPrivateArgument[] = "--detached-child";
constexpr char kServing = 'S';
constexpr char kFailed = 'F';
constexpr char kSelf[] = "/proc/self/exe";

Status SystemFailed(std::string_view what, int error) {
  return Status::IoError("cannot " + std::string(what) + ": " +
                         std::generic_category().message(error));
}

class SpawnSetup {
 public:
  explicit SpawnSetup(int report) {
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, report, kReportDescriptor);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addclosefrom_np(&actions, kReportDescriptor + 1);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
  }
  ~SpawnSetup() {
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }
  SpawnSetup(const SpawnSetup&) = delete;
  SpawnSetup& operator=(const SpawnSetup&) = delete;

  posix_spawn_file_actions_t actions{};
  posix_spawnattr_t attributes{};
};

Result<pid_t> Spawn(const std::vector<std::string>& arguments, int report) {
  std::vector<std::string> words = {ExecutableName(), kPrivateArgument};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  argv.reserve(words.size() + 1);
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const SpawnSetup setup(report);
  pid_t pid = 0;
  const int error =
      ::posix_spawn(&pid, kSelf, &setup.actions, &setup.attributes, argv.data(), environ);
  if (error != 0) return SystemFailed("start in the background", error);
  return pid;
}

// All that the child reports until it closes its end; nothing if that takes too long.
std::optional<std::string> ReadReport(int fd, std::chrono::milliseconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  std::string report;
  while (true) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    pollfd readable{fd, POLLIN, 0};
    const int ready = left.count() <= 0 ? 0 : ::poll(&readable, 1, static_cast<int>(left.count()));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return std::nullopt;
    std::array<char, 1024> buffer{};
    const ssize_t n = ::read(fd, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return report;
    report.append(buffer.data(), static_cast<size_t>(n));
  }
}

std::string EndText(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFSIGNALED(status)) return "was ended by signal " + std::to_string(WTERMSIG(status));
  return "ended with exit code " + std::to_string(WEXITSTATUS(status));
}

}  // namespace

StartReport StartReport::Take(std::vector<std::string>* arguments) {
  StartReport report;
  struct stat info {};
  // Without the pipe the argument stays, and is refused like any other unknown one.
  if (arguments->empty() || arguments->front() != kPrivateArgument ||
      ::fstat(kReportDescriptor, &info) != 0 || !S_ISFIFO(info.st_mode)) {
    return report;
  }
  arguments->erase(arguments->begin());
  ::fcntl(kReportDescriptor, F_SETFD, FD_CLOEXEC);
  report.detached_ = true;
  report.fd_ = kReportDescriptor;
  return report;
}

StartReport::StartReport(StartReport&& other) noexcept
    : detached_(other.detached_), fd_(std::exchange(other.fd_, -1)) {}

StartReport::~StartReport() {
  if (fd_ >= 0) ::close(fd_);
}

void StartReport::Serving() {
  Send(std::string(1, kServing));
}

void StartReport::Failed(const std::string& message) {
  Send(kFailed + message);
}

void StartReport::Send(const std::string& text) {
  if (fd_ < 0) return;
  // A parent that is gone does not wait for it any more.
  if (::write(fd_, text.data(), text.size()) < 0) errno = 0;
  ::close(fd_);
  fd_ = -1;
}

Result<pid_t> StartDetached(const std::vector<std::string>& arguments,
                            std::chrono::milliseconds patience) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return SystemFailed("make a pipe", errno);
  const auto pid = Spawn(arguments, ends[1]);
  ::close(ends[1]);
  const auto report = pid.ok() ? ReadReport(ends[0], patience) : std::string();
  ::close(ends[0]);
  IMMUDB_RETURN_IF_ERROR(pid);
  if (!report) {
    return Status::Unavailable("PID " + std::to_string(*pid) + " is still starting after " +
                               std::to_string(patience.count() / 1000) +
                               " s; it is left running, see its log file");
  }
  if (report->starts_with(kServing)) return *pid;
  const std::string end = EndText(*pid);  // its files are free again when we return
  if (report->starts_with(kFailed)) return Status::FailedPrecondition(report->substr(1));
  return Status::FailedPrecondition("the background process " + end + " before it served");
}

std::string ExecutableName() {
  std::error_code error;
  return std::filesystem::read_symlink(kSelf, error).filename().string();
}

std::string StartedLine(const std::string& executable, pid_t pid, bool colour) {
  const std::string id = "PID " + std::to_string(pid);
  if (!colour) return executable + " has been started with " + id + '\n';
  return "\x1b[32m" + executable + " has been started with \x1b[34m" + id + "\x1b[0m\n";
}

}  // namespace immudb
