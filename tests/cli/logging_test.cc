// SPDX-License-Identifier: Apache-2.0
#include "cli/logging.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/log_event.h"
#include "cli/queued_log_sink.h"

namespace immudb {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

std::string Logged(const std::string& level) {
  testing::internal::CaptureStderr();
  EXPECT_TRUE(StartLogging({.prefix = "immudb ", .level = level}).ok());
  spdlog::error("e");
  spdlog::warn("w");
  spdlog::info("i 100%");
  spdlog::debug("d");
  FlushLog();
  return testing::internal::GetCapturedStderr();
}

constexpr char kTime[] = "immudb  [0-9]{4}/[0-9]{2}/[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2} ";

// Log shippers parse these lines.
TEST(Logging, LinesHaveTheFormOfTheContract) {
  const std::string text = Logged("debug");
  EXPECT_THAT(text, ContainsRegex(std::string(kTime) + "ERROR: e\n"));
  EXPECT_THAT(text, ContainsRegex(std::string(kTime) + "WARNING: w\n"));
  EXPECT_THAT(text, ContainsRegex(std::string(kTime) + "INFO: i 100%\n"));
  EXPECT_THAT(text, ContainsRegex(std::string(kTime) + "DEBUG: d\n"));
}

TEST(Logging, TheLevelIsObeyed) {
  EXPECT_THAT(Logged(""), Not(HasSubstr("DEBUG")));
  EXPECT_THAT(Logged("warn"), Not(HasSubstr("INFO")));
  EXPECT_THAT(Logged("error"), Not(HasSubstr("WARNING")));
  EXPECT_EQ(StartLogging({.prefix = "immudb ", .level = "loud"}).code(),
            StatusCode::kInvalidArgument);
}

// Whatever a message holds, a line stays a line and its reader does not stumble.
TEST(Logging, JsonIsValidForEveryMessage) {
  const std::string nasty("a \"b\"\n\\c\t\x01 \xff\xc3 \xc3\xa9\0z", 18);
  testing::internal::CaptureStderr();
  ASSERT_TRUE(StartLogging({.prefix = "immudb ", .level = "debug", .json = true}).ok());
  spdlog::error("{}", nasty);
  spdlog::warn("{}", nasty);
  spdlog::info("plain");
  spdlog::debug("");
  FlushLog();
  std::istringstream lines(testing::internal::GetCapturedStderr());
  std::vector<std::string> levels;
  std::vector<std::string> messages;
  for (std::string line; std::getline(lines, line);) {
    const auto event = nlohmann::json::parse(line, nullptr, false);
    ASSERT_TRUE(event.is_object() && event.size() == 3) << line;
    EXPECT_THAT(event.value("time", ""),
                testing::MatchesRegex("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\."
                                      "[0-9]{3}Z"));
    levels.push_back(event.value("level", ""));
    messages.push_back(event.value("message", ""));
  }
  EXPECT_THAT(levels, testing::ElementsAre("error", "warning", "info", "debug"));
  ASSERT_EQ(messages.size(), 4U);
  EXPECT_THAT(messages[0], testing::StartsWith("a \"b\"\n\\c\t\x01 "));
  EXPECT_THAT(messages[0], HasSubstr("\xc3\xa9"));
  EXPECT_EQ(messages[2], "plain");
}

// What a client chose stays within the member that it belongs to.
TEST(Logging, FieldsOfAnEventAreMembersInJson) {
  const std::string nasty("a\",\"code\":\"OK\"}\n{\xff\xe2\x80\xa8\x9b");
  testing::internal::CaptureStderr();
  ASSERT_TRUE(StartLogging({.prefix = "immudb ", .json = true}).ok());
  LogEvent("slow call")
      .Add("user", nasty)
      .Add("n", "123")
      .Add("ms", 1.25)
      .Write(spdlog::level::warn);
  spdlog::warn("slow call user=bob ms=1.25");
  FlushLog();
  const std::string text = testing::internal::GetCapturedStderr();
  std::istringstream lines(text);
  std::string line;
  ASSERT_TRUE(std::getline(lines, line));
  EXPECT_TRUE(std::ranges::all_of(line, [](char c) { return c >= 0x20 && c < 0x7F; })) << line;
  const auto event = nlohmann::json::parse(line, nullptr, false);
  ASSERT_TRUE(event.is_object()) << line;
  EXPECT_EQ(event.size(), 7U) << line;
  EXPECT_EQ(event["level"], "warning");
  EXPECT_EQ(event["event"], "slow call");
  EXPECT_THAT(event["user"].get<std::string>(), testing::StartsWith("a\",\"code\":\"OK\"}\n{"));
  EXPECT_EQ(event["n"], "123");
  EXPECT_EQ(event["ms"], 1.25);
  EXPECT_THAT(event["message"].get<std::string>(), testing::StartsWith("slow call user=\"a\\x22"));

  ASSERT_TRUE(std::getline(lines, line));
  EXPECT_EQ(nlohmann::json::parse(line, nullptr, false).size(), 3U) << line;
  EXPECT_FALSE(std::getline(lines, line));
}

// Standard error as a pipe that somebody forgot to read.
class UnreadPipe {
 public:
  UnreadPipe() : before_(::dup(STDERR_FILENO)) {
    EXPECT_EQ(::pipe(ends_), 0);
    ::dup2(ends_[1], STDERR_FILENO);
    ::close(ends_[1]);
  }
  ~UnreadPipe() {
    ::dup2(before_, STDERR_FILENO);
    ::close(before_);
    ::close(ends_[0]);
  }
  UnreadPipe(const UnreadPipe&) = delete;
  UnreadPipe& operator=(const UnreadPipe&) = delete;

  // What comes until `end` does.
  std::string ReadUntil(const std::string& end) const {
    std::string text;
    while (text.find(end) == std::string::npos) {
      pollfd readable{.fd = ends_[0], .events = POLLIN, .revents = 0};
      if (::poll(&readable, 1, 30'000) <= 0) break;
      char bytes[65536];
      const ssize_t n = ::read(ends_[0], bytes, sizeof(bytes));
      if (n <= 0) break;
      text.append(bytes, static_cast<size_t>(n));
    }
    return text;
  }

 private:
  const int before_;
  int ends_[2] = {-1, -1};
};

// The threads that commit, publish and poll write lines: none of them may wait for a reader.
TEST(Logging, AnUnreadPipeStopsNobody) {
  const UnreadPipe pipe;
  ASSERT_TRUE(StartLogging({.prefix = "immudb "}).ok());
  const std::string line(1000, 'x');
  const size_t lines = 2 * QueuedLogSink::kMaxQueuedBytes / line.size();
  for (size_t i = 0; i < lines; ++i) spdlog::info("{}", line);
  EXPECT_THAT(pipe.ReadUntil("were dropped"),
              ContainsRegex("WARNING: [0-9]+ lines of the log were dropped"));
  spdlog::info("the reader is back");
  EXPECT_THAT(pipe.ReadUntil("is back\n"), HasSubstr("INFO: the reader is back\n"));
  for (size_t i = 0; i < lines; ++i) spdlog::info("{}", line);
  // Closes the log of before while nobody reads: it gives up.
  EXPECT_TRUE(StartLogging({.prefix = "immudb "}).ok());
}

TEST(Logging, AFileThatCannotBeOpenedIsNamed) {
  const Status status = StartLogging({.file = "/dev/null/immudb.log"});
  EXPECT_EQ(status.code(), StatusCode::kIoError);
  EXPECT_THAT(status.message(), HasSubstr("/dev/null/immudb.log"));
}

}  // namespace
}  // namespace immudb
