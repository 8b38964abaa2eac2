// SPDX-License-Identifier: Apache-2.0
//
// Installing as a service, in a directory in place of / and with commands that only write down how
// they were called.
#include "support/systemd_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "support/temp_dir.h"
#include "tools/systemd_findings.h"

namespace immudb {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

class ServiceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(Real("/run/systemd/system"));
    Put("/home/build/immuclient", "program");
  }
  SystemdService Make(bool is_root = true) {
    return {{.name = "immuclient",
             .description = "immuclient auditor",
             .executable = "/usr/sbin/immuclient",
             .arguments = "audit-mode --config /etc/immudb/immuclient/immuclient.toml",
             .config = "/etc/immudb/immuclient/immuclient.toml",
             .state_directory = "immuclient",
             .logs_directory = "immudb"},
            {.root = root_.path(), .is_root = is_root, .run = [this](const auto& command) {
               return Run(command);
             }}};
  }
  // systemd, as far as it matters here.
  Result<CommandResult> Run(const std::vector<std::string>& command) {
    std::string words;
    for (const auto& word : command) {
      if (word.find(root_.path()) == std::string::npos || word.starts_with('/')) {
        words += (words.empty() ? "" : " ") + word;
      }
    }
    commands_.push_back(words);
    if (words == failing_) return CommandResult{.exit_code = 1, .output = "it did not work"};
    if (words.starts_with("getent"))
      return CommandResult{.exit_code = user_exists_ ? 0 : 2, .output = ""};
    if (words == "systemctl start immuclient" || words == "systemctl restart immuclient")
      active_ = true;
    if (words == "systemctl stop immuclient") active_ = false;
    if (words.find("is-active") != std::string::npos)
      return CommandResult{.exit_code = active_ ? 0 : 3, .output = ""};
    if (words.find("MainPID") != std::string::npos)
      return CommandResult{.exit_code = 0, .output = "4711"};
    return CommandResult{};
  }
  std::string Real(const std::string& path) const { return root_.path() + path; }
  void Put(const std::string& path, const std::string& content) const {
    fs::create_directories(fs::path(Real(path)).parent_path());
    std::ofstream(Real(path)) << content;
  }
  std::string Get(const std::string& path) const {
    std::ostringstream content;
    content << std::ifstream(Real(path)).rdbuf();
    return content.str();
  }
  Status Install() { return Make().Install(Real("/home/build/immuclient"), "a = 1\n"); }
  std::set<std::string> Files() const {
    std::set<std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(root_.path())) {
      if (entry.is_regular_file()) files.insert(entry.path().string().substr(root_.path().size()));
    }
    return files;
  }

  const testing::TempDir root_;
  std::vector<std::string> commands_;
  std::string failing_;
  bool user_exists_ = false;
  bool active_ = false;
};

TEST_F(ServiceTest, InstallMakesProgramConfigurationUnitAndUser) {
  ASSERT_TRUE(Install().ok());
  EXPECT_EQ(Get("/usr/sbin/immuclient"), "program");
  EXPECT_EQ(Get("/etc/immudb/immuclient/immuclient.toml"), "a = 1\n");
  struct stat info {};
  ::stat(Real("/usr/sbin/immuclient").c_str(), &info);
  EXPECT_EQ(info.st_mode & 07777, 0755U);
  ::stat(Real("/etc/immudb/immuclient/immuclient.toml").c_str(), &info);
  EXPECT_EQ(info.st_mode & 07777, 0640U);  // it holds a password
  const std::string unit = Get("/etc/systemd/system/immuclient.service");
  EXPECT_THAT(unit, HasSubstr("ExecStart=/usr/sbin/immuclient audit-mode --config "
                              "/etc/immudb/immuclient/immuclient.toml\n"));
  EXPECT_THAT(unit, HasSubstr("\nUser=immu\nGroup=immu\n"));
  EXPECT_THAT(unit, HasSubstr("\nNoNewPrivileges=yes\n"));
  EXPECT_THAT(commands_, Contains(HasSubstr("useradd")));
  EXPECT_THAT(commands_, Contains("systemctl enable immuclient"));
}

// The original gave everything under /usr/sbin to its user.
TEST_F(ServiceTest, OnlyTheConfigurationChangesItsOwner) {
  Put("/usr/sbin/other", "not ours");
  ASSERT_TRUE(Install().ok());
  for (const auto& command : commands_) {
    if (command.find("chown") == std::string::npos) continue;
    EXPECT_THAT(command, ::testing::EndsWith("/etc/immudb/immuclient/immuclient.toml"));
    EXPECT_THAT(command, Not(HasSubstr("-R")));
  }
  EXPECT_EQ(std::ranges::count_if(commands_, [](const auto& c) { return c.starts_with("chown"); }),
            1);
}

TEST_F(ServiceTest, AnExistingUserIsNotMadeAgain) {
  user_exists_ = true;
  ASSERT_TRUE(Install().ok());
  EXPECT_THAT(commands_, Not(Contains(HasSubstr("add"))));
}

