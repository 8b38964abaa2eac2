// SPDX-License-Identifier: Apache-2.0
//
// The shell as its user has it: the real immuclient on a terminal, against the real daemon.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/client_test_util.h"
#include "support/daemon_process.h"

namespace immudb {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr char kUp[] = "\x1b[A";
constexpr char kCtrlC[] = "\x03";
constexpr char kCtrlD[] = "\x04";

// A process on a terminal of its own. Ended, if need be, by the destructor.
class Terminal {
 public:
  Terminal(std::vector<std::string> arguments, const std::string& directory) {
    arguments.insert(arguments.begin(), IMMUDB_BIN_DIR "/immuclient");
    std::vector<char*> argv;
    for (auto& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    const winsize size{.ws_row = 40, .ws_col = 150, .ws_xpixel = 0, .ws_ypixel = 0};
    int slave = -1;
    if (::openpty(&master_, &slave, nullptr, nullptr, &size) != 0) return;
    ::tcgetattr(slave, &found_);
    slave_ = slave;  // kept open: the state of the terminal is looked at after the end
    ::fcntl(master_, F_SETFD, FD_CLOEXEC);
    ::fcntl(slave, F_SETFD, FD_CLOEXEC);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::setsid();
      ::ioctl(slave, TIOCSCTTY, 0);
      for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(slave, fd);
      if (::chdir(directory.c_str()) != 0) ::_exit(126);
      ::setenv("HOME", directory.c_str(), 1);  // NOLINT(concurrency-mt-unsafe): the child is alone
      ::setenv("TERM", "vt100", 1);            // NOLINT(concurrency-mt-unsafe)
      ::execv(argv[0], argv.data());
      ::_exit(127);
    }
  }
  ~Terminal() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
    ::close(slave_);
    ::close(master_);
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  void Type(const std::string& keys) const {
    EXPECT_EQ(::write(master_, keys.data(), keys.size()), static_cast<ssize_t>(keys.size()));
  }
  // Reads until `text` is shown behind what the call before waited for. Gives what was shown up to
  // it, and fails the test if it does not come.
  std::string Await(const std::string& text) {
    size_t found = shown_.find(text, seen_);
    while (found == std::string::npos && ReadSome()) found = shown_.find(text, seen_);
    if (found == std::string::npos) {
      ADD_FAILURE() << "\"" << text << "\" was not shown, but: " << shown_.substr(seen_);
      return {};
    }
    const std::string before = shown_.substr(seen_, found - seen_);
    seen_ = found + text.size();
    return before;
  }
  // Types a line and gives all that is shown until the prompt comes back.
  std::string Enter(const std::string& line, const std::string& prompt) {
    Type(line + "\r");
    Await("\n");
    return Await(prompt);
  }
  // The exit code, if it ends by itself.
  std::optional<int> Wait() {
    while (true) {
      int status = 0;
      const pid_t ended = ::waitpid(pid_, &status, WNOHANG);
      if (ended == pid_) {
        pid_ = -1;
        return WIFEXITED(status) ? std::optional(WEXITSTATUS(status)) : std::nullopt;
      }
      if (ended < 0 || Left() <= 0) return std::nullopt;
      pollfd output{master_, POLLIN, 0};
      if (::poll(&output, 1, 20) > 0) ReadSome();
    }
  }
  pid_t pid() const { return pid_; }
  // Does the terminal echo, wait for whole lines and send signals, as it was found?
  bool IsRestored() const {
    termios now{};
    return ::tcgetattr(slave_, &now) == 0 && now.c_lflag == found_.c_lflag &&
           now.c_iflag == found_.c_iflag && now.c_oflag == found_.c_oflag &&
           now.c_cc[VINTR] == found_.c_cc[VINTR];
  }

 private:
  int Left() const {
    return static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                deadline_ - std::chrono::steady_clock::now())
                                .count());
  }
  bool ReadSome() {
    pollfd output{master_, POLLIN, 0};
    if (Left() <= 0 || ::poll(&output, 1, Left()) <= 0) return false;
    std::array<char, 4096> buffer{};
    const ssize_t n = ::read(master_, buffer.data(), buffer.size());
    if (n > 0) shown_.append(buffer.data(), static_cast<size_t>(n));
    return n > 0;
  }

  const std::chrono::steady_clock::time_point deadline_ =
      std::chrono::steady_clock::now() + std::chrono::seconds(30);
  pid_t pid_ = -1;
  int master_ = -1;
  int slave_ = -1;
  termios found_{};
  std::string shown_;
  size_t seen_ = 0;
};

