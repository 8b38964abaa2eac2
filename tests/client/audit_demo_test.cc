// SPDX-License-Identifier: Apache-2.0
//
// The demonstration of the auditor, with the programs as they are shipped: what is changed behind
// the daemon's back is reported in log, metric and exit code.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>
#include <thread>

#include "cli/daemon_child.h"
#include "immudb/client.h"

namespace immudb {
namespace {

using std::chrono::steady_clock;
using ::testing::HasSubstr;

constexpr size_t kValueBytes = 300;

class AuditDemo : public DaemonFixture {
 protected:
  void StartDaemon() {
    daemon_ = std::make_unique<Daemon>(std::vector<std::string>{"--dir", Path("data"), "--network",
                                                                "unix", "--address", Path("socket"),
                                                                "--metrics-server=false"});
    ASSERT_TRUE(daemon_->AwaitOutput("Address")) << daemon_->err;
  }
  void StopDaemon() {
    daemon_->Signal(SIGTERM);
    ASSERT_EQ(daemon_->Wait(), 0);
    daemon_.reset();
  }
  using DaemonFixture::Write;
  void Write(int count, const std::string& value) {
    ClientOptions options;
    options.address = "unix:" + Path("socket");
    options.token_file.clear();
    options.root_directory = Path("client");
    const auto client = Client::Connect(options);
    ASSERT_TRUE(client.ok()) << client.status().ToString();
    ASSERT_TRUE((*client)->Login("immudb", "immudb").ok());
    ASSERT_TRUE((*client)->UseDatabase("defaultdb").ok());
    for (int i = 0; i < count; ++i) {
      const auto set =
          (*client)->Set("key" + std::to_string(i), value + std::string(kValueBytes, 'v'));
      ASSERT_TRUE(set.ok()) << set.status().ToString();
    }
  }
  std::unique_ptr<Daemon> Audit(const std::vector<std::string>& more) const {
    std::vector<std::string> arguments = {"audit-mode",
                                          "--immudb-address",
                                          "unix:" + Path("socket"),
                                          "--audit-username",
                                          "immudb",
                                          "--audit-password",
                                          "enc:aW1tdWRi",
                                          "--roots-filepath",
                                          Path("roots"),
                                          "--prometheus-host",
                                          "127.0.0.1",
                                          "--prometheus-port",
                                          "0"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return std::make_unique<Daemon>(
        arguments, std::vector<std::string>{"IMMUCLIENT_AUDIT_INTERVAL=150ms"}, "immuclient");
  }
  // Exit code, output and log of a single round.
  int Once(std::string* output = nullptr) const {
    const auto auditor = Audit({"--once"});
    const auto code = auditor->Wait();
    if (output != nullptr) *output = auditor->out + auditor->err;
    return code.value_or(-1);
  }
  static int MetricsPort(const Daemon& auditor) {
    const std::string label = "serve on port 127.0.0.1:";
    const size_t at = auditor.out.find(label);
    return at == std::string::npos ? 0 : std::stoi(auditor.out.substr(at + label.size()));
  }
  // Scrapes until the page has this line or half a minute is over; the last page.
  static std::string AwaitMetric(int port, const std::string& line) {
    httplib::Client http("127.0.0.1", port);
    const auto deadline = steady_clock::now() + std::chrono::seconds(30);
    std::string page;
    while (steady_clock::now() < deadline && page.find(line) == std::string::npos) {
      const auto answer = http.Get("/metrics");
      page = answer ? answer->body : "";
      std::this_thread::yield();
    }
    return page;
  }
  // One bit of the first value that the log files hold.
  void FlipAByteOfAValue() const {
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(Path("data") + "/defaultdb/log")) {
      std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
      const std::string content{std::istreambuf_iterator<char>(file), {}};
      const size_t value = content.find(std::string(kValueBytes, 'v'));
      if (value == std::string::npos) continue;
      file.clear();
      file.seekp(static_cast<std::streamoff>(value + 7));
      file.put('w');
      return;
    }
    FAIL() << "no value in the log";
  }
  void CopyData(const std::string& from, const std::string& to) const {
    std::filesystem::remove_all(Path(to));
    std::filesystem::copy(Path(from), Path(to), std::filesystem::copy_options::recursive);
  }

