// SPDX-License-Identifier: Apache-2.0
//
// Taking backups: while writers run, of all databases, and only of what is new.
#include "backup/backup.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "backup/backup_fixture.h"
#include "database/databases.h"
#include "support/store_checks.h"

namespace immudb::testing {
namespace {

class BackupTest : public BackupFixture {};

// The promise of a backup: it is the database at one root, writers never stop, and a client that
// trusts an older root finds that the restored server only continues it.
TEST_F(BackupTest, IsTakenWhileWritersRunAndContinuesWhatClientsTrust) {
  OpenStore(size_t{1} << 20);  // many segments
  for (int i = 0; i < 200; ++i) {
    Transaction transaction;
    for (int k = 0; k < 1000; ++k) {
      std::string key("k");
      key.append(std::to_string(i)).append("/").append(std::to_string(k));
      ASSERT_TRUE(transaction.Set(key, "value").ok());
    }
    ASSERT_TRUE(store_->Commit(std::move(transaction)).ok());
  }
  const Snapshot trusted = store_->Latest();
  std::atomic<bool> stop = false;
  std::atomic<int> failures = 0;
  std::vector<std::thread> writers;
  for (int w = 0; w < 3; ++w) {
    writers.emplace_back([&, w] {
      for (int i = 0; !stop; ++i) {
        Transaction transaction;
        std::string key("w");
        key.append(std::to_string(w)).append("/").append(std::to_string(i));
        if (!transaction.Set(key, std::string(300, 'v')).ok()) ++failures;
        if (!store_->Commit(std::move(transaction)).ok()) ++failures;
      }
    });
  }
  BackupOptions online = Online();
  std::optional<VerifyOptions::Trusted> published;
  online.root_of = [&](const std::string&) {
    published = Published();
    return Result<std::optional<VerifyOptions::Trusted>>(published);
  };
  const auto archive = BackUp(online, dir_.File("b.tar.zst"));
  const auto published_first = published;
  const auto folder = BackUp(online, dir_.File("b"));
  const TreeSize during = store_->Latest().size();
  // And the way that is taken for the system database: up to the last whole transaction.
  online.root_of = nullptr;
  std::vector<Result<Manifest>> unbound;
  for (int i = 0; i < 5; ++i) unbound.push_back(BackUp(online, dir_.File("u" + std::to_string(i))));
  stop = true;
  for (std::thread& writer : writers) writer.join();
  EXPECT_EQ(failures, 0);
  ASSERT_TRUE(archive.ok()) << archive.status().ToString();
  ASSERT_TRUE(folder.ok()) << folder.status().ToString();
  for (const auto& each : unbound) ASSERT_TRUE(each.ok()) << each.status().ToString();
  EXPECT_EQ(archive->databases[0].state.tree.size(), published_first->size);
  EXPECT_EQ(archive->databases[0].state.tree.Root(), published_first->root);
  EXPECT_GE(during, folder->databases[0].state.tree.size());
  EXPECT_GT(archive->databases[0].files.size(), 3U);

  const auto restored = RestoreBackup(To(target_, {dir_.File("b.tar.zst")}));
  ASSERT_TRUE(restored.ok()) << restored.status().ToString();
  ASSERT_EQ(restored->size(), 1U);
  EXPECT_EQ(restored->front().root, published_first->root);
  const auto again = Store::Open(target_ + "/defaultdb", {});
  ASSERT_TRUE(again.ok()) << again.status().ToString();
  const Snapshot latest = (*again)->Latest();
  EXPECT_EQ(latest.size(), published_first->size);
  const auto proof = latest.ConsistencyProof(trusted.size());
  ASSERT_TRUE(proof.ok());
  EXPECT_EQ(latest.At(trusted.size())->root(), trusted.root());
  EXPECT_EQ(latest.Get("k7/7")->value, "value");
  // Their trusted roots are kept by this name.
  EXPECT_EQ(ReadAll(target_ + "/defaultdb/immudb.identifier"), "twelve bytes");

  const auto last = RestoreBackup(To(dir_.File("third"), {dir_.File("u4")}));
  ASSERT_TRUE(last.ok()) << last.status().ToString();
}

// Users would be locked out, or databases be missing, if a backup of all left the system database
// out or could not be served.
TEST_F(BackupTest, OfAWholeServerIsServedAgain) {
  DatabasesOptions options;
  options.directory = data_;
  options.default_database = "defaultdb";
  {
    auto databases = Databases::Open(options);
    ASSERT_TRUE(databases.ok()) << databases.status().ToString();
    // Running: nothing may be needed that its locks protect.
    BackupOptions all;
    all.directory = data_;
    const auto manifest = BackUp(all, dir_.File("b.tar.gz"));
    ASSERT_TRUE(manifest.ok()) << manifest.status().ToString();
    ASSERT_EQ(manifest->databases.size(), 2U);
    EXPECT_EQ(manifest->databases[0].name, "systemdb");
    // A restore into its directory is refused as long as it runs.
    RestoreOptions here = To(data_, {dir_.File("b.tar.gz")});
    here.replace = true;
    EXPECT_EQ(RestoreBackup(here).status().code(), StatusCode::kFailedPrecondition);
  }
  RestoreOptions here = To(data_, {dir_.File("b.tar.gz")});
  EXPECT_EQ(RestoreBackup(here).status().code(), StatusCode::kAlreadyExists);
  here.replace = true;
  const auto restored = RestoreBackup(here);
  ASSERT_TRUE(restored.ok()) << restored.status().ToString();
  EXPECT_EQ(restored->at(0).replaced, data_ + "/defaultdb_bkp_before_restore_2026-01-31_12-00-00");
  EXPECT_TRUE(std::filesystem::exists(restored->at(0).replaced));
  const auto databases = Databases::Open(options);
  EXPECT_TRUE(databases.ok()) << databases.status().ToString();
}

// Increments must together be the database, in the right order only.
TEST_F(BackupTest, IncrementsMakeAChain) {
  OpenStore(2000);  // a segment every few transactions
  Fill(0, 10);
  const auto first = BackUp(Online(), dir_.File("first"));
  ASSERT_TRUE(first.ok()) << first.status().ToString();
  Fill(10, 1);
  BackupOptions more = Online();
  more.base = *first;
  const auto second = BackUp(more, dir_.File("second.tar.zst"));
  ASSERT_TRUE(second.ok()) << second.status().ToString();
  EXPECT_EQ(second->databases[0].base, TreeSize{20});
  EXPECT_LT(second->TotalBytes(), first->TotalBytes());
  // Nothing new.
  more.base = *second;
  const auto third = BackUp(more, dir_.File("third"));
  ASSERT_TRUE(third.ok()) << third.status().ToString();
  Fill(11, 30);
  more.base = std::nullopt;
  more.databases = {"defaultdb"};
  more.since = LeafIndex{22};
  const auto fourth = BackUp(more, dir_.File("fourth"));
  ASSERT_TRUE(fourth.ok()) << fourth.status().ToString();
  EXPECT_EQ(fourth->databases[0].base, TreeSize{22});

  const std::string a = dir_.File("first");
  const std::string b = dir_.File("second.tar.zst");
  const std::string c = dir_.File("third");
  const std::string d = dir_.File("fourth");
  for (const std::vector<std::string>& wrong :
       {std::vector<std::string>{b}, {a, c}, {a, d}, {b, a, b, a, d}, {a, b, b}}) {
    EXPECT_EQ(RestoreBackup(To(target_, wrong)).status().code(), StatusCode::kFailedPrecondition);
    EXPECT_FALSE(std::filesystem::exists(target_ + "/defaultdb"));
  }
  const auto restored = RestoreBackup(To(target_, {a, b, c, d}));
  ASSERT_TRUE(restored.ok()) << restored.status().ToString();
  EXPECT_EQ(restored->front().root, store_->Latest().root());
  const auto again = Store::Open(target_ + "/defaultdb", {});
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(AllAnswers((*again)->Latest()), AllAnswers(store_->Latest()));
}

// A base of another database with as many entries would make an increment of a mixture.
TEST_F(BackupTest, AnIncrementToAnotherDatabaseIsRefused) {
  OpenStore();
  Fill(0, 10);
  const auto mine = BackUp(Online(), dir_.File("mine"));
  ASSERT_TRUE(mine.ok());
  store_.reset();
  std::filesystem::remove_all(data_);
  OpenStore();
  Fill(100, 12);
  BackupOptions more = Online();
  more.base = *mine;
  EXPECT_FALSE(BackUp(more, dir_.File("other")).ok());
  EXPECT_FALSE(std::filesystem::exists(dir_.File("other")));
  EXPECT_FALSE(std::filesystem::exists(dir_.File("other.partial")));
}

// What cannot be a root of this database must not become a backup.
TEST_F(BackupTest, RefusesRootsThatWereNotPublished) {
  OpenStore();
  Fill(0, 10);
  const auto with = [&](TreeSize size, const Digest& root) {
    BackupOptions options = Online();
    options.root_of = [size, root](const std::string&) {
      return Result<std::optional<VerifyOptions::Trusted>>(VerifyOptions::Trusted{size, root});
    };
    return BackUp(options, dir_.File("b")).status();
  };
  const auto latest = store_->Latest();
  Digest wrong = latest.root();
  wrong[31] ^= 1;
  EXPECT_EQ(with(latest.size(), wrong).code(), StatusCode::kDataLoss);
  EXPECT_EQ(with({21}, latest.root()).code(), StatusCode::kDataLoss);
  EXPECT_EQ(with({19}, latest.At({19})->root()).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(with({18}, latest.At({18})->root()), Status::Ok());
}

// A server whose log was changed must not spread it.
TEST_F(BackupTest, RefusesADamagedLog) {
  OpenStore();
  Fill(0, 10);
  const std::string log = data_ + "/defaultdb/log/00000000.log";
  std::string bytes = ReadAll(log);
  bytes[bytes.find("value-of-3")] ^= 1;
  store_.reset();
  WriteAll(log, bytes);
  BackupOptions options = Online();
  options.root_of = nullptr;
  EXPECT_EQ(BackUp(options, dir_.File("b")).status().code(), StatusCode::kDataLoss);
  options.databases = {"nosuchdb"};
  EXPECT_EQ(BackUp(options, dir_.File("b")).status().code(), StatusCode::kNotFound);
  EXPECT_FALSE(std::filesystem::exists(dir_.File("b")));
}

// Databases that were just created have no entry yet.
TEST_F(BackupTest, OfAnEmptyDatabase) {
  OpenStore();
  ASSERT_TRUE(BackUp(Online(), dir_.File("b")).ok());
  Fill(0, 3);
  BackupOptions more = Online();
  more.base = *ReadManifest(FileSystem::Real(), dir_.File("b"));
  ASSERT_TRUE(BackUp(more, dir_.File("c")).ok());
  const auto empty = RestoreBackup(To(dir_.File("r1"), {dir_.File("b")}));
  ASSERT_TRUE(empty.ok()) << empty.status().ToString();
  const auto filled = RestoreBackup(To(dir_.File("r2"), {dir_.File("b"), dir_.File("c")}));
  ASSERT_TRUE(filled.ok()) << filled.status().ToString();
  EXPECT_EQ(filled->front().size, TreeSize{6});
}

}  // namespace
}  // namespace immudb::testing
