// SPDX-License-Identifier: Apache-2.0
//
// What immuadmin does without a server: files, certificates, the service.
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "base/bytes.h"
#include "client/immuadmin_live.h"
#include "commands/command.h"

namespace immudb {
namespace {

using testing::HasSubstr;
namespace fs = std::filesystem;

class ImmuadminStore : public LiveImmuadmin {
 protected:
  void SetUp() override {
    LiveImmuadmin::SetUp();
    for (int i = 0; i < 100; ++i) {
      const std::string number = std::to_string(i);
      ASSERT_TRUE(client_->Set("key" + number, "the value " + number).ok());
      if (i == 41) root_ = ToHex((**client_->CurrentRoot()).hash);
    }
  }

  // Of the first place where `bytes` stand in the log of the default database.
  void Flip(const std::string& bytes) {
    for (const auto& each : fs::directory_iterator(Data() + "/defaultdb/log")) {
      std::fstream file(each.path(), std::ios::in | std::ios::out | std::ios::binary);
      const std::string content((std::istreambuf_iterator<char>(file)), {});
      const size_t at = content.find(bytes);
      if (at == std::string::npos) continue;
      file.clear();
      file.seekp(static_cast<std::streamoff>(at));
      file.put(static_cast<char>(bytes[0] ^ 1));
      return;
    }
    FAIL() << "not in the log: " << bytes;
  }

  Ended Verify(std::vector<std::string> more = {}) {
    more.insert(more.begin(), {"verify", "--dir", Data()});
    return Admin(more);
  }

