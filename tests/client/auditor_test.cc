// SPDX-License-Identifier: Apache-2.0
//
// What an auditor must find, and what it must not be misled into: against databases in memory that
// can do everything that a dishonest server can.
#include "client/auditor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>
#include <utility>

#include "client/audit_metrics.h"
#include "client/audit_store.h"
#include "client/client_test_util.h"
#include "immudb/verify.h"
#include "merkle/reference_tree.h"

namespace immudb {
namespace {

using std::chrono::milliseconds;
using std::chrono::system_clock;
using ::testing::HasSubstr;
using ::testing::Not;

struct MemoryDatabase {
  std::vector<Item> items;
  Status fails;                                 // of every call that reads
  std::function<void(ConsistencyAnswer*)> lie;  // about the proof
  uint64_t reads = 0;                           // entries sent

  void Add(int count, const std::string& value = "value") {
    for (int i = 0; i < count; ++i) {
      const uint64_t n = items.size();
      items.push_back({"key" + std::to_string(n), value + std::to_string(n), {n}});
    }
  }
  // The tree is that of what was hashed first: `hidden` changes do not show in it.
  std::vector<Digest> leaves;
  void HashAll() {
    leaves.clear();
    for (const auto& item : items) leaves.push_back(LeafDigest(item.index, item.key, item.value));
  }
};

struct MemoryServer {
  std::map<std::string, MemoryDatabase> databases;
  std::string id = "dc1dnofrpmirq8sgb3e0";
  Status dial;
  Status list;
  bool list_nothing = false;
  uint64_t largest_page = 1000;

  MemoryDatabase& operator[](const std::string& name) { return databases[name]; }
};

class MemorySource final : public AuditSource {
 public:
  explicit MemorySource(MemoryServer& server) : server_(server) {}

  const std::string& ServerId() const override { return server_.id; }
  Status Login(std::string_view /*user*/, std::string_view password) override {
    if (password == "secret") return Status::Ok();
    return {StatusCode::kPermissionDenied, "invalid user name or password"};
  }
  Result<std::vector<std::string>> Databases() override {
    if (!server_.list.ok()) return server_.list;
    std::vector<std::string> names;
    if (server_.list_nothing) return names;
    for (const auto& [name, database] : server_.databases) names.push_back(name);
    return names;
  }
  Status Use(std::string_view name) override {
    const auto it = server_.databases.find(std::string(name));
    if (it == server_.databases.end())
      return Status::NotFound(std::string(name) + " does not exist");
    used_ = &it->second;
    return Status::Ok();
  }
  Result<std::optional<TreeRoot>> CurrentRoot() override {
    if (!used_->fails.ok()) return used_->fails;
    if (used_->leaves.empty()) return std::optional<TreeRoot>();
    const size_t n = used_->leaves.size();
    return std::optional(TreeRoot{{n - 1}, testing::ReferenceTree(used_->leaves).Root(n)});
  }
  Result<ConsistencyAnswer> Consistency(LeafIndex first) override {
    const size_t n = used_->leaves.size();
    if (first.value >= n) return Status::NotFound("index not found");
    testing::ReferenceTree tree(used_->leaves);
    ConsistencyAnswer answer{first, {{n - 1}, tree.Root(n)}, tree.Consistency(first.value + 1, n)};
    if (used_->lie) used_->lie(&answer);
    return answer;
  }
  Result<ItemPage> IScan(uint64_t number, uint64_t size) override {
    if (size > server_.largest_page) return Status::ResourceExhausted("too large");
    const uint64_t first = (number - 1) * size;
    if (first >= used_->items.size()) return Status::NotFound("index not found");
    const uint64_t end = std::min<uint64_t>(first + size, used_->items.size());
    used_->reads += end - first;
    return ItemPage{{used_->items.begin() + static_cast<long>(first),
                     used_->items.begin() + static_cast<long>(end)},
                    end < used_->items.size()};
  }

 private:
  MemoryServer& server_;
  MemoryDatabase* used_ = nullptr;
};

class TestClock final : public AuditClock {
 public:
  system_clock::time_point Now() const override { return now_; }
  bool Wait(milliseconds duration) override {
    now_ += duration;
    if (duration.count() > 0) waits.push_back(duration);
    return !ended;
  }
  void Spend(milliseconds duration) { now_ += duration; }
  std::vector<milliseconds> waits;
  bool ended = false;

