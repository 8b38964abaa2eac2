// SPDX-License-Identifier: Apache-2.0
//
// The real daemon's pid file and log file, as service managers and log rotation use them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <nlohmann/json.hpp>

#include "cli/daemon_child.h"

namespace immudb {
namespace {

using testing::HasSubstr;
using testing::Not;

class DaemonFiles : public DaemonFixture {};

constexpr char kServes[] = "start using immudb.\n";

mode_t ModeOf(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 ? info.st_mode & 07777 : 0;
}

// Waits until the file contains the text.
bool AwaitContent(const std::string& path, const std::string& text) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (std::chrono::steady_clock::now() < deadline) {
    std::ostringstream content;
    content << std::ifstream(path).rdbuf();
    if (content.str().find(text) != std::string::npos) return true;
    ::poll(nullptr, 0, 5);
  }
  return false;
}

TEST_F(DaemonFiles, ThePidFileIsThereWhileItServes) {
  Daemon daemon(Arguments({"--pidfile", Path("run/immudb.pid")}));
  ASSERT_TRUE(daemon.AwaitOutput(kServes)) << daemon.err;
  EXPECT_EQ(Content("run/immudb.pid"), std::to_string(daemon.pid()));
  EXPECT_EQ(ModeOf(Path("run/immudb.pid")), 0644U);
  EXPECT_THAT(daemon.out, HasSubstr("PID file        : " + Path("run/immudb.pid") + "\n"));
  daemon.Signal(SIGTERM);
  EXPECT_EQ(daemon.Wait(), 0);
  EXPECT_FALSE(std::filesystem::exists(Path("run/immudb.pid")));
}

TEST_F(DaemonFiles, ALivePidFileStopsTheStartBeforeTheDataIsTouched) {
  Write("immudb.pid", std::to_string(::getpid()));
  Daemon daemon(Arguments({"--pidfile", Path("immudb.pid")}));
  EXPECT_EQ(daemon.Wait(), 1);
  EXPECT_EQ(daemon.err, "immudb: pid file found, ensure immudb is not running or delete " +
                            Path("immudb.pid") + "\n");
  EXPECT_EQ(Content("immudb.pid"), std::to_string(::getpid()));
  EXPECT_FALSE(std::filesystem::exists(Path("data")));
}

// After SIGKILL the next start must work without an operator.
TEST_F(DaemonFiles, APidFileLeftByACrashIsReplaced) {
  {
    Daemon crashed(Arguments({"--pidfile", Path("immudb.pid")}));
    ASSERT_TRUE(crashed.AwaitOutput(kServes)) << crashed.err;
  }
  ASSERT_TRUE(std::filesystem::exists(Path("immudb.pid")));
  Daemon next(Arguments({"--pidfile", Path("immudb.pid")}));
  ASSERT_TRUE(next.AwaitOutput(kServes)) << next.err;
  EXPECT_EQ(Content("immudb.pid"), std::to_string(next.pid()));
}

TEST_F(DaemonFiles, TheLogFileIsAppendedToAndOpenedAnewOnSighup) {
  const auto arguments = Arguments({"--logfile", Path("log/immudb.log")});
  Daemon daemon(arguments);
  ASSERT_TRUE(daemon.AwaitOutput(kServes)) << daemon.err;
  EXPECT_EQ(daemon.err, "");
  EXPECT_EQ(ModeOf(Path("log/immudb.log")) & ~mode_t{0640}, 0U);
  EXPECT_THAT(Content("log/immudb.log"), testing::ContainsRegex("^immudb [0-9]{4}/"));
  ASSERT_TRUE(AwaitContent(Path("log/immudb.log"), "INFO: Data dir        : "));
  std::filesystem::rename(Path("log/immudb.log"), Path("log/old.log"));
  daemon.Signal(SIGHUP);
  ASSERT_TRUE(AwaitContent(Path("log/immudb.log"), "SIGHUP"));
  daemon.Signal(SIGTERM);
  EXPECT_EQ(daemon.Wait(), 0);
  EXPECT_THAT(Content("log/old.log"), Not(HasSubstr("Shutdown completed")));
  EXPECT_THAT(Content("log/immudb.log"), HasSubstr("Shutdown completed"));

  Daemon again(arguments);
  ASSERT_TRUE(again.AwaitOutput(kServes)) << again.err;
  EXPECT_THAT(Content("log/immudb.log"), testing::ContainsRegex("Shutdown completed\n.*serving"));
}

TEST_F(DaemonFiles, SighupDoesNotEndADaemonWithoutALogFile) {
  Daemon daemon(Arguments());
  ASSERT_TRUE(daemon.AwaitOutput(kServes)) << daemon.err;
  daemon.Signal(SIGHUP);
  ASSERT_TRUE(daemon.AwaitError("SIGHUP"));
  daemon.Signal(SIGTERM);
  EXPECT_EQ(daemon.Wait(), 0);
}

TEST_F(DaemonFiles, AFailedStartIsInTheLogFileToo) {
  Write("data", "a file, not a directory");
  Daemon daemon(Arguments({"--logfile", Path("immudb.log")}));
  EXPECT_EQ(daemon.Wait(), 1);
  EXPECT_THAT(daemon.err, testing::StartsWith("immudb: "));
  EXPECT_THAT(Content("immudb.log"), HasSubstr(" ERROR: "));
}

TEST_F(DaemonFiles, JsonLogsAreOneObjectALine) {
  Daemon daemon(Arguments({"--log-format=json"}), {"LOG_LEVEL=debug"});
  ASSERT_TRUE(daemon.AwaitOutput(kServes)) << daemon.err;
  daemon.Signal(SIGTERM);
  EXPECT_EQ(daemon.Wait(), 0);
  std::istringstream lines(daemon.err);
  std::string last;
  for (std::string line; std::getline(lines, line);) {
    const auto event = nlohmann::json::parse(line, nullptr, false);
    ASSERT_TRUE(event.is_object()) << line;
    last = event.value("message", "");
  }
  EXPECT_EQ(last, "Shutdown completed");
}

TEST_F(DaemonFiles, TheLogLevelComesFromTheEnvironment) {
  Daemon daemon(Arguments(), {"LOG_LEVEL=error"});
  ASSERT_TRUE(daemon.AwaitOutput(kServes)) << daemon.err;
  daemon.Signal(SIGTERM);
  EXPECT_EQ(daemon.Wait(), 0);
  EXPECT_EQ(daemon.err, "");
}

}  // namespace
}  // namespace immudb
