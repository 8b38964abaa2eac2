// SPDX-License-Identifier: Apache-2.0
//
// Users as records of the system database, and the audit trail beside them.
#include "database/users.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "database/audit_trail.h"
#include "database/password.h"
#include "immudb/store.h"
#include "support/temp_dir.h"

namespace immudb::testing {
namespace {

using nlohmann::json;

class UsersTest : public ::testing::Test {
 protected:
  void SetUp() override { OpenAll("first"); }

  void OpenAll(const std::string& admin_password) {
    users_.reset();
    trail_.reset();
    store_.reset();
    auto store = Store::Open(directory_.File("systemdb"));
    ASSERT_TRUE(store.ok()) << store.status().ToString();
    store_ = *std::move(store);
    trail_ = std::make_unique<AuditTrail>(*store_, [] {
      return std::chrono::system_clock::time_point{std::chrono::microseconds(1598695872123456)};
    });
    auto users = Users::Open(*store_, *trail_, admin_password);
    ASSERT_TRUE(users.ok()) << users.status().ToString();
    users_ = *std::move(users);
  }
  static User Named(const std::string& name) {
    User user;
    user.name = name;
    user.password_hash = *PasswordHasher().Hash("pw");
    user.Grant("db", Permission::kRead);
    user.created_by = "immudb";
    user.created_at = "then";
    return user;
  }
  std::vector<json> Trail() const {
    std::vector<json> records;
    const Status read = AuditTrail::Read(*store_, [&](const std::string& text) {
      records.push_back(json::parse(text));
      return true;
    });
    EXPECT_TRUE(read.ok()) << read.ToString();
    return records;
  }

