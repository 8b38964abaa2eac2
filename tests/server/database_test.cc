// SPDX-License-Identifier: Apache-2.0
//
// The floor below the service: names, identity, tokens, users, the data directory.
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "base/file_system.h"
#include "database/database_name.h"
#include "database/databases.h"
#include "database/password.h"
#include "database/random.h"
#include "database/server_identifier.h"
#include "database/sessions.h"
#include "database/users.h"
#include "immudb/store.h"
#include "support/temp_dir.h"

namespace immudb::testing {
namespace {

using std::chrono::seconds;

TEST(DatabaseName, LegalNamesAreShortLowerCaseLettersAndDigits) {
  for (const char* name : {"a", "defaultdb", "db1", "0", "configdb", "mysystemdb"}) {
    EXPECT_TRUE(CheckDatabaseName(name).ok()) << name;
  }
  EXPECT_TRUE(CheckDatabaseName(std::string(32, 'a')).ok());
  const auto text = [](std::string_view name) { return CheckDatabaseName(name).message(); };
  EXPECT_EQ(text("systemdb"), "this database name is reserved");
  EXPECT_EQ(text(""), "database name length outside of limits");
  EXPECT_EQ(text(std::string(33, 'a')), "database name length outside of limits");
  for (const char* name : {"a-b", "../x", "a/b", "a.b", "a_b", "*"}) {
    EXPECT_EQ(text(name), "punctuation marks and symbols are not allowed in database name");
  }
  for (const char* name : {"a b", "DB", "\xc3\xa4", "a\n"}) {
    EXPECT_EQ(text(name), "unrecognized character in database name");
  }
  EXPECT_EQ(CheckDatabaseName("a b").code(), StatusCode::kInvalidArgument);
}

TEST(ServerIdentifierFile, TextIsThatOfTheVectors) {
  const auto vectors = nlohmann::json::parse(std::ifstream(IMMUDB_TEST_VECTORS));
  for (const auto& vector : vectors["server_uuid"]) {
    const auto hex = vector["identifier_file"].get<std::string>();
    ServerIdentifier identifier{};
    for (size_t i = 0; i < identifier.size(); ++i) {
      identifier[i] = static_cast<uint8_t>(std::stoi(hex.substr(2 * i, 2), nullptr, 16));
    }
    EXPECT_EQ(ServerIdentifierText(identifier), vector["header"]);
  }
}

TEST(ServerIdentifierFile, IsMadeOnceAndKept) {
  TempDir directory;
  TempDir other;
  FileSystem& fs = FileSystem::Real();
  const auto first = LoadOrCreateServerIdentifier(fs, directory.path());
  ASSERT_TRUE(first.ok()) << first.status().ToString();
  const auto again = LoadOrCreateServerIdentifier(fs, directory.path());
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(*first, *again);
  const auto another = LoadOrCreateServerIdentifier(fs, other.path());
  ASSERT_TRUE(another.ok());
  EXPECT_NE(*first, *another);
}

class SessionsTest : public ::testing::Test {
 protected:
  static Session Of(const std::string& user) {
    Session session;
    session.user = user;
    return session;
  }
  std::chrono::steady_clock::time_point now_{seconds(1000)};
  Sessions sessions_{seconds(60), [this] { return now_; }, 3};
};

TEST_F(SessionsTest, UseDoesNotExtendTheLifetime) {
  const std::string token = sessions_.Issue(Of("u"));
  now_ += seconds(59);
  ASSERT_NE(sessions_.Find(token), nullptr);
  EXPECT_EQ(sessions_.Find(token)->user, "u");
  now_ += seconds(1);
  EXPECT_EQ(sessions_.Find(token), nullptr);
}

TEST_F(SessionsTest, TokensAreDistinctSecretText) {
  const std::string a = sessions_.Issue(Of("u"));
  const std::string b = sessions_.Issue(Of("u"));
  EXPECT_NE(a, b);
  EXPECT_EQ(a.size(), 43U);  // 32 bytes
  EXPECT_EQ(a.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
            std::string::npos);
  EXPECT_EQ(sessions_.Find(a.substr(1)), nullptr);
  EXPECT_EQ(sessions_.Find(""), nullptr);
}

TEST_F(SessionsTest, EndingOneUserLeavesTheOthers) {
  const std::string a = sessions_.Issue(Of("a"));
  const std::string b = sessions_.Issue(Of("b"));
  const std::string a2 = sessions_.Issue(Of("a"));
  sessions_.EndAllOf("a");
  EXPECT_EQ(sessions_.Find(a), nullptr);
  EXPECT_EQ(sessions_.Find(a2), nullptr);
  EXPECT_NE(sessions_.Find(b), nullptr);
}

TEST_F(SessionsTest, MemoryIsBounded) {
  const std::string oldest = sessions_.Issue(Of("u"));
  for (int i = 0; i < 3; ++i) sessions_.Issue(Of("u"));
  EXPECT_EQ(sessions_.size(), 3U);
  EXPECT_EQ(sessions_.Find(oldest), nullptr);
  now_ += seconds(61);
  const std::string fresh = sessions_.Issue(Of("u"));
  EXPECT_EQ(sessions_.size(), 1U);  // expired ones are swept
  EXPECT_NE(sessions_.Find(fresh), nullptr);
}

TEST(Password, OnlyTheRightOneMatches) {
  const auto hash = HashPassword("Secret!23");
  ASSERT_TRUE(hash.ok());
  EXPECT_EQ(hash->rfind("$argon2id$", 0), 0U);
  EXPECT_TRUE(PasswordMatches(*hash, "Secret!23"));
  EXPECT_FALSE(PasswordMatches(*hash, "secret!23"));
  EXPECT_FALSE(PasswordMatches("no hash", "Secret!23"));
  EXPECT_NE(*hash, *HashPassword("Secret!23"));
}

// Who measures the answers must not learn which names exist.
TEST(Password, UnknownUserCostsAsMuchAsAKnownOne) {
  const auto hash = HashPassword("Secret!23");
  ASSERT_TRUE(hash.ok());
  const auto time_of = [](const auto& body) {
    const auto start = std::chrono::steady_clock::now();
    body();
    return std::chrono::steady_clock::now() - start;
  };
  const auto known = time_of([&] { static_cast<void>(PasswordMatches(*hash, "wrong")); });
  const auto unknown = time_of([] { SpendTimeOfPasswordMatch("wrong"); });
  EXPECT_GT(unknown, known / 10);  // it does hash
}

class DatabasesTest : public ::testing::Test {
 protected:
  Result<std::unique_ptr<Databases>> Open() const {
    return Databases::Open({.directory = directory_.File("data"), .default_database = "defaultdb"});
  }
  TempDir directory_;
};

TEST_F(DatabasesTest, EachDatabaseHasAFolderAndTheSystemOneIsNotForUsers) {
  auto databases = Open();
  ASSERT_TRUE(databases.ok()) << databases.status().ToString();
  EXPECT_EQ((*databases)->default_database()->name(), "defaultdb");
  EXPECT_EQ((*databases)->Find("defaultdb"), (*databases)->default_database());
  EXPECT_EQ((*databases)->Find("systemdb"), nullptr);
  EXPECT_EQ((*databases)->Find("other"), nullptr);
  EXPECT_FALSE((*databases)->multiple());
  EXPECT_TRUE(std::filesystem::is_directory(directory_.File("data/defaultdb")));
  EXPECT_TRUE(std::filesystem::is_directory(directory_.File("data/systemdb")));
}

TEST_F(DatabasesTest, DirectoryBelongsToOneAtATime) {
  auto first = Open();
  ASSERT_TRUE(first.ok());
  const auto second = Open();
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.status().code(), StatusCode::kFailedPrecondition);
  EXPECT_TRUE((*first)->Close().ok());
  EXPECT_TRUE((*first)->Close().ok());
  (*first).reset();
  EXPECT_TRUE(Open().ok());
}

TEST_F(DatabasesTest, UsersSurviveAndTheirRecordsAreJson) {
  {
    auto databases = Open();
    ASSERT_TRUE(databases.ok());
    auto users = Users::Open((*databases)->system_store(), "first");
    ASSERT_TRUE(users.ok()) << users.status().ToString();
    ASSERT_TRUE((*users)
                    ->Put({.name = "u",
                           .password_hash = *HashPassword("pw"),
                           .grants = {{"db", Permission::kRead}, {"db2", Permission::kReadWrite}},
                           .active = true,
                           .created_by = "immudb",
                           .created_at = "then"})
                    .ok());
  }
  auto databases = Open();
  ASSERT_TRUE(databases.ok());
  Store& store = (*databases)->system_store();
  auto users = Users::Open(store, "second");
  ASSERT_TRUE(users.ok()) << users.status().ToString();
  EXPECT_TRUE((*users)->CheckPassword("immudb", "first").ok());
  EXPECT_FALSE((*users)->CheckPassword("immudb", "second").ok());
  const auto user = (*users)->CheckPassword("u", "pw");
  ASSERT_TRUE(user.ok()) << user.status().ToString();
  EXPECT_EQ(user->PermissionIn("db"), Permission::kRead);
  EXPECT_EQ(user->PermissionIn("db2"), Permission::kReadWrite);
  EXPECT_EQ(user->PermissionIn("db3"), Permission::kNone);
  EXPECT_EQ(user->created_by, "immudb");
  EXPECT_EQ((*users)->Find("immudb")->PermissionIn("anything"), Permission::kSystemAdmin);

  const auto record = store.Latest().Get("\x01immudb");
  ASSERT_TRUE(record.ok());
  const auto json = nlohmann::json::parse(record->value);
  EXPECT_EQ(json["username"], "immudb");
  EXPECT_EQ(json["permissions"][0]["permission"], 255);
  EXPECT_EQ(json["permissions"][0]["database"], "*");
  EXPECT_EQ(json["hashedpassword"].get<std::string>().rfind("$argon2id$", 0), 0U);
  for (const char* field : {"active", "createdBy", "createdat"}) EXPECT_TRUE(json.contains(field));
}

TEST_F(DatabasesTest, DamagedUserRecordIsAnErrorNotALogin) {
  auto databases = Open();
  ASSERT_TRUE(databases.ok());
  Store& store = (*databases)->system_store();
  Transaction transaction;
  ASSERT_TRUE(transaction.Set("\x01immudb", "{\"username\":7}").ok());
  ASSERT_TRUE(store.Commit(std::move(transaction)).ok());
  EXPECT_EQ(Users::Open(store, "immudb").status().code(), StatusCode::kDataLoss);
}

TEST(CreationTime, ReadsAsItAlwaysDid) {
  const std::chrono::system_clock::time_point time{std::chrono::nanoseconds(1598695872123456789)};
  EXPECT_EQ(CreationTimeText(time), "2020-08-29 10:11:12.123456789 +0000 UTC");
}

}  // namespace
}  // namespace immudb::testing
