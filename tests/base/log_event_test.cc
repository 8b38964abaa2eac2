// SPDX-License-Identifier: Apache-2.0
//
// Lines with fields: whatever a value holds, its reader sees that value, those fields, one line.
#include "base/log_event.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cctype>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace immudb {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

// What a reader makes of a line: key=value, key="value with \x20".
Fields Read(std::string text, const std::string& name) {
  Fields fields;
  EXPECT_TRUE(text.starts_with(name)) << text;
  size_t at = name.size();
  while (at < text.size()) {
    EXPECT_EQ(text[at], ' ') << text;
    const size_t equals = text.find('=', ++at);
    if (equals == std::string::npos) {
      ADD_FAILURE() << text;
      break;
    }
    const std::string key = text.substr(at, equals - at);
    at = equals + 1;
    const bool quoted = at < text.size() && text[at] == '"';
    const size_t end = std::min(text.find(quoted ? '"' : ' ', at + quoted), text.size());
    std::string value;
    for (size_t i = at + quoted; i < end; ++i) {
      if (text[i] != '\\') {
        value += text[i];
        continue;
      }
      EXPECT_EQ(text[i + 1], 'x') << text;
      value += static_cast<char>(std::stoi(text.substr(i + 2, 2), nullptr, 16));
      i += 3;
    }
    fields.emplace_back(key, value);
    at = end + quoted;
  }
  return fields;
}

TEST(LogEvent, FieldsStandBehindTheName) {
  LogEvent event("slow call");
  event.Add("id", "18c9-1").Add("user", "").Add("peer", "::1").Add("duration_ms", 123.4);
  EXPECT_EQ(event.Text(), "slow call id=18c9-1 user=\"\" peer=::1 duration_ms=123.400");
  EXPECT_EQ(LogEvent("call").Add("user", "a b").Text(), "call user=\"a b\"");
  EXPECT_EQ(LogEvent("call").Text(), "call");
  EXPECT_EQ(LogEvent("call").Add("n", 0.0).Add("m", 3e9).Text(), "call n=0.000 m=3000000000.000");
}

// User names are chosen by others.
TEST(LogEvent, NoValueLooksLikeAnotherFieldOrLine) {
  std::vector<std::string> values = {"a b",
                                     "bob database=systemdb",
                                     "a=b",
                                     "\"",
                                     "\\",
                                     "\\x22",
                                     "\"\"",
                                     "x\" code=OK y=\"",
                                     "it's",
                                     "a\r\nb",
                                     "a\n2026/08/29 10:11:12 ERROR: b",
                                     "m\xc3\xbcller",
                                     "\xe2\x80\xa8",
                                     "\xff\xc3",
                                     "\x1b[2J",
                                     std::string("\0a", 2),
                                     " ",
                                     ""};
  for (int c = 0; c < 256; ++c) values.emplace_back(1, static_cast<char>(c));
  for (const std::string& value : values) {
    const std::string text =
        LogEvent("call").Add("user", value).Add("database", value).Add("code", "OK").Text();
    EXPECT_EQ(Read(text, "call"), (Fields{{"user", value}, {"database", value}, {"code", "OK"}}))
        << text;
    EXPECT_TRUE(std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7F; })) << text;
  }
}

TEST(LogEvent, LongValuesAreCut) {
  const std::string most(LogEvent::kMaxValueBytes, 'x');
  EXPECT_EQ(LogEvent("call").Add("user", most).Text(), "call user=" + most);
  EXPECT_EQ(LogEvent("call").Add("user", most + "y").Text(), "call user=" + most + "...");
}

// Keeps what the log was given, and whether it was an event.
class Recorder final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  std::vector<std::pair<std::string, bool>> lines;

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    const std::string text(message.payload.data(), message.payload.size());
    const LogEvent* event = LogEvent::Current();
    EXPECT_TRUE(event == nullptr || event->Text() == text) << text;
    lines.emplace_back(text, event != nullptr);
  }
  void flush_() override {}
};

// A line that only looks like an event must not become one.
TEST(LogEvent, FormattersSeeTheEventOnlyWhileItIsWritten) {
  const auto recorder = std::make_shared<Recorder>();
  const auto before = spdlog::default_logger();
  spdlog::set_default_logger(std::make_shared<spdlog::logger>("test", recorder));
  LogEvent("call").Add("user", "50% {}").Write(spdlog::level::warn);
  spdlog::warn("call user=bob");
  LogEvent("call").Write(spdlog::level::debug);  // below the level
  spdlog::set_default_logger(before);
  EXPECT_EQ(LogEvent::Current(), nullptr);
  EXPECT_THAT(recorder->lines, testing::ElementsAre(testing::Pair("call user=\"50% {}\"", true),
                                                    testing::Pair("call user=bob", false)));
}

}  // namespace
}  // namespace immudb
