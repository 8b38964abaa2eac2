// SPDX-License-Identifier: Apache-2.0
//
// Who gets in: login, tokens, permissions, and what everybody sees of the server.
#include <string>
#include <vector>

#include "database/databases.h"
#include "database/users.h"
#include "server/server_fixture.h"

namespace immudb::testing {
namespace {

class SessionTest : public ServerTest {
 protected:
  CallResult TryLogin(const std::string& user, const std::string& password) {
    schema::LoginRequest request;
    request.set_user(user);
    request.set_password(password);
    return Call("Login", request, &login);
  }
  // Before the server starts: a user as an administrator would have made one.
  void AddUser(const std::string& name, Permission permission, bool active = true) const {
    auto databases = Databases::Open(
        {.directory = options.directory, .default_database = options.default_database});
    ASSERT_TRUE(databases.ok()) << databases.status().ToString();
    auto users =
        Users::Open((*databases)->system_store(), (*databases)->audit(), options.admin_password);
    ASSERT_TRUE(users.ok()) << users.status().ToString();
    User user;
    user.name = name;
    user.password_hash = *(*users)->passwords().Hash(kPassword);
    user.Grant(options.default_database, permission);
    user.active = active;
    user.created_by = "immudb";
    ASSERT_TRUE((*users)->Create(user, {}).ok());
  }
  CallResult Get() const { return Call("Get", KeyOf("k"), &item); }
  CallResult Set() const { return Call("Set", KeyValueOf("k", "v"), &index); }