TEST_F(ServiceTest, UninstallLeavesTheMachineAsItWasButForData) {
  Put("/etc/immudb/immudb.toml", "of the server");
  const auto before = Files();
  ASSERT_TRUE(Install().ok());
  ASSERT_TRUE(Make().Start().ok());
  Put("/var/lib/immuclient/roots", "data");
  ASSERT_TRUE(Make().Uninstall().ok());
  EXPECT_FALSE(active_);
  auto after = Files();
  EXPECT_EQ(after.erase("/var/lib/immuclient/roots"), 1U);
  EXPECT_EQ(after, before);
  ASSERT_TRUE(Make().EraseData().ok());
  EXPECT_EQ(Files(), before);
}

TEST_F(ServiceTest, WhatWasThereBeforeStays) {
  Put("/usr/sbin/immuclient", "program");
  Put("/etc/immudb/immuclient/immuclient.toml", "mine = true\n");
  ASSERT_TRUE(Install().ok());
  EXPECT_EQ(Get("/etc/immudb/immuclient/immuclient.toml"), "mine = true\n");
  ASSERT_TRUE(Make().Uninstall().ok());
  EXPECT_EQ(Get("/etc/immudb/immuclient/immuclient.toml"), "mine = true\n");
  EXPECT_EQ(Get("/usr/sbin/immuclient"), "program");
}

TEST_F(ServiceTest, AnotherProgramOfThatNameIsNotOverwritten) {
  Put("/usr/sbin/immuclient", "of a package");
  const auto before = Files();
  const Status status = Install();
  EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(status.message(), HasSubstr("/usr/sbin/immuclient"));
  EXPECT_EQ(Get("/usr/sbin/immuclient"), "of a package");
  EXPECT_EQ(Files(), before);
}

TEST_F(ServiceTest, AFailedInstallLeavesNothingBehind) {
  const auto before = Files();
  failing_ = "systemctl enable immuclient";
  const Status status = Install();
  EXPECT_THAT(status.message(), HasSubstr("it did not work"));
  EXPECT_EQ(Files(), before);
  failing_.clear();
  EXPECT_TRUE(Install().ok());
}

TEST_F(ServiceTest, EachActionSaysWhyItIsNotDone) {
  EXPECT_EQ(Make().Start().message(), "Service is not installed");
  EXPECT_EQ(Make().Uninstall().message(), "Service is not installed");
  EXPECT_EQ(Make().StatusText().status().message(), "Service is not installed");
  ASSERT_TRUE(Install().ok());
  EXPECT_EQ(Install().message(), "Service has already been installed");
  EXPECT_EQ(*Make().StatusText(), "Service is stopped");
  EXPECT_EQ(Make().Stop().message(), "Service has already been stopped");
  ASSERT_TRUE(Make().Start().ok());
  EXPECT_EQ(Make().Start().message(), "Service is already running");
  EXPECT_EQ(*Make().StatusText(), "Service (pid  4711) is running...");
  ASSERT_TRUE(Make().Restart().ok());
  ASSERT_TRUE(Make().Stop().ok());
}

TEST_F(ServiceTest, NothingIsDoneWithoutRootOrSystemd) {
  const auto before = Files();
  const Status refused = Make(false).Install(Real("/home/build/immuclient"), "");
  EXPECT_EQ(refused.code(), StatusCode::kPermissionDenied);
  EXPECT_THAT(refused.message(), HasSubstr("root user privileges"));
  fs::remove_all(Real("/run/systemd"));
  EXPECT_EQ(Install().code(), StatusCode::kFailedPrecondition);
  EXPECT_TRUE(commands_.empty());
  EXPECT_EQ(Files(), before);
}

// A long recovery is no failed start; what depends on the service waits for it.
TEST_F(ServiceTest, ProgramsThatNotifyAreWaitedFor) {
  const auto unit_of = [](bool notifies) {
    return SystemdService({.name = "immudb", .notifies = notifies}, {}).Unit(true, true);
  };
  EXPECT_THAT(unit_of(true), HasSubstr("\nType=notify\n"));
  EXPECT_THAT(unit_of(true), HasSubstr("\nTimeoutStartSec=infinity\n"));
  EXPECT_THAT(unit_of(false), HasSubstr("\nType=simple\n"));
  EXPECT_THAT(unit_of(false), Not(HasSubstr("TimeoutStartSec")));
}

TEST_F(ServiceTest, SystemdFindsNothingWrongWithTheUnit) {
  ASSERT_TRUE(Install().ok());
  EXPECT_EQ(testing::SystemdFindings(Get("/etc/systemd/system/immuclient.service")), "");
}

TEST(SystemdFindings, WouldTellOfAWrongLine) {
  EXPECT_EQ(testing::SystemdFindings("[Service]\nExecStart=/bin/true\n"), "");
  EXPECT_THAT(testing::SystemdFindings("[Service]\nExecStart=/bin/true\nType=nonsense\n"),
              HasSubstr("nonsense"));
}

}  // namespace
}  // namespace immudb
