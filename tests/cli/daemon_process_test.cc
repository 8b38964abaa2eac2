// SPDX-License-Identifier: Apache-2.0
//
// The real daemon as an operator (or systemd) sees it: output, signals, exit codes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/daemon_child.h"

namespace immudb {
namespace {

using testing::HasSubstr;
using testing::Not;

class DaemonProcess : public DaemonFixture {};

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
    EXPECT_THAT(daemon.err, HasSubstr("every user of this machine can read it; use option "
                                      "admin-password-file"));
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

// systemd and scripts must see every start that failed.
TEST_F(DaemonProcess, AFailedStartEndsWithOne) {
  Daemon first(Arguments());
  ASSERT_TRUE(first.AwaitOutput("start using immudb.\n")) << first.err;
  const size_t colon = first.out.find("127.0.0.1:") + 10;
  const std::string port = first.out.substr(colon, first.out.find('\n', colon) - colon);
  Daemon taken(
      {"--dir", Path("other"), "--address", "127.0.0.1", "--port", port, "--metrics-port", "0"});
  EXPECT_EQ(taken.Wait(), 1);
  EXPECT_THAT(taken.err, HasSubstr(port));
  Daemon no_file(Arguments({"--admin-password-file", Path("missing")}));
  EXPECT_EQ(no_file.Wait(), 1);
  EXPECT_THAT(no_file.err, HasSubstr(Path("missing")));
  Daemon no_log(Arguments({"--logfile", Path("two/levels/i.log")}));
  EXPECT_EQ(no_log.Wait(), 1);
  EXPECT_THAT(no_log.err, HasSubstr("Unable to create log f"));
  const auto config = Write("broken.toml", "port = oops\n");
  Daemon broken({"--config", config});
  EXPECT_EQ(broken.Wait(), 1);
  EXPECT_THAT(broken.err, HasSubstr("broken.toml: line 1"));
}

// The trail is for people: they must be able to read it.
TEST_F(DaemonProcess, AuditTrailIsReadWhenTheServerIsStopped) {
  {
    Daemon daemon(Arguments());
    ASSERT_TRUE(daemon.AwaitOutput("start using immudb.\n")) << daemon.err;
    Daemon in_use({"audit", "--dir", Path("data")});
    EXPECT_EQ(in_use.Wait(), 1);
    EXPECT_THAT(in_use.err, HasSubstr("in use by another immudb server"));
  }
  Daemon audit({"audit", "--dir", Path("data")});
  EXPECT_EQ(audit.Wait(), 0) << audit.err;
  EXPECT_THAT(audit.out, HasSubstr("\"act\":\"create user\",\"target\":\"immudb\""));
  Daemon nowhere({"audit", "--dir", Path("nowhere")});
  EXPECT_EQ(nowhere.Wait(), 4);
  EXPECT_FALSE(std::filesystem::exists(Path("nowhere")));
}

TEST_F(DaemonProcess, PrintConfigShowsValueAndOriginAndStartsNothing) {
  const auto file = Write("immudb.ini", "[immudb]\nsync = no\n");
  Daemon daemon({"--print-config", "--dir", Path("none"), "--config", file},
                {"IMMUDB_PORT=4000", "IMMUDB_ADMIN_PASSWORD=Hidden1!", "IMMUDB_ATUH=1"});
  EXPECT_EQ(daemon.Wait(), 0) << daemon.err;
  EXPECT_THAT(daemon.out, testing::ContainsRegex("^dir +" + Path("none") + " +flag\n"));
  EXPECT_THAT(daemon.out, testing::ContainsRegex("\nport +4000 +environment IMMUDB_PORT\n"));
  EXPECT_THAT(daemon.out, testing::ContainsRegex("\nsync +false +file " + file + "\n"));
  EXPECT_THAT(daemon.out, testing::ContainsRegex("\npollers +1 +default\n"));
  EXPECT_THAT(daemon.out, testing::ContainsRegex("\nadmin-password +\\*{8} +environment"));
  EXPECT_THAT(daemon.out + daemon.err, Not(HasSubstr("Hidden1")));
  EXPECT_THAT(daemon.err, HasSubstr("IMMUDB_ATUH names no option"));
  EXPECT_FALSE(std::filesystem::exists(Path("none")));
}

// The password must be the one in the file, and appear nowhere.
TEST_F(DaemonProcess, WarnsOfWhatIsDangerous) {
  const auto file = Write("password", "Hidden1!\n");
  std::filesystem::permissions(file, std::filesystem::perms(0644));
  Daemon daemon(Arguments({"--admin-password-file", file, "--auth=false", "--devmode"}));
  ASSERT_TRUE(daemon.AwaitOutput("start using immudb.\n")) << daemon.err;
  EXPECT_THAT(daemon.out, HasSubstr("Password     : ********\n"));
  EXPECT_THAT(daemon.out, HasSubstr("Dev mode        : true\n"));
  daemon.Signal(SIGTERM);
  EXPECT_EQ(daemon.Wait(), 0);
  EXPECT_THAT(daemon.err,
              HasSubstr("ERROR: authentication is off: everybody who reaches the port"));
  EXPECT_THAT(daemon.err, HasSubstr("WARNING: every user of this machine may read"));
  EXPECT_THAT(daemon.out + daemon.err, Not(HasSubstr("Hidden1")));
}

TEST_F(DaemonProcess, HelpAndVersionStartNothing) {
  Daemon help({"help"});
  EXPECT_EQ(help.Wait(), 0);
  EXPECT_THAT(help.out, HasSubstr("--session-lifetime"));
  Daemon version({"version"});
  EXPECT_EQ(version.Wait(), 0);
  EXPECT_THAT(version.out, testing::StartsWith("immudb "));
  EXPECT_THAT(version.out, HasSubstr("\nBuilt at: "));
  Daemon topic({"help", "version"});
  EXPECT_EQ(topic.Wait(), 0);
  EXPECT_THAT(topic.out, HasSubstr("Show the immudb version"));
  Daemon unknown({"help", "nonsense"});
  EXPECT_EQ(unknown.Wait(), 2);
  EXPECT_THAT(unknown.err, HasSubstr("nonsense"));
}

}  // namespace
}  // namespace immudb