  std::unique_ptr<Daemon> daemon_;
};

constexpr char kTampered[] = "immuclient_audit_result_per_server{database=\"defaultdb\",";

TEST_F(AuditDemo, AFlippedByteOfAStoredValueIsReported) {
  StartDaemon();
  Write(20, "honest");
  const auto auditor = Audit({});
  ASSERT_TRUE(auditor->AwaitOutput("Beginning to serve on port 127.0.0.1:") &&
              auditor->AwaitOutput(" \n"))
      << auditor->err;
  EXPECT_THAT(auditor->out, HasSubstr("150ms\n"));
  ASSERT_TRUE(auditor->AwaitError("consistent:\ttrue")) << auditor->err;
  const int port = MetricsPort(*auditor);
  const std::string labels = "server_address=\"unix:" + Path("socket") + "\",server_id=\"";
  EXPECT_THAT(AwaitMetric(port, "} 1\n"),
              HasSubstr("immuclient_audit_result_per_server{" + labels));

  FlipAByteOfAValue();  // of an entry that was audited before
  ASSERT_TRUE(auditor->AwaitError("detected possible tampering of stored entries")) << auditor->err;
  const std::string result = std::string(kTampered) + labels;
  const std::string page = AwaitMetric(port, "\"} 0\n");
  EXPECT_THAT(page,
              ::testing::ContainsRegex("immuclient_audit_result_per_server[{]database=[^}]*} 0"));
  EXPECT_THAT(page, HasSubstr(result));
  auditor->Signal(SIGTERM);
  EXPECT_EQ(auditor->Wait(), 0);
  EXPECT_THAT(auditor->err, HasSubstr("auditor stopped"));

  std::string output;
  EXPECT_EQ(Once(&output), 3) << output;
  EXPECT_THAT(output, HasSubstr("defaultdb: TAMPERED"));
}

// The server calls itself unhealthy then, which must not pass for "unreachable".
TEST_F(AuditDemo, AFlippedByteOfTheOnlyValueIsReported) {
  StartDaemon();
  Write(1, "honest");
  EXPECT_EQ(Once(), 0);
  FlipAByteOfAValue();
  std::string output;
  EXPECT_EQ(Once(&output), 3) << output;
}

TEST_F(AuditDemo, AnOlderCopyThatTakesOtherWritesIsReported) {
  StartDaemon();
  Write(10, "honest");
  StopDaemon();
  CopyData("data", "copy");
  StartDaemon();
  Write(10, "honest");
  EXPECT_EQ(Once(), 0);
  Write(3, "honest");
  const auto auditor = Audit({});
  ASSERT_TRUE(auditor->AwaitOutput("Beginning to serve on port 127.0.0.1:") &&
              auditor->AwaitOutput(" \n"));
  const int port = MetricsPort(*auditor);
  ASSERT_TRUE(auditor->AwaitError("consistent:\ttrue")) << auditor->err;

  StopDaemon();
  CopyData("copy", "data");
  StartDaemon();
  Write(40, "other");
  ASSERT_TRUE(auditor->AwaitError("possible tampering of remote root")) << auditor->err;
  EXPECT_THAT(auditor->err, HasSubstr("so it will not overwrite the previous local root"));
  EXPECT_THAT(AwaitMetric(port, "\"} 0\n"), HasSubstr(kTampered));
  auditor->Signal(SIGTERM);
  EXPECT_EQ(auditor->Wait(), 0);
  std::string output;
  EXPECT_EQ(Once(&output), 3) << output;
}

TEST_F(AuditDemo, AnOlderCopyIsReportedBeforeItTakesWrites) {
  StartDaemon();
  Write(10, "honest");
  StopDaemon();
  CopyData("data", "copy");
  StartDaemon();
  Write(5, "honest");
  EXPECT_EQ(Once(), 0);
  StopDaemon();
  CopyData("copy", "data");
  StartDaemon();
  std::string output;
  EXPECT_EQ(Once(&output), 3) << output;
  EXPECT_THAT(output, HasSubstr("shrank"));
}

TEST_F(AuditDemo, ExitCodesTellWhatStoodInTheWay) {
  EXPECT_EQ(Once(), 6);  // nobody there
  StartDaemon();
  const auto wrong = Audit({"--once", "--audit-password=wrong"});
  EXPECT_EQ(wrong->Wait(), 5);
  const auto refused = Audit({"--audit-password=wrong"});
  EXPECT_EQ(refused->Wait(), 5);
  EXPECT_THAT(refused->err, HasSubstr("Invalid login operation"));
  EXPECT_THAT(refused->err, HasSubstr("use option audit-password-file"));
  const auto odd = Audit({"unknown"});
  EXPECT_EQ(odd->Wait(), 2);
  EXPECT_THAT(odd->err, HasSubstr("unknown is not matching with any valid arguments."));
}

TEST_F(AuditDemo, DetachedItServesAndRemovesItsPidFile) {
  StartDaemon();
  Write(1, "honest");
  const auto started = Audit({"--detached", "--pidfile", Path("pid"), "--logfile", Path("log")});
  ASSERT_EQ(started->Wait(), 0) << started->err;
  const pid_t pid = std::stoi(Content("pid"));
  EXPECT_THAT(started->out, HasSubstr(std::to_string(pid)));
  ::kill(pid, SIGTERM);
  const auto deadline = steady_clock::now() + std::chrono::seconds(30);
  while (std::filesystem::exists(Path("pid")) && steady_clock::now() < deadline) {
    std::this_thread::yield();
  }
  EXPECT_FALSE(std::filesystem::exists(Path("pid")));
  EXPECT_THAT(Content("log"), HasSubstr("auditor stopped"));
}

// The variable is called as in the original.
TEST_F(AuditDemo, TheOddVariableSetsTheIntervalToo) {
  StartDaemon();
  Daemon auditor(
      {"audit-mode", "--immudb-address", "unix:" + Path("socket"), "--audit-username", "immudb",
       "--audit-password", "immudb", "--roots-filepath", Path("roots"), "--prometheus-port", "0"},
      {"audit-agent-interval=90s"}, "immuclient");
  EXPECT_TRUE(auditor.AwaitOutput("1m30s\nBeginning to serve on port 0.0.0.0:")) << auditor.err;
}

// Everything but systemd itself: the commands of the system write down how they were called.
TEST_F(AuditDemo, AsAServiceItIsInstalledUsedAndRemoved) {
  StartDaemon();
  Write(1, "honest");
  const std::string root = Path("root");
  std::filesystem::create_directories(root + "/run/systemd/system");
  std::filesystem::create_directories(Path("bin"));
  for (const char* name : {"systemctl", "getent", "groupadd", "useradd", "chown"}) {
    const std::string is_active = "case \"$*\" in *is-active*) exit 3;; esac\n";
    Write(std::string("bin/") + name,
          "#!/bin/sh\necho \"$0 $*\" >> " + Path("commands") + '\n' + is_active);
    std::filesystem::permissions(Path(std::string("bin/") + name),
                                 std::filesystem::perms::owner_all);
  }
  const auto run = [&](std::vector<std::string> words) {
    words.insert(words.end(), {"--service-root", root, "--immudb-address", "unix:" + Path("socket"),
                               "--audit-username", "immudb"});
    words.insert(words.begin(), "audit-mode");
    return std::make_unique<Daemon>(
        words, std::vector<std::string>{"PATH=" + Path("bin"), "IMMUCLIENT_AUDIT_PASSWORD=immudb"},
        "immuclient");
  };
  const auto installed = run({"install"});
  ASSERT_EQ(installed->Wait(), 0) << installed->err;
  EXPECT_THAT(installed->out, HasSubstr("Install immuclient:\t\t\t\t\t[  OK  ]\n"));
  EXPECT_THAT(Content("commands"), HasSubstr("systemctl --root=" + root + " enable immuclient"));
  const auto status = run({"status"});
  EXPECT_EQ(status->Wait(), 0);
  EXPECT_EQ(status->out, "Service is stopped\n");

  // As the unit would start it, but for the directory of the roots.
  Daemon service(
      {"audit-mode", "--once", "--config", root + "/etc/immudb/immuclient/immuclient.toml",
       "--roots-filepath", Path("roots")},
      {}, "immuclient");
  EXPECT_EQ(service.Wait(), 0) << service.err;
  EXPECT_EQ(service.out, "defaultdb: nothing to compare yet\n");

  const auto removed = run({"uninstall", "--yes"});
  EXPECT_EQ(removed->Wait(), 0) << removed->err;
  EXPECT_THAT(removed->out, HasSubstr("Program files removed"));
  EXPECT_FALSE(std::filesystem::exists(root + "/usr/sbin/immuclient"));
  EXPECT_FALSE(std::filesystem::exists(root + "/etc/immudb/immuclient"));
}

}  // namespace
}  // namespace immudb