  static constexpr char kPassword[] = "Secret!23";
  schema::LoginResponse login;
  mutable schema::Item item;
  mutable schema::Index index;
  Empty empty;
};

TEST_F(SessionTest, LoginGivesATokenThatWorksWithAndWithoutBearer) {
  Start();
  EXPECT_CALL_OK(TryLogin("immudb", "immudb"));
  EXPECT_GE(login.token().size(), 40U);
  EXPECT_EQ(login.warning(),
            "immudb user has the default password: please change it to ensure proper security");
  client->authorization = login.token();
  EXPECT_CALL_OK(Set());
  client->authorization = "Bearer " + login.token();
  EXPECT_CALL_OK(Set());
  client->authorization = "Bearer Bearer " + login.token();
  EXPECT_STATUS(Set(), UNAUTHENTICATED, "please login first");
}

TEST_F(SessionTest, OwnAdminPasswordIsSetAtCreationAndGivesNoWarning) {
  options.admin_password = "Another!1";
  Start();
  EXPECT_STATUS(TryLogin("immudb", "immudb"), PERMISSION_DENIED, "invalid user name or password");
  EXPECT_CALL_OK(TryLogin("immudb", "Another!1"));
  EXPECT_EQ(login.warning(), "");
}

TEST_F(SessionTest, WrongNameAndWrongPasswordLookTheSame) {
  Start();
  EXPECT_STATUS(TryLogin("immudb", "wrong"), PERMISSION_DENIED, "invalid user name or password");
  EXPECT_STATUS(TryLogin("nobody", "wrong"), PERMISSION_DENIED, "invalid user name or password");
  EXPECT_STATUS(TryLogin("", ""), PERMISSION_DENIED, "invalid user name or password");
}

// Neither is kept anywhere, nor is a password hashed for it: the refusals come at once.
TEST_F(SessionTest, WhatIsTooLongToBeAUserLooksTheSame) {
  Start();
  const std::string long_text(size_t{1} << 20, 'a');
  EXPECT_STATUS(TryLogin(long_text, "wrong"), PERMISSION_DENIED, "invalid user name or password");
  EXPECT_STATUS(TryLogin("immudb", long_text), PERMISSION_DENIED, "invalid user name or password");
  for (int i = 0; i < 30; ++i) TryLogin(long_text, "wrong");
  const auto slowed = TryLogin(long_text, "wrong");
  EXPECT_EQ(slowed.status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
}

TEST_F(SessionTest, InactiveUserCannotLogIn) {
  AddUser("gone", Permission::kReadWrite, false);
  Start();
  EXPECT_STATUS(TryLogin("gone", kPassword), PERMISSION_DENIED, "user is not active");
  EXPECT_STATUS(TryLogin("gone", "wrong"), PERMISSION_DENIED, "invalid user name or password");
}

TEST_F(SessionTest, DataCallsNeedAToken) {
  Start();
  EXPECT_STATUS(Get(), UNAUTHENTICATED, "please login first");
  client->authorization = "Bearer ";
  EXPECT_STATUS(Get(), UNAUTHENTICATED, "please login first");
  client->authorization = "Bearer nonsense";
  EXPECT_STATUS(Set(), UNAUTHENTICATED, "please login first");
  schema::ItemList list;
  EXPECT_STATUS(Call("Scan", schema::ScanOptions(), &list), UNAUTHENTICATED, "please login first");
  schema::HealthResponse health;
  EXPECT_CALL_OK(Call("Health", empty, &health));
  EXPECT_TRUE(health.status());
  EXPECT_EQ(health.version(), "immudb 0.0.0-test");
}

TEST_F(SessionTest, LogoutEndsAllTokensOfTheUser) {
  Start();
  EXPECT_STATUS(Call("Logout", empty, &empty), UNAUTHENTICATED,
                "no Authorization header found on request");
  client->authorization = "nonsense";
  EXPECT_STATUS(Call("Logout", empty, &empty), UNAUTHENTICATED, "invalid token");
  const std::string first = Login("immudb", "immudb");
  client->authorization = Login("immudb", "immudb");
  EXPECT_CALL_OK(Set());
  EXPECT_CALL_OK(Call("Logout", empty, &empty));
  EXPECT_STATUS(Set(), UNAUTHENTICATED, "please login first");
  client->authorization = first;
  EXPECT_STATUS(Set(), UNAUTHENTICATED, "please login first");
  EXPECT_STATUS(Call("Logout", empty, &empty), UNAUTHENTICATED, "invalid token");
}

TEST_F(SessionTest, TokensEndAfterTheirLifetime) {
  options.session_lifetime = std::chrono::seconds(0);
  Start();
  client->authorization = Login("immudb", "immudb");
  EXPECT_STATUS(Set(), UNAUTHENTICATED, "please login first");
}

TEST_F(SessionTest, UseDatabaseIssuesATokenAndTheOldOneStaysValid) {
  AddUser("stranger", Permission::kNone);
  Start();
  schema::Database request;
  schema::UseDatabaseReply reply;
  request.set_databasename("defaultdb");
  EXPECT_STATUS(Call("UseDatabase", request, &reply), UNAUTHENTICATED, "Please login");
  const std::string old_token = Login("immudb", "immudb");
  client->authorization = old_token;
  EXPECT_CALL_OK(Call("UseDatabase", request, &reply));
  EXPECT_NE(reply.token(), old_token);
  client->authorization = reply.token();
  EXPECT_CALL_OK(Set());
  client->authorization = old_token;
  EXPECT_CALL_OK(Set());
  request.set_databasename("systemdb");
  EXPECT_STATUS(Call("UseDatabase", request, &reply), INVALID_ARGUMENT,
                "this database can not be selected");
  request.set_databasename("missing");
  EXPECT_STATUS(Call("UseDatabase", request, &reply), NOT_FOUND, "missing does not exist");
  client->authorization = Login("stranger", kPassword);
  EXPECT_STATUS(Call("UseDatabase", request, &reply), PERMISSION_DENIED,
                "Logged in user does not have permission on this database");
}

TEST_F(SessionTest, PermissionDecidesWhatAUserMayCall) {
  AddUser("reader", Permission::kRead);
  AddUser("writer", Permission::kReadWrite);
  AddUser("stranger", Permission::kNone);
  Start();
  constexpr char kRefused[] = "you do not have permission for this operation";
  schema::ItemList list;
  schema::InclusionProof inclusion;
  client->authorization = Login("writer", kPassword);
  EXPECT_CALL_OK(Set());
  EXPECT_CALL_OK(Get());
  client->authorization = Login("reader", kPassword);
  EXPECT_CALL_OK(Get());
  EXPECT_CALL_OK(Call("Scan", schema::ScanOptions(), &list));
  EXPECT_CALL_OK(Call("GetBatch", schema::KeyList(), &list));
  EXPECT_CALL_OK(Call("Inclusion", IndexOf(0), &inclusion));
  EXPECT_STATUS(Set(), PERMISSION_DENIED, kRefused);
  EXPECT_STATUS(Call("SetBatch", schema::KVList(), &index), PERMISSION_DENIED, kRefused);
  client->authorization = Login("stranger", kPassword);
  EXPECT_STATUS(Get(), PERMISSION_DENIED, kRefused);
}

TEST_F(SessionTest, WithoutAuthLocalPeersNeedNoToken) {
  options.auth = false;
  Start();
  EXPECT_CALL_OK(Set());
  EXPECT_CALL_OK(Get());
  const auto refused = TryLogin("immudb", "immudb");
  EXPECT_NE(refused.status.error_message().find(
                "server is running with authentication disabled, please enable authentication to "
                "login"),
            std::string::npos);
  EXPECT_NE(refused.status.error_message().find("authentication is disabled on server"),
            std::string::npos);
  schema::Database request;
  request.set_databasename("defaultdb");
  schema::UseDatabaseReply reply;
  EXPECT_STATUS(Call("UseDatabase", request, &reply), FAILED_PRECONDITION,
                "this command is available only with authentication on");
}

// Clients keep their trusted roots under this text.
TEST_F(SessionTest, UuidHeaderIsOnEveryAnswerAlsoOnFailedOnes) {
  Start();
  schema::HealthResponse health;
  const auto fine = Call("Health", empty, &health);
  ASSERT_EQ(fine.headers.count("immudb-uuid"), 1U);
  const std::string uuid = fine.headers.find("immudb-uuid")->second;
  EXPECT_EQ(uuid.size(), 20U);
  const auto refused = Get();
  EXPECT_EQ(refused.status.error_code(), grpc::StatusCode::UNAUTHENTICATED);
  ASSERT_EQ(refused.headers.count("immudb-uuid"), 1U);
  EXPECT_EQ(refused.headers.find("immudb-uuid")->second, uuid);
  client->authorization = Login("immudb", "immudb");
  EXPECT_EQ(Get().headers.count("immudb-uuid"), 1U);  // not found
  schema::ItemList list;
  EXPECT_EQ(Call("Scan", schema::ScanOptions(), &list).headers.count("immudb-uuid"), 1U);
}

}  // namespace
}  // namespace immudb::testing
