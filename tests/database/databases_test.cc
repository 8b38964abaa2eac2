// SPDX-License-Identifier: Apache-2.0
//
// The data directory: many databases, few of them open.
#include "database/databases.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "database/audit_trail.h"
#include "support/gate_file_system.h"
#include "support/temp_dir.h"

namespace immudb::testing {
namespace {

class DatabasesTest : public ::testing::Test {
 protected:
  void Open() {
    databases_.reset();
    auto opened = Databases::Open(options_);
    ASSERT_TRUE(opened.ok()) << opened.status().ToString();
    databases_ = *std::move(opened);
  }
  void Create(const std::string& name) {
    const Status made = databases_->Create(name, {.user = "immudb", .act = "create database"});
    ASSERT_TRUE(made.ok()) << made.ToString();
  }
  Status Write(const std::string& name, const std::string& key) {
    auto store = databases_->OpenStore(*databases_->Find(name));
    if (!store.ok()) return store.status();
    Transaction transaction;
    const Status set = transaction.Set(key, "v");
    return set.ok() ? (*store)->Commit(std::move(transaction)).status() : set;
  }
  bool Has(const std::string& name, const std::string& key) {
    const auto store = databases_->OpenStore(*databases_->Find(name));
    return store.ok() && (*store)->Latest().Get(key).ok();
  }
  bool IsOpen(const std::string& name) { return databases_->Find(name)->LastUse().has_value(); }
  std::string Path(const std::string& name) { return options_.directory + "/" + name; }

  TempDir directory_;
  DatabasesOptions options_{.directory = directory_.File("data"), .default_database = "defaultdb"};
  std::unique_ptr<Databases> databases_;
};

std::string Numbered(int number) {
  std::string name("db");
  return name += std::to_string(number);
}

bool Eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return true;
}

TEST_F(DatabasesTest, EachDatabaseHasAFolderAndTheSystemOneIsNotForUsers) {
  Open();
  EXPECT_EQ(databases_->default_database()->name(), "defaultdb");
  EXPECT_EQ(databases_->Find("defaultdb"), databases_->default_database());
  EXPECT_EQ(databases_->Find("systemdb"), nullptr);
  EXPECT_EQ(databases_->Find("other"), nullptr);
  EXPECT_FALSE(databases_->multiple());
  EXPECT_TRUE(std::filesystem::is_directory(Path("defaultdb")));
  EXPECT_TRUE(std::filesystem::is_directory(Path("systemdb")));
}

TEST_F(DatabasesTest, DirectoryBelongsToOneAtATime) {
  Open();
  const auto second = Databases::Open(options_);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.status().code(), StatusCode::kFailedPrecondition);
  EXPECT_TRUE(databases_->Close().ok());
  EXPECT_TRUE(databases_->Close().ok());
  Open();
}

TEST_F(DatabasesTest, CreatedOnesAreThereAfterARestartInTheirOrder) {
  Open();
  for (const char* name : {"zeta", "alpha", "myconfig", "mysystemdb"}) Create(name);
  ASSERT_TRUE(Write("zeta", "k").ok());
  EXPECT_EQ(databases_->Create("zeta", {}).message(), "database zeta already exists");
  EXPECT_EQ(databases_->Create("a-b", {}).code(), StatusCode::kInvalidArgument);
  Open();
  EXPECT_EQ(databases_->Names(),
            (std::vector<std::string>{"defaultdb", "zeta", "alpha", "myconfig", "mysystemdb"}));
  EXPECT_TRUE(databases_->multiple());
  EXPECT_FALSE(IsOpen("zeta"));
  EXPECT_TRUE(Has("zeta", "k"));
  EXPECT_TRUE(IsOpen("zeta"));
}

// A crash may come before the folder has its name.
TEST_F(DatabasesTest, WhatIsLeftOfACreationIsRemoved) {
  const std::string unfinished = Path(".creating");
  std::filesystem::create_directories(unfinished + "/log");
  Open();
  EXPECT_FALSE(std::filesystem::exists(unfinished));
  std::filesystem::create_directories(unfinished + "/log/of another");
  Create("a");
  EXPECT_TRUE(Write("a", "k").ok());
  EXPECT_FALSE(std::filesystem::exists(unfinished));
  EXPECT_EQ(databases_->Names(), (std::vector<std::string>{"defaultdb", "a"}));
}

