// SPDX-License-Identifier: Apache-2.0
//
// The page of metrics and the pages of health, over HTTP, of a whole server. Dashboards and
// `immuadmin stats` of the original read the page: what they find must have its name and type.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>

#include "server/call_metrics.h"
#include "server/health_checks.h"
#include "server/method.h"
#include "server/server_fixture.h"
#include "support/certificates.h"

namespace immudb::testing {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;
using ::testing::Key;
using ::testing::Not;
using ::testing::Pair;
using ::testing::StartsWith;

struct Family {
  std::string type;
  std::string help;
  std::set<std::string> labels;  // their names, without le

  bool operator==(const Family&) const = default;
};

void PrintTo(const Family& family, std::ostream* out) {
  *out << family.type << " \"" << family.help << '"';
  for (const auto& label : family.labels) *out << ' ' << label;
}

// A page as it was served: families by name, values by series ("name{label=...}").
struct Page {
  std::map<std::string, Family> families;
  std::map<std::string, double> values;
  std::vector<std::string> series;  // in their order

  double At(const std::string& name) const {
    const auto found = values.find(name);
    EXPECT_NE(found, values.end()) << name;
    return found == values.end() ? -1 : found->second;
  }
};

std::set<std::string> LabelNames(const std::string& series) {
  std::set<std::string> names;
  for (size_t quote = series.find("=\""); quote != std::string::npos;
       quote = series.find("=\"", quote + 1)) {
    const size_t begin = series.find_last_of("{,", quote) + 1;
    const std::string name = series.substr(begin, quote - begin);
    if (name != "le") names.insert(name);
  }
  return names;
}

Page Parse(const std::string& text) {
  Page page;
  std::istringstream lines(text);
  std::string last;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string mark;
    std::string kind;
    words >> mark >> kind;
    if (mark == "#") {
      words >> last;
      std::string rest;
      std::getline(words >> std::ws, rest);
      (kind == "HELP" ? page.families[last].help : page.families[last].type) = rest;
      continue;
    }
    const size_t space = line.rfind(' ');
    const std::string series = line.substr(0, space);
    page.values[series] = std::stod(line.substr(space + 1));
    page.series.push_back(series);
    for (const auto& name : LabelNames(series)) page.families[last].labels.insert(name);
  }
  return page;
}

class MetricsTest : public ServerTest {
 protected:
  MetricsTest() {
    options.metrics.emplace();
    options.metrics->version = "1.2.3";
  }
  httplib::Result Get(const std::string& path) const {
    httplib::Client http("127.0.0.1", server->metrics_port());
    auto answer = http.Get(path);
    EXPECT_TRUE(answer) << path;
    return answer;
  }
  Page Scrape() const { return Parse(Get("/metrics")->body); }
  static std::string Rpc(const std::string& family, const std::string& method,
                         const std::string& code = "") {
    return family + "{" + (code.empty() ? "" : "grpc_code=\"" + code + "\",") + "grpc_method=\"" +
           method + R"(",grpc_service="immudb.schema.ImmuService",grpc_type="unary"})";
  }
  int StatusOf(const std::string& path) const { return Get(path)->status; }
};

