// SPDX-License-Identifier: Apache-2.0
//
// What `immuadmin stats` makes of a metrics page.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "immuadmin/stats/server_stats.h"
#include "immuadmin/stats/stats_history.h"

namespace immudb {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

constexpr char kPage[] = R"(# HELP immudb_lsm_size_bytes LSM Size in bytes
# TYPE immudb_lsm_size_bytes untyped
immudb_lsm_size_bytes{database="db/immudb"} 701
immudb_lsm_size_bytes{database="db/other"} 999
immudb_vlog_size_bytes{database="db/immudb"} 1126
immudb_number_of_stored_entries 12
immudb_database_entries{database="defaultdb"} 12
immudb_database_entries{database="shop"} 30
immudb_uptime_hours 0.0274
immudb_number_of_rpcs_per_client{ip="127.0.0.1"} 26
immudb_clients_last_message_at_unix_seconds{ip="127.0.0.1"} 1.5987e+09
go_memstats_sys_bytes 4.194304e+06
go_memstats_heap_inuse_bytes 1048576
go_memstats_stack_inuse_bytes 1024
grpc_server_handling_seconds_bucket{grpc_method="Set",grpc_type="unary",le="0.005"} 3
grpc_server_handling_seconds_bucket{grpc_method="Set",grpc_type="unary",le="0.01"} 4
grpc_server_handling_seconds_bucket{grpc_method="Set",grpc_type="unary",le="+Inf"} 4
grpc_server_handling_seconds_sum{grpc_method="Set",grpc_type="unary"} 0.008
grpc_server_handling_seconds_count{grpc_method="Set",grpc_type="unary"} 4
grpc_server_handling_seconds_sum{grpc_method="ByIndex",grpc_type="unary"} 0
grpc_server_handling_seconds_count{grpc_method="ByIndex",grpc_type="unary"} 0
)";

ServerStats Parsed(const std::string& text) {
  const auto page = ParseMetricsPage(text);
  EXPECT_TRUE(page.ok()) << page.status().ToString();
  auto stats = ReadStats(*page);
  EXPECT_TRUE(stats.ok()) << stats.status().ToString();
  return stats.ok() ? *std::move(stats) : ServerStats();
}

TEST(MetricsPage, LabelsMayHoldAnything) {
  const auto page = ParseMetricsPage("a{x=\"1\\\"}, \\\\ \\n\",y=\"\"} NaN 123\nb 2\n\nc{} +Inf\n");
  ASSERT_TRUE(page.ok());
  ASSERT_EQ(page->size(), 3U);
  EXPECT_EQ((*page)[0].Label("x"), "1\"}, \\ \n");
  EXPECT_EQ((*page)[0].Label("z"), "");
  EXPECT_EQ((*page)[2].value, std::numeric_limits<double>::infinity());
}

TEST(MetricsPage, OtherPagesAreRefusedWithTheirLine) {
  for (const char* text :
       {"b 2\n<html>\n", "b 2\na{x=1} 2", "b 2\na{x=\"1\" 2", "b 2\na{x=\"1\"}"}) {
    EXPECT_THAT(ParseMetricsPage(text).status().message(), HasSubstr("line 2")) << text;
  }
  EXPECT_EQ(ReadStats(*ParseMetricsPage("up 1\n")).status().code(), StatusCode::kNotFound);
}

// Scripts were written against this form.
TEST(StatsText, IsThatOfTheOriginal) {
  const std::chrono::system_clock::time_point now{milliseconds(1598700000750)};
  EXPECT_EQ(StatsText(Parsed(kPage), now),
            "Database path              :\tdb/immudb\n"
            "Uptime                     :\t1m38.64s\n"
            "Number of entries          :\t12\n"
            "LSM size                   :\t701 B\n"
            "VLog size                  :\t1.1 kB\n"
            "Total size                 :\t1.8 kB\n"
            "Number of clients          :\t1\n"
            "Queries per client         :\t\n"
            "   127.0.0.1               :\t26\n"
            "      Last query           :\t750ms ago\n"
            "Avg. duration (nb calls)   :\tµs\n"
            "   ByIndex (0)             :\t0\n"
            "   Set (4)                 :\t2000\n");
}

TEST(StatsText, DurationsAndSizes) {
  EXPECT_EQ(DurationText(0), "0s");
  EXPECT_EQ(DurationText(1.5e-6), "1.5µs");
  EXPECT_EQ(DurationText(0.25), "250ms");
  EXPECT_EQ(DurationText(59.5), "59.5s");
  EXPECT_EQ(DurationText(3600), "1h0m0s");
  EXPECT_EQ(DurationText(-1), "0s");
  EXPECT_EQ(SizeText(1023), "1023 B");
  EXPECT_EQ(SizeText(1024), "1.0 kB");
  EXPECT_EQ(SizeText(uint64_t{5} << 30), "5.0 GB");
}

