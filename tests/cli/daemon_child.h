// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

namespace immudb {

// One process of the daemon (or of another program of ours), its stdout and stderr read through
// pipes. Killed if still running. A test that waits longer than its patience fails.
class Daemon {
 public:
  // `environment`: "NAME=value", besides ours.
  explicit Daemon(std::vector<std::string> arguments, std::vector<std::string> environment = {},
                  const std::string& program = "immudb") {
    std::array<int, 2> out{};
    std::array<int, 2> err{};
    if (::pipe2(out.data(), O_CLOEXEC) != 0 || ::pipe2(err.data(), O_CLOEXEC) != 0) return;
    arguments.insert(arguments.begin(), IMMUDB_BIN_DIR "/" + program);
    std::vector<char*> argv;
    argv.reserve(arguments.size() + 1);
    for (auto& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    pid_ = ::fork();
    if (pid_ == 0) {
      for (auto& variable : environment)
        ::putenv(variable.data());  // NOLINT(concurrency-mt-unsafe)
      ::dup2(out[1], STDOUT_FILENO);
      ::dup2(err[1], STDERR_FILENO);
      ::execv(argv[0], argv.data());
      ::_exit(127);
    }
    ::close(out[1]);
    ::close(err[1]);
    out_fd_ = out[0];
    err_fd_ = err[0];
  }
  ~Daemon() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
    ::close(out_fd_);
    ::close(err_fd_);
  }
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  // Reads until stdout contains `text`; false if it ends, or time passes, before.
  bool AwaitOutput(const std::string& text) { return Await(text, &out); }
  bool AwaitError(const std::string& text) { return Await(text, &err); }
  pid_t pid() const { return pid_; }
  void Signal(int signal) const { ::kill(pid_, signal); }
  // Reads all output; the exit code, if it ended by itself.
  std::optional<int> Wait() {
    while (ReadSome()) {
    }
    int status = 0;
    if (::waitpid(pid_, &status, 0) != pid_) return std::nullopt;
    pid_ = -1;
    return WIFEXITED(status) ? std::optional(WEXITSTATUS(status)) : std::nullopt;
  }

  std::string out;
  std::string err;

 private:
  bool Await(const std::string& text, const std::string* in) {
    while (in->find(text) == std::string::npos) {
      if (!ReadSome()) return false;
    }
    return true;
  }
  bool ReadSome() {
    std::array<pollfd, 2> fds = {
        {{out_open_ ? out_fd_ : -1, POLLIN, 0}, {err_open_ ? err_fd_ : -1, POLLIN, 0}}};
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline_ - std::chrono::steady_clock::now());
    if ((!out_open_ && !err_open_) || left.count() <= 0) return false;
    if (::poll(fds.data(), fds.size(), static_cast<int>(left.count())) <= 0) return false;
    if (fds[0].revents != 0) out_open_ = Append(out_fd_, &out);
    if (fds[1].revents != 0) err_open_ = Append(err_fd_, &err);
    return true;
  }
  static bool Append(int fd, std::string* text) {
    std::array<char, 4096> buffer{};
    const ssize_t n = ::read(fd, buffer.data(), buffer.size());
    if (n > 0) text->append(buffer.data(), static_cast<size_t>(n));
    return n > 0;
  }

  const std::chrono::steady_clock::time_point deadline_ =
      std::chrono::steady_clock::now() + std::chrono::seconds(30);
  pid_t pid_ = -1;
  int out_fd_ = -1;
  int err_fd_ = -1;
  bool out_open_ = true;
  bool err_open_ = true;
};

// A directory of its own for each test.
class DaemonFixture : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "immudb_daemon_XXXXXX";
    directory_ = ::mkdtemp(pattern.data());
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }
  std::vector<std::string> Arguments(std::vector<std::string> more = {}) const {
    std::vector<std::string> arguments = {
        "--dir", directory_ + "/data", "--address", "127.0.0.1", "--port",
        "0",     "--metrics-port",     "0"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
  std::string Path(const std::string& name) const { return directory_ + '/' + name; }
  std::string Write(const std::string& name, const std::string& content) const {
    std::ofstream(Path(name)) << content;
    return Path(name);
  }
  std::string Content(const std::string& name) const {
    std::ostringstream content;
    content << std::ifstream(Path(name)).rdbuf();
    return content.str();
  }
  std::string directory_;
};

}  // namespace immudb