class ShellOnATerminal : public testing::Test {
 protected:
  void SetUp() override {
    auto daemon =
        DaemonProcess::Start({IMMUDB_BIN_DIR "/immudb", "--dir", directory_ / "data", "--address",
                              "127.0.0.1", "--port", "0", "--metrics-server=false"});
    ASSERT_TRUE(daemon.ok()) << daemon.status().message();
    daemon_ = *std::move(daemon);
  }
  std::unique_ptr<Terminal> Open(std::vector<std::string> more = {}) {
    more.insert(more.end(), {"--immudb-port", std::to_string(daemon_->port())});
    return std::make_unique<Terminal>(std::move(more), directory_.path());
  }
  // A shell whose user is logged in and has chosen a database.
  std::unique_ptr<Terminal> OpenLoggedIn(std::vector<std::string> more = {}) {
    auto terminal = Open(std::move(more));
    terminal->Await("immuclient>");
    terminal->Type("login immudb\r");
    terminal->Await("Password:");
    terminal->Type("immudb\r");
    terminal->Await("immuclient(immudb)>");
    terminal->Enter("use defaultdb", kPrompt);
    return terminal;
  }
  static constexpr char kPrompt[] = "immuclient(immudb@defaultdb)>";

  TemporaryDirectory directory_;
  std::unique_ptr<DaemonProcess> daemon_;
};

TEST_F(ShellOnATerminal, ThePromptShowsUserAndDatabase) {
  const auto terminal = Open();
  terminal->Await("immuclient>");
  terminal->Type("login immudb\r");
  terminal->Await("Password:");
  terminal->Type("immudb\r");
  EXPECT_THAT(terminal->Await("immuclient(immudb)>"), HasSubstr("Successfully logged in."));
  EXPECT_THAT(terminal->Enter("use defaultdb", kPrompt), HasSubstr("Now using defaultdb \r\n"));
  EXPECT_THAT(terminal->Enter("logout", "immuclient>"), HasSubstr("Successfully logged out"));
  EXPECT_THAT(terminal->Enter("get k", "immuclient>"), HasSubstr("ERROR: please login"));
  terminal->Type("exit\r");
  EXPECT_EQ(terminal->Wait(), 0);
  EXPECT_TRUE(terminal->IsRestored());
}

// A value is data, whatever it looks like, and may have spaces.
TEST_F(ShellOnATerminal, ValuesArePrintedAsTheyAre) {
  const auto terminal = OpenLoggedIn();
  EXPECT_THAT(terminal->Enter("safeset k \"100%s  %n %d\"", kPrompt),
              HasSubstr("value:\t\t100%s  %n %d \r\n"));
  EXPECT_THAT(terminal->Enter("safeget k", kPrompt), HasSubstr("verified:\ttrue \r\n"));
  EXPECT_EQ(terminal->Enter("get k --value-only", kPrompt), "100%s  %n %d\r\n \r\n");
  EXPECT_THAT(terminal->Enter("get k", kPrompt), HasSubstr("index:\t\t0 \r\n"));
}

TEST_F(ShellOnATerminal, ValueOnlyOfTheProgramIsThatOfEveryCommand) {
  const auto terminal = OpenLoggedIn({"--value-only"});
  EXPECT_EQ(terminal->Enter("set k v", kPrompt), "v\r\n \r\n");
  EXPECT_EQ(terminal->Enter("get k", kPrompt), "v\r\n \r\n");
}

