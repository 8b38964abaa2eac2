// SPDX-License-Identifier: Apache-2.0
//
// Names, identity, tokens, passwords.
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "base/file_system.h"
#include "database/audit_trail.h"
#include "database/database_name.h"
#include "database/password.h"
#include "database/random.h"
#include "database/server_identifier.h"
#include "database/sessions.h"
#include "database/user_rules.h"
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

class IdentityTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto store = Store::Open(directory_.File("systemdb"), {});
    ASSERT_TRUE(store.ok()) << store.status().ToString();
    store_ = *std::move(store);
    audit_ = std::make_unique<AuditTrail>(*store_, [] { return std::chrono::system_clock::now(); });
  }
  Result<ServerIdentifier> OpenIt(bool may_be_new) {
    return OpenServerIdentifier(FileSystem::Real(), directory_.path(), *store_, *audit_,
                                may_be_new);
  }
  void Write(const std::string& bytes) {
    std::ofstream(directory_.File(kServerIdentifierFile), std::ios::binary) << bytes;
  }
  std::string Audit() const {
    std::string all;
    EXPECT_TRUE(AuditTrail::Read(*store_, [&](const std::string& record) {
                  all += record;
                  return true;
                }).ok());
    return all;
  }

  TempDir directory_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<AuditTrail> audit_;
};

TEST_F(IdentityTest, IsMadeOnceAndKept) {
  const auto first = OpenIt(true);
  ASSERT_TRUE(first.ok()) << first.status().ToString();
  for (const bool may_be_new : {true, false}) {
    const auto again = OpenIt(may_be_new);
    ASSERT_TRUE(again.ok()) << again.status().ToString();
    EXPECT_EQ(*first, *again);
  }
  EXPECT_EQ(Audit(), "");
  TempDir other;
  const auto another = MakeServerIdentifier(FileSystem::Real(), other.path());
  ASSERT_TRUE(another.ok());
  EXPECT_NE(*first, *another);
}

// Clients would drop the roots that they trust.
TEST_F(IdentityTest, AFileThatIsLostIsWrittenAnew) {
  const auto first = OpenIt(true);
  ASSERT_TRUE(first.ok());
  for (const size_t bytes : {0, 6, 12, 13}) {
    Write(std::string(bytes, '\0'));
    const auto repaired = OpenIt(false);
    ASSERT_TRUE(repaired.ok()) << repaired.status().ToString();
    EXPECT_EQ(*first, *repaired) << bytes;
    EXPECT_EQ(*first, *ReadServerIdentifier(FileSystem::Real(), directory_.path()));
  }
  std::filesystem::remove(directory_.File(kServerIdentifierFile));
  EXPECT_EQ(*first, *OpenIt(true));
  EXPECT_NE(Audit().find("repair the server identity"), std::string::npos);
}

// Data of before there was a copy.
TEST_F(IdentityTest, WithoutFileAndCopyItIsOnlyMadeWithConsent) {
  Write("half");
  const Status refused = OpenIt(false).status();
  EXPECT_EQ(refused.code(), StatusCode::kFailedPrecondition);
  for (const char* part : {kServerIdentifierFile, "4 bytes", "backup", "--maintenance"}) {
    EXPECT_NE(refused.message().find(part), std::string::npos) << refused.message();
  }
  std::filesystem::remove(directory_.File(kServerIdentifierFile));
  EXPECT_EQ(OpenIt(false).status().code(), StatusCode::kFailedPrecondition);
  const auto made = OpenIt(true);
  ASSERT_TRUE(made.ok());
  EXPECT_EQ(*made, *OpenIt(false));
}

TEST_F(IdentityTest, TheOneThatARestoreBringsIsBelievedAndRecorded) {
  ASSERT_TRUE(OpenIt(true).ok());
  Write("twelve bytes");
  const auto brought = OpenIt(false);
  ASSERT_TRUE(brought.ok());
  EXPECT_EQ(std::string(brought->begin(), brought->end()), "twelve bytes");
  std::filesystem::remove(directory_.File(kServerIdentifierFile));
  EXPECT_EQ(*brought, *OpenIt(false));
  EXPECT_NE(Audit().find("change the server identity"), std::string::npos);
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

// Somebody who logs in without end pushes out only the own tokens.
TEST(SessionsOfOneUser, AreBounded) {
  Sessions sessions(
      seconds(60), [] { return std::chrono::steady_clock::time_point{}; }, 32);
  const auto issue = [&](const std::string& user) {
    Session session;
    session.user = user;
    return sessions.Issue(std::move(session));
  };
  const std::string other = issue("other");
  const std::string first = issue("greedy");
  const std::string second = issue("greedy");
  for (int i = 0; i < 15; ++i) issue("greedy");
  EXPECT_EQ(sessions.Find(first), nullptr);
  EXPECT_NE(sessions.Find(second), nullptr);
  EXPECT_NE(sessions.Find(other), nullptr);
  sessions.EndAllOf("greedy");
  EXPECT_EQ(sessions.size(), 1U);
}

TEST(UserRules, PasswordsNeedLengthAndKindsOfCharacters) {
  for (const char* good : {"Secret!23", "A1!aaaaa", "\\Abcdef1", "P\xc3\xa4ssword1!"}) {
    EXPECT_TRUE(CheckNewPassword(good).ok()) << good;
  }
  for (const char* bad : {"", "Ab1!", "secret!23", "Secret!!!", "Secret123", "Sec ret!23",
                          "Abcdefgh1!Abcdefgh1!Abcdefgh1!Abc"}) {
    EXPECT_EQ(CheckNewPassword(bad).code(), StatusCode::kInvalidArgument) << bad;
  }
}

TEST(UserRules, NamesAreLettersDigitsAndUnderscores) {
  EXPECT_TRUE(CheckUserName("aZ_09").ok());
  for (const char* bad : {"", "a b", "a-b", "\xc3\xa4", "a\n"}) {
    EXPECT_EQ(CheckUserName(bad).message(),
              "username can only contain letters, digits and underscores");
  }
  EXPECT_FALSE(CheckUserName(std::string(257, 'a')).ok());
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

TEST(CreationTime, ReadsAsItAlwaysDid) {
  const std::chrono::system_clock::time_point time{std::chrono::nanoseconds(1598695872123456789)};
  EXPECT_EQ(CreationTimeText(time), "2020-08-29 10:11:12.123456789 +0000 UTC");
}

}  // namespace
}  // namespace immudb::testing
