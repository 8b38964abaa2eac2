// SPDX-License-Identifier: Apache-2.0
//
// Invariant 1, kill -9: what was acknowledged is readable and provable afterwards.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <optional>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "property/acknowledged.h"
#include "support/temp_dir.h"
#include "support/workload.h"

namespace immudb::testing {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr int kRounds = 30;
constexpr uint64_t kNumbersPerRound = 1'000'000;

Digest DigestFromHex(const std::string& hex) {
  Digest digest{};
  for (size_t i = 0; i < digest.size(); ++i) {
    digest[i] = static_cast<uint8_t>(std::stoi(hex.substr(2 * i, 2), nullptr, 16));
  }
  return digest;
}

std::vector<Acknowledged> Parse(const std::string& output) {
  std::vector<Acknowledged> all;
  // The last line may be cut.
  std::istringstream lines(output.substr(0, output.rfind('\n') + 1));
  Acknowledged was;
  std::string root;
  while (lines >> was.number >> was.first.value >> was.size.value >> root) {
    was.root = DigestFromHex(root);
    all.push_back(was);
  }
  return all;
}

// A crash_writer with its output.
class Writer {
 public:
  Writer(const std::string& directory, uint64_t first_number, bool sync) {
    int pipe[2];
    if (::pipe2(pipe, O_CLOEXEC) != 0) return;
    output_ = pipe[0];
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, pipe[1], STDOUT_FILENO);
    std::string program = IMMUDB_BIN_DIR "/crash_writer";
    std::string number = std::to_string(first_number);
    std::string path = directory;
    std::string mode = sync ? "sync" : "nosync";
    char* argv[] = {program.data(), path.data(), number.data(), mode.data(), nullptr};
    if (::posix_spawn(&pid_, program.c_str(), &actions, nullptr, argv, environ) != 0) pid_ = -1;
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(pipe[1]);
  }
  ~Writer() {
    Kill();
    if (output_ >= 0) ::close(output_);
  }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  bool started() const { return pid_ > 0; }

  // What it says before it is killed, `after_first` after its first word. Nothing if it is silent
  // or ends by itself.
  std::optional<std::string> KillAfter(milliseconds after_first) {
    std::string said;
    auto deadline = Clock::now() + std::chrono::seconds(60);
    while (Clock::now() < deadline) {
      pollfd ready{output_, POLLIN, 0};
      const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now()).count();
      if (::poll(&ready, 1, static_cast<int>(std::max<int64_t>(left, 0))) <= 0) continue;
      const bool first = said.empty();
      if (!Read(said)) return std::nullopt;
      if (first) deadline = Clock::now() + after_first;
    }
    if (!Kill() || said.empty()) return std::nullopt;
    while (Read(said)) {
    }
    return said;
  }

 private:
  bool Read(std::string& said) const {
    char buffer[1 << 16];
    const ssize_t n = ::read(output_, buffer, sizeof(buffer));
    if (n > 0) said.append(buffer, static_cast<size_t>(n));
    return n > 0;
  }

  // Whether the signal was what ended it.
  bool Kill() {
    if (pid_ <= 0) return false;
    ::kill(pid_, SIGKILL);
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
  }

  pid_t pid_ = -1;
  int output_ = -1;
};

TEST(CrashTest, AcknowledgedEntriesSurviveKill) {
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  const TempDir dir;
  const std::string directory = dir.File("db");
  std::vector<Acknowledged> sample;  // of all rounds so far
  for (int round = 0; round < kRounds; ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    // Without syncs a crash of the process loses nothing either.
    const bool sync = round % 3 != 2;
    Writer writer(directory, kNumbersPerRound * static_cast<uint64_t>(round), sync);
    ASSERT_TRUE(writer.started());
    const auto said = writer.KillAfter(milliseconds(5 + random() % 120));
    ASSERT_TRUE(said) << "the writer failed";
    const std::vector<Acknowledged> acknowledged = Parse(*said);

    StoreOptions options;
    options.segment_bytes = 512 << 10;
    const auto store = Store::Open(directory, options);
    ASSERT_TRUE(store.ok()) << store.status().ToString();
    const Snapshot snapshot = (*store)->Latest();
    ASSERT_TRUE(AllHold(snapshot, acknowledged));
    ASSERT_TRUE(AllHold(snapshot, sample));
    for (size_t i = 0; i < acknowledged.size(); i += 1 + acknowledged.size() / 20) {
      sample.push_back(acknowledged[i]);
    }
    if (round + 1 < kRounds) continue;
    EXPECT_TRUE(HoldsWholeTransactionsOnly(snapshot));
    EXPECT_TRUE(AgreesWithItsEntries(snapshot));
    RecordProperty("entries", std::to_string(snapshot.size().value));
  }
}

}  // namespace
}  // namespace immudb::testing
