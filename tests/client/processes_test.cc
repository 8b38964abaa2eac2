// SPDX-License-Identifier: Apache-2.0
//
// Clients as processes of their own against the real daemon. This process makes no calls itself:
// gRPC does not survive a fork.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "client/client_test_util.h"
#include "client/root_store.h"
#include "immudb/client.h"
#include "support/daemon_process.h"

namespace immudb {
namespace {

class Processes : public testing::Test {
 protected:
  void SetUp() override {
    auto daemon = DaemonProcess::Start({IMMUDB_BIN_DIR "/immudb", "--dir", directory_ / "data",
                                        "--address", "127.0.0.1", "--port", "0",
                                        "--metrics-server=false", "--logfile", directory_ / "log"});
    ASSERT_TRUE(daemon.ok()) << daemon.status().ToString();
    daemon_ = *std::move(daemon);
  }
  std::string roots() const { return directory_ / "roots"; }

  TemporaryDirectory directory_;
  std::unique_ptr<DaemonProcess> daemon_;
};

// Writes and reads with proof, as one program of many that share a directory of roots.
bool WorkVerified(int port, const std::string& roots, const std::string& key) {
  ClientOptions options;
  options.port = port;
  options.token_file = "";
  options.root_directory = roots;
  const auto client = Client::Connect(options);
  if (!client.ok() || !(*client)->Login("immudb", "immudb").ok()) return false;
  if (!(*client)->UseDatabase("defaultdb").ok()) return false;
  for (int i = 0; i < 60; ++i) {
    const std::string value = std::to_string(i);
    if (!(*client)->SafeSet(key, value).ok()) return false;
    const auto read = (*client)->SafeGet(key);
    if (!read.ok() || read->item.value != value) return false;
  }
  return true;
}

std::optional<TreeRoot> TrustedIn(const std::string& directory) {
  if (!std::filesystem::exists(directory)) return std::nullopt;
  constexpr std::string_view kPrefix = ".root-";
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    const std::string name = entry.path().filename();
    if (!name.starts_with(kPrefix) || name.find('.', 1) != std::string::npos) continue;
    const RootStore store(FileSystem::Real(), directory, name.substr(kPrefix.size()));
    const auto root = store.Load("defaultdb");
    EXPECT_TRUE(root.ok()) << root.status().ToString();
    return root.ok() ? *root : std::nullopt;
  }
  return std::nullopt;
}

// A trusted root that went back would let a server hide what came after it.
TEST_F(Processes, SharedTrustOnlyMovesForward) {
  std::vector<pid_t> workers;
  for (const char* key : {"a", "b"}) {
    const pid_t pid = ::fork();
    ASSERT_GE(pid, 0);
    if (pid == 0) ::_exit(WorkVerified(daemon_->port(), roots(), key) ? 0 : 1);
    workers.push_back(pid);
  }
  uint64_t latest = 0;
  int moves = 0;
  while (!workers.empty()) {
    const auto root = TrustedIn(roots());
    if (root) {
      EXPECT_GE(root->index.value, latest);
      moves += root->index.value > latest ? 1 : 0;
      latest = root->index.value;
    }
    std::erase_if(workers, [](pid_t pid) {
      int status = 0;
      if (::waitpid(pid, &status, WNOHANG) != pid) return false;
      EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
      return true;
    });
  }
  EXPECT_GT(moves, 1);
  const auto last = TrustedIn(roots());
  ASSERT_TRUE(last);
  EXPECT_EQ(last->index.value, 2U * 60 - 1);
}

std::string OutputOf(const std::string& command) {
  std::string output;
  std::FILE* pipe = ::popen(command.c_str(), "r");  // NOLINT(cert-env33-c)
  if (pipe == nullptr) return output;
  std::array<char, 256> buffer{};
  while (std::fgets(buffer.data(), buffer.size(), pipe) != nullptr) output += buffer.data();
  ::pclose(pipe);
  return output;
}

// The first program that a newcomer copies must work as it is printed.
TEST_F(Processes, TheExampleOfTheReadmeRuns) {
  std::string command = "cd '" + directory_.path() + "' && HOME=. ";
  command += IMMUDB_BIN_DIR "/sdk_example " + std::to_string(daemon_->port()) + " 2>&1";
  EXPECT_EQ(OutputOf(command), "paid 120.00 EUR, proven at index 0\n");
}

TEST(Readme, ShowsTheExampleThatIsTested) {
  std::string example = FileContent(IMMUDB_SOURCE_DIR "/tests/client/example.cc");
  example.erase(0, example.find('\n') + 1);  // the licence
  EXPECT_LE(std::ranges::count(example, '\n'), 25);
  const std::string readme = FileContent(IMMUDB_SOURCE_DIR "/README.md");
  EXPECT_NE(readme.find("```cpp\n" + example + "```"), std::string::npos);
}

}  // namespace
}  // namespace immudb