// It may also come before a store is made in it.
TEST_F(DatabasesTest, AFolderWithAnEmptyLogIsAnEmptyDatabase) {
  Open();
  databases_.reset();
  std::filesystem::create_directories(Path("a") + "/log");
  Open();
  EXPECT_EQ(databases_->Create("a", {}).code(), StatusCode::kAlreadyExists);
  EXPECT_TRUE(Write("a", "k").ok());
  EXPECT_TRUE(Has("a", "k"));
}

TEST_F(DatabasesTest, ACreationThatFailsLeavesNothing) {
  options_.max_open = 1;
  options_.slot_wait = {};
  Open();
  Create("a");
  auto held = databases_->OpenStore(*databases_->Find("a"));
  ASSERT_TRUE(held.ok());
  EXPECT_EQ(databases_->Create("b", {}).code(), StatusCode::kResourceExhausted);
  EXPECT_FALSE(std::filesystem::exists(Path("b")));
  held = Status::Unavailable("given back");
  Create("b");
  EXPECT_TRUE(Write("b", "k").ok());
}

// What the process lacks for a moment keeps no database closed for longer, and no name taken.
TEST_F(DatabasesTest, AShortageWhileOpeningPasses) {
  GateFileSystem files("/a/");
  options_.file_system = &files;
  Open();
  Create("a");
  ASSERT_TRUE(databases_->Find("a")->CloseIfUnused(Database::Time::max()));
  files.FailWith(Status::Unavailable("cannot open " + Path("a") + ": Too many open files"));
  for (int i = 0; i < 3; ++i) {
    const Status refused = Write("a", "k");
    EXPECT_EQ(refused.code(), StatusCode::kUnavailable);
    EXPECT_NE(refused.message().find("database a cannot be opened now"), std::string::npos);
    EXPECT_EQ(refused.message().find(directory_.path()), std::string::npos);
  }
  EXPECT_EQ(databases_->Healths().front().first, "a");
  EXPECT_FALSE(databases_->Healths().front().second.ok());
  files.FailWith(Status::Ok());
  EXPECT_TRUE(Write("a", "k").ok());
  EXPECT_TRUE(databases_->Healths().front().second.ok());
  databases_.reset();  // before the file system that it uses
}

TEST_F(DatabasesTest, MoreThanMayBeOpenAreServedInTurn) {
  options_.max_open = 3;
  Open();
  for (int i = 0; i < 12; ++i) Create(Numbered(i));
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 12; ++i) {
      const std::string name = Numbered(i);
      ASSERT_TRUE(Write(name, "k" + std::to_string(round)).ok()) << name;
      EXPECT_LE(databases_->open_count(), 3U);
    }
  }
  for (int i = 0; i < 12; ++i) EXPECT_TRUE(Has(Numbered(i), "k0"));
}

// What is in use is never closed under its user; who comes too late is told so.
TEST_F(DatabasesTest, OnesInUseStayOpen) {
  options_.max_open = 2;
  options_.slot_wait = {};
  Open();
  for (const char* name : {"a", "b", "c"}) Create(name);
  auto a = databases_->OpenStore(*databases_->Find("a"));
  auto b = databases_->OpenStore(*databases_->Find("b"));
  ASSERT_TRUE(a.ok() && b.ok());
  EXPECT_EQ(Write("c", "k").code(), StatusCode::kResourceExhausted);
  EXPECT_TRUE(Write("a", "k").ok());
  a = Status::Unavailable("given back");
  EXPECT_TRUE(Write("c", "k").ok());
  EXPECT_TRUE(IsOpen("b"));
  EXPECT_FALSE(IsOpen("a"));
}

