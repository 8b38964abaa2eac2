// SPDX-License-Identifier: Apache-2.0
//
// The parts of the line editor that need no terminal; tests/client/shell_pty_test.cc has one.
#include "cli/line_editor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace immudb {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class History : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "immudb_history_XXXXXX";
    directory_ = ::mkdtemp(pattern.data());
    path_ = directory_ + "/history";
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }
  unsigned Mode() const {
    struct stat info {};
    EXPECT_EQ(::stat(path_.c_str(), &info), 0);
    return info.st_mode & 0777U;
  }
  std::string directory_;
  std::string path_;
};

// Values are in it.
TEST_F(History, OnlyItsOwnerMayReadIt) {
  HistoryFile file(path_);
  EXPECT_TRUE(file.Append("set k v").ok());
  EXPECT_EQ(Mode(), 0600U);
  ASSERT_EQ(::chmod(path_.c_str(), 0644), 0);
  EXPECT_TRUE(file.Append("set k w").ok());
  EXPECT_EQ(Mode(), 0600U);
}

TEST_F(History, ShellsThatRunSideBySideKeepEachOthersLines) {
  HistoryFile one(path_);
  HistoryFile other(path_);
  EXPECT_THAT(*one.Load(), IsEmpty());
  EXPECT_TRUE(one.Append("a").ok());
  EXPECT_TRUE(other.Append("b c").ok());
  EXPECT_TRUE(one.Append("d").ok());
  EXPECT_THAT(*HistoryFile(path_).Load(), ElementsAre("a", "b c", "d"));
}

TEST_F(History, TheFileDoesNotGrowForEver) {
  HistoryFile file(path_, 2);
  for (const char* line : {"1", "2", "3", "4", "5"}) EXPECT_TRUE(file.Append(line).ok());
  EXPECT_THAT(*file.Load(), ElementsAre("4", "5"));
  std::ifstream cut(path_);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(cut), {}), "4\n5\n");
  EXPECT_EQ(Mode(), 0600U);
}

TEST_F(History, NoFileIsMadeWhenNothingIsToBeKept) {
  EXPECT_EQ(HistoryPath("none", directory_), "");
  EXPECT_EQ(HistoryPath("history", ""), "");
  EXPECT_EQ(HistoryPath("history", directory_), path_);
  EXPECT_EQ(HistoryPath("/x/y", directory_), "/x/y");
  HistoryFile none("");
  EXPECT_TRUE(none.Append("a").ok());
  EXPECT_THAT(*none.Load(), IsEmpty());
}

TEST_F(History, AFileThatCannotBeReadIsAnError) {
  EXPECT_EQ(HistoryFile("/nonexistent/history").Append("a").code(), StatusCode::kIoError);
}

// The password that `login` asks for is on the next line of a script.
TEST(PlainLines, ReadNotAByteAhead) {
  std::array<int, 2> fds{};
  ASSERT_EQ(::pipe(fds.data()), 0);
  const std::string text = "login immudb\r\nsecret\nlast";
  ASSERT_EQ(::write(fds[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
  ::close(fds[1]);
  PlainLines lines(fds[0]);
  EXPECT_EQ(lines.Next("prompt").line, "login immudb");
  std::array<char, 7> password{};
  EXPECT_EQ(::read(fds[0], password.data(), password.size()), 7);
  EXPECT_EQ(std::string(password.data(), 7), "secret\n");
  const auto last = lines.Next("prompt");
  EXPECT_EQ(last.event, LineSource::Event::kLine);
  EXPECT_EQ(last.line, "last");
  EXPECT_EQ(lines.Next("prompt").event, LineSource::Event::kEnd);
  ::close(fds[0]);
}

}  // namespace
}  // namespace immudb
