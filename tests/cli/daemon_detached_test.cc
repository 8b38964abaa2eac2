// SPDX-License-Identifier: Apache-2.0
//
// Detached mode: whoever starts the daemon this way must know that it serves, or why it does not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>

#include "cli/daemon_child.h"
#include "cli/detached.h"

namespace immudb {
namespace {

using testing::HasSubstr;

// A daemon in the background; becomes our child when its parent ends. Killed if still running.
class Background {
 public:
  explicit Background(pid_t pid) : pid_(pid) {}
  ~Background() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  pid_t pid() const { return pid_; }
  int Stop() {
    int status = 0;
    ::kill(pid_, SIGTERM);
    if (::waitpid(pid_, &status, 0) != pid_) return -1;
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

 private:
  pid_t pid_;
};

pid_t PidIn(const std::string& output) {
  constexpr std::string_view kText = "immudb has been started with PID ";
  return output.starts_with(kText) ? std::atoi(output.substr(kText.size()).c_str()) : 0;
}

class Detached : public DaemonFixture {
 protected:
  void SetUp() override {
    DaemonFixture::SetUp();
    ASSERT_EQ(::prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
  }
  std::vector<std::string> WithFiles(std::vector<std::string> more) const {
    more.insert(more.end(), {"--pidfile", Path("immudb.pid"), "--logfile", Path("immudb.log")});
    return Arguments(more);
  }
  // The parent ends well, and what it started serves.
  void ExpectServes(Daemon* parent) const {
    EXPECT_EQ(parent->Wait(), 0) << parent->err;
    Background daemon(PidIn(parent->out));
    ASSERT_GT(daemon.pid(), 0) << parent->out;
    EXPECT_EQ(parent->err, "");
    EXPECT_EQ(Content("immudb.pid"), std::to_string(daemon.pid()));
    EXPECT_THAT(Content("immudb.log"), HasSubstr("INFO: serving "));
    EXPECT_EQ(::getsid(daemon.pid()), daemon.pid());  // the end of our terminal is not its own
    EXPECT_EQ(daemon.Stop(), 0);
    EXPECT_FALSE(std::filesystem::exists(Path("immudb.pid")));
    EXPECT_THAT(Content("immudb.log"), HasSubstr("Shutdown completed"));
  }
};

TEST_F(Detached, ServesWhenTheParentReturns) {
  Daemon parent(WithFiles({"-d"}));
  ExpectServes(&parent);
  Daemon again(WithFiles({"--detached=true"}));
  ExpectServes(&again);
}

// The original started itself for ever then.
TEST_F(Detached, WorksFromTheEnvironmentAndFromAFile) {
  Daemon environment(WithFiles({}), {"IMMUDB_DETACHED=true"});
  ExpectServes(&environment);
  Daemon file(WithFiles({"--config", Write("immudb.toml", "detached = true\n")}));
  ExpectServes(&file);
}

TEST_F(Detached, TheParentSaysWhyTheChildFailed) {
  Daemon first(Arguments());
  ASSERT_TRUE(first.AwaitOutput("start using immudb.\n")) << first.err;
  Daemon second(WithFiles({"-d"}));
  EXPECT_EQ(second.Wait(), 1);
  EXPECT_EQ(second.out, "");
  EXPECT_THAT(second.err, testing::ContainsRegex("^immudb: [^\n]*in use[^\n]*\n$"));
  EXPECT_THAT(Content("immudb.log"), HasSubstr(" ERROR: "));
  Daemon usage(WithFiles({"-d", "--port=x"}));
  EXPECT_EQ(usage.Wait(), 2);
}

TEST_F(Detached, ItsOutputIsNotKeptOpen) {
  Daemon parent(Arguments({"-d"}));
  EXPECT_EQ(parent.Wait(), 0) << parent.err;  // returns: both pipes were closed
  Background daemon(PidIn(parent.out));
  EXPECT_THAT(parent.err, HasSubstr("without a logfile"));
  EXPECT_EQ(daemon.Stop(), 0);
}

TEST_F(Detached, ThePrivateArgumentIsNoOption) {
  std::vector<std::string> arguments = {"--detached-child", "-d"};
  ::close(3);  // whatever the test's own parent left there
  EXPECT_FALSE(StartReport::Take(&arguments).detached());
  EXPECT_EQ(arguments.size(), 2U);
}

// The child is this test program, which runs no test then and says nothing.
TEST_F(Detached, AChildThatEndsWithoutAWordIsAFailure) {
  const auto pid = StartDetached({"--gtest_filter=None.*"}, std::chrono::seconds(30));
  EXPECT_EQ(pid.status().message(),
            "the background process ended with exit code 0 before it served");
}

TEST_F(Detached, NobodyWaitsForEver) {
  const auto pid = StartDetached({"--gtest_filter=None.*"}, std::chrono::milliseconds(0));
  EXPECT_EQ(pid.status().code(), StatusCode::kUnavailable);
  EXPECT_THAT(pid.status().message(), HasSubstr("still starting"));
  EXPECT_GT(::waitpid(-1, nullptr, 0), 0);
}

TEST(StartedLine, IsTheOneThatScriptsRead) {
  EXPECT_EQ(StartedLine("immudb", 42, false), "immudb has been started with PID 42\n");
  EXPECT_EQ(StartedLine("immudb", 42, true),
            "\x1b[32mimmudb has been started with \x1b[34mPID 42\x1b[0m\n");
}

}  // namespace
}  // namespace immudb