// Who comes while all are in use waits for one. (The answer of a call reaches its client before the
// call has let go of the store.)
TEST_F(DatabasesTest, TwoTakeTurnsInOneSlot) {
  options_.max_open = 1;
  options_.slot_wait = std::chrono::seconds(60);
  Open();
  std::vector<std::thread> threads;
  for (const char* name : {"a", "b"}) Create(name);
  for (const std::string name : {"a", "b"}) {
    threads.emplace_back([this, name] {
      for (int i = 0; i < 25; ++i) {
        const Status written = Write(name, std::to_string(i));
        EXPECT_TRUE(written.ok()) << name << ' ' << i << ": " << written.ToString();
      }
    });
  }
  for (auto& thread : threads) thread.join();
}

// Neither who looks at a database keeps another from being used, nor is that kept from looking.
TEST_F(DatabasesTest, VisitsTakeNoRoomFromCalls) {
  options_.max_open = 1;
  options_.slot_wait = {};
  Open();
  for (const char* name : {"a", "b", "c"}) Create(name);
  bool seen = false;
  const Status visited = databases_->Visit(*databases_->Find("a"), [&](const Store&) {
    seen = true;
    auto b = databases_->OpenStore(*databases_->Find("b"));
    ASSERT_TRUE(b.ok()) << b.status().ToString();
    EXPECT_EQ(Write("c", "k").code(), StatusCode::kResourceExhausted);
    b = Status::Unavailable("given back");
    EXPECT_TRUE(Write("c", "k").ok());
    EXPECT_TRUE(Write("a", "k").ok());
  });
  EXPECT_TRUE(visited.ok()) << visited.ToString();
  EXPECT_TRUE(seen);
  EXPECT_LE(databases_->open_count(), 1U);

  const auto held = databases_->OpenStore(*databases_->Find("b"));
  ASSERT_TRUE(held.ok());
  EXPECT_TRUE(databases_->Visit(*databases_->Find("c"), [](const Store&) {}).ok());
  EXPECT_FALSE(IsOpen("c"));
}

TEST_F(DatabasesTest, DescriptorsBoundTheNumberOfOpenOnes) {
  options_.descriptors = 1024;
  Open();
  EXPECT_LT(databases_->max_open(), 40U);
  EXPECT_GT(databases_->max_open(), 10U);
}

TEST_F(DatabasesTest, UnusedOnesAreClosed) {
  options_.idle_timeout = std::chrono::seconds(0);
  Open();
  Create("a");
  ASSERT_TRUE(Write("a", "k").ok());
  EXPECT_TRUE(Eventually([this] { return databases_->open_count() == 0; }));
  EXPECT_FALSE(IsOpen("a"));
  EXPECT_TRUE(IsOpen("defaultdb"));
  EXPECT_TRUE(Has("a", "k"));
}

