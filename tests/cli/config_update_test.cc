// SPDX-License-Identifier: Apache-2.0
//
// The server edits a file that an operator wrote: nothing else in it may change.
#include "cli/config_update.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "cli/config_file.h"

namespace immudb {
namespace {

using testing::HasSubstr;

class ConfigUpdate : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "immudb_config_XXXXXX";
    directory_ = ::mkdtemp(pattern.data());
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  // The file after `key` was set, or the error.
  std::string Set(const std::string& name, const std::string& content, const std::string& key,
                  const std::string& value) {
    path_ = directory_ + '/' + name;
    std::ofstream(path_) << content;
    const Status status = SetConfigKey(path_, "immudb", key, value);
    return status.ok() ? Read() : status.message();
  }
  std::string Toml(const std::string& content, const std::string& value = "false") {
    return Set("c.toml", content, "auth", value);
  }
  std::string Ini(const std::string& content, const std::string& value = "false") {
    return Set("c.ini", content, "auth", value);
  }
  std::string Read() const {
    std::ostringstream text;
    text << std::ifstream(path_).rdbuf();
    return text.str();
  }

  std::string directory_;
  std::string path_;
};

TEST_F(ConfigUpdate, OnlyTheValueChanges) {
  EXPECT_EQ(Toml("# a\n\nauth = true\nport = 1 # p\n"), "# a\n\nauth = false\nport = 1 # p\n");
  EXPECT_EQ(Toml("  auth=true# why\n"), "  auth=false# why\n");
  EXPECT_EQ(Toml("\"auth\"\t=  \"true\"  # \"x\"\r\nb = 1\r\n"),
            "\"auth\"\t=  false  # \"x\"\r\nb = 1\r\n");
  EXPECT_EQ(Toml("authx = true\nauth = true"), "authx = true\nauth = false");
  EXPECT_EQ(Toml("a = \"auth = true\"\nauth = true\n"), "a = \"auth = true\"\nauth = false\n");
  EXPECT_EQ(Toml(R"(auth = "a\"b" # c)", "true"), "auth = true # c");
  EXPECT_EQ(Ini("[default]\nauth = yes it is ; c\n"), "[default]\nauth = false ; c\n");
  EXPECT_EQ(Ini("auth='x' # c\n"), "auth=false # c\n");
  EXPECT_EQ(Ini("auth =\n"), "auth = false\n");
  EXPECT_EQ(Ini("auth =;c\n"), "auth = false ;c\n");
  EXPECT_EQ(Ini("auth = ; c\n"), "auth = false ; c\n");
}

TEST_F(ConfigUpdate, AMissingKeyIsAppended) {
  EXPECT_EQ(Toml(""), "auth = false\n");
  EXPECT_EQ(Toml("# auth = true"), "# auth = true\nauth = false\n");
  EXPECT_EQ(Toml("a = 1\r\n"), "a = 1\r\nauth = false\r\n");
  EXPECT_EQ(Ini("[default]\na = 1\n"), "[default]\na = 1\nauth = false\n");
  EXPECT_EQ(Ini("[immudb]\na = 1\n\n[default]\nb = 2\n"),
            "[immudb]\na = 1\nauth = false\n\n[default]\nb = 2\n");
}

TEST_F(ConfigUpdate, TextIsQuotedSoThatItIsReadBackWhole) {
  const std::string value = R"(/a "b" \c # d)";
  for (const char* name : {"c.toml", "c.ini"}) {
    Set(name, "", "dir", value);
    const auto entries = ReadConfigFile(path_, "immudb");
    ASSERT_TRUE(entries.ok()) << entries.status().message();
    EXPECT_EQ(entries->front().value, value);
  }
  EXPECT_EQ(SetConfigKey(path_, "immudb", "dir", "a\nb").code(), StatusCode::kInvalidArgument);
}

// Clients of the original read these texts.
TEST_F(ConfigUpdate, ErrorsHaveTheTextsOfTheContract) {
  EXPECT_EQ(Toml("auth=true\n", "true"), "Server config already has auth = true");
  EXPECT_EQ(Read(), "auth=true\n");
  EXPECT_EQ(SetConfigKey(directory_ + "/none.toml", "immudb", "auth", "true").message(),
            "config file does not exist");
  EXPECT_THAT(Toml("oops\n"), HasSubstr("error reading config file " + path_ + ": line 1"));
}

TEST_F(ConfigUpdate, ModeAndLinkStayAndNothingIsLeftBehind) {
  Toml("auth = true\n");
  ::chmod(path_.c_str(), 0604);
  const std::string link = directory_ + "/link.toml";
  std::filesystem::create_symlink("c.toml", link);
  ASSERT_TRUE(SetConfigKey(link, "immudb", "auth", "true").ok());
  struct stat info {};
  ASSERT_EQ(::stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0604U);
  EXPECT_TRUE(std::filesystem::is_symlink(link));
  EXPECT_EQ(Read(), "auth = true\n");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(directory_), {}), 2);
}

}  // namespace
}  // namespace immudb