  TempDir directory_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<AuditTrail> trail_;
  std::unique_ptr<Users> users_;
};

TEST_F(UsersTest, SurviveARestartAndTheirRecordsAreJson) {
  User user = Named("u");
  user.Grant("db2", Permission::kReadWrite);
  ASSERT_TRUE(users_->Create(user, {.user = "immudb", .act = "create user"}).ok());
  OpenAll("second");
  EXPECT_TRUE(users_->CheckPassword("immudb", "first").ok());
  EXPECT_FALSE(users_->CheckPassword("immudb", "second").ok());
  const auto found = users_->CheckPassword("u", "pw");
  ASSERT_TRUE(found.ok()) << found.status().ToString();
  EXPECT_EQ(found->PermissionIn("db"), Permission::kRead);
  EXPECT_EQ(found->PermissionIn("db2"), Permission::kReadWrite);
  EXPECT_EQ(found->PermissionIn("db3"), Permission::kNone);
  EXPECT_EQ(found->created_by, "immudb");
  EXPECT_EQ(users_->Find("immudb")->PermissionIn("anything"), Permission::kSystemAdmin);

  const auto record = store_->Latest().Get("\x01immudb");
  ASSERT_TRUE(record.ok());
  const auto object = json::parse(record->value);
  EXPECT_EQ(object["username"], "immudb");
  EXPECT_EQ(object["permissions"][0]["permission"], 255);
  EXPECT_EQ(object["permissions"][0]["database"], "*");
  EXPECT_EQ(object["hashedpassword"].get<std::string>().rfind("$argon2id$", 0), 0U);
  for (const char* field : {"active", "createdBy", "createdat"}) {
    EXPECT_TRUE(object.contains(field)) << field;
  }
}

TEST_F(UsersTest, DamagedRecordIsAnErrorNotALogin) {
  Transaction transaction;
  ASSERT_TRUE(transaction.Set("\x01immudb", "{\"username\":7}").ok());
  ASSERT_TRUE(store_->Commit(std::move(transaction)).ok());
  EXPECT_EQ(Users::Open(*store_, *trail_, "immudb").status().code(), StatusCode::kDataLoss);
  EXPECT_EQ(users_->CheckPassword("immudb", "first").status().code(), StatusCode::kDataLoss);
}

// Each state that a user ever had can be proven later.
TEST_F(UsersTest, ChangesAreVersions) {
  ASSERT_TRUE(users_->Create(Named("u"), {}).ok());
  bool ended = false;
  const auto deactivate = [](User& user) {
    user.active = false;
    return Status::Ok();
  };
  ASSERT_TRUE(users_->Change("u", {.act = "deactivate"}, deactivate, [&] { ended = true; }).ok());
  EXPECT_TRUE(ended);
  EXPECT_FALSE(users_->Find("u")->active);
  // What changes nothing is no version, and ends no sessions.
  ASSERT_TRUE(users_->Change("u", {.act = "deactivate"}, deactivate, [] { FAIL(); }).ok());
  const auto history = store_->Latest().History("\x01u");
  ASSERT_TRUE(history.ok());
  ASSERT_EQ(history->size(), 2U);
  EXPECT_EQ(json::parse((*history)[1].value)["active"], true);
}

TEST_F(UsersTest, RefusedChangeLeavesNothing) {
  ASSERT_TRUE(users_->Create(Named("u"), {}).ok());
  const TreeSize before = store_->Latest().size();
  const Status refused = users_->Change(
      "u", {.act = "grant"}, [](User&) { return Status::InvalidArgument("no"); },
      [] { FAIL() << "sessions ended for nothing"; });
  EXPECT_EQ(refused.message(), "no");
  EXPECT_EQ(users_->Change("nobody", {}, nullptr, nullptr).message(), "user nobody not found");
  EXPECT_EQ(users_->Create(Named("u"), {}).code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(store_->Latest().size(), before);
}

// A login that raced a revocation must not end with a token of the old rights.
TEST_F(UsersTest, SessionsAreNotGivenForAnOldRecord) {
  ASSERT_TRUE(users_->Create(Named("u"), {}).ok());
  const auto old = users_->Find("u");
  ASSERT_TRUE(old.ok());
  std::vector<Permission> given;
  const auto give = [&](const User& user) {
    given.push_back(user.PermissionIn("db"));
    return Status::Ok();
  };
  EXPECT_TRUE(users_->WhileCurrent(*old, give).ok());
  const auto change = [&](const std::function<void(User&)>& change) {
    const auto apply = [&](User& user) {
      change(user);
      return Status::Ok();
    };
    ASSERT_TRUE(users_->Change("u", {}, apply, [] {}).ok());
  };
  change([](User& user) { user.Revoke("db"); });
  EXPECT_TRUE(users_->WhileCurrent(*old, give).ok());
  EXPECT_EQ(given, (std::vector{Permission::kRead, Permission::kNone}));
  change([](User& user) { user.active = false; });
  EXPECT_EQ(users_->WhileCurrent(*old, give).code(), StatusCode::kUnauthenticated);
  change([](User& user) { user.active = true; });
  EXPECT_TRUE(users_->WhileCurrent(*old, give).ok());
  change([](User& user) { user.password_hash = "another"; });
  EXPECT_EQ(users_->WhileCurrent(*old, give).code(), StatusCode::kUnauthenticated);
  EXPECT_EQ(given.size(), 3U);
}

// No user has such a name: neither the time of a hash nor a copy is spent on it.
TEST_F(UsersTest, WhatIsTooLongIsNoCredential) {
  EXPECT_EQ(users_->CheckPassword(std::string(257, 'a'), "x").status().message(),
            "invalid user name or password");
  EXPECT_EQ(users_->CheckPassword("immudb", std::string(1025, 'a')).status().message(),
            "invalid user name or password");
}

// A right password must not look wrong because the machine has no memory for the moment.
TEST(UsersWithoutMemory, PasswordsAreNeitherRightNorWrong) {
  class Failing final : public PasswordHasher {
   public:
    explicit Failing(const bool& fails) : fails_(fails) {}
    Result<bool> Matches(const std::string& hash, std::string_view password) override {
      if (fails_) return Status::ResourceExhausted("no memory");
      return PasswordHasher::Matches(hash, password);
    }

   private:
    const bool& fails_;
  };
  TempDir directory;
  const auto store = Store::Open(directory.File("systemdb"));
  ASSERT_TRUE(store.ok());
  AuditTrail trail(**store, [] { return std::chrono::system_clock::now(); });
  bool fails = true;
  const auto users = Users::Open(**store, trail, "first", std::make_unique<Failing>(fails));
  ASSERT_TRUE(users.ok()) << users.status().ToString();
  for (const char* name : {"immudb", "nobody"}) {
    EXPECT_EQ((*users)->CheckPassword(name, "first").status(),
              Status::ResourceExhausted("no memory"));
  }
  fails = false;
  EXPECT_TRUE((*users)->CheckPassword("immudb", "first").ok());
}

TEST_F(UsersTest, AreVisitedByName) {
  User user = Named("u");  // once: it costs a tenth of a second
  for (int i = 0; i < 300; ++i) {
    user.name = "u" + std::to_string(1000 + i);
    ASSERT_TRUE(users_->Create(user, {}).ok());
  }
  std::vector<std::string> names;
  ASSERT_TRUE(users_
                  ->Visit([&](const User& user) {
                    names.push_back(user.name);
                    return true;
                  })
                  .ok());
  ASSERT_EQ(names.size(), 301U);
  EXPECT_EQ(names.front(), "immudb");
  EXPECT_EQ(names.back(), "u1299");
  EXPECT_TRUE(std::is_sorted(names.begin(), names.end()));
}

TEST_F(UsersTest, ActsAreRecordedWithWhatTheyDid) {
  ASSERT_TRUE(users_
                  ->Create(Named("u"), {.user = "immudb",
                                        .peer = "127.0.0.1",
                                        .act = "create user",
                                        .target = "u",
                                        .detail = "read on db"})
                  .ok());
  trail_->RecordSoon({.peer = "::1", .act = "failed login", .target = "\xff\"\n"});
  ASSERT_TRUE(trail_->Record({.user = "immudb", .act = "last"}).ok());
  const auto records = Trail();
  ASSERT_EQ(records.size(), 4U);
  EXPECT_EQ(records[0]["act"], "create user");
  EXPECT_EQ(records[0]["target"], "immudb");
  EXPECT_EQ(records[1], json({{"time", "2020-08-29T10:11:12.123456Z"},
                              {"user", "immudb"},
                              {"peer", "127.0.0.1"},
                              {"act", "create user"},
                              {"target", "u"},
                              {"detail", "read on db"}}));
  EXPECT_EQ(records[2]["target"], "\xef\xbf\xbd\"\n");
  EXPECT_FALSE(records[2].contains("user"));
  EXPECT_EQ(records[3]["act"], "last");
}

}  // namespace
}  // namespace immudb::testing