TEST_F(DatabasesTest, ManyThreadsOpenAndUseFewSlots) {
  options_.max_open = 4;
  Open();
  for (int i = 0; i < 10; ++i) Create(Numbered(i));
  std::vector<std::thread> threads;
  std::atomic<int> written{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([this, t, &written] {
      for (int i = 0; i < 40; ++i) {
        const std::string name = Numbered((i * 7 + t) % 10);
        if (Write(name, std::to_string(t) + "/" + std::to_string(i)).ok()) ++written;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(written, 160);
  EXPECT_LE(databases_->open_count(), 4U);
  for (int t = 0; t < 4; ++t) {
    for (int i = 0; i < 40; ++i) {
      EXPECT_TRUE(Has(Numbered((i * 7 + t) % 10), std::to_string(t) + "/" + std::to_string(i)));
    }
  }
}

class DamagedDatabaseTest : public DatabasesTest {
 protected:
  void SetUp() override {
    Open();
    Create("good");
    Create("bad");
    for (const char* name : {"defaultdb", "good", "bad"}) {
      for (int i = 0; i < 10; ++i) ASSERT_TRUE(Write(name, std::to_string(i)).ok());
    }
    databases_.reset();
  }
  // Makes the log begin with something else.
  void Damage(const std::string& name) {
    std::fstream log(Path(name) + "/log/00000000.log",
                     std::ios::in | std::ios::out | std::ios::binary);
    log.seekp(0);
    log << "XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX";
    ASSERT_TRUE(log.good());
  }
  void ForgetDerived(const std::string& name) {
    std::filesystem::remove_all(Path(name) + "/index");
    for (const char* file : {"tree", "positions", "CHECKPOINT"}) {
      std::filesystem::remove(Path(name) + "/" + file);
    }
  }
};

TEST_F(DamagedDatabaseTest, IsRefusedAndTheOthersServe) {
  Damage("bad");
  ForgetDerived("bad");
  Open();
  const Status refused = Write("bad", "k");
  EXPECT_EQ(refused.code(), StatusCode::kDataLoss);
  EXPECT_NE(refused.message().find("database bad is damaged"), std::string::npos)
      << refused.message();
  EXPECT_EQ(refused.message().find(directory_.path()), std::string::npos) << "tells server paths";
  EXPECT_EQ(databases_->open_count(), 0U);
  EXPECT_TRUE(Write("good", "k").ok());
  EXPECT_TRUE(Write("defaultdb", "k").ok());
}

TEST_F(DamagedDatabaseTest, MissingFolderIsNotMadeAnew) {
  std::filesystem::remove_all(Path("bad"));
  Open();
  ASSERT_NE(databases_->Find("bad"), nullptr);
  EXPECT_EQ(Write("bad", "k").code(), StatusCode::kDataLoss);
  EXPECT_FALSE(std::filesystem::exists(Path("bad")));
  EXPECT_EQ(databases_->Create("bad", {}).code(), StatusCode::kAlreadyExists);
}

TEST_F(DamagedDatabaseTest, DefaultDatabaseDoesNotTakeTheOthersWithIt) {
  Damage("defaultdb");
  ForgetDerived("defaultdb");
  Open();
  EXPECT_EQ(Write("defaultdb", "k").code(), StatusCode::kDataLoss);
  EXPECT_TRUE(Write("good", "k").ok());
  databases_.reset();
  std::filesystem::remove_all(Path("defaultdb"));
  EXPECT_EQ(Databases::Open(options_).status().code(), StatusCode::kDataLoss);
}

// A volume that is not mounted leaves an empty folder; made anew it would be a database without
// what was acknowledged.
TEST_F(DamagedDatabaseTest, EmptiedOnesAreNotMadeAnew) {
  for (const char* name : {"good", "bad", "defaultdb"}) {
    std::filesystem::remove_all(Path(name));
    std::filesystem::create_directories(Path(name));
  }
  std::filesystem::create_directory(Path("bad") + "/log");
  EXPECT_EQ(Databases::Open(options_).status().code(), StatusCode::kDataLoss);
  std::filesystem::create_directory(Path("defaultdb") + "/log");
  const Status refused = Databases::Open(options_).status();
  EXPECT_EQ(refused.code(), StatusCode::kDataLoss);
  for (const char* part : {"defaultdb was emptied", "Mount", "--dbname"}) {
    EXPECT_NE(refused.message().find(part), std::string::npos) << refused.message();
  }
  options_.default_database = "another";
  Open();
  for (const char* name : {"good", "bad", "defaultdb"}) {
    EXPECT_EQ(Write(name, "k").code(), StatusCode::kDataLoss) << name;
  }
  EXPECT_TRUE(std::filesystem::is_empty(Path("good")));
}

// Nor a log that is gone or shorter: at its file of 0 bytes, and all zeros.
TEST_F(DamagedDatabaseTest, OnesWhoseLogWasEmptiedAreNotMadeAnew) {
  const std::string segment = Path("bad") + "/log/00000000.log";
  const auto size = std::filesystem::file_size(segment);
  for (const auto bytes : {uintmax_t{0}, size / 2}) {
    std::filesystem::resize_file(segment, bytes);
    if (bytes == 0) std::filesystem::resize_file(segment, size);
    Open();
    EXPECT_EQ(Write("bad", "k").code(), StatusCode::kDataLoss) << bytes;
  }
  std::filesystem::remove(segment);
  Open();
  EXPECT_EQ(Write("bad", "k").code(), StatusCode::kDataLoss);
  EXPECT_TRUE(Write("good", "k").ok());
}

class LostSystemDatabaseTest : public DamagedDatabaseTest {
 protected:
  // The error of the next start, which changes nothing.
  std::string Refusal() {
    const auto opened = Databases::Open(options_);
    EXPECT_EQ(opened.status().code(), StatusCode::kFailedPrecondition);
    EXPECT_FALSE(std::filesystem::exists(Path("systemdb") + "/log"));
    return opened.status().message();
  }
  void Lose() { std::filesystem::rename(Path("systemdb"), directory_.File("elsewhere")); }
};

// A new one would have an administrator with the password of a first start, for all that is there.
TEST_F(LostSystemDatabaseTest, IsNotTakenForAFirstStart) {
  Lose();
  const std::string text = Refusal();
  for (const char* part : {"bad, defaultdb, good", "restore --database systemdb",
                           "--admin-password-file", "--maintenance"}) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
  }
  std::filesystem::rename(directory_.File("elsewhere"), Path("systemdb"));
  Open();
  EXPECT_TRUE(Has("good", "9"));
}

TEST_F(LostSystemDatabaseTest, NorIfOnlyAnIdentityOrAnEmptiedFolderIsLeft) {
  Lose();
  for (const char* name : {"good", "bad", "defaultdb"}) {
    std::filesystem::remove_all(Path(name) + "/log");
  }
  EXPECT_NE(Refusal().find("bad, defaultdb, good"), std::string::npos);
  std::filesystem::remove_all(options_.directory);
  std::filesystem::create_directories(Path("defaultdb"));
  std::ofstream(Path("defaultdb") + "/immudb.identifier") << "twelve bytes";
  EXPECT_NE(Refusal().find("defaultdb"), std::string::npos);
}

TEST_F(LostSystemDatabaseTest, IsMadeAnewWithConsent) {
  Lose();
  options_.new_system_database = true;
  Open();
  EXPECT_TRUE(Has("good", "9"));
  std::string trail;
  EXPECT_TRUE(AuditTrail::Read(databases_->system_store(), [&](const std::string& record) {
                trail += record;
                return true;
              }).ok());
  EXPECT_NE(trail.find("make the system database anew"), std::string::npos) << trail;
  EXPECT_NE(trail.find("3 databases"), std::string::npos) << trail;
  const auto first = databases_->IsFirstStart();
  ASSERT_TRUE(first.ok());
  EXPECT_FALSE(*first);
}

// Until an administrator is there, nobody may be made one in passing: the first start had ended.
TEST_F(LostSystemDatabaseTest, OneWithoutUsersIsNoFirstStartEither) {
  std::filesystem::remove_all(Path("systemdb"));
  std::filesystem::create_directories(Path("systemdb") + "/log");
  Open();
  EXPECT_EQ(databases_->IsFirstStart().status().code(), StatusCode::kFailedPrecondition);
}

// It is not gone: it has another name.
TEST_F(LostSystemDatabaseTest, WhatARestoreLeftIsNamedAndGoesBeforeConsent) {
  Lose();
  options_.new_system_database = true;
  std::filesystem::create_directories(Path(".restore") + "/systemdb/log");
  EXPECT_NE(Refusal().find(Path(".restore")), std::string::npos);
  std::filesystem::remove_all(Path(".restore"));
  const std::string aside = Path("systemdb_bkp_before_restore_2026-01-31_12-00-00");
  std::filesystem::rename(directory_.File("elsewhere"), aside);
  EXPECT_NE(Refusal().find(aside), std::string::npos);
  std::filesystem::rename(aside, Path("systemdb"));
  Open();
}

TEST_F(DamagedDatabaseTest, RestoredCopiesAreFoundAndForeignFoldersLeftAlone) {
  std::filesystem::copy(Path("good"), Path("copy"), std::filesystem::copy_options::recursive);
  std::filesystem::create_directory(Path("lost+found"));
  std::filesystem::create_directory(Path("config"));
  std::ofstream(Path("notes")) << "mine";
  Open();
  EXPECT_EQ(databases_->Names(), (std::vector<std::string>{"defaultdb", "good", "bad", "copy"}));
  EXPECT_TRUE(Has("copy", "9"));
  EXPECT_EQ(databases_->Create("config", {}).code(), StatusCode::kFailedPrecondition);
  EXPECT_TRUE(std::filesystem::exists(Path("config")));
}

}  // namespace
}  // namespace immudb::testing
