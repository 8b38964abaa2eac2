// SPDX-License-Identifier: Apache-2.0
//
// Restoring: whatever byte of a backup was changed, and whatever the disk does, the data directory
// is what it was, or what was backed up.
#include "backup/restore.h"

#include <gtest/gtest.h>

#include "backup/backup_fixture.h"
#include "support/fault_file_system.h"

namespace immudb::testing {
namespace {

class RestoreTest : public BackupFixture {
 protected:
  void SetUp() override {
    OpenStore();
    Fill(0, 20);
    trusted_ = *Published();
    const auto manifest = BackUp(Online(), backup_);
    ASSERT_TRUE(manifest.ok()) << manifest.status().ToString();
    manifest_ = *manifest;
  }
  std::string Log() const { return backup_ + "/defaultdb/log/00000000.log"; }

  const std::string backup_ = dir_.File("backup");
  Manifest manifest_;
  VerifyOptions::Trusted trusted_;
};

// Otherwise an attacker, or a bad disk, could change what was backed up.
TEST_F(RestoreTest, RefusesAFlippedByteOfEveryClass) {
  const std::string log = ReadAll(Log());
  struct Place {
    const char* what;
    size_t offset;
  };
  const size_t value = log.find("value-of-7");
  const size_t frame = log.find("RFM1");
  const size_t second = log.find("RFM1", frame + 1);
  ASSERT_NE(second, std::string::npos);
  // The byte before a frame is padding unless the body ended at a multiple of eight.
  size_t padding = second - 1;
  while (log[padding] != '\0') padding = log.find("RFM1", padding + 9) - 1;
  for (const Place& place :
       {Place{"segment magic", 0}, Place{"segment number", 12}, Place{"segment first index", 16},
        Place{"segment checksum", 24}, Place{"frame magic", frame}, Place{"entry count", frame + 4},
        Place{"body bytes", frame + 8}, Place{"unsynced bytes", frame + 12},
        Place{"first index", frame + 16}, Place{"body checksum", frame + 24},
        Place{"header checksum", frame + 32}, Place{"entry checksum", frame + 40},
        Place{"kind", frame + 44}, Place{"key length", frame + 45}, Place{"key", log.find("key-7")},
        Place{"value", value}, Place{"padding", padding}, Place{"last byte", log.size() - 1}}) {
    std::string changed = log;
    changed.at(place.offset) ^= 0x10;
    WriteAll(Log(), changed);
    const auto restored = RestoreBackup(To(target_, {backup_}));
    EXPECT_EQ(restored.status().code(), StatusCode::kDataLoss) << place.what;
    EXPECT_FALSE(std::filesystem::exists(target_ + "/defaultdb")) << place.what;
  }
  WriteAll(Log(), log + '\0');
  EXPECT_EQ(RestoreBackup(To(target_, {backup_})).status().code(), StatusCode::kDataLoss);
  WriteAll(Log(), log.substr(0, log.size() - 8));
  EXPECT_EQ(RestoreBackup(To(target_, {backup_})).status().code(), StatusCode::kDataLoss);
  std::filesystem::remove(Log());
  EXPECT_EQ(RestoreBackup(To(target_, {backup_})).status().code(), StatusCode::kDataLoss);
  WriteAll(Log(), log);
  WriteAll(backup_ + "/defaultdb/immudb.identifier", "twelve Bytes");
  EXPECT_EQ(RestoreBackup(To(target_, {backup_})).status().code(), StatusCode::kDataLoss);
  WriteAll(backup_ + "/defaultdb/immudb.identifier", "twelve bytes");
  const auto restored = RestoreBackup(To(target_, {backup_}));
  EXPECT_TRUE(restored.ok()) << restored.status().ToString();
}

// The hashes of a manifest can be computed anew by whoever changes files; the root cannot.
TEST_F(RestoreTest, DerivesTheRootWhateverTheManifestSays) {
  store_.reset();
  std::filesystem::remove_all(data_);
  OpenStore();
  Fill(500, 20);
  const auto forged = BackUp(Online(), dir_.File("forged"));
  ASSERT_TRUE(forged.ok());
  // The files of another database under the root of the first.
  Manifest mixed = manifest_;
  mixed.databases[0].files = forged->databases[0].files;
  mixed.databases[0].state.end = forged->databases[0].state.end;
  WriteAll(dir_.File("forged/manifest.json"), ManifestText(mixed));
  EXPECT_EQ(RestoreBackup(To(target_, {dir_.File("forged")})).status().code(),
            StatusCode::kDataLoss);
  // All of it consistent, but not what the user trusts.
  WriteAll(dir_.File("forged/manifest.json"), ManifestText(*forged));
  RestoreOptions options = To(target_, {dir_.File("forged")});
  options.trusted["defaultdb"] = trusted_;
  EXPECT_EQ(RestoreBackup(options).status().code(), StatusCode::kDataLoss);
  options.backups = {backup_};
  EXPECT_TRUE(RestoreBackup(options).ok());
}

// What is there is only replaced with consent, and kept even then.
TEST_F(RestoreTest, NeverOverwritesWithoutConsent) {
  ASSERT_TRUE(RestoreBackup(To(target_, {backup_})).ok());
  WriteAll(target_ + "/defaultdb/immudb.identifier", "other server");
  const auto before = Contents(target_);
  EXPECT_EQ(RestoreBackup(To(target_, {backup_})).status().code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(Contents(target_), before);

  RestoreOptions options = To(target_, {backup_});
  options.replace = true;
  options.without_identity = true;
  const auto replaced = RestoreBackup(options);
  ASSERT_TRUE(replaced.ok()) << replaced.status().ToString();
  EXPECT_EQ(ReadAll(target_ + "/defaultdb/immudb.identifier"), "other server");
  EXPECT_EQ(ReadAll(replaced->front().replaced + "/immudb.identifier"), "other server");
  EXPECT_TRUE(Store::Open(replaced->front().replaced, {}).ok());
  // The place where the old one is put may be taken too.
  const auto now = Contents(target_);
  EXPECT_EQ(RestoreBackup(options).status().code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(Contents(target_), now);
}

TEST_F(RestoreTest, OfWhatIsNotThere) {
  EXPECT_FALSE(RestoreBackup(To(target_, {dir_.File("nothing")})).ok());
  EXPECT_FALSE(RestoreBackup(To(target_, {dir_.File("nothing.tar.zst")})).ok());
  EXPECT_FALSE(RestoreBackup(To(target_, {})).ok());
  RestoreOptions options = To(target_, {backup_});
  options.databases = {"nosuchdb"};
  EXPECT_EQ(RestoreBackup(options).status().code(), StatusCode::kNotFound);
}

// A disk that fills up or fails half-way must not cost the database that was there.
TEST_F(RestoreTest, DiskErrorsLeaveTheTargetUntouched) {
  ASSERT_TRUE(RestoreBackup(To(target_, {backup_})).ok());
  const auto before = Contents(target_);
  const auto attempt = [&](auto fault) {
    FaultFileSystem disk;
    fault(disk);
    RestoreOptions options = To(target_, {backup_});
    options.replace = true;
    options.file_system = &disk;
    const Status status = RestoreBackup(options).status();
    EXPECT_FALSE(status.ok());
    if (status.ok()) return status;
    disk.LiftLimit();
    EXPECT_EQ(Contents(target_), before) << status.ToString();
    return status;
  };
  EXPECT_EQ(attempt([](auto& disk) { disk.LimitFreeBytes(500); }).code(),
            StatusCode::kResourceExhausted);
  EXPECT_FALSE(attempt([](auto& disk) { disk.LimitFreeBytes(0, "/tree"); }).ok());
  EXPECT_FALSE(attempt([](auto& disk) { disk.FailSyncs(1, "00000000.log"); }).ok());
  EXPECT_FALSE(attempt([](auto& disk) { disk.FailSyncs(1, "identifier"); }).ok());
}

// Nor may a backup that could not be written look like one.
TEST_F(RestoreTest, ABackupOnAFullDiskIsNone) {
  FaultFileSystem disk;
  disk.LimitFreeBytes(1000);
  auto sink = FolderSink(disk, dir_.File("full"));
  ASSERT_TRUE(sink.ok());
  EXPECT_EQ(WriteBackup(Online(), **sink).status().code(), StatusCode::kResourceExhausted);
  sink->reset();
  EXPECT_FALSE(std::filesystem::exists(dir_.File("full")));
  EXPECT_FALSE(std::filesystem::exists(dir_.File("full.partial")));
  // And one that exists is not written over.
  EXPECT_EQ(FolderSink(disk, backup_).status().code(), StatusCode::kAlreadyExists);
}

}  // namespace
}  // namespace immudb::testing