// Names, types, labels and help texts as the specification lists them.
TEST_F(MetricsTest, HasTheFamiliesOfTheOriginal) {
  StartAndLogin();
  MustSet("k", "v");
  const std::set<std::string> rpc = {"grpc_method", "grpc_service", "grpc_type"};
  const std::map<std::string, Family> expected = {
      {"immudb_number_of_stored_entries",
       {"counter", "Number of key-value entries currently stored by the database.", {}}},
      {"immudb_uptime_hours", {"counter", "Server uptime in hours.", {}}},
      {"immudb_number_of_rpcs_per_client",
       {"counter", "Number of handled RPCs per client.", {"ip"}}},
      {"immudb_clients_last_message_at_unix_seconds",
       {"gauge", "Timestamp at which clients have sent their most recent message.", {"ip"}}},
      {"immudb_lsm_size_bytes", {"untyped", "LSM Size in bytes", {"database"}}},
      {"immudb_vlog_size_bytes", {"untyped", "Value Log Size in bytes", {"database"}}},
      {"immudb_pending_writes_total", {"untyped", "Pending Writes", {"database"}}},
      {"immudb_blocked_puts_total", {"untyped", "Blocked Puts", {}}},
      {"immudb_disk_reads_total", {"untyped", "Disk Reads", {}}},
      {"immudb_disk_writes_total", {"untyped", "Disk Writes", {}}},
      {"immudb_gets_total", {"untyped", "Gets", {}}},
      {"immudb_puts_total", {"untyped", "Puts", {}}},
      {"immudb_memtable_gets_total", {"untyped", "Memtable gets", {}}},
      {"immudb_read_bytes", {"untyped", "Read bytes", {}}},
      {"immudb_written_bytes", {"untyped", "Written bytes", {}}},
      {"immudb_lsm_bloom_hits_total", {"untyped", "LSM Bloom Hits", {"level"}}},
      {"immudb_lsm_level_gets_total", {"untyped", "LSM Level Gets", {"level"}}},
      {"grpc_server_started_total",
       {"counter", "Total number of RPCs started on the server.", rpc}},
      {"grpc_server_handled_total",
       {"counter",
        "Total number of RPCs completed on the server, regardless of success or failure.",
        {"grpc_code", "grpc_method", "grpc_service", "grpc_type"}}},
      {"grpc_server_msg_received_total",
       {"counter", "Total number of RPC stream messages received on the server.", rpc}},
      {"grpc_server_msg_sent_total",
       {"counter", "Total number of gRPC stream messages sent by the server.", rpc}},
      {"grpc_server_handling_seconds",
       {"histogram",
        "Histogram of response latency (seconds) of gRPC that had been application-level handled "
        "by the server.",
        rpc}},
      {"go_memstats_sys_bytes", {"gauge", "Number of bytes obtained from system.", {}}},
      {"go_memstats_heap_alloc_bytes",
       {"gauge", "Number of heap bytes allocated and still in use.", {}}},
      {"go_memstats_heap_idle_bytes", {"gauge", "Number of heap bytes waiting to be used.", {}}},
      {"go_memstats_heap_inuse_bytes", {"gauge", "Number of heap bytes that are in use.", {}}},
      {"go_memstats_stack_inuse_bytes",
       {"gauge", "Number of bytes in use by the stack allocator.", {}}},
  };
  const auto answer = Get("/metrics");
  EXPECT_THAT(answer->get_header_value("Content-Type"), StartsWith("text/plain; version=0.0.4"));
  const Page page = Parse(answer->body);
  for (const auto& [name, family] : expected) {
    EXPECT_THAT(page.families, Contains(Pair(name, family)));
  }
  for (const char* name : {"process_cpu_seconds_total", "process_open_fds", "process_max_fds",
                           "process_virtual_memory_bytes", "process_resident_memory_bytes",
                           "process_start_time_seconds"}) {
    EXPECT_THAT(page.families, Contains(Key(name)));
  }
}

// Rates and alerts are made of series that must be there before the first call.
TEST_F(MetricsTest, HasEveryMethodAndCodeFromTheStart) {
  Start();
  const Page page = Scrape();
  const auto* service = schema::KeyValue::descriptor()->file()->FindServiceByName("ImmuService");
  size_t handled = 0;
  for (const auto& series : page.series) handled += series.starts_with("grpc_server_handled_total");
  const auto& own = DescriptorOf(RpcService::kOperations);
  EXPECT_EQ(handled, static_cast<size_t>(service->method_count() + own.method_count()) * 17);
  EXPECT_EQ(page.At(Rpc("grpc_server_handled_total", "SafeGet", "ResourceExhausted")), 0);
  EXPECT_EQ(page.At(Rpc("grpc_server_handled_total", "SafeGet", "Unauthenticated")), 0);
  EXPECT_EQ(page.At("grpc_server_handling_seconds_bucket{grpc_method=\"Dump\",grpc_service="
                    "\"immudb.schema.ImmuService\",grpc_type=\"server_stream\",le=\"0.005\"}"),
            0);
}

