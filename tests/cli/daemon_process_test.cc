// SPDX-License-Identifier: Apache-2.0
//
// The real daemon as an operator (or systemd) sees it: output, signals, exit codes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace immudb {
namespace {

using std::chrono::steady_clock;
using testing::HasSubstr;
using testing::Not;

constexpr std::chrono::seconds kPatience{30};

// One process of the daemon, its stdout and stderr read through pipes. Killed if still running.
class Daemon {
 public:
  explicit Daemon(std::vector<std::string> arguments) {
    std::array<int, 2> out{};
    std::array<int, 2> err{};
    if (::pipe(out.data()) != 0 || ::pipe(err.data()) != 0) return;
    arguments.insert(arguments.begin(), IMMUDB_BIN_DIR "/immudb");
    std::vector<char*> argv;
    argv.reserve(arguments.size() + 1);
    for (auto& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    pid_ = ::fork();
    if (pid_ == 0) {
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
  bool AwaitOutput(const std::string& text) {
    while (out.find(text) == std::string::npos) {
      if (!ReadSome()) return false;
    }
    return true;
  }
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
  bool ReadSome() {
    std::array<pollfd, 2> fds = {
        {{out_open_ ? out_fd_ : -1, POLLIN, 0}, {err_open_ ? err_fd_ : -1, POLLIN, 0}}};
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline_ - steady_clock::now());
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

  const steady_clock::time_point deadline_ = steady_clock::now() + kPatience;
  pid_t pid_ = -1;
  int out_fd_ = -1;
  int err_fd_ = -1;
  bool out_open_ = true;
  bool err_open_ = true;
};

class DaemonProcess : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "immudb_daemon_XXXXXX";
    directory_ = ::mkdtemp(pattern.data());
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }
  std::vector<std::string> Arguments(std::vector<std::string> more = {}) const {
    std::vector<std::string> arguments = {
        "--dir", directory_ + "/data", "--address", "127.0.0.1", "--port", "0"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
  std::string directory_;
};

TEST_F(DaemonProcess, SaysWhereItListensAndEndsCleanlyOnSignals) {
  for (const int signal : {SIGTERM, SIGINT}) {
    Daemon daemon(Arguments({"--admin-password", "Hidden1!"}));
    ASSERT_TRUE(daemon.AwaitOutput("start using immudb.\n")) << daemon.out << daemon.err;
    EXPECT_THAT(daemon.out, testing::ContainsRegex("Address         : 127.0.0.1:[1-9][0-9]*\n"));
    EXPECT_THAT(daemon.out, Not(HasSubstr("\x1b[")));  // no colours in a pipe
    daemon.Signal(signal);
    EXPECT_EQ(daemon.Wait(), 0) << daemon.err;
    EXPECT_THAT(daemon.err, HasSubstr("INFO: Shutdown completed"));
    EXPECT_THAT(daemon.out + daemon.err, Not(HasSubstr("Hidden1!")));
  }
}

TEST_F(DaemonProcess, ASecondDaemonOnTheSameDirectoryFailsWithOneLine) {
  Daemon first(Arguments());
  ASSERT_TRUE(first.AwaitOutput("start using immudb.\n")) << first.err;
  Daemon second(Arguments());
  EXPECT_EQ(second.Wait(), 1);
  EXPECT_EQ(second.out, "");
  EXPECT_THAT(second.err, HasSubstr("immudb: "));
}

TEST_F(DaemonProcess, WrongUsageEndsWithTwoAndAWrongFileWithOne) {
  Daemon flag(Arguments({"--no-such-option"}));
  EXPECT_EQ(flag.Wait(), 2);
  EXPECT_EQ(flag.err, "immudb: unknown option --no-such-option\n");
  Daemon password(Arguments({"--admin-password=enc:Hidden1!"}));
  EXPECT_EQ(password.Wait(), 2);
  EXPECT_THAT(password.err, Not(HasSubstr("Hidden1!")));
  Daemon file(Arguments({"--config", directory_ + "/missing.toml"}));
  EXPECT_EQ(file.Wait(), 1);
  EXPECT_THAT(file.err, HasSubstr("missing.toml"));
}

TEST_F(DaemonProcess, WrongTlsFilesEndTheStartWithOneLine) {
  Daemon missing(Arguments({"--mtls", "--certificate=/nowhere.pem"}));
  EXPECT_EQ(missing.Wait(), 1);
  EXPECT_EQ(missing.out, "");
  EXPECT_EQ(missing.err,
            "immudb: certificate: cannot open /nowhere.pem: No such file or directory\n");
  Daemon half(Arguments({"--certificate=/nowhere.pem"}));
  EXPECT_EQ(half.Wait(), 2);
  EXPECT_EQ(half.err, "immudb: option pkey: it is missing; certificate needs it for TLS\n");
}

TEST_F(DaemonProcess, HelpAndVersionStartNothing) {
  Daemon help({"help"});
  EXPECT_EQ(help.Wait(), 0);
  EXPECT_THAT(help.out, HasSubstr("--session-lifetime"));
  Daemon version({"version"});
  EXPECT_EQ(version.Wait(), 0);
  EXPECT_THAT(version.out, testing::StartsWith("immudb "));
}

}  // namespace
}  // namespace immudb