TEST_F(ShellOnATerminal, WrongCommandsAreExplained) {
  const auto terminal = OpenLoggedIn();
  EXPECT_EQ(
      terminal->Enter("gett k", kPrompt),
      "ERROR: Unknown command  | gett  \r\n\r\nDid you mean this ?\r\n\tget \r\n\tset \r\n\r\n"
      "Run --help for usage \r\n");
  EXPECT_EQ(terminal->Enter("xyzzyxyzzy", kPrompt),
            "ERROR: Unknown command  | xyzzyxyzzy  \r\n\r\nRun --help for usage \r\n");
  EXPECT_EQ(terminal->Enter("zadd s 1", kPrompt),
            "ERROR: Not enough arguments | zadd needs 3 , have 2 . Use [command] --help for "
            "documentation. \r\n");
  EXPECT_THAT(terminal->Enter("get nothing a b", kPrompt),
              testing::StartsWith("INFO: Redunant argument(s) | [a b] \r\nERROR: key not found"));
  EXPECT_THAT(terminal->Enter("set k it's", kPrompt), HasSubstr("quote ' is not closed"));
  EXPECT_THAT(terminal->Enter("get k --no-such", kPrompt), HasSubstr("unknown option --no-such"));
}

TEST_F(ShellOnATerminal, EveryCommandHasHelp) {
  const auto terminal = OpenLoggedIn();
  const std::string all = terminal->Enter("help", kPrompt);
  EXPECT_THAT(all, HasSubstr("args: setname,score,key\r\n"));
  EXPECT_THAT(all, Not(HasSubstr("mangen")));
  EXPECT_EQ(terminal->Enter("--help", kPrompt), all);
  const std::string get = terminal->Enter("get --help", kPrompt);
  EXPECT_THAT(get, testing::StartsWith("get Get the item"));
  EXPECT_THAT(get, HasSubstr(" args:key \r\n"));
  EXPECT_EQ(terminal->Enter("get -h", kPrompt), get);
  EXPECT_THAT(terminal->Enter("nothing --help", kPrompt), HasSubstr("| nothing "));
}