TEST_F(MetricsTest, ValuesFollowTheCalls) {
  StartAndLogin();
  const Page before = Scrape();
  for (int i = 0; i < 3; ++i) MustSet(NumberedKey(static_cast<uint64_t>(i)), "v");
  schema::Item item;
  EXPECT_CALL_OK(Call("Get", KeyOf("k1"), &item));
  EXPECT_FALSE(Call("Get", KeyOf("no such key"), &item).ok());
  schema::InclusionProof proof;
  EXPECT_CALL_OK(Call("Inclusion", IndexOf(1), &proof));
  schema::LoginRequest wrong;
  wrong.set_user("immudb");
  wrong.set_password("wrong");
  schema::LoginResponse login;
  EXPECT_FALSE(Call("Login", wrong, &login).ok());
  const Page after = Scrape();

  const auto grown = [&](const std::string& series) {
    return after.At(series) - before.At(series);
  };
  EXPECT_EQ(grown(Rpc("grpc_server_started_total", "Set")), 3);
  EXPECT_EQ(grown(Rpc("grpc_server_handled_total", "Set", "OK")), 3);
  EXPECT_EQ(grown(Rpc("grpc_server_handling_seconds_count", "Set")), 3);
  EXPECT_GT(grown(Rpc("grpc_server_handling_seconds_sum", "Set")), 0);
  EXPECT_EQ(grown(Rpc("grpc_server_msg_received_total", "Get")), 2);
  EXPECT_EQ(grown(Rpc("grpc_server_msg_sent_total", "Get")), 1);
  EXPECT_EQ(grown("immudb_number_of_rpcs_per_client{ip=\"127.0.0.1\"}"), 7);
  EXPECT_GT(after.At("immudb_clients_last_message_at_unix_seconds{ip=\"127.0.0.1\"}"), 1.5e9);
  EXPECT_EQ(grown("immudb_number_of_stored_entries"), 3);
  EXPECT_GE(grown("immudb_puts_total"), 3);  // and what the audit trail notes
  EXPECT_GE(grown("immudb_gets_total"), 2);
  EXPECT_EQ(grown("immudb_failed_logins_total"), 1);
  EXPECT_EQ(grown("immudb_proof_duration_seconds_count"), 1);
  EXPECT_GE(grown("immudb_commit_duration_seconds_count"), 1);
  EXPECT_GE(grown("immudb_log_sync_duration_seconds_count"), 1);
  EXPECT_GE(grown("immudb_commit_group_entries_sum"), 3);
  EXPECT_GT(grown("immudb_uptime_hours"), 0);
  const std::string defaultdb = "{database=\"defaultdb\"}";
  EXPECT_EQ(grown("immudb_database_entries" + defaultdb), 3);
  EXPECT_EQ(after.At("immudb_database_tree_bytes" + defaultdb), 4 * 32);  // 3 leaves, 1 node
  EXPECT_GT(grown("immudb_database_log_bytes" + defaultdb), 0);
  EXPECT_EQ(after.At("immudb_sessions"), 1);
  EXPECT_EQ(after.At("immudb_build_info{version=\"1.2.3\"}"), 1);
}

// `immuadmin stats` shows the first series of the two sizes, and crashes if there is none.
TEST_F(MetricsTest, TheFirstSizeIsThatOfTheDefaultDatabase) {
  options.directory = directory.File("x/../data");
  StartAndLogin();
  schema::Database database;
  database.set_databasename("zebra");
  Empty none;
  EXPECT_CALL_OK(Call("CreateDatabase", database, &none));
  const Page page = Scrape();
  const auto first = std::ranges::find_if(
      page.series, [](const auto& series) { return series.starts_with("immudb_vlog_size_bytes"); });
  ASSERT_NE(first, page.series.end());
  EXPECT_EQ(*first,
            "immudb_vlog_size_bytes{database=\"" + directory.File("data") + "/defaultdb\"}");
  EXPECT_THAT(page.values, Contains(Key("immudb_database_entries{database=\"zebra\"}")));
}

