// SPDX-License-Identifier: Apache-2.0
#include "cli/pid_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace immudb {
namespace {

using testing::HasSubstr;

class PidFileTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "immudb_pid_XXXXXX";
    directory_ = ::mkdtemp(pattern.data());
    path_ = directory_ + "/immudb.pid";
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  void Put(const std::string& content) const { std::ofstream(path_) << content; }
  std::string Read() const {
    std::ostringstream text;
    text << std::ifstream(path_).rdbuf();
    return text.str();
  }
  // Of a process that is gone.
  static std::string DeadPid() {
    const pid_t pid = ::fork();
    if (pid == 0) ::_exit(0);
    ::waitpid(pid, nullptr, 0);
    return std::to_string(pid);
  }

  std::string directory_;
  std::string path_;
};

TEST_F(PidFileTest, HoldsTheIdUntilItGoes) {
  {
    auto file = PidFile::Prepare(path_);
    ASSERT_TRUE(file.ok()) << file.status().message();
    EXPECT_FALSE(std::filesystem::exists(path_));
    ASSERT_TRUE((*file)->Write().ok());
    EXPECT_EQ(Read(), std::to_string(::getpid()));
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(directory_), {}), 1);
  }
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(PidFileTest, WhatTheDeadLeftIsReplaced) {
  for (const std::string& content :
       {DeadPid(), DeadPid() + "\n", std::string(), std::to_string(::getpid())}) {
    Put(content);
    auto file = PidFile::Prepare(path_);
    ASSERT_TRUE(file.ok()) << file.status().message();
    EXPECT_TRUE((*file)->Write().ok());
    EXPECT_EQ(Read(), std::to_string(::getpid()));
  }
}

TEST_F(PidFileTest, TheLivingAreNotReplacedEvenBetweenCheckAndWrite) {
  const std::string text = "pid file found, ensure immudb is not running or delete " + path_;
  Put(std::to_string(::getppid()));
  EXPECT_EQ(PidFile::Prepare(path_).status().message(), text);
  std::filesystem::remove(path_);
  auto file = PidFile::Prepare(path_);
  ASSERT_TRUE(file.ok());
  Put(std::to_string(::getppid()));
  EXPECT_EQ((*file)->Write().message(), text);
}

// Two daemons must not take each other's file away.
TEST_F(PidFileTest, AnothersFileIsNotRemoved) {
  {
    auto file = PidFile::Prepare(path_);
    ASSERT_TRUE(file.ok());
    ASSERT_TRUE((*file)->Write().ok());
    Put("1");
  }
  EXPECT_EQ(Read(), "1");
}

// A slip of the hand (--pidfile=immudb.toml) must not destroy a file.
TEST_F(PidFileTest, OtherFilesAreLeftAsTheyAre) {
  Put("port = 3322\n");
  EXPECT_THAT(PidFile::Prepare(path_).status().message(), HasSubstr(path_));
  EXPECT_EQ(Read(), "port = 3322\n");
}

TEST_F(PidFileTest, OneMissingParentIsMade) {
  EXPECT_TRUE(PidFile::Prepare(directory_ + "/run/immudb.pid").ok());
  struct stat info {};
  ASSERT_EQ(::stat((directory_ + "/run").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07022, 0U);
  EXPECT_THAT(PidFile::Prepare(directory_ + "/a/b/immudb.pid").status().message(),
              HasSubstr(directory_ + "/a/b"));
}

TEST_F(PidFileTest, APathWithoutANameIsRefused) {
  for (const char* path : {".", "./", "run/."}) {
    EXPECT_EQ(PidFile::Prepare(path).status().message(),
              std::string("Pid filename is invalid: ") + path);
  }
}

}  // namespace
}  // namespace immudb
