// SPDX-License-Identifier: Apache-2.0
//
// The commands of immuadmin that speak with a server, as administrators and scripts see them.
#include <gmock/gmock.h>

#include <filesystem>

#include "base/bytes.h"
#include "client/immuadmin_live.h"
#include "commands/command.h"
#include "immudb/verify.h"

namespace immudb {
namespace {

using testing::HasSubstr;

constexpr char kWarned[] =
    "logged in\nSECURITY WARNING: immudb user has the default password: please change it to ensure "
    "proper security\n";

class Immuadmin : public LiveImmuadmin {};

TEST_F(Immuadmin, TheDefaultPasswordIsChangedAtTheFirstLogin) {
  const Ended first = Admin({"login", "immudb"}, "immudb\nNew1!pass\nNew1!pass\n");
  EXPECT_EQ(first.code, 0) << first.err;
  EXPECT_EQ(first.out, std::string(kWarned) + "immudb's password has been changed\n");
  EXPECT_TRUE(std::filesystem::exists(directory_ / "token_admin"));
  EXPECT_EQ(Admin({"user", "list"}).code, 0) << "the session goes on with the new password";

  EXPECT_EQ(Admin({"login", "immudb"}, "immudb\n").code, 5);
  EXPECT_EQ(Admin({"l", "immudb"}, "New1!pass\n").out, "logged in\n");
  EXPECT_EQ(Admin({"login", "immudb", "--output", "json"}, "New1!pass\n").out,
            "{\"user\":\"immudb\"}\n");
}

TEST_F(Immuadmin, APasswordThatDoesNotFitChangesNothing) {
  const Ended different = Admin({"login", "immudb"}, "immudb\nNew1!pass\nNew1!past\n");
  EXPECT_EQ(different.code, 1);
  EXPECT_EQ(different.out, kWarned);
  EXPECT_EQ(different.err, "Passwords don't match\n");
  const Ended weak = Admin({"login", "immudb"}, "immudb\nweak\nweak\n");
  EXPECT_EQ(weak.code, 1);
  EXPECT_THAT(weak.err, HasSubstr("password must have between 8 and 32"));
  EXPECT_EQ(Admin({"login", "immudb"}, "immudb\n").code, 1) << "no new password was given";
  EXPECT_EQ(client_->Login("immudb", "immudb").status().ToString(), Status::Ok().ToString());
}

TEST_F(Immuadmin, OnlyTheAdministratorLogsIn) {
  const Ended other = Admin({"login", "bob"}, "secret\n");
  EXPECT_EQ(other.code, 5);
  EXPECT_EQ(other.err, "Permission denied: user bob has no admin rights\n");
  EXPECT_EQ(Admin({"login"}).code, 2);
  const Ended json = Admin({"login", "bob", "--output=json"});
  EXPECT_EQ(Json::parse(json.err)["error"]["exit_code"], 5);
}

TEST_F(Immuadmin, LogoutEndsTheSession) {
  LogIn();
  EXPECT_EQ(Admin({"logout"}).out, "logged out\n");
  EXPECT_FALSE(std::filesystem::exists(directory_ / "token_admin"));
  EXPECT_EQ(Admin({"user", "list"}).code, 5);
  EXPECT_EQ(Admin({"x"}).code, 5);
}

TEST_F(Immuadmin, Status) {
  EXPECT_EQ(Admin({"status"}).out,
            "OK - server is reachable and responding to queries\n"
            "server   ok\ndisk     ok\nstorage  ok\n");
  const Json json = Json::parse(Admin({"p", "--output=json"}).out);
  EXPECT_EQ(json["healthy"], true);
  EXPECT_EQ(json["ready"], true);
  LogIn();
  const Ended more = Admin({"status"});
  EXPECT_EQ(more.code, 0);
  EXPECT_THAT(more.out, HasSubstr("\ndatabase defaultdb  ok"));
  EXPECT_THAT(more.out, HasSubstr("\nchecker             ok      pass "));
  StopServer();
  const Ended gone = Admin({"status"});
  EXPECT_EQ(gone.code, 6);
  EXPECT_EQ(gone.out, "");
}

TEST_F(Immuadmin, DatabasesAndUsers) {
  LogIn();
  EXPECT_EQ(Admin({"database", "create", "mydb"}).out, "database successfully created\n");
  EXPECT_EQ(Admin({"d", "use", "mydb"}).out, "Now using mydb\n");
  EXPECT_EQ(Admin({"database", "list"}).out,
            "2 database(s)\n"
            "-  -------------  \n"
            "#  Database Name  \n"
            "-  -------------  \n"
            "1  defaultdb      \n"
            "2  *mydb          \n"
            "-  -------------  \n");
  EXPECT_EQ(Admin({"user", "create", "bob", "read", "mydb"}, "Bob1!pass\nBob1!pass\n").out,
            "Created user bob\n");
  EXPECT_EQ(Admin({"u", "permission", "grant", "bob", "admin", "mydb"}).out,
            "Permission changed successfully\n");
  EXPECT_EQ(Admin({"user", "deactivate", "bob"}).out, "User status changed successfully\n");
  const Json users = Json::parse(Admin({"user", "list", "--output=json"}).out);
  EXPECT_EQ(users[1]["user"], "immudb");
  EXPECT_EQ(users[0]["active"], false);
  EXPECT_EQ(users[0]["permissions"][0]["permission"], "admin");
}

TEST_F(Immuadmin, SetChecksBeforeItAsks) {
  EXPECT_EQ(Admin({"set", "auth", "cryptosig"}).code, 2);
  EXPECT_EQ(Admin({"set", "auth", "cryptosig"}).err,
            "unsupported cryptosig auth mode, only none and password are currently supported\n");
  EXPECT_EQ(Admin({"set", "mtls", "yes"}).err,
            "unsupported value yes, server MTLS can be set to true or false\n");
  EXPECT_EQ(Admin({"set", "tls", "true"}).err,
            "unsupported tls config item, supported config items: auth or mtls\n");
  EXPECT_EQ(Admin({"set", "mtls", "true"}).code, 5);
}

TEST_F(Immuadmin, PrintShowsTheTree) {
  LogIn();
  ASSERT_TRUE(client_->Set("a", "1").ok());
  ASSERT_TRUE(client_->Set("b", "2").ok());
  const Digest a = LeafDigest({0}, "a", "1");
  const Digest b = LeafDigest({1}, "b", "2");
  EXPECT_EQ(Admin({"print"}).out, "*: belongs to a key\nLayer 0\n" + ToHex(a) +
                                      " [0 0 0 0 0 0 0 0 0 0]*\n" + ToHex(b) +
                                      " [0 0 0 0 0 0 0 0 0 1]*\nLayer 1\n" +
                                      ToHex(NodeDigest(a, b)) + " [0 1 0 0 0 0 0 0 0 0] root\n");
  const Json nodes = Json::parse(Admin({"prt", "--output=json"}).out);
  EXPECT_EQ(nodes.size(), 3U);
  EXPECT_EQ(nodes[1]["key"], "b");
}

TEST_F(Immuadmin, HelpAndVersionNeedNoServer) {
  StopServer();
  EXPECT_THAT(Admin({}).out, HasSubstr("verify"));
  EXPECT_EQ(Admin({"help", "login"}).code, 0);
  EXPECT_THAT(Admin({"version"}).out, HasSubstr("immuadmin "));
  EXPECT_EQ(Admin({"nonsense"}).code, 2);
}

}  // namespace
}  // namespace immudb