// A page must not read what the databases hold, however often it is asked for.
TEST_F(MetricsTest, APageReadsNoEntries) {
  StartAndLogin();
  schema::KVList batch;
  for (uint64_t i = 0; i < 1000; ++i) *batch.add_kvs() = KeyValueOf(NumberedKey(i), "value");
  MustWrite("SetBatch", batch);
  const Page before = Scrape();
  const Page after = Scrape();
  for (const char* figure : {"immudb_gets_total", "immudb_read_bytes", "immudb_disk_reads_total",
                             "immudb_proof_duration_seconds_count"}) {
    EXPECT_EQ(before.At(figure), after.At(figure)) << figure;
  }
  EXPECT_EQ(before.series, after.series);
}

TEST_F(MetricsTest, WithoutHistogramsThereAreNone) {
  options.metrics->histograms = false;
  StartAndLogin();
  MustSet("k", "v");
  for (const auto& [name, family] : Scrape().families) EXPECT_NE(family.type, "histogram") << name;
}

// An operator must learn which option is wrong; two servers must not share the port unnoticed.
TEST_F(MetricsTest, ATakenPortIsAnErrorThatNamesTheOption) {
  Start();
  ServerOptions second = options;
  second.directory = directory.File("second");
  second.metrics->port = server->metrics_port();
  const auto started = Server::Start(second);
  ASSERT_FALSE(started.ok());
  EXPECT_THAT(started.status().message(), HasSubstr("option metrics-port: "));
  EXPECT_THAT(started.status().message(), HasSubstr(std::to_string(server->metrics_port())));
}

TEST_F(MetricsTest, HealthPagesOfAServerThatServes) {
  StartAndLogin();
  for (const char* path : {"/livez", "/readyz", "/startupz"}) {
    const auto answer = Get(path);
    EXPECT_EQ(answer->status, 200) << path;
    EXPECT_EQ(answer->get_header_value("Content-Type"), "application/json");
    EXPECT_EQ(nlohmann::json::parse(answer->body)["status"], "ok");
  }
  const auto verbose = nlohmann::json::parse(Get("/readyz?verbose")->body);
  std::set<std::string> checks;
  for (const auto& check : verbose["checks"]) checks.insert(check["check"].get<std::string>());
  EXPECT_THAT(checks, IsSupersetOf({"server", "disk", "storage", "database defaultdb"}));
  EXPECT_EQ(StatusOf("/"), 404);
}

// A balancer must stop sending before the port is closed; a supervisor must not kill what ends.
TEST_F(MetricsTest, NotReadyWhileStopping) {
  StartAndLogin();
  ASSERT_TRUE(server->Shutdown(std::chrono::seconds(5)).ok());
  const auto ready = Get("/readyz");
  EXPECT_EQ(ready->status, 503);
  EXPECT_THAT(ready->body, HasSubstr("the server is stopping"));
  EXPECT_EQ(StatusOf("/livez"), 200);
  EXPECT_EQ(StatusOf("/startupz"), 200);
  // Figures of closed stores would be wrong, or worse.
  EXPECT_THAT(Scrape().families, Not(Contains(Key("immudb_number_of_stored_entries"))));
}

// The page tells who connects and when: not in plain text where all else is encrypted.
TEST_F(MetricsTest, SpeaksTlsWhereTheServerDoes) {
  const Certificates certificates;
  options.tls.emplace();
  options.tls->certificate = certificates.server_certificate();
  options.tls->key = certificates.server_key();
  Start();
  httplib::SSLClient https("localhost", server->metrics_port());
  https.set_ca_cert_path(certificates.authorities().c_str());
  const auto page = https.Get("/metrics");
  ASSERT_TRUE(page) << httplib::to_string(page.error());
  EXPECT_THAT(page->body, HasSubstr("immudb_uptime_hours"));
  httplib::Client plain("127.0.0.1", server->metrics_port());
  EXPECT_FALSE(plain.Get("/metrics"));
}