  std::string root_;  // after 42 entries
};

TEST_F(ImmuadminStore, WhatAServerUsesIsRefused) {
  const Ended used = Verify();
  EXPECT_EQ(used.code, 1);
  EXPECT_EQ(used.err, Data() + " is in use by a server: stop it first\n");
  EXPECT_EQ(Admin({"rebuild", "--yes", "--dir", Data()}).code, 1);
}

TEST_F(ImmuadminStore, SoundFilesAreFoundSound) {
  StopServer();
  const Ended all = Verify();
  EXPECT_EQ(all.code, 0) << all.err;
  EXPECT_THAT(all.out, HasSubstr("defaultdb: sound, 100 entries, root "));
  EXPECT_THAT(all.out, HasSubstr("systemdb: sound, "));
  EXPECT_THAT(all.out, HasSubstr(" entries/s, "));
  const Json one = Json::parse(Verify({"--database", "defaultdb", "--output=json"}).out);
  ASSERT_EQ(one.size(), 1U);
  EXPECT_EQ(one[0]["sound"], true);
  EXPECT_EQ(one[0]["entries"], 100);
  EXPECT_EQ(Verify({"--database", "other"}).code, 4);
  EXPECT_EQ(Admin({"verify", "--dir", Data() + "/none"}).code, 4);
}

TEST_F(ImmuadminStore, ATrustedRootIsComparedWithTheHistory) {
  StopServer();
  EXPECT_EQ(Verify({"--database", "defaultdb", "--root", root_, "--index", "41"}).code, 0);
  EXPECT_EQ(Verify({"--database", "defaultdb", "--root", root_, "--index", "42"}).code, 3);
  EXPECT_EQ(Verify({"--database", "defaultdb", "--root", root_, "--index", "100"}).code, 3);
  EXPECT_EQ(Verify({"--root", root_, "--index", "41"}).code, 2) << "of which database?";
  EXPECT_EQ(Verify({"--database", "defaultdb", "--root", root_}).code, 2);
  EXPECT_EQ(Verify({"--database", "defaultdb", "--root", "x", "--index", "41"}).code, 2);
}

TEST_F(ImmuadminStore, AFlippedByteIsNamedAndNotRebuiltOver) {
  StopServer();
  Flip("the value 57");
  const Ended found = Verify();
  EXPECT_EQ(found.code, 3);
  EXPECT_THAT(found.err, HasSubstr("damaged: database defaultdb: file " + Data()));
  EXPECT_THAT(found.err, HasSubstr("index 57, key \"key57\""));
  const Json json = Json::parse(Verify({"--output=json"}).out);
  EXPECT_EQ(json[0]["sound"], false);
  EXPECT_EQ(json[0]["damages"][0]["index"], 57);
  EXPECT_EQ(json[1]["sound"], true);

  const Ended refused = Admin({"rebuild", "--yes", "--dir", Data()});
  EXPECT_EQ(refused.code, 3);
  EXPECT_THAT(refused.err, HasSubstr("nothing was changed"));
  EXPECT_TRUE(fs::exists(Data() + "/defaultdb/tree"));
}

TEST_F(ImmuadminStore, RebuildMakesAnewWhatIsDerived) {
  StopServer();
  fs::resize_file(Data() + "/defaultdb/tree", 32);
  fs::remove_all(Data() + "/defaultdb/index");
  EXPECT_EQ(Verify().code, 3);
  const Ended canceled =
      Admin({"rebuild", "--dir", Data(), "--database", "defaultdb"}, "", "default\n");
  EXPECT_EQ(canceled.code, 1);
  EXPECT_THAT(canceled.err, HasSubstr("Canceled"));
  EXPECT_EQ(Verify().code, 3) << "still";
  const Ended rebuilt =
      Admin({"rebuild", "--dir", Data(), "--database", "defaultdb"}, "", "defaultdb\n");
  EXPECT_EQ(rebuilt.code, 0) << rebuilt.err;
  EXPECT_THAT(rebuilt.out, HasSubstr("defaultdb: rebuilt, 100 entries, root "));
  const Ended sound = Verify({"--database", "defaultdb", "--root", root_, "--index", "41"});
  EXPECT_EQ(sound.code, 0) << sound.err;
}

class ImmuadminMachine : public LiveImmuadmin {
 protected:
  std::string Content(const std::string& path) {
    std::ostringstream content;
    content << std::ifstream(path).rdbuf();
    return content.str();
  }
};

TEST_F(ImmuadminMachine, TlsInitMakesWhatTheDefaultsLookFor) {
  const std::string out = directory_ / "mtls";
  const Ended made =
      Admin({"tls", "init", "db.example", "10.0.0.1", "--out", out, "--output=json"});
  ASSERT_EQ(made.code, 0) << made.err;
  const Json files = Json::parse(made.out);
  for (const auto& [name, path] : files.items()) {
    EXPECT_TRUE(fs::exists(path.get<std::string>())) << name;
  }
  EXPECT_EQ(files["server_certificate"], out + "/3_application/certs/db.example.cert.pem");
  const Ended again = Admin({"tls", "init", "db.example", "--out", out});
  EXPECT_EQ(again.code, 1);
  EXPECT_THAT(again.err, HasSubstr("exists; --force replaces it"));
  EXPECT_EQ(Admin({"tls", "init", "db.example", "--out", out, "--force"}).code, 0);
  EXPECT_EQ(Admin({"tls", "init", "a name", "--out", out}).code, 2);
  EXPECT_EQ(Admin({"tls", "remove"}).code, 2);
}

TEST_F(ImmuadminMachine, TheServiceIsInstalledUsedAndRemoved) {
  const std::string root = directory_ / "root";
  const std::string bin = directory_ / "bin";
  fs::create_directories(root + "/run/systemd/system");
  fs::create_directories(root + "/var/lib/immudb");
  fs::create_directories(bin);
  // Write down how they were called; the service is never active.
  for (const char* name : {"systemctl", "getent", "groupadd", "useradd", "chown"}) {
    const std::string script = bin + '/' + name;
    std::ofstream(script) << "#!/bin/sh\necho \"$0 $*\" >> " << bin << "/called\n"
                          << "case \"$*\" in *is-active*) exit 3;; esac\n";
    fs::permissions(script, fs::perms::owner_all);
  }
  std::ofstream(directory_ / "immudb") << "the daemon";
  const std::string before = std::getenv("PATH");     // NOLINT(concurrency-mt-unsafe)
  ::setenv("PATH", (bin + ':' + before).c_str(), 1);  // NOLINT(concurrency-mt-unsafe)
  const auto service = [&](std::vector<std::string> words, const std::string& input = "") {
    words.insert(words.begin(), {"service", "immudb"});
    words.insert(words.end(), {"--service-root", root});
    return Admin(words, "", input);
  };
  EXPECT_EQ(service({"start"}).err, "Service is not installed\n");
  const Ended installed = service({"install", "--local-file", directory_ / "immudb"});
  EXPECT_EQ(installed.code, 0) << installed.err;
  EXPECT_EQ(installed.out,
            "Install immudb:\t\t\t\t\t[  OK  ]\nStarting immudb:\t\t\t\t\t[  OK  ]\n");
  EXPECT_EQ(Content(root + "/usr/sbin/immudb"), "the daemon");
  EXPECT_THAT(Content(root + "/etc/immudb/immudb.toml"), HasSubstr("dir = \"/var/lib/immudb\""));
  const std::string unit = Content(root + "/etc/systemd/system/immudb.service");
  EXPECT_THAT(unit, HasSubstr("ExecStart=/usr/sbin/immudb --config /etc/immudb/immudb.toml\n"));
  EXPECT_THAT(unit, HasSubstr("ProtectSystem=strict\n"));
  EXPECT_THAT(Content(bin + "/called"), HasSubstr("enable immudb"));
  EXPECT_EQ(service({"status"}).out, "Service is stopped\n");
  EXPECT_EQ(service({"stop"}).err, "Service has already been stopped\n");

  EXPECT_EQ(service({"uninstall"}, "y\n").code, 1) << "the name is asked for";
  EXPECT_TRUE(fs::exists(root + "/usr/sbin/immudb"));
  EXPECT_EQ(service({"uninstall"}, "immudb\n").code, 0);
  EXPECT_FALSE(fs::exists(root + "/usr/sbin/immudb"));
  EXPECT_TRUE(fs::exists(root + "/var/lib/immudb")) << "data stay";
  ::setenv("PATH", before.c_str(), 1);  // NOLINT(concurrency-mt-unsafe)
}

TEST_F(ImmuadminMachine, ServiceArgumentsAreChecked) {
  EXPECT_EQ(Admin({"service"}).err, "required a service name\n");
  EXPECT_EQ(Admin({"service", "immudb"}).err, "required a command name\n");
  EXPECT_EQ(Admin({"service", "immugw", "start"}).code, 2);
  EXPECT_EQ(Admin({"service", "immudb", "erase"}).err,
            "invalid command argument specified: erase. Available list is [install uninstall start "
            "stop restart status]\n");
}

}  // namespace
}  // namespace immudb