TEST(StatsJson, HasTheFiguresAsNumbers) {
  const auto json = StatsJson(Parsed(kPage));
  EXPECT_EQ(json["entries"], 12);
  EXPECT_EQ(json["clients"][0]["ip"], "127.0.0.1");
  EXPECT_EQ(json["calls"]["Set"]["calls"], 4);
  EXPECT_DOUBLE_EQ(json["calls"]["Set"]["p50_seconds"], 0.005 * 2 / 3);
}

TEST(Quantile, LiesInItsBucketAndCountsOnlyWhatIsNew) {
  constexpr double kInf = std::numeric_limits<double>::infinity();
  ServerStats::CallFigures before;
  before.buckets = {{0.01, 100}, {0.1, 100}, {kInf, 100}};
  ServerStats::CallFigures after;
  after.buckets = {{0.01, 100}, {0.1, 110}, {kInf, 120}};
  EXPECT_DOUBLE_EQ(Quantile(before, after, 0.25), 0.055);
  EXPECT_DOUBLE_EQ(Quantile(before, after, 0.99), 0.1) << "beyond the last bound: at least that";
  EXPECT_EQ(Quantile(after, after, 0.5), 0);
  EXPECT_EQ(Quantile({}, {}, 0.5), 0);
}

class StatsHistoryTest : public ::testing::Test {
 protected:
  void Add(int second, uint64_t sets, uint64_t gets) {
    ServerStats stats = Parsed(kPage);
    stats.calls = {
        {"Get", gets, 0, {{0.01, gets}, {std::numeric_limits<double>::infinity(), gets}}},
        {"Set", sets, 0, {{0.01, sets}, {std::numeric_limits<double>::infinity(), sets}}},
        {"Dump", 0, 0, {}}};
    history_.Add(std::chrono::system_clock::time_point{seconds(1598700000 + second)}, stats);
  }
  std::vector<std::string> Render(size_t width, size_t height, const std::string& note = "") {
    return RenderStats(history_, "host:9497", note, width, height, true);
  }
  static size_t Columns(const std::string& line) {
    return static_cast<size_t>(std::count_if(line.begin(), line.end(), [](char c) {
      return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
    }));
  }

  StatsHistory history_{100};
};

TEST_F(StatsHistoryTest, RatesAreThoseSinceTheLastReading) {
  Add(0, 1000, 50);
  Add(2, 1100, 60);
  EXPECT_DOUBLE_EQ(history_.steps().back().writes_per_second, 50);
  EXPECT_DOUBLE_EQ(history_.steps().back().reads_per_second, 5);
  const auto rows = history_.CallRows();
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].method, "Set");
  EXPECT_DOUBLE_EQ(rows[0].per_second, 50);
  EXPECT_DOUBLE_EQ(rows[0].p50_seconds, 0.005);
}

TEST_F(StatsHistoryTest, QuietMethodsKeepTheirLatencies) {
  Add(0, 1000, 50);
  Add(1, 1000, 50);
  EXPECT_EQ(history_.CallRows()[0].per_second, 0);
  EXPECT_DOUBLE_EQ(history_.CallRows()[0].p50_seconds, 0.005);
}

TEST_F(StatsHistoryTest, RestartedServerIsNoNegativeRate) {
  Add(0, 1000, 50);
  Add(1, 3, 0);
  EXPECT_EQ(history_.steps().back().writes_per_second, 0);
  EXPECT_EQ(history_.CallRows()[0].calls, 3U);
}

TEST_F(StatsHistoryTest, ScreenFitsWhateverTheTerminal) {
  for (int i = 0; i < 150; ++i) Add(i, 1000 + 100 * static_cast<uint64_t>(i % 7), 10);
  for (const auto& [width, height] :
       {std::pair<size_t, size_t>{80, 24}, {40, 10}, {200, 60}, {1, 1}, {20, 3}, {500, 200}}) {
    const auto lines = Render(width, height, "a note");
    EXPECT_LE(lines.size(), height);
    for (const auto& line : lines) EXPECT_LE(Columns(line), width) << width << "x" << height;
    EXPECT_EQ(lines.back(), std::string("a note").substr(0, width));
  }
}

TEST_F(StatsHistoryTest, EightyByTwentyFourShowsEverything) {
  Add(0, 1000, 50);
  Add(2, 1100, 60);
  const auto lines = Render(80, 24);
  std::string all;
  for (const auto& line : lines) all += line + '\n';
  for (const char* text :
       {"ImmuDB stats host:9497", "Exit: q", "Database db/immudb", "Uptime 1m38s", "Entries 12",
        "Clients 1", "5 reads/s", "50 writes/s", "DB size: 1.8 kB (VLog 1.1 kB, LSM 701 B)",
        "42 entries in open databases", "Memory: 4.0 MB reserved, 1.0 MB in use", "Call", "p99",
        "Set", "Get"}) {
    EXPECT_THAT(all, HasSubstr(text));
  }
  EXPECT_THAT(all, HasSubstr("█"));
}

}  // namespace
}  // namespace immudb
