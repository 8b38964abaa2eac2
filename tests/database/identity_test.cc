// SPDX-License-Identifier: Apache-2.0
//
// Names, identity, tokens, passwords.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "base/file_system.h"
#include "database/audit_trail.h"
#include "database/database.h"
#include "database/database_name.h"
#include "database/password.h"
#include "database/random.h"
#include "database/server_identifier.h"
#include "database/sessions.h"
#include "database/user_rules.h"
#include "database/users.h"
#include "immudb/store.h"
#include "support/process_memory.h"
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

TEST_F(SessionsTest, EndingThoseOfOneDatabaseLeavesTheOthers) {
  const auto clock = [this] { return now_; };
  Sessions sessions(seconds(60), clock);
  const auto issue = [&](const std::string& user, const char* database) {
    Session session = Of(user);
    if (database != nullptr) session.database = std::make_shared<Database>(database, clock);
    return sessions.Issue(std::move(session));
  };
  const std::string here = issue("u", "a");
  const std::string there = issue("u", "b");
  const std::string nowhere = issue("u", nullptr);
  const std::string other = issue("v", "a");
  sessions.EndOn("u", "a");
  sessions.EndOn("nobody", "a");
  EXPECT_EQ(sessions.Find(here), nullptr);
  EXPECT_NE(sessions.Find(there), nullptr);
  EXPECT_NE(sessions.Find(nowhere), nullptr);
  EXPECT_NE(sessions.Find(other), nullptr);
  sessions.EndAllOf("u");
  EXPECT_EQ(sessions.size(), 1U);
}

// Several accounts that fill the table push out only each other.
TEST(SessionsOfMany, RoomIsMadeByWhoHoldsMost) {
  Sessions sessions(
      seconds(60), [] { return std::chrono::steady_clock::time_point{}; }, 64);
  const auto issue = [&](const std::string& user) {
    Session session;
    session.user = user;
    return sessions.Issue(std::move(session));
  };
  const std::string admin = issue("immudb");
  for (int i = 0; i < 100; ++i) {
    for (const char* user : {"a", "b", "c", "d", "e"}) issue(user);
  }
  EXPECT_EQ(sessions.size(), 64U);
  EXPECT_NE(sessions.Find(admin), nullptr);
  const std::string newcomer = issue("newcomer");
  EXPECT_NE(sessions.Find(newcomer), nullptr);
  EXPECT_NE(sessions.Find(admin), nullptr);
}

// UseDatabase gives a token each time. The token of the login itself stays: others come from it.
TEST(SessionsOfOneLogin, AreBounded) {
  Sessions sessions(seconds(60), [] { return std::chrono::steady_clock::time_point{}; });
  Session session;
  session.user = "u";
  const std::string elsewhere = sessions.Issue(session);
  const std::string login = sessions.Issue(session);
  session.login = sessions.Find(login)->login;
  EXPECT_NE(session.login, sessions.Find(elsewhere)->login);
  const std::string first = sessions.Issue(session);
  const std::string second = sessions.Issue(session);
  for (size_t i = 0; i + 2 < Sessions::kMaxOfLogin; ++i) sessions.Issue(session);
  EXPECT_EQ(sessions.size(), Sessions::kMaxOfLogin + 1);
  EXPECT_EQ(sessions.Find(first), nullptr);
  EXPECT_NE(sessions.Find(second), nullptr);
  EXPECT_NE(sessions.Find(login), nullptr);
  EXPECT_NE(sessions.Find(elsewhere), nullptr);
}

