// SPDX-License-Identifier: Apache-2.0
#include "cli/prompt.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <string>

namespace immudb {
namespace {

// What ReadPassword gives in a process whose stdin holds `input` and then ends.
Result<std::string> ReadFromPipe(const std::string& input) {
  std::array<int, 2> fds{};
  EXPECT_EQ(::pipe(fds.data()), 0);
  EXPECT_EQ(::write(fds[1], input.data(), input.size()), static_cast<ssize_t>(input.size()));
  ::close(fds[1]);
  const int saved = ::dup(STDIN_FILENO);
  ::dup2(fds[0], STDIN_FILENO);
  auto password = ReadPassword("Password:");
  ::dup2(saved, STDIN_FILENO);
  ::close(saved);
  ::close(fds[0]);
  return password;
}

TEST(Prompt, ScriptsGiveThePasswordAsOneLine) {
  EXPECT_EQ(*ReadFromPipe("secret\nnext line\n"), "secret");
  EXPECT_EQ(*ReadFromPipe("secret\r\n"), "secret");
  EXPECT_EQ(*ReadFromPipe("no newline"), "no newline");
  EXPECT_EQ(*ReadFromPipe("\n"), "");
  EXPECT_FALSE(ReadFromPipe("").ok());
}

// Reads what the terminal shows until `text` has come; the rest of the patience is for the machine.
bool AwaitShown(int terminal, const std::string& text, std::string* shown) {
  while (shown->find(text) == std::string::npos) {
    pollfd ready{terminal, POLLIN, 0};
    if (::poll(&ready, 1, 20'000) <= 0) return false;
    std::array<char, 256> buffer{};
    const ssize_t n = ::read(terminal, buffer.data(), buffer.size());
    if (n <= 0) return false;
    shown->append(buffer.data(), static_cast<size_t>(n));
  }
  return true;
}

// Types `keys` into a terminal; the child answers with what it read, in brackets.
std::string Type(const std::string& keys) {
  const int terminal = ::posix_openpt(O_RDWR | O_NOCTTY);
  if (terminal < 0 || ::grantpt(terminal) != 0 || ::unlockpt(terminal) != 0) return "no terminal";
  const std::string name = ::ptsname(terminal);  // NOLINT(concurrency-mt-unsafe)
  const pid_t pid = ::fork();
  if (pid == 0) {
    const int fd = ::open(name.c_str(), O_RDWR);
    ::dup2(fd, STDIN_FILENO);
    ::dup2(fd, STDERR_FILENO);
    const auto password = ReadPassword("Password:");
    const std::string answer = password.ok() ? "[" + *password + "]" : "[refused]";
    ::_exit(::write(STDERR_FILENO, answer.data(), answer.size()) > 0 ? 0 : 1);
  }
  std::string shown;
  EXPECT_TRUE(AwaitShown(terminal, "Password:", &shown));
  EXPECT_EQ(::write(terminal, keys.data(), keys.size()), static_cast<ssize_t>(keys.size()));
  EXPECT_TRUE(AwaitShown(terminal, "]", &shown)) << shown;
  ::waitpid(pid, nullptr, 0);
  ::close(terminal);
  return shown;
}

// Somebody may look over the shoulder.
TEST(Prompt, NothingTypedIsShownOnATerminal) {
  EXPECT_EQ(Type("secret\n"), "Password:\r\n[secret]");
  EXPECT_EQ(Type("secx\x7fret\r"), "Password:\r\n[secret]");
  EXPECT_EQ(Type("wrong\x15secret\n"), "Password:\r\n[secret]");
  EXPECT_EQ(Type("sec\x03"), "Password:\r\n[refused]");
  EXPECT_EQ(Type("\x04"), "Password:\r\n[refused]");
}

TEST(Prompt, NoColourOutsideATerminal) {
  std::array<int, 2> fds{};
  ASSERT_EQ(::pipe(fds.data()), 0);
  EXPECT_FALSE(UseColour(fds[1]));
  ::close(fds[0]);
  ::close(fds[1]);
}

}  // namespace
}  // namespace immudb
