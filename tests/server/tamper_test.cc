// SPDX-License-Identifier: Apache-2.0
//
// A database in which damage was found is shown to nobody but those who look into it, over restarts
// too, until an operator says that it was seen to; everything else goes on.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>

#include "base/file_system.h"
#include "database/databases.h"
#include "operations.pb.h"
#include "server/server_fixture.h"

namespace immudb::testing {
namespace {

using ::testing::HasSubstr;

constexpr char kText[] =
    "the database should be checked manually as we detected possible tampering";
constexpr char kStatusPath[] = "/immudb.operations.Operations/GetStatus";
constexpr char kClearPath[] = "/immudb.operations.Operations/ClearTamper";
constexpr std::chrono::seconds kDeadline{30};

class TamperTest : public ServerTest {
 protected:
  TamperTest() {
    options.consistency_check = {.bytes_per_second = 0, .interval = std::chrono::milliseconds(20)};
  }

  void CreateDatabase(const std::string& name) {
    schema::Database database;
    database.set_databasename(name);
    Empty empty;
    EXPECT_CALL_OK(Call("CreateDatabase", database, &empty));
  }
  void Use(const std::string& name) { Use(*client, name); }
  static void Use(Client& who, const std::string& name) {
    schema::Database database;
    database.set_databasename(name);
    schema::UseDatabaseReply reply;
    EXPECT_CALL_OK(who.Call("UseDatabase", database, &reply));
    who.authorization = "Bearer " + reply.token();
  }
  // A user with these rights on the database, logged in.
  Client UserOf(const std::string& name, uint32_t permission, const std::string& database) {
    schema::CreateUserRequest request;
    request.set_user(name);
    request.set_password("Passw0rd!");
    request.set_permission(permission);
    request.set_database(database);
    Empty empty;
    EXPECT_CALL_OK(Call("CreateUser", request, &empty));
    Client user = Connect();
    user.authorization = "Bearer " + Login(name, "Passw0rd!");
    Use(user, database);
    return user;
  }
  operations::GetStatusResponse Status(const Client& who) const {
    operations::GetStatusResponse status;
    EXPECT_CALL_OK(who.CallPath(kStatusPath, operations::GetStatusRequest(), &status));
    return status;
  }
  bool Await(const std::function<bool()>& condition) const {
    const auto deadline = std::chrono::steady_clock::now() + kDeadline;
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return true;
  }
  bool AwaitTampered(int databases) const {
    return Await([&] { return Status(*client).tampered_size() == databases; });
  }
  // Passes that begin from now on.
  bool AwaitPasses(uint64_t count) const {
    const uint64_t begin = Status(*client).checker().passes();
    return Await([&] { return Status(*client).checker().passes() > begin + count; });
  }
  // Of the log of this database, the value that is found there.
  void FlipInLog(const std::string& database, const std::string& value) const {
    const std::string path = options.directory + "/" + database + "/log/00000000.log";
    const std::string content = *ReadFile(FileSystem::Real(), path);
    const size_t at = content.find(value);
    ASSERT_NE(at, std::string::npos);
    const char flipped = static_cast<char>(value.front() ^ 1);
    const int fd = ::open(path.c_str(), O_WRONLY);
    ASSERT_EQ(::pwrite(fd, &flipped, 1, static_cast<off_t>(at)), 1);
    ::close(fd);
  }
  void ClearTamper(const std::string& database) const {
    operations::ClearTamperRequest request;
    request.set_database(database);
    operations::ClearTamperResponse response;
    EXPECT_CALL_OK(client->CallPath(kClearPath, request, &response));
  }
  CallResult Set(const Client& who) const {
    schema::Index index;
    return who.Call("Set", KeyValueOf("new", "value"), &index);
  }
  CallResult Get(const Client& who, const std::string& key = "other") const {
    schema::Item item;
    return who.Call("Get", KeyOf(key), &item);
  }
};

TEST_F(TamperTest, ASoundServerIsNotAccused) {
  StartAndLogin();
  CreateDatabase("second");
  MustSet("k", "v");
  ASSERT_TRUE(AwaitPasses(3));
  const auto status = Status(*client);
  EXPECT_TRUE(status.ready());
  EXPECT_EQ(status.tampered_size(), 0);
  EXPECT_EQ(status.checker().damages(), 0U);
  EXPECT_EQ(status.checker().read_errors(), 0U);
  EXPECT_GT(status.checker().entries(), 0U);
  EXPECT_GT(status.checker().last_pass_end(), 0);
}

TEST_F(TamperTest, IsFoundNamedAndRefused) {
  StartAndLogin();
  CreateDatabase("broken");
  CreateDatabase("sound");
  Client reader = UserOf("reader", 1, "broken");
  Client writer = UserOf("writer", 2, "broken");
  Client owner = UserOf("owner", 254, "broken");
  Use("broken");
  MustSet("other", "value");
  const uint64_t index = MustSet("the key", "unmistakable");
  FlipInLog("broken", "unmistakable");
  ASSERT_TRUE(AwaitTampered(1));

  const auto status = Status(*client);
  EXPECT_EQ(status.tampered(0).database(), "broken");
  EXPECT_THAT(status.tampered(0).damage(), HasSubstr("broken/log/00000000.log, offset "));
  EXPECT_THAT(status.tampered(0).damage(), HasSubstr("entry index " + std::to_string(index)));
  EXPECT_THAT(status.tampered(0).damage(), HasSubstr("\"the key\""));
  EXPECT_TRUE(status.ready()) << "the others serve";

  for (const Client* user : {&reader, &writer, &owner}) EXPECT_STATUS(Get(*user), DATA_LOSS, kText);
  for (const Client* user : {&writer, &owner}) EXPECT_STATUS(Set(*user), DATA_LOSS, kText);
  EXPECT_STATUS(Set(reader), PERMISSION_DENIED, "you do not have permission for this operation");

  // The system administrator may look, and not write.
  EXPECT_CALL_OK(Get(*client));
  schema::Root root;
  EXPECT_CALL_OK(Call("CurrentRoot", Empty(), &root));
  EXPECT_EQ(Get(*client, "the key").status.error_code(), grpc::StatusCode::OK)
      << "the index still has it";
  EXPECT_STATUS(Set(*client), DATA_LOSS, kText);

  // Everybody may ask how the server is, and log in.
  schema::HealthResponse health;
  EXPECT_CALL_OK(reader.Call("Health", Empty(), &health));
  EXPECT_FALSE(Login("reader", "Passw0rd!").empty());
  schema::Index serving;
  EXPECT_CALL_OK(client->CallPath("/grpc.health.v1.Health/Check", KeyOf("broken"), &serving));
  EXPECT_EQ(serving.index(), 2U) << "NOT_SERVING";
  EXPECT_CALL_OK(client->CallPath("/grpc.health.v1.Health/Check", KeyOf("sound"), &serving));
  EXPECT_EQ(serving.index(), 1U) << "SERVING";
  Use("sound");
  EXPECT_CALL_OK(Set(*client));
}

TEST_F(TamperTest, StaysOverARestartUntilAnOperatorClearsIt) {
  StartAndLogin();
  CreateDatabase("broken");
  Use("broken");
  MustSet("other", "value");
  MustSet("k", "unmistakable");
  FlipInLog("broken", "unmistakable");
  ASSERT_TRUE(AwaitTampered(1));
  const std::string damage = Status(*client).tampered(0).damage();
  Stop();
  // Without the checker nobody can find it again.
  options.consistency_check.reset();
  StartAndLogin();
  ASSERT_EQ(Status(*client).tampered_size(), 1);
  EXPECT_EQ(Status(*client).tampered(0).damage(), damage);
  EXPECT_FALSE(Status(*client).checker().enabled());
  Use("broken");
  EXPECT_STATUS(Set(*client), DATA_LOSS, kText);

  Client user = UserOf("writer", 2, "broken");
  operations::ClearTamperRequest request;
  request.set_database("broken");
  operations::ClearTamperResponse response;
  EXPECT_STATUS(user.CallPath(kClearPath, request, &response), PERMISSION_DENIED,
                "you do not have permission for this operation");
  EXPECT_STATUS(Connect().CallPath(kClearPath, request, &response), UNAUTHENTICATED,
                "please login first");
  EXPECT_STATUS(Set(user), DATA_LOSS, kText);
  ClearTamper("broken");
  EXPECT_CALL_OK(Set(user));
  EXPECT_EQ(Status(*client).tampered_size(), 0);
  EXPECT_STATUS(client->CallPath(kClearPath, request, &response), FAILED_PRECONDITION,
                "no tampering of database broken is recorded");
  request.set_database("nosuch");
  EXPECT_STATUS(client->CallPath(kClearPath, request, &response), NOT_FOUND,
                "database nosuch does not exist");
  Stop();

  StartAndLogin();
  EXPECT_EQ(Status(*client).tampered_size(), 0) << "also after the next restart";
  Stop();
  std::string trail;
  ASSERT_TRUE(Databases::ReadAudit(options.directory, [&](const std::string& record) {
                trail += record + '\n';
                return true;
              }).ok());
  EXPECT_THAT(trail, HasSubstr(R"("act":"tampering detected","target":"broken")"));
  EXPECT_THAT(trail, HasSubstr(R"("user":"immudb","peer":"127.0.0.1","act":"clear tamper")"));
}

TEST_F(TamperTest, WhatIsStillDamagedIsFoundAgain) {
  StartAndLogin();
  MustSet("k", "unmistakable");
  FlipInLog("defaultdb", "unmistakable");
  ASSERT_TRUE(AwaitTampered(1));
  ClearTamper("defaultdb");
  EXPECT_TRUE(AwaitTampered(1));
}

// Who cannot log in because of that is locked out of the whole server.
TEST_F(TamperTest, DamageOfTheSystemDatabaseIsReportedAndKeepsNobodyOut) {
  StartAndLogin();
  CreateDatabase("second");
  FlipInLog("systemdb", "createdat");
  ASSERT_TRUE(AwaitTampered(1));
  EXPECT_EQ(Status(*client).tampered(0).database(), "systemdb");
  EXPECT_FALSE(Login("immudb", options.admin_password).empty());
  EXPECT_CALL_OK(Set(*client));
}

TEST_F(TamperTest, WithoutAuthenticationNobodyIsServed) {
  options.auth = false;
  Start();
  MustSet("k", "unmistakable");
  FlipInLog("defaultdb", "unmistakable");
  ASSERT_TRUE(AwaitTampered(1));
  EXPECT_STATUS(Get(*client, "k"), DATA_LOSS, kText);
}

TEST_F(TamperTest, MaintenanceMayLookAndClear) {
  StartAndLogin();
  MustSet("other", "value");
  MustSet("k", "unmistakable");
  FlipInLog("defaultdb", "unmistakable");
  ASSERT_TRUE(AwaitTampered(1));
  Stop();
  options.maintenance = true;
  options.consistency_check.reset();
  Start();
  Use("defaultdb");
  EXPECT_CALL_OK(Get(*client));
  EXPECT_STATUS(Set(*client), DATA_LOSS, kText);
  ClearTamper("defaultdb");
  EXPECT_CALL_OK(Set(*client));
}

// What the list of checks names is not for everybody.
TEST_F(TamperTest, AStrangerLearnsOnlyWhetherTheServerIsReady) {
  StartAndLogin();
  MustSet("k", "unmistakable");
  FlipInLog("defaultdb", "unmistakable");
  ASSERT_TRUE(AwaitTampered(1));
  const auto status = Status(Connect());
  EXPECT_TRUE(status.ready());
  EXPECT_EQ(status.tampered_size(), 0);
  EXPECT_GT(status.checks_size(), 0);
  for (const auto& check : status.checks()) {
    EXPECT_EQ(check.reason(), "");
    EXPECT_THAT(check.name(), ::testing::AnyOf("server", "disk", "storage"));
  }
}

// Databases that nobody uses are looked at too, and do not stay open for it.
TEST_F(TamperTest, ClosedDatabasesAreCheckedAndClosedAgain) {
  StartAndLogin();
  CreateDatabase("asleep");
  Use("asleep");
  MustSet("k", "unmistakable");
  Stop();
  options.metrics.emplace();
  StartAndLogin();
  ASSERT_TRUE(AwaitPasses(2));
  FlipInLog("asleep", "unmistakable");
  ASSERT_TRUE(AwaitTampered(1));
  EXPECT_EQ(Status(*client).tampered(0).database(), "asleep");
  // Only while it is looked at is it among the open ones.
  EXPECT_TRUE(Await([&] {
    const auto status = Status(*client);
    for (const auto& check : status.checks()) {
      if (check.name() == "database asleep" && check.ok()) return false;
    }
    return true;
  }));
}

TEST_F(TamperTest, AWalkThatARestartEndsGoesOn) {
  StartAndLogin();
  for (int i = 0; i < 50; ++i) MustSet(NumberedKey(i), std::string(1000, 'v'));
  ASSERT_TRUE(AwaitPasses(1));
  Stop();
  EXPECT_TRUE(std::filesystem::exists(options.directory + "/immudb.checker"));
  StartAndLogin();
  ASSERT_TRUE(AwaitPasses(2));
  EXPECT_EQ(Status(*client).tampered_size(), 0);
}

}  // namespace
}  // namespace immudb::testing