TEST(Password, OnlyTheRightOneMatches) {
  PasswordHasher passwords;
  const auto hash = passwords.Hash("Secret!23");
  ASSERT_TRUE(hash.ok());
  EXPECT_EQ(hash->rfind("$argon2id$", 0), 0U);
  const auto matches = [&](const std::string& text, std::string_view password) {
    const auto result = passwords.Matches(text, password);
    EXPECT_TRUE(result.ok()) << result.status().ToString();
    return result.ok() && *result;
  };
  EXPECT_TRUE(matches(*hash, "Secret!23"));
  EXPECT_FALSE(matches(*hash, "secret!23"));
  EXPECT_FALSE(matches(*hash, ""));
  EXPECT_FALSE(matches(hash->substr(0, hash->size() - 1), "Secret!23"));
  EXPECT_FALSE(matches(*hash + "A", "Secret!23"));
  EXPECT_FALSE(
      matches("$argon2id$v=19$m=4294967295,t=2,p=1$KQijfpC681ODe8OYfBWi9g$"
              "CRG6qXGdKps9h2JgDnr3IeM/lOCx/X+drce0d5v2Y5g",
              "Secret!23"));
  for (const char* malformed :
       {"no hash", "", "$argon2id$", "$argon2id$v=19$m=65536,t=2,p=1$KQij"}) {
    EXPECT_FALSE(matches(malformed, "Secret!23")) << malformed;
  }
  EXPECT_NE(*hash, *passwords.Hash("Secret!23"));
}

// Who measures the answers must not learn which names exist.
TEST(Password, UnknownUserCostsAsMuchAsAKnownOne) {
  PasswordHasher passwords;
  const auto hash = passwords.Hash("Secret!23");
  ASSERT_TRUE(hash.ok());
  const auto time_of = [](const auto& body) {
    const auto start = std::chrono::steady_clock::now();
    body();
    return std::chrono::steady_clock::now() - start;
  };
  const auto known = time_of([&] { static_cast<void>(passwords.Matches(*hash, "wrong")); });
  const auto unknown = time_of([&] { static_cast<void>(passwords.SpendTimeOfMatch("wrong")); });
  EXPECT_GT(unknown, known / 10);  // it does hash
}

// What another process does with the memory of the machine is not the fault of who logs in.
TEST(PasswordDeathTest, WithoutMemoryNothingIsSaidOfThePassword) {
  if (!kMemoryIsReal) GTEST_SKIP() << "a sanitizer needs address space of its own";
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto check = [] {
    PasswordHasher passwords;
    const auto hash = passwords.Hash("Secret!23");
    const rlimit none{1, RLIM_INFINITY};
    if (!hash.ok() || ::setrlimit(RLIMIT_AS, &none) != 0) std::_Exit(1);
    const auto matches = passwords.Matches(*hash, "Secret!23");
    const bool refused = matches.status().code() == StatusCode::kResourceExhausted &&
                         passwords.SpendTimeOfMatch("x").code() == StatusCode::kResourceExhausted &&
                         passwords.Hash("x").status().code() == StatusCode::kResourceExhausted;
    std::_Exit(refused ? 0 : 2);
  };
  EXPECT_EXIT(check(), ::testing::ExitedWithCode(0), "");
}

// Other parts of the process have taken all address space that was left.
TEST(PasswordDeathTest, TheReservedSpaceIsEnoughForARun) {
  if (!kMemoryIsReal) GTEST_SKIP() << "a sanitizer needs address space of its own";
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto check = [] {
    PasswordHasher passwords;
    const auto hash = passwords.Hash("Secret!23");
    long pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    const auto used = static_cast<rlim_t>(pages) * static_cast<rlim_t>(::sysconf(_SC_PAGESIZE));
    const rlimit all_used{used, RLIM_INFINITY};
    if (!hash.ok() || ::setrlimit(RLIMIT_AS, &all_used) != 0) std::_Exit(1);
    for (int i = 0; i < 2; ++i) {
      const auto matches = passwords.Matches(*hash, "Secret!23");
      if (!matches.ok() || !*matches) std::_Exit(2);
    }
    std::_Exit(0);
  };
  EXPECT_EXIT(check(), ::testing::ExitedWithCode(0), "");
}

TEST(CreationTime, ReadsAsItAlwaysDid) {
  const std::chrono::system_clock::time_point time{std::chrono::nanoseconds(1598695872123456789)};
  EXPECT_EQ(CreationTimeText(time), "2020-08-29 10:11:12.123456789 +0000 UTC");
}

}  // namespace
}  // namespace immudb::testing