TEST_F(ShellOnATerminal, ArrowUpBringsLinesBackAlsoOfEarlierShells) {
  {
    const auto terminal = OpenLoggedIn();
    terminal->Enter("set first 1", kPrompt);
    terminal->Enter("set second 2", kPrompt);
    terminal->Type(std::string(kUp) + kUp + "1\r");  // "set first 11"
    EXPECT_THAT(terminal->Await(kPrompt), Not(HasSubstr("ERROR")));
    EXPECT_THAT(terminal->Enter("get first", kPrompt), HasSubstr("value:\t\t11 \r\n"));
    terminal->Enter(" set secret 3", kPrompt);
    terminal->Type("quit\r");
    EXPECT_EQ(terminal->Wait(), 0);
  }
  const std::string file = directory_ / ".immuclient_history";
  EXPECT_EQ(FileContent(file),
            "use defaultdb\nset first 1\nset second 2\nset first 11\nget first\nquit\n");
  struct stat info {};
  ASSERT_EQ(::stat(file.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);

  const auto later = Open();
  later->Await("immuclient(defaultdb)>");  // by the token file, which names no user
  later->Type(std::string(kUp) + kUp + "\r");
  EXPECT_THAT(later->Await("immuclient(defaultdb)>"), HasSubstr("value:\t\t11 \r\n"));
}

TEST_F(ShellOnATerminal, TabCompletesCommandsFlagsAndDatabases) {
  const auto terminal = OpenLoggedIn();
  EXPECT_THAT(terminal->Enter("histo\tk", kPrompt), HasSubstr("No item found"));
  terminal->Type("rawsafe\t");
  terminal->Await("rawsafeget  rawsafeset\r\n");
  terminal->Await("rawsafe");
  terminal->Type("s\tk v --value-o\t\r");
  terminal->Await("v\r\n \r\n");
  terminal->Await(kPrompt);
  terminal->Enter("database create warehouse", kPrompt);
  terminal->Type("use ware\t\r");
  terminal->Await("Now using warehouse");
  terminal->Await("immuclient(immudb@warehouse)>");
}

TEST_F(ShellOnATerminal, CtrlCGivesUpTheLineAndCtrlDLeaves) {
  const auto terminal = OpenLoggedIn();
  terminal->Type("set k v");
  terminal->Await("set k v");
  terminal->Type(kCtrlC);
  terminal->Await("^C");
  terminal->Await(kPrompt);
  EXPECT_THAT(terminal->Enter("get k", kPrompt), HasSubstr("key not found"));
  terminal->Type(kCtrlD);
  EXPECT_EQ(terminal->Wait(), 0);
  EXPECT_TRUE(terminal->IsRestored());
}

// Who gives up the password is back in the shell.
TEST_F(ShellOnATerminal, CtrlCAtThePasswordLeavesNothingBehind) {
  const auto terminal = Open();
  terminal->Await("immuclient>");
  terminal->Type("login immudb\r");
  terminal->Await("Password:");
  terminal->Type(std::string("sec") + kCtrlC);
  EXPECT_THAT(terminal->Await("immuclient>"), HasSubstr("ERROR: no password was given"));
  EXPECT_THAT(terminal->Enter("status", "immuclient>"), HasSubstr("Health check OK \r\n"));
  terminal->Type(kCtrlD);
  EXPECT_EQ(terminal->Wait(), 0);
  EXPECT_TRUE(terminal->IsRestored());
  EXPECT_THAT(FileContent(directory_ / ".immuclient_history"), Not(HasSubstr("login")));
}

// A server that hangs must not cost the shell and what is in it.
TEST_F(ShellOnATerminal, ASignalDuringACommandDoesNotEndTheShell) {
  const auto terminal = OpenLoggedIn();
  ::kill(daemon_->pid(), SIGSTOP);
  terminal->Type("set k v\r");
  terminal->Await("set k v\r\n");
  ::kill(terminal->pid(), SIGINT);
  ::kill(daemon_->pid(), SIGCONT);
  terminal->Await(kPrompt);
  EXPECT_THAT(terminal->Enter("status", kPrompt), HasSubstr("Health check OK"));
  terminal->Type(kCtrlD);
  EXPECT_EQ(terminal->Wait(), 0);
  EXPECT_TRUE(terminal->IsRestored());
}

// `immuclient < script`: no prompts, every line is run, and the exit code says whether all is well.
TEST_F(ShellOnATerminal, AScriptIsRunToItsEndAndAnswersForItsFirstFailure) {
  const std::string client = "cd " + directory_.path() +
                             " && HOME=. " IMMUDB_BIN_DIR "/immuclient it --immudb-port " +
                             std::to_string(daemon_->port()) + " < script > out 2> err";
  const std::string login = "login immudb\nimmudb\nuse defaultdb\n";
  WriteFile(directory_ / "script", login + "set k 'a b'\n\nget k --value-only");
  EXPECT_EQ(WEXITSTATUS(std::system(client.c_str())), 0);  // NOLINT(concurrency-mt-unsafe)
  EXPECT_THAT(FileContent(directory_ / "out"), testing::EndsWith("UTC \n \na b\n \n"));
  EXPECT_EQ(FileContent(directory_ / "err"), "");
  WriteFile(directory_ / "script", login + "get nothing\nno-command\nget k --value-only\n");
  EXPECT_EQ(WEXITSTATUS(std::system(client.c_str())), 4);  // NOLINT(concurrency-mt-unsafe)
  EXPECT_THAT(FileContent(directory_ / "out"), testing::EndsWith("Now using defaultdb \na b\n \n"));
  EXPECT_THAT(FileContent(directory_ / "err"),
              testing::StartsWith("ERROR: key not found: nothing \nERROR: Unknown command"));
  EXPECT_FALSE(std::filesystem::exists(directory_ / ".immuclient_history"));
}

TEST_F(ShellOnATerminal, NoHistoryIsKeptWhenNoneIsWanted) {
  const auto terminal = OpenLoggedIn({"--history-file=none"});
  terminal->Enter("set k v", kPrompt);
  terminal->Type(kCtrlD);
  EXPECT_EQ(terminal->Wait(), 0);
  EXPECT_FALSE(std::filesystem::exists(directory_ / ".immuclient_history"));
}

TEST_F(ShellOnATerminal, TextBeyondAsciiIsTypedAndShown) {
  const auto terminal = OpenLoggedIn();
  EXPECT_THAT(terminal->Enter("set k grün-日本", kPrompt), HasSubstr("value:\t\tgrün-日本 \r\n"));
}

TEST_F(ShellOnATerminal, AServerThatIsAwayIsSaidAndEndsIt) {
  Terminal terminal({"--immudb-address", "unix:" + directory_ / "nobody"}, directory_.path());
  EXPECT_EQ(terminal.Wait(), 6);
  EXPECT_TRUE(terminal.IsRestored());
}

}  // namespace
}  // namespace immudb