// grpc.health.v1: 1 is SERVING, 2 NOT_SERVING. Its messages look like these two on the wire.
TEST_F(MetricsTest, WithoutRoomOnTheDiskNotReadyAndSaysWhy) {
  StartAndLogin();
  MustSet("k", "v");
  Stop();
  options.reserved_bytes = UINT64_MAX;
  StartAndLogin();
  const auto ready = Get("/readyz");
  EXPECT_EQ(ready->status, 503);
  const auto page = nlohmann::json::parse(ready->body);
  EXPECT_EQ(page["status"], "failed");
  std::set<std::string> failed;
  for (const auto& check : page["failed"]) failed.insert(check["check"]);
  EXPECT_EQ(failed, (std::set<std::string>{"disk", "storage", "database defaultdb"}));
  EXPECT_THAT(page["failed"][0]["reason"].get<std::string>(), HasSubstr("make room"));
  schema::Index index;
  const auto refused = Call("Set", KeyValueOf("k", "w"), &index);
  EXPECT_EQ(refused.status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(refused.status.error_message(), HasSubstr("database defaultdb: the disk is full"));
  schema::Item item;
  EXPECT_CALL_OK(Call("Get", KeyOf("k"), &item));
  EXPECT_EQ(item.value(), "v") << "reads go on";
  EXPECT_EQ(Scrape().At("immudb_database_read_only{database=\"defaultdb\"}"), 1);
  EXPECT_EQ(StatusOf("/livez"), 200);
  EXPECT_EQ(Scrape().At("immudb_health_check{check=\"disk\"}"), 0);
  for (const char* service : {"", "immudb.schema.ImmuService", "defaultdb"}) {
    schema::Index status;
    EXPECT_CALL_OK(client->CallPath("/grpc.health.v1.Health/Check", KeyOf(service), &status));
    EXPECT_EQ(status.index(), 2U) << service;
  }
}

TEST_F(MetricsTest, EachDatabaseIsAServiceOfTheHealthProtocol) {
  Start();
  schema::Index status;
  EXPECT_CALL_OK(client->CallPath("/grpc.health.v1.Health/Check", KeyOf("defaultdb"), &status));
  EXPECT_EQ(status.index(), 1U);
  EXPECT_EQ(client->CallPath("/grpc.health.v1.Health/Check", KeyOf("nosuchdb"), &status)
                .status.error_code(),
            grpc::StatusCode::NOT_FOUND);
}

// Login hashes a password: that takes longer on every machine.
TEST_F(MetricsTest, SlowCallsAreCounted) {
  const Family family{"counter", "Calls that took longer than the slow-log threshold.", {}};
  options.slow_log = std::chrono::microseconds(1);
  StartAndLogin();
  Page page = Scrape();
  EXPECT_THAT(page.families, Contains(Pair("immudb_slow_calls_total", family)));
  EXPECT_GE(page.At("immudb_slow_calls_total"), 1);
  Stop();
  options.slow_log = std::chrono::microseconds(0);
  StartAndLogin();
  page = Scrape();
  EXPECT_THAT(page.families, Contains(Pair("immudb_slow_calls_total", family)));
  EXPECT_EQ(page.At("immudb_slow_calls_total"), 0);
}

// Recovery of a large log takes minutes: whoever asks must be told to wait, not find a closed port.
TEST(HealthChecks, NotReadyWhileStarting) {
  const HealthChecks health("/no/such/directory", 1);
  EXPECT_FALSE(health.Ready());
  EXPECT_FALSE(*health.Serves(""));
  const auto page = nlohmann::json::parse(health.Json(false, false));
  ASSERT_EQ(page["failed"].size(), 1U);
  EXPECT_THAT(page["failed"][0]["reason"].get<std::string>(), HasSubstr("starting"));
}

// A crowd of clients must neither fill the memory nor the page; no call may get lost.
TEST(ClientCounts, AreBounded) {
  ClientCounts counts;
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 1000; ++i) counts.Count("10.0.0." + std::to_string(i));
  }
  const auto clients = counts.Read();
  EXPECT_EQ(clients.size(), ClientCounts::kMaxClients + 1);
  uint64_t calls = 0;
  for (const auto& client : clients) calls += client.calls;
  EXPECT_EQ(calls, 2000U);
  EXPECT_EQ(clients.back().address, "other");
  EXPECT_EQ(clients.back().calls, 2 * (1000 - ClientCounts::kMaxClients));
}

}  // namespace
}  // namespace immudb::testing
