// SPDX-License-Identifier: Apache-2.0
#include "support/daemon_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string_view>

#include "base/status_macros.h"

namespace immudb {
namespace {

constexpr std::string_view kAddressLabel = "Address         : ";

// The port in a complete line "Address         : HOST:PORT"; 0 if it is not there yet.
int PortIn(const std::string& output) {
  const size_t label = output.find(kAddressLabel);
  if (label == std::string::npos) return 0;
  const size_t end = output.find('\n', label);
  if (end == std::string::npos) return 0;
  const size_t colon = output.rfind(':', end);
  return std::atoi(output.substr(colon + 1, end - colon - 1).c_str());
}

}  // namespace

Result<std::unique_ptr<DaemonProcess>> DaemonProcess::Start(
    const std::vector<std::string>& arguments, std::chrono::seconds patience) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return Status::IoError("cannot make a pipe");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  std::vector<char*> argv;
  argv.reserve(arguments.size() + 1);
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  pid_t pid = 0;
  const int error = ::posix_spawn(&pid, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  if (error != 0) {
    ::close(ends[0]);
    return Status::IoError("cannot start " + arguments[0]);
  }
  std::unique_ptr<DaemonProcess> process(new DaemonProcess(pid, ends[0]));
  IMMUDB_RETURN_IF_ERROR(process->AwaitAddress(patience));
  return process;
}

Status DaemonProcess::AwaitAddress(std::chrono::seconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (port_ == 0) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    pollfd readable{out_, POLLIN, 0};
    const int ready = left.count() <= 0 ? 0 : ::poll(&readable, 1, static_cast<int>(left.count()));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return Status::Unavailable("the server did not say that it serves");
    char buffer[4096];
    const ssize_t n = ::read(out_, buffer, sizeof(buffer));
    if (n <= 0) return Status::Unavailable("the server ended before it served");
    output_.append(buffer, static_cast<size_t>(n));
    port_ = PortIn(output_);
  }
  return Status::Ok();
}

int DaemonProcess::Stop(int signal) {
  if (pid_ == 0) return -1;
  ::kill(pid_, signal);
  // Keeps reading, so that a last message cannot block the child.
  char buffer[4096];
  while (::read(out_, buffer, sizeof(buffer)) > 0) {
  }
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = 0;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

DaemonProcess::~DaemonProcess() {
  if (pid_ != 0) Stop(SIGKILL);
  ::close(out_);
}

}  // namespace immudb
