// SPDX-License-Identifier: Apache-2.0
//
// Users and databases over the wire, as far as it is about who may do what from when on. The texts
// of all refusals are tested against the real daemon, in tests/e2e.
#include <gmock/gmock.h>
#include <grpcpp/client_context.h>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "database/databases.h"
#include "schema.grpc.pb.h"
#include "server/server_fixture.h"

namespace immudb::testing {
namespace {

constexpr char kPassword[] = "Secret!23";
constexpr uint32_t kRead = 1;
constexpr uint32_t kReadWrite = 2;
constexpr uint32_t kAdmin = 254;

class UserManagementTest : public RunningServerTest {
 protected:
  CallResult CreateUser(const std::string& name, uint32_t permission,
                        const std::string& database = "defaultdb") {
    schema::CreateUserRequest request;
    request.set_user(name);
    request.set_password(kPassword);
    request.set_permission(permission);
    request.set_database(database);
    return Call("CreateUser", request, &empty);
  }
  CallResult CreateDatabase(const std::string& name) {
    schema::Database request;
    request.set_databasename(name);
    return Call("CreateDatabase", request, &empty);
  }
  CallResult ChangePermission(const std::string& name, schema::PermissionAction action,
                              uint32_t permission, const std::string& database = "defaultdb") {
    schema::ChangePermissionRequest request;
    request.set_username(name);
    request.set_action(action);
    request.set_permission(permission);
    request.set_database(database);
    return Call("ChangePermission", request, &empty);
  }
  CallResult SetActive(const std::string& name, bool active) {
    schema::SetActiveUserRequest request;
    request.set_username(name);
    request.set_active(active);
    return Call("SetActiveUser", request, &empty);
  }
  static CallResult ChangePassword(const Client& who, const std::string& name,
                                   const std::string& old_password, const std::string& password) {
    schema::ChangePasswordRequest request;
    request.set_user(name);
    request.set_oldpassword(old_password);
    request.set_newpassword(password);
    Empty response;
    return who.Call("ChangePassword", request, &response);
  }
  static grpc::Status Dump(const Client& who) {
    const auto stub = schema::ImmuService::NewStub(who.channel());
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
    context.AddMetadata("authorization", who.authorization);
    const auto reader = stub->Dump(&context, Empty());
    pb::KVList chunk;
    while (reader->Read(&chunk)) continue;
    return reader->Finish();
  }
  // A connection of that user, with a database selected.
  Client As(const std::string& name, const std::string& password = kPassword,
            const std::string& database = "defaultdb") {
    Client who = Connect();
    who.authorization = Login(name, password);
    Use(who, database);
    return who;
  }
  static CallResult Use(Client& who, const std::string& database) {
    schema::Database request;
    request.set_databasename(database);
    schema::UseDatabaseReply reply;
    auto result = who.Call("UseDatabase", request, &reply);
    if (result.ok()) who.authorization = reply.token();
    return result;
  }
  static CallResult Get(const Client& who) {
    schema::Item item;
    return who.Call("Get", KeyOf("k"), &item);
  }
  static CallResult Set(const Client& who) {
    schema::Index index;
    return who.Call("Set", KeyValueOf("k", "v"), &index);
  }
  schema::UserList Users() const {
    schema::UserList users;
    EXPECT_CALL_OK(Call("ListUsers", Empty(), &users));
    return users;
  }

  // The audit trail, once the server has ended.
  std::vector<nlohmann::json> StopAndReadTrail() {
    Stop();
    std::vector<nlohmann::json> records;
    const Status read = Databases::ReadAudit(options.directory, [&](const std::string& record) {
      records.push_back(nlohmann::json::parse(record));
      return true;
    });
    EXPECT_TRUE(read.ok()) << read.ToString();
    return records;
  }