 private:
  system_clock::time_point now_{std::chrono::hours(24)};
};

class AuditorTest : public ::testing::Test {
 protected:
  AuditorTest() {
    options_ = {.address = "127.0.0.1:3322",
                .user = "auditor",
                .password = "secret",
                .roots_directory = directory_ / "roots"};
  }
  Auditor Make() {
    return {options_,
            [this]() -> Result<std::unique_ptr<AuditSource>> {
              if (!server_.dial.ok()) return server_.dial;
              return std::unique_ptr<AuditSource>(std::make_unique<MemorySource>(server_));
            },
            FileSystem::Real(), clock_};
  }
  // As a process that is started anew for each round.
  RoundReport Round() { return Make().RunRound(); }
  void Fill(const std::string& name, int count) {
    server_[name].Add(count);
    server_[name].HashAll();
  }
  std::string RootFile() const {
    return FileContent(directory_ / ("roots/" + server_.id + "/.root"));
  }
  static const DatabaseReport& Of(const RoundReport& report, const std::string& name) {
    const auto it = std::ranges::find(report.databases, name, &DatabaseReport::database);
    EXPECT_NE(it, report.databases.end()) << name;
    return *it;
  }

  TemporaryDirectory directory_;
  MemoryServer server_;
  TestClock clock_;
  AuditorOptions options_;
};

TEST_F(AuditorTest, AServerThatOnlyAppendsIsConsistent) {
  Fill("defaultdb", 3);
  EXPECT_EQ(Round().verdict, AuditVerdict::kNothing);  // trusted at first sight
  for (int i = 0; i < 20; ++i) {
    Fill("defaultdb", i);
    const auto report = Round();
    EXPECT_EQ(report.verdict, AuditVerdict::kConsistent) << report.databases[0].status.ToString();
    EXPECT_EQ(report.databases[0].current->index.value, server_["defaultdb"].items.size() - 1);
  }
  EXPECT_THAT(RootFile(), HasSubstr("defaultdb:"));
}

// The original audited one database a round.
TEST_F(AuditorTest, EveryDatabaseIsAuditedInEveryRoundNewOnesToo) {
  Fill("a", 2);
  Fill("b", 2);
  EXPECT_EQ(Round().databases.size(), 2U);
  Fill("ab", 1);
  const auto report = Round();
  EXPECT_EQ(report.databases.size(), 3U);
  EXPECT_EQ(Of(report, "a").verdict, AuditVerdict::kConsistent);
  EXPECT_EQ(Of(report, "ab").verdict, AuditVerdict::kNothing);
  EXPECT_EQ(Of(Round(), "ab").verdict, AuditVerdict::kConsistent);
}

TEST_F(AuditorTest, ARewrittenPastIsReportedAndTheRootStaysAsItWas) {
  Fill("a", 5);
  Fill("b", 5);
  Round();
  const std::string trusted = RootFile();
  server_["a"].items[1].value = "another";
  Fill("a", 3);
  const auto report = Round();
  EXPECT_EQ(report.verdict, AuditVerdict::kTampered);
  EXPECT_EQ(Of(report, "a").verdict, AuditVerdict::kTampered);
  EXPECT_EQ(Of(report, "b").verdict, AuditVerdict::kConsistent);  // not stopped by it
  EXPECT_EQ(RootFile(), trusted);
}

TEST_F(AuditorTest, AShrunkEmptiedOrVanishedDatabaseIsReported) {
  for (const size_t left : {size_t{4}, size_t{1}, size_t{0}}) {
    server_ = {};
    std::filesystem::remove_all(directory_ / "roots");
    Fill("a", 5);
    Round();
    server_["a"].items.resize(left);
    server_["a"].HashAll();
    EXPECT_EQ(Round().verdict, AuditVerdict::kTampered) << left;
  }
  server_ = {};
  std::filesystem::remove_all(directory_ / "roots");
  Fill("a", 5);
  Fill("b", 5);
  Round();
  server_.databases.erase("a");
  EXPECT_EQ(Of(Round(), "a").verdict, AuditVerdict::kTampered);
}

TEST_F(AuditorTest, AProofThatIsNoneIsTampering) {
  const std::vector<std::function<void(ConsistencyAnswer*)>> lies = {
      [](ConsistencyAnswer* answer) { answer->path.clear(); },
      [](ConsistencyAnswer* answer) { answer->path.back()[0] ^= 1; },
      [](ConsistencyAnswer* answer) { answer->second.hash[31] ^= 1; },
      [](ConsistencyAnswer* answer) { --answer->first.value; },
      [](ConsistencyAnswer* answer) { --answer->second.index.value; }};
  for (const auto& lie : lies) {
    server_ = {};
    std::filesystem::remove_all(directory_ / "roots");
    Fill("a", 5);
    Round();
    Fill("a", 4);
    server_["a"].lie = lie;
    EXPECT_EQ(Round().verdict, AuditVerdict::kTampered);
  }
}

// Whoever tampers must not be able to take it back unseen.
TEST_F(AuditorTest, TamperingStaysReportedUntilTheRootsAreRemoved) {
  Fill("a", 5);
  Round();
  const MemoryDatabase honest = server_["a"];
  server_["a"].items[1].value = "another";
  server_["a"].HashAll();
  Round();
  const std::string trusted = RootFile();
  server_["a"] = honest;
  Fill("a", 2);
  EXPECT_EQ(Round().verdict, AuditVerdict::kTampered);
  EXPECT_EQ(RootFile(), trusted);
  server_["a"].fails = Status::Unavailable("away");
  EXPECT_EQ(Round().verdict, AuditVerdict::kTampered);
  server_["a"].fails = {};
  std::filesystem::remove_all(directory_ / ("roots/" + server_.id));
  EXPECT_EQ(Round().verdict, AuditVerdict::kNothing);
  EXPECT_EQ(Round().verdict, AuditVerdict::kConsistent);
}

// Tree and proofs are honest; only what is served differs from what was hashed.
TEST_F(AuditorTest, AChangedValueIsFoundNewOrOldOrAtTheFirstContact) {
  Fill("a", 700);
  Fill("b", 3);
  server_["b"].items[0].value = "another";
  EXPECT_EQ(Of(Round(), "b").verdict, AuditVerdict::kTampered);
  EXPECT_EQ(Of(Round(), "b").verdict, AuditVerdict::kTampered);
  EXPECT_THAT(RootFile(), Not(HasSubstr("b:")));

  Fill("a", 10);
  server_["a"].items[705].key = "another";
  const auto report = Round();
  EXPECT_EQ(Of(report, "a").verdict, AuditVerdict::kTampered);
  EXPECT_THAT(Of(report, "a").status.message(), HasSubstr("new entries"));

  std::filesystem::remove_all(directory_ / "roots");
  server_.databases.erase("b");
  server_["a"].HashAll();
  Round();
  EXPECT_EQ(Round().verdict, AuditVerdict::kConsistent);
  server_["a"].items[3].value = "another";
  EXPECT_THAT(Of(Round(), "a").status.message(), HasSubstr("old entries"));
}

TEST_F(AuditorTest, EntriesThatAreWithheldOrOutOfPlaceAreFound) {
  Fill("a", 5);
  server_["a"].items.pop_back();
  EXPECT_EQ(Round().verdict, AuditVerdict::kTampered);
  Fill("b", 5);
  std::swap(server_["b"].items[1], server_["b"].items[2]);
  EXPECT_EQ(Of(Round(), "b").verdict, AuditVerdict::kTampered);
}

// A large database must not be read whole every minute.
TEST_F(AuditorTest, ARoundReadsNewEntriesAndABoundedNumberOfOldOnes) {
  options_.recheck = 600;
  server_.largest_page = 64;
  Fill("a", 3000);
  Round();
  for (int round = 0; round < 12; ++round) {
    Fill("a", 10);
    const auto report = Round();
    EXPECT_EQ(report.verdict, AuditVerdict::kConsistent);
    EXPECT_LE(report.databases[0].entries_read, 610U);
  }
  // Every old entry is read again within a few rounds.
  server_["a"].items[2900].value = "another";
  bool found = false;
  for (int round = 0; round < 12 && !found; ++round) {
    found = Round().verdict == AuditVerdict::kTampered;
  }
  EXPECT_TRUE(found);
}

TEST_F(AuditorTest, ValuesAreNotReadWhenToldSo) {
  options_.verify_values = false;
  Fill("a", 5);
  Round();
  Fill("a", 5);
  server_["a"].items[7].value = "another";
  EXPECT_EQ(Round().verdict, AuditVerdict::kConsistent);
  EXPECT_EQ(server_["a"].reads, 0U);
  options_.verify_values = true;  // what was skipped is made up for
  EXPECT_EQ(Round().verdict, AuditVerdict::kTampered);
}

TEST_F(AuditorTest, ReadingKeepsToTheRate) {
  options_.rate = 100;
  Fill("a", 512);
  Round();
  EXPECT_THAT(clock_.waits, ::testing::ElementsAre(milliseconds(5120)));
}

TEST_F(AuditorTest, ErrorsThatSayNothingAboutTheDataAreNotTampering) {
  Fill("a", 5);
  Fill("b", 5);
  Round();
  server_["a"].fails = Status::Unavailable("away");
  server_["b"].fails = {StatusCode::kPermissionDenied, "no"};
  auto report = Round();
  EXPECT_EQ(Of(report, "a").verdict, AuditVerdict::kUnreachable);
  EXPECT_EQ(Of(report, "b").verdict, AuditVerdict::kNotPermitted);
  server_.dial = Status::Unavailable("nobody there");
  EXPECT_EQ(Round().verdict, AuditVerdict::kUnreachable);
  server_.dial = {};
  server_["a"].fails = server_["b"].fails = {};
  EXPECT_EQ(Round().verdict, AuditVerdict::kConsistent);
  options_.password = "wrong";
  EXPECT_EQ(Round().verdict, AuditVerdict::kNotPermitted);
}

// The original's auditor ended with a panic.
TEST_F(AuditorTest, AUserThatSeesNoDatabaseIsTold) {
  server_.list_nothing = true;
  const auto report = Round();
  EXPECT_EQ(report.verdict, AuditVerdict::kNotPermitted);
  EXPECT_THAT(report.status.message(), HasSubstr("auditor sees no database"));
}

// Else a rewritten server would only have to call itself another.
TEST_F(AuditorTest, AnotherIdentityAtAKnownAddressIsReported) {
  Fill("a", 5);
  Round();
  server_.id = "another";
  const auto report = Round();
  EXPECT_EQ(report.verdict, AuditVerdict::kTampered);
  EXPECT_THAT(report.status.message(), HasSubstr("servers"));
  EXPECT_FALSE(std::filesystem::exists(directory_ / "roots/another"));
}

TEST_F(AuditorTest, NamesThatAServerMakesUpStayOutOfOurFiles) {
  Fill("a", 1);
  Fill("../b", 1);
  Fill("c\nd:AAAA", 1);
  EXPECT_EQ(Round().databases.size(), 1U);
  EXPECT_THAT(RootFile(), Not(HasSubstr("AAAA")));
}

TEST_F(AuditorTest, ADamagedStateIsAnErrorAndNotANewBeginning) {
  Fill("a", 5);
  Round();
  for (const char* name : {".root", ".audit"}) {
    const std::string path = directory_ / ("roots/" + server_.id + '/' + name);
    const std::string content = FileContent(path);
    WriteFile(path, "a:rubbish\n");
    EXPECT_EQ(Round().verdict, AuditVerdict::kFailed) << name;
    WriteFile(path, content);
  }
  EXPECT_EQ(Round().verdict, AuditVerdict::kConsistent);
}

TEST_F(AuditorTest, RoundsBeginInTheIntervalUntilItIsStopped) {
  Fill("a", 5);
  options_.interval = milliseconds(60000);
  std::vector<system_clock::time_point> starts;
  Make().Run([&](const RoundReport& report) {
    starts.push_back(report.started);
    clock_.Spend(milliseconds(starts.size() == 2 ? 70000 : 5000));
    clock_.ended = starts.size() == 4;
  });
  ASSERT_EQ(starts.size(), 4U);
  EXPECT_EQ(starts[1] - starts[0], milliseconds(60000));
  EXPECT_EQ(starts[2] - starts[1], milliseconds(70000));  // late, so at once
  EXPECT_EQ(starts[3] - starts[2], milliseconds(60000));
}

TEST_F(AuditorTest, MetricsShowEachDatabaseAndTheWorstOfThem) {
  MetricsRegistry registry;
  AuditMetrics metrics(registry, options_.address);
  EXPECT_THAT(registry.Text(), HasSubstr("immuclient_audit_result_per_server{server_address="
                                         "\"127.0.0.1:3322\",server_id=\"unknown\"} -1\n"));
  Fill("a", 5);
  Fill("b", 3);
  metrics.Update(Round());
  server_["b"].items[0].value = "another";
  Fill("b", 1);
  metrics.Update(Round());
  const std::string page = registry.Text();
  EXPECT_THAT(page, Not(HasSubstr("unknown")));
  const std::string server = "server_address=\"127.0.0.1:3322\",server_id=\"" + server_.id + "\"} ";
  const std::string result = "immuclient_audit_result_per_server{";
  EXPECT_THAT(page, HasSubstr(result + server + "0\n"));
  EXPECT_THAT(page, HasSubstr(result + "database=\"a\"," + server + "1\n"));
  EXPECT_THAT(page, HasSubstr(result + "database=\"b\"," + server + "0\n"));
  EXPECT_THAT(page,
              HasSubstr("immuclient_audit_curr_root_per_server{database=\"a\"," + server + "4\n"));
  EXPECT_THAT(page,
              HasSubstr("immuclient_audit_prev_root_per_server{database=\"b\"," + server + "2\n"));
  server_.dial = Status::Unavailable("away");
  metrics.Update(Round());
  EXPECT_THAT(registry.Text(), HasSubstr(result + server + "-2\n"));
  EXPECT_THAT(registry.Text(), HasSubstr(result + "database=\"b\"," + server + "0\n"));
}

}  // namespace
}  // namespace immudb
