// SPDX-License-Identifier: Apache-2.0
//
// What the log tells of calls, without a network.
#include "server/request_log.h"

#include <gmock/gmock.h>
#include <google/protobuf/empty.pb.h>
#include <gtest/gtest.h>
#include <prometheus/metric_family.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "database/database.h"
#include "database/sessions.h"
#include "server/call_context.h"

namespace immudb::testing {
namespace {

using google::protobuf::Empty;
using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using ::testing::StartsWith;

class FakeCall final : public CallContext {
 public:
  std::map<std::string, std::string, std::less<>> metadata;

  std::string Peer() const override { return "ipv4:10.1.2.3:4242"; }
  std::optional<std::string_view> Metadata(std::string_view name) const override {
    const auto found = metadata.find(name);
    if (found == metadata.end()) return std::nullopt;
    return found->second;
  }

 protected:
  void End(Status /*status*/) override {}
};

class RequestLogTest : public ::testing::Test {
 protected:
  RequestLogTest() {
    auto logger = std::make_shared<spdlog::logger>(
        "test", std::make_shared<spdlog::sinks::ostream_sink_st>(text_));
    logger->set_pattern("%l %v");
    spdlog::set_default_logger(std::move(logger));
    SetLevel(spdlog::level::info);
  }
  ~RequestLogTest() override { spdlog::set_default_logger(before_); }
  RequestLogTest(const RequestLogTest&) = delete;
  RequestLogTest& operator=(const RequestLogTest&) = delete;

  static void SetLevel(spdlog::level::level_enum level) {
    spdlog::default_logger()->set_level(level);
  }
  void LogIn(const std::string& user) {
    Session session;
    session.user = user;
    call_.session = std::make_shared<const Session>(session);
    call_.database = &database_;
  }
  std::vector<std::string> EndCall(std::chrono::nanoseconds took,
                                   const Status& status = Status::Ok()) {
    text_.str("");
    const Method method{"Scan",
                        Access::kRead,
                        RunOn::kReader,
                        Cost::kDatabase,
                        &Empty::default_instance(),
                        &Empty::default_instance(),
                        nullptr};
    log_.OnEnd(method, call_, status, took);
    std::istringstream in(text_.str());
    std::vector<std::string> lines;
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
  }
  // The id in the line of a slow call.
  std::string IdFor(const std::string& given) {
    call_.metadata["x-request-id"] = given;
    const auto lines = EndCall(milliseconds(101));
    const std::string beginning = "warning slow call id=";
    if (lines.size() != 1 || !lines[0].starts_with(beginning)) return "?";
    return lines[0].substr(beginning.size(),
                           lines[0].find(" method=Scan peer=") - beginning.size());
  }
  double SlowCalls() const {
    const auto families = log_.Collect();
    EXPECT_EQ(families.size(), 1U);
    EXPECT_EQ(families[0].name, "immudb_slow_calls_total");
    return families[0].metric.at(0).counter.value;
  }