  Empty empty;
};

TEST_F(UserManagementTest, PermissionsHoldFromTheFirstLoginAndPerDatabase) {
  EXPECT_CALL_OK(CreateDatabase("Other"));
  EXPECT_CALL_OK(CreateUser("reader", kRead));
  EXPECT_CALL_OK(CreateUser("writer", kReadWrite, "other"));
  MustSet("k", "v");
  Client reader = As("reader");
  EXPECT_CALL_OK(Get(reader));
  EXPECT_STATUS(Set(reader), PERMISSION_DENIED, "you do not have permission for this operation");
  EXPECT_STATUS(Use(reader, "other"), PERMISSION_DENIED,
                "Logged in user does not have permission on this database");
  Client writer = As("writer", kPassword, "other");
  EXPECT_CALL_OK(Set(writer));
  EXPECT_STATUS(Use(writer, "defaultdb"), PERMISSION_DENIED,
                "Logged in user does not have permission on this database");
}

TEST_F(UserManagementTest, EveryChangeOfAUserEndsItsSessions) {
  EXPECT_CALL_OK(CreateUser("u", kReadWrite));
  EXPECT_CALL_OK(CreateUser("bystander", kReadWrite));
  const Client bystander = As("bystander");
  const auto ended_by = [&](const CallResult& change, const Client& who) {
    EXPECT_CALL_OK(change);
    EXPECT_STATUS(Set(who), UNAUTHENTICATED, "please login first");
  };
  Client who = As("u");
  EXPECT_CALL_OK(Set(who));
  ended_by(ChangePermission("u", schema::GRANT, kRead), who);
  who = As("u");
  EXPECT_STATUS(Set(who), PERMISSION_DENIED, "you do not have permission for this operation");
  ended_by(ChangePassword(*client, "u", "", "Changed!23"), who);
  who = As("u", "Changed!23");
  ended_by(SetActive("u", false), who);
  schema::LoginRequest login;
  login.set_user("u");
  login.set_password("Changed!23");
  schema::LoginResponse answer;
  EXPECT_STATUS(Call("Login", login, &answer), PERMISSION_DENIED, "user is not active");
  EXPECT_CALL_OK(SetActive("u", true));
  who = As("u", "Changed!23");
  ended_by(ChangePermission("u", schema::REVOKE, kRead), who);
  EXPECT_CALL_OK(Set(bystander));
}

// An administrator of one database must not disturb who works in another.
TEST_F(UserManagementTest, ChangedPermissionsEndTheSessionsOfThatDatabaseOnly) {
  for (const char* name : {"dba", "dbb"}) EXPECT_CALL_OK(CreateDatabase(name));
  EXPECT_CALL_OK(CreateUser("boss", kAdmin, "dba"));
  EXPECT_CALL_OK(CreateUser("u", kReadWrite, "dbb"));
  const Client there = As("u", kPassword, "dbb");
  *client = As("boss", kPassword, "dba");
  EXPECT_CALL_OK(ChangePermission("u", schema::GRANT, kRead, "dba"));
  EXPECT_CALL_OK(Set(there));
  const Client here = As("u", kPassword, "dba");
  EXPECT_CALL_OK(ChangePermission("u", schema::GRANT, kRead, "dba"));  // as it was
  EXPECT_EQ(Get(here).status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_CALL_OK(ChangePermission("u", schema::GRANT, kReadWrite, "dba"));
  EXPECT_STATUS(Get(here), UNAUTHENTICATED, "please login first");
  EXPECT_CALL_OK(Set(there));
  EXPECT_CALL_OK(ChangePermission("u", schema::REVOKE, kReadWrite, "dba"));
  EXPECT_CALL_OK(Set(there));
}

// Else the first administrator would log in as the user it created, and reach the other database.
TEST_F(UserManagementTest, AccountsAreManagedByWhoAdministersAllTheirDatabases) {
  for (const char* name : {"dba", "dbb"}) EXPECT_CALL_OK(CreateDatabase(name));
  EXPECT_CALL_OK(CreateUser("boss", kAdmin, "dba"));
  const std::string root = client->authorization;
  client->authorization = As("boss", kPassword, "dba").authorization;
  EXPECT_CALL_OK(CreateUser("helper", kReadWrite, "dba"));
  EXPECT_CALL_OK(ChangePassword(*client, "helper", "", "Changed!23"));
  const std::string boss = std::exchange(client->authorization, root);
  EXPECT_CALL_OK(ChangePermission("helper", schema::GRANT, kAdmin, "dbb"));
  client->authorization = boss;
  constexpr char kRefused[] =
      "user helper has permissions on databases that you do not administer: only the system "
      "administrator may do this";
  EXPECT_STATUS(ChangePassword(*client, "helper", "", "Another!23"), PERMISSION_DENIED, kRefused);
  EXPECT_STATUS(SetActive("helper", false), PERMISSION_DENIED, kRefused);
  client->authorization = root;
  EXPECT_CALL_OK(ChangePermission("boss", schema::GRANT, kAdmin, "dbb"));
  client->authorization = As("boss", kPassword, "dba").authorization;
  EXPECT_CALL_OK(ChangePassword(*client, "helper", "", "Another!23"));
  As("helper", "Another!23", "dbb");
}

// What somebody may not do tells nothing of names.
TEST_F(UserManagementTest, RightsAreCheckedBeforeNames) {
  for (const char* name : {"dba", "dbb"}) EXPECT_CALL_OK(CreateDatabase(name));
  EXPECT_CALL_OK(CreateUser("reader", kRead, "dba"));
  EXPECT_CALL_OK(CreateUser("boss", kAdmin, "dba"));
  EXPECT_CALL_OK(CreateUser("there", kRead, "dbb"));
  constexpr char kNotHere[] = "you do not have permission on this database";
  *client = As("reader", kPassword, "dba");
  for (const char* name : {"boss", "nobody"}) {
    for (const auto action : {schema::GRANT, schema::REVOKE}) {
      EXPECT_STATUS(ChangePermission(name, action, kRead, "dba"), PERMISSION_DENIED, kNotHere);
    }
    EXPECT_STATUS(CreateUser(name, kRead, "dba"), PERMISSION_DENIED, kNotHere);
  }
  for (const char* name : {"dba", "dbb", "unknown"}) {
    EXPECT_STATUS(CreateUser("new", kRead, name), PERMISSION_DENIED, kNotHere);
    EXPECT_STATUS(ChangePermission("boss", schema::GRANT, kRead, name), PERMISSION_DENIED,
                  kNotHere);
  }
  *client = As("boss", kPassword, "dba");
  for (const char* name : {"dbb", "unknown"}) {
    EXPECT_STATUS(CreateUser("new", kRead, name), PERMISSION_DENIED, kNotHere);
    EXPECT_STATUS(ChangePermission("reader", schema::REVOKE, kRead, name), PERMISSION_DENIED,
                  kNotHere);
  }
  for (const std::string name : {"there", "nobody"}) {
    EXPECT_STATUS(ChangePermission(name, schema::REVOKE, kRead, "dba"), NOT_FOUND,
                  "user " + name + " does not have the permission read on dba");
    EXPECT_STATUS(SetActive(name, false), PERMISSION_DENIED, name + " was not created by you");
    EXPECT_STATUS(ChangePassword(*client, name, "", "Changed!23"), NOT_FOUND,
                  "user " + name + " was not found or it was not created by you");
  }
}

TEST_F(UserManagementTest, DatabaseAdminsSeeWhatConcernsTheirDatabases) {
  for (const char* name : {"dba", "dbb"}) EXPECT_CALL_OK(CreateDatabase(name));
  EXPECT_CALL_OK(CreateUser("boss", kAdmin, "dba"));
  EXPECT_CALL_OK(CreateUser("both", kRead, "dba"));
  EXPECT_CALL_OK(CreateUser("there", kRead, "dbb"));
  EXPECT_CALL_OK(ChangePermission("both", schema::GRANT, kAdmin, "dbb"));
  *client = As("boss", kPassword, "dba");
  const auto users = Users();
  ASSERT_EQ(users.users_size(), 2);
  EXPECT_EQ(users.users(0).user(), "boss");
  EXPECT_EQ(users.users(1).user(), "both");
  ASSERT_EQ(users.users(1).permissions_size(), 1);
  EXPECT_EQ(users.users(1).permissions(0).database(), "dba");
}

TEST_F(UserManagementTest, OnlyWhatWasGrantedIsRevoked) {
  EXPECT_CALL_OK(CreateUser("u", kReadWrite));
  EXPECT_CALL_OK(CreateDatabase("other"));
  EXPECT_STATUS(ChangePermission("u", schema::REVOKE, kAdmin), NOT_FOUND,
                "user u does not have the permission admin on defaultdb");
  EXPECT_STATUS(ChangePermission("u", schema::REVOKE, kRead, "other"), NOT_FOUND,
                "user u does not have the permission read on other");
  EXPECT_STATUS(ChangePermission("nobody", schema::REVOKE, kRead), NOT_FOUND,
                "user nobody not found");
  const Client who = As("u");
  EXPECT_CALL_OK(Set(who));
  EXPECT_CALL_OK(ChangePermission("u", schema::REVOKE, kReadWrite));
  EXPECT_STATUS(Set(who), UNAUTHENTICATED, "please login first");
  EXPECT_EQ(ChangePermission("u", schema::REVOKE, kReadWrite).status.error_code(),
            grpc::StatusCode::NOT_FOUND);
  std::vector<nlohmann::json> revoked;
  for (auto& record : StopAndReadTrail()) {
    if (record["act"] == "revoke permission") revoked.push_back(std::move(record));
  }
  ASSERT_EQ(revoked.size(), 1U);
  EXPECT_EQ(revoked[0]["detail"], "read/write on defaultdb");
}

TEST_F(UserManagementTest, OwnPasswordNeedsTheOldOne) {
  EXPECT_CALL_OK(CreateUser("u", kRead));
  const Client who = As("u");
  EXPECT_STATUS(ChangePassword(who, "u", "wrong", "Changed!23"), PERMISSION_DENIED,
                "old password is incorrect");
  EXPECT_STATUS(ChangePassword(who, "u", kPassword, ""), INVALID_ARGUMENT, "password is empty");
  EXPECT_EQ(ChangePassword(who, "u", kPassword, "weak").status.error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_CALL_OK(ChangePassword(who, "u", kPassword, "Changed!23"));
  As("u", "Changed!23");
}

// A stolen token must not serve to guess the password as fast as it goes.
TEST_F(UserManagementTest, GuessingTheOldPasswordIsSlowedDown) {
  EXPECT_CALL_OK(CreateUser("u", kRead));
  const Client who = As("u");
  for (int i = 0; i < 5; ++i) {
    EXPECT_STATUS(ChangePassword(who, "u", "wrong", "Changed!23"), PERMISSION_DENIED,
                  "old password is incorrect");
  }
  EXPECT_EQ(ChangePassword(who, "u", kPassword, "Changed!23").status.error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
}

TEST_F(UserManagementTest, DatabaseAdminsManageTheirOwnUsersOnly) {
  EXPECT_CALL_OK(CreateUser("admin", kAdmin));
  EXPECT_CALL_OK(CreateUser("other", kRead));
  *client = As("admin");
  EXPECT_CALL_OK(CreateUser("mine", kRead));
  EXPECT_CALL_OK(ChangePassword(*client, "mine", "", "Changed!23"));
  EXPECT_CALL_OK(SetActive("mine", false));
  EXPECT_STATUS(ChangePassword(*client, "other", "", "Changed!23"), NOT_FOUND,
                "user other was not found or it was not created by you");
  EXPECT_STATUS(SetActive("other", false), PERMISSION_DENIED, "other was not created by you");
  EXPECT_STATUS(SetActive("immudb", false), PERMISSION_DENIED, "immudb was not created by you");
  EXPECT_EQ(ChangePermission("immudb", schema::REVOKE, kRead).status.error_code(),
            grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_STATUS(ChangePassword(*client, "immudb", kPassword, "Changed!23"), NOT_FOUND,
                "user immudb was not found or it was not created by you");
  EXPECT_STATUS(CreateDatabase("mydb"), PERMISSION_DENIED,
                "Logged In user does not have permissions for this operation");
}

TEST_F(UserManagementTest, TheCreatorStaysTheCreator) {
  EXPECT_CALL_OK(CreateUser("admin", kAdmin));
  const std::string own = client->authorization;
  client->authorization = As("admin").authorization;
  EXPECT_CALL_OK(CreateUser("u", kRead));
  client->authorization = own;
  EXPECT_CALL_OK(ChangePermission("u", schema::GRANT, kReadWrite));
  const auto users = Users();
  ASSERT_EQ(users.users_size(), 3);
  EXPECT_EQ(users.users(2).user(), "u");
  EXPECT_EQ(users.users(2).createdby(), "admin");
  EXPECT_EQ(users.users(2).permissions(0).permission(), kReadWrite);
  EXPECT_EQ(users.users(1).permissions(0).database(), "*");
}

TEST_F(UserManagementTest, FailedLoginsAreSlowedDownAndRecordedWithoutSecrets) {
  schema::LoginRequest request;
  schema::LoginResponse response;
  request.set_user("immudb");
  request.set_password("Wr0ng!secret");
  for (int i = 0; i < 5; ++i) {
    EXPECT_STATUS(Call("Login", request, &response), PERMISSION_DENIED,
                  "invalid user name or password");
  }
  request.set_password("immudb");
  const auto slowed = Call("Login", request, &response);
  EXPECT_EQ(slowed.status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(slowed.status.error_message().rfind("too many failed logins", 0), 0U);
  request.set_user("Passw0rd!typed-here");
  EXPECT_STATUS(Call("Login", request, &response), PERMISSION_DENIED,
                "invalid user name or password");
  std::vector<nlohmann::json> failed;
  for (const auto& record : StopAndReadTrail()) {
    EXPECT_EQ(record.dump().find("Wr0ng!secret"), std::string::npos);
    EXPECT_EQ(record.dump().find("Passw0rd!"), std::string::npos);
    if (record["act"] == "failed login") failed.push_back(record);
  }
  ASSERT_EQ(failed.size(), 6U);
  EXPECT_EQ(failed[0]["target"], "immudb");
  EXPECT_EQ(failed[0]["peer"], "127.0.0.1");
  EXPECT_EQ(failed[5]["target"], "(not a user name)");
}

// Who became administrator, who tried what only administrators may, who took everything along.
TEST_F(UserManagementTest, LoginsDenialsAndDumpsAreInTheAuditTrail) {
  EXPECT_CALL_OK(CreateUser("reader", kRead, "defaultdb"));
  EXPECT_CALL_OK(CreateUser("owner", kAdmin, "defaultdb"));
  const Client reader = As("reader", kPassword, "defaultdb");
  const Client owner = As("owner", kPassword, "defaultdb");
  schema::Tree tree;
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(reader.Call("PrintTree", Empty(), &tree).ok());
  schema::Database database;
  database.set_databasename("mine");
  EXPECT_FALSE(owner.Call("CreateDatabase", database, &empty).ok());
  EXPECT_TRUE(Dump(owner).ok());
  EXPECT_FALSE(Dump(reader).ok());
  schema::Index index;
  EXPECT_FALSE(reader.Call("Set", KeyValueOf("k", "v"), &index).ok());
  schema::LoginRequest guess;
  guess.set_user("nobody");
  guess.set_password("Wr0ng!secret");
  schema::LoginResponse answer;
  for (int i = 0; i < 8; ++i) EXPECT_FALSE(Call("Login", guess, &answer).ok());
  Stop();

  std::vector<std::string> acts;
  uint64_t records = 0;
  const Status read = Databases::ReadAudit(options.directory, [&](const std::string& record) {
    const auto object = nlohmann::json::parse(record);
    ++records;
    acts.push_back(object.value("user", "") + "|" + object.value("act", "") + "|" +
                   object.value("target", "") + "|" + object.value("detail", ""));
    return true;
  });
  ASSERT_TRUE(read.ok()) << read.ToString();
  const std::string denied = "you do not have permission for this operation";
  EXPECT_THAT(acts, ::testing::Contains("immudb|login||"));
  EXPECT_THAT(acts, ::testing::Contains("owner|login||"));
  EXPECT_THAT(acts, ::testing::Not(::testing::Contains("reader|login||")));
  EXPECT_THAT(acts, ::testing::Contains("reader|denied|PrintTree|" + denied).Times(5));
  EXPECT_THAT(acts,
              ::testing::Contains("reader|denied|PrintTree|" + denied + "; 95 more within 60 s"));
  EXPECT_THAT(acts, ::testing::Contains(::testing::StartsWith("owner|denied|CreateDatabase|")));
  EXPECT_THAT(acts, ::testing::Contains("owner|dump|defaultdb|"));
  EXPECT_THAT(acts, ::testing::Contains("reader|denied|Dump|" + denied));
  EXPECT_THAT(acts, ::testing::Not(::testing::Contains(::testing::HasSubstr("|Set|"))));
  EXPECT_THAT(acts, ::testing::Contains("|throttled login|nobody|"));
  EXPECT_LT(records, 40U);
}

TEST_F(UserManagementTest, DatabasesAreListedAsTheCallerMaySeeThem) {
  for (const char* name : {"zz", "aa"}) EXPECT_CALL_OK(CreateDatabase(name));
  EXPECT_CALL_OK(CreateUser("u", kRead, "aa"));
  const auto names = [](const Client& who) {
    schema::DatabaseListResponse list;
    EXPECT_CALL_OK(who.Call("DatabaseList", Empty(), &list));
    std::vector<std::string> found;
    for (const auto& database : list.databases()) found.push_back(database.databasename());
    return found;
  };
  EXPECT_EQ(names(*client), (std::vector<std::string>{"defaultdb", "zz", "aa"}));
  EXPECT_EQ(names(As("u", kPassword, "aa")), (std::vector<std::string>{"aa"}));
}

TEST_F(UserManagementTest, MaintenanceLetsTheOperatorBackIn) {
  EXPECT_CALL_OK(CreateDatabase("mydb"));
  EXPECT_CALL_OK(CreateUser("u", kRead, "mydb"));
  EXPECT_CALL_OK(SetActive("u", false));
  Stop();
  options.maintenance = true;
  Start();
  client->authorization.clear();
  schema::Item item;
  EXPECT_STATUS(Call("Get", KeyOf("k"), &item), FAILED_PRECONDITION,
                "please select database first");
  schema::LoginRequest login;
  schema::LoginResponse answer;
  EXPECT_EQ(Call("Login", login, &answer).status.error_code(),
            grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(Users().users_size(), 2);
  EXPECT_CALL_OK(SetActive("u", true));
  EXPECT_CALL_OK(CreateUser("v", kRead, "mydb"));
  EXPECT_STATUS(CreateDatabase("more"), FAILED_PRECONDITION,
                "this command is available only with authentication on");
  EXPECT_CALL_OK(Use(*client, "mydb"));
  EXPECT_CALL_OK(Set(*client));
  Stop();
  options.maintenance = false;
  Start();
  EXPECT_CALL_OK(Get(As("u", kPassword, "mydb")));
}

TEST_F(UserManagementTest, WithoutAuthenticationOnlyOneDatabaseMakesSense) {
  EXPECT_CALL_OK(CreateDatabase("mydb"));
  Stop();
  options.auth = false;
  const auto refused = Server::Start(options);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.status().message().rfind("auth should be on", 0), 0U)
      << refused.status().message();
}

TEST_F(UserManagementTest, SettingsForTheNextStartAreWritten) {
  schema::AuthConfig auth;
  auth.set_kind(1);
  EXPECT_STATUS(Call("UpdateAuthConfig", auth, &empty), FAILED_PRECONDITION,
                "auth set to true, but config file could not be updated: config file does not "
                "exist");
  Stop();
  std::vector<std::string> written;
  options.update_config = [&](std::string_view key, std::string_view value) {
    written.push_back(std::string(key).append("=").append(value));
    return Status::Ok();
  };
  StartAndLogin();
  EXPECT_CALL_OK(Call("UpdateAuthConfig", auth, &empty));
  auth.set_kind(0);
  EXPECT_CALL_OK(Call("UpdateAuthConfig", auth, &empty));
  auth.set_kind(2);
  EXPECT_EQ(Call("UpdateAuthConfig", auth, &empty).status.error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
  schema::MTLSConfig mtls;
  mtls.set_enabled(true);
  EXPECT_CALL_OK(Call("UpdateMTLSConfig", mtls, &empty));
  EXPECT_EQ(written, (std::vector<std::string>{"auth=true", "auth=false", "mtls=true"}));
}

}  // namespace
}  // namespace immudb::testing
