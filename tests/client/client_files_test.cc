// SPDX-License-Identifier: Apache-2.0
//
// What a client keeps on disk: the token file, the trusted roots, and the form of structured
// values.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "client/client_test_util.h"
#include "client/root_store.h"
#include "client/token_store.h"
#include "immudb/client.h"

namespace immudb {
namespace {

using testing::HasSubstr;

const nlohmann::json& Vectors() {
  static const auto vectors = nlohmann::json::parse(std::ifstream(IMMUDB_TEST_VECTORS));
  return vectors;
}

TEST(StructuredValue, HasTheBytesOfTheOriginal) {
  for (const auto& vector : Vectors()["structured_values"]) {
    const StructuredValue value{std::stoull(vector["timestamp"].get<std::string>()),
                                FromHex(vector["payload"])};
    const std::string bytes = FromHex(vector["serialised"]);
    EXPECT_EQ(EncodeStructured(value), bytes);
    const auto decoded = DecodeStructured(bytes);
    ASSERT_TRUE(decoded.ok());
    EXPECT_EQ(decoded->timestamp, value.timestamp);
    EXPECT_EQ(decoded->payload, value.payload);
  }
  EXPECT_FALSE(DecodeStructured("plain text").ok());
}

TEST(TokenFile, HasTheBytesOfTheOriginal) {
  const TemporaryDirectory directory;
  for (const auto& vector : Vectors()["client_files"]["token_file"]) {
    const TokenStore store(directory / "token");
    const SavedSession session{vector["database"], vector["token"]};
    ASSERT_TRUE(store.Save(session).ok());
    EXPECT_EQ(FileContent(directory / "token"), FromHex(vector["content"]));
    const auto loaded = store.Load();
    ASSERT_TRUE(loaded.ok() && *loaded);
    EXPECT_EQ((*loaded)->database, session.database);
    EXPECT_EQ((*loaded)->token, session.token);
  }
}

// A token is as good as the password for an hour.
TEST(TokenFile, OnlyItsOwnerCanReadIt) {
  const TemporaryDirectory directory;
  const TokenStore store(directory / "token");
  WriteFile(directory / "token", "left by another program, readable by all");
  ASSERT_TRUE(store.Save({"db", "secret"}).ok());
  struct stat info {};
  ASSERT_EQ(::stat((directory / "token").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
  int files = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(directory.path())) {
    ++files;
  }
  EXPECT_EQ(files, 1);  // no temporary file stays
}

TEST(TokenFile, BareNamesStandInTheHomeDirectory) {
  EXPECT_EQ(TokenStore("token", "/home/me").path(), "/home/me/token");
  EXPECT_EQ(TokenStore("./token", "/home/me").path(), "./token");
  EXPECT_EQ(TokenStore("/t/token", "/home/me").path(), "/t/token");
  EXPECT_EQ(TokenStore("token", "").path(), "token");
}

TEST(TokenFile, AbsenceIsNoErrorButDamageIs) {
  const TemporaryDirectory directory;
  const TokenStore store(directory / "token");
  EXPECT_TRUE(store.Load().ok() && !*store.Load());
  EXPECT_FALSE(*store.Remove());
  for (const std::string& content :
       {std::string("12345678"), std::string("\0\0\0\0\0\0\0\xffxy", 10)}) {
    WriteFile(directory / "token", content);
    EXPECT_THAT(store.Load().status().message(), HasSubstr("token content not present"));
  }
  WriteFile(directory / "token", "v2.public.abcdefgh");
  EXPECT_THAT(store.Load().status().message(), HasSubstr("old token format"));
  EXPECT_TRUE(*store.Remove());
}

class RootFile : public testing::Test {
 protected:
  RootStore Store() const { return {FileSystem::Real(), directory_.path(), "u1"}; }
  std::string path() const { return directory_ / ".root-u1"; }
  static void Save(const RootStore& store, const std::string& database, const TreeRoot& root) {
    const auto lock = store.Acquire();
    ASSERT_TRUE(lock.ok()) << lock.status().ToString();
    ASSERT_TRUE(lock->Save(database, root).ok());
  }
  TemporaryDirectory directory_;
};

TEST_F(RootFile, HasTheLinesOfTheOriginal) {
  for (const auto& vector : Vectors()["client_files"]["root_message"]) {
    const std::string base64 = vector["base64"];
    WriteFile(path(), "\n\ndb:" + base64 + "\n\n");
    const auto loaded = Store().Load("db");
    ASSERT_TRUE(loaded.ok()) << loaded.status().ToString();
    ASSERT_EQ(loaded->has_value(), !base64.empty());
    if (!*loaded) continue;
    EXPECT_EQ((*loaded)->index.value, vector["index"].get<uint64_t>());
    std::filesystem::remove(path());
    Save(Store(), "db", **loaded);
    EXPECT_EQ(FileContent(path()), "db:" + base64 + "\n");
  }
}

// "db" must not get the root of "mydb": that would be reported as tampering.
TEST_F(RootFile, DatabasesAreMatchedExactly) {
  const TreeRoot root{{7}, DigestOf(1)};
  const TreeRoot other{{8}, DigestOf(2)};
  Save(Store(), "mydb", root);
  EXPECT_FALSE(*Store().Load("db"));
  EXPECT_FALSE(*Store().Load(""));
  Save(Store(), "db", other);
  Save(Store(), "", other);
  EXPECT_EQ(*Store().Load("mydb"), root);
  EXPECT_EQ(*Store().Load("db"), other);
}

TEST_F(RootFile, DamageIsNotTakenForAFirstContact) {
  for (const char* line : {"db:@@@", "db:AAAA", "no colon", "db:EiA="}) {
    WriteFile(path(), std::string(line) + "\n");
    EXPECT_EQ(Store().Load("db").status().code(), StatusCode::kIoError) << line;
    EXPECT_THAT(Store().Load("db").status().message(), HasSubstr(path()));
    EXPECT_FALSE(Store().Acquire()->Save("db", {{1}, DigestOf(1)}).ok());
    EXPECT_EQ(FileContent(path()), std::string(line) + "\n");
  }
}

TEST_F(RootFile, TheDirectoryIsMadeWhenNeeded) {
  const RootStore store(FileSystem::Real(), directory_ / "a/b", "u1");
  EXPECT_FALSE(*store.Load("db"));
  Save(store, "db", {{1}, DigestOf(1)});
  EXPECT_TRUE(*store.Load("db"));
}

TEST_F(RootFile, OnlyPlainUuidsBecomeFileNames) {
  EXPECT_TRUE(RootStore::IsSafeUuid("9m4e2mr0ui3e8a215n4g"));
  EXPECT_TRUE(RootStore::IsSafeUuid(""));
  for (const char* uuid : {"../x", "a/b", "a b", ".", "a\n"})
    EXPECT_FALSE(RootStore::IsSafeUuid(uuid));
  EXPECT_FALSE(RootStore::IsSafeUuid(std::string(65, 'a')));
}

// Counts `rounds` up in the index of a database, as verified calls do: load and save under the
// lock.
bool CountUp(const RootStore& store, const std::string& database, int rounds) {
  for (int i = 0; i < rounds; ++i) {
    const auto lock = store.Acquire();
    if (!lock.ok()) return false;
    const auto root = lock->Load(database);
    if (!root.ok()) return false;
    const uint64_t next = *root ? (*root)->index.value + 1 : 1;
    if (!lock->Save(database, {{next}, DigestOf(static_cast<uint8_t>(next))}).ok()) return false;
  }
  return true;
}

// A lost update would be a trusted root that goes backwards, or another database's that vanishes.
TEST_F(RootFile, NoUpdateIsLostAmongThreadsAndProcesses) {
  constexpr int kRounds = 20;
  std::vector<pid_t> children;
  for (int child = 0; child < 3; ++child) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      const bool done = CountUp(Store(), "shared", kRounds) &&
                        CountUp(Store(), "own" + std::to_string(child), kRounds);
      ::_exit(done ? 0 : 1);
    }
    children.push_back(pid);
  }
  std::vector<std::thread> threads;
  threads.reserve(3);
  std::atomic<int> failures = 0;
  for (int thread = 0; thread < 3; ++thread) {
    threads.emplace_back([&] {
      if (!CountUp(Store(), "shared", kRounds)) ++failures;
    });
  }
  for (auto& thread : threads) thread.join();
  for (const pid_t pid : children) {
    int status = 0;
    ASSERT_EQ(::waitpid(pid, &status, 0), pid);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  }
  EXPECT_EQ(failures, 0);
  EXPECT_EQ((**Store().Load("shared")).index.value, 6U * kRounds);
  for (int child = 0; child < 3; ++child) {
    EXPECT_EQ((**Store().Load("own" + std::to_string(child))).index.value, uint64_t{kRounds});
  }
}

}  // namespace
}  // namespace immudb