  const std::shared_ptr<spdlog::logger> before_ = spdlog::default_logger();
  std::ostringstream text_;
  Database database_{"defaultdb", [] { return std::chrono::steady_clock::now(); }};
  RequestLog log_{milliseconds(100), std::chrono::system_clock::time_point(milliseconds(0xABC))};
  FakeCall call_;
};

TEST_F(RequestLogTest, ACallThatTookLongerIsALine) {
  LogIn("immudb");
  EXPECT_THAT(EndCall(milliseconds(100)), IsEmpty());
  EXPECT_EQ(SlowCalls(), 0);
  EXPECT_THAT(EndCall(std::chrono::microseconds(123'456)),
              ElementsAre("warning slow call id=abc-1 method=Scan peer=10.1.2.3 user=immudb "
                          "database=defaultdb code=OK duration_ms=123.456"));
  EXPECT_THAT(EndCall(std::chrono::hours(1), Status::NotFound("key secret")),
              ElementsAre("warning slow call id=abc-2 method=Scan peer=10.1.2.3 user=immudb "
                          "database=defaultdb code=NotFound duration_ms=3600000.000"));
  EXPECT_EQ(SlowCalls(), 2);
}

TEST_F(RequestLogTest, WithoutASessionUserAndDatabaseAreEmpty) {
  EXPECT_THAT(EndCall(milliseconds(200), Status(StatusCode::kUnauthenticated, "")),
              ElementsAre(HasSubstr(" user=\"\" database=\"\" code=Unauthenticated ")));
}

TEST_F(RequestLogTest, WithLevelDebugEachCallIsALine) {
  SetLevel(spdlog::level::debug);
  EXPECT_THAT(EndCall(milliseconds(1)),
              ElementsAre("debug call id=abc-1 method=Scan peer=10.1.2.3 user=\"\" database=\"\" "
                          "code=OK duration_ms=1.000"));
  EXPECT_THAT(EndCall(milliseconds(101)), ElementsAre(StartsWith("warning slow call id=abc-2 ")));
}

// They are counted still.
TEST_F(RequestLogTest, WithLevelErrorSlowCallsAreNoLines) {
  SetLevel(spdlog::level::err);
  EXPECT_THAT(EndCall(milliseconds(101)), IsEmpty());
  EXPECT_EQ(SlowCalls(), 1);
}

TEST_F(RequestLogTest, SwitchedOffNoCallIsSlow) {
  RequestLog off(std::chrono::nanoseconds(0), {});
  const Method method{"Get",   Access::kRead, RunOn::kPoller, Cost::kEntry,
                      nullptr, nullptr,       nullptr};
  off.OnEnd(method, call_, Status::Ok(), std::chrono::hours(1));
  EXPECT_EQ(text_.str(), "");
  EXPECT_EQ(off.Collect().at(0).metric.at(0).counter.value, 0);
}

// An overload makes all calls slow: the lines of all of them would be the next load.
TEST_F(RequestLogTest, LinesOfASecondAreBounded) {
  call_.began = std::chrono::steady_clock::time_point(std::chrono::seconds(1000));
  uint64_t written = 0;
  for (uint32_t i = 0; i < RequestLog::kLinesPerSecond + 20; ++i) {
    written += EndCall(milliseconds(200)).size();
  }
  EXPECT_EQ(written, RequestLog::kLinesPerSecond);
  EXPECT_THAT(EndCall(milliseconds(200), Status::IoError("disk")),
              ElementsAre(StartsWith("error failed call ")));
  EXPECT_EQ(SlowCalls(), RequestLog::kLinesPerSecond + 21);
  call_.began += std::chrono::seconds(1);
  EXPECT_THAT(EndCall(milliseconds(200)), ElementsAre("warning suppressed calls kind=slow count=20",
                                                      StartsWith("warning slow call ")));
  EXPECT_THAT(EndCall(milliseconds(200)), ElementsAre(StartsWith("warning slow call ")));
}

// Whoever looks into the log for damage must see whose call met it; and one line, slow or not.
TEST_F(RequestLogTest, FaultsHaveTheSameFieldsAndWhatWentWrong) {
  LogIn("bob");
  const std::string fields = " method=Scan peer=10.1.2.3 user=bob database=defaultdb ";
  EXPECT_THAT(EndCall(milliseconds(2), Status::DataLoss("f.log: damaged")),
              ElementsAre("error failed call id=abc-1" + fields +
                          "code=DataLoss duration_ms=2.000 error=\"DataLoss: f.log: damaged\""));
  EXPECT_THAT(
      EndCall(milliseconds(200), Status::IoError("\"disk\"\n")),
      ElementsAre("error failed call id=abc-2" + fields +
                  R"(code=Internal duration_ms=200.000 error="IoError: \x22disk\x22\x0a")"));
  EXPECT_THAT(EndCall(milliseconds(2), Status::Internal("internal error")),
              ElementsAre(HasSubstr(" error=\"Internal: internal error\"")));
  EXPECT_THAT(EndCall(milliseconds(2), Status::ResourceExhausted("full")), IsEmpty());
  EXPECT_EQ(SlowCalls(), 1);
}

TEST_F(RequestLogTest, TheClientsIdIsTakenIfItIsOne) {
  const std::string longest(64, 'x');
  for (const char* id : {"7", "0198c5e2-1f", "a/b+c==", "{x}"}) {
    const std::string shown = IdFor(id);
    EXPECT_TRUE(shown == id || shown == '"' + std::string(id) + '"') << shown;
  }
  EXPECT_EQ(IdFor(longest), longest);
  for (const std::string& id :
       {std::string(), longest + "x", std::string("a b"), std::string("a\"b"), std::string("a'b"),
        std::string("a\nb"), std::string("a\tb"), std::string("\xc3\xa9"), std::string("a\0b", 3),
        std::string("\x7f"), std::string("x code=OK"), std::string(100'000, 'x')}) {
    EXPECT_THAT(IdFor(id), MatchesRegex("abc-[0-9a-f]+")) << id.substr(0, 80);
  }
}

TEST_F(RequestLogTest, NoUserNameForgesAFieldOrALine) {
  LogIn("x\" database=systemdb\nerror failed call user=y");
  const auto lines = EndCall(milliseconds(101));
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_THAT(lines[0], HasSubstr(R"( user="x\x22 database=systemdb\x0aerror failed call user=y" )"
                                  "database=defaultdb code=OK "));
}

}  // namespace
}  // namespace immudb::testing
