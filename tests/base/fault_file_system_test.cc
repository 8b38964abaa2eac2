// SPDX-License-Identifier: Apache-2.0
//
// The disk that the recovery tests trust to be as bad as a real one.
#include "support/fault_file_system.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <thread>

#include "support/temp_dir.h"

namespace immudb::testing {
namespace {

using Loss = FaultFileSystem::Loss;

class FaultFileSystemTest : public ::testing::Test {
 protected:
  std::unique_ptr<File> Open() {
    auto file = fs_.Open(path_, FileSystem::Mode::kCreate);
    EXPECT_TRUE(file.ok()) << file.status().ToString();
    EXPECT_TRUE(fs_.SyncDirectory(dir_.path()).ok());
    return file.ok() ? *std::move(file) : nullptr;
  }
  std::string Content() { return *ReadFile(FileSystem::Real(), path_); }

  TempDir dir_;
  const std::string path_ = dir_.File("file");
  FaultFileSystem fs_;
};

TEST_F(FaultFileSystemTest, OnlySyncedBytesSurvive) {
  {
    const auto file = Open();
    ASSERT_TRUE(file->WriteAt(0, "durable bytes").ok());
    ASSERT_TRUE(file->SyncData().ok());
    ASSERT_TRUE(file->WriteAt(3, "XXXX").ok());
    ASSERT_TRUE(file->Truncate(5).ok());
    ASSERT_TRUE(file->WriteAt(4, "YYYYYYYYYYYYYYYYYYYYYYYY").ok());
    ASSERT_TRUE(file->Truncate(100).ok());
    EXPECT_EQ(fs_.PowerLoss(Loss::kAllUnsynced, 0).code(), StatusCode::kFailedPrecondition);
  }
  ASSERT_TRUE(fs_.PowerLoss(Loss::kAllUnsynced, 0).ok());
  EXPECT_EQ(Content(), "durable bytes");
}

TEST_F(FaultFileSystemTest, RandomSectorsAreWholeAndInAnyOrder) {
  constexpr int kSectors = 64;
  std::set<std::string> outcomes;
  bool later_without_earlier = false;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    {
      const auto file = Open();
      ASSERT_TRUE(file->Truncate(0).ok());
      ASSERT_TRUE(file->WriteAt(0, std::string(kSectors * 512, 'o')).ok());
      ASSERT_TRUE(file->SyncData().ok());
      ASSERT_TRUE(file->WriteAt(0, std::string(kSectors * 512, 'n')).ok());
    }
    ASSERT_TRUE(fs_.PowerLoss(Loss::kRandomSectors, seed).ok());
    const std::string content = Content();
    std::string kept;
    for (int i = 0; i < kSectors; ++i) {
      const std::string sector = content.substr(size_t{512} * i, 512);
      ASSERT_TRUE(sector == std::string(512, 'o') || sector == std::string(512, 'n'));
      kept += sector[0];
    }
    later_without_earlier = later_without_earlier || kept.find("on") != std::string::npos;
    outcomes.insert(kept);
  }
  EXPECT_GT(outcomes.size(), 10U);
  EXPECT_TRUE(later_without_earlier);
}

TEST_F(FaultFileSystemTest, FullDiskWritesShort) {
  const auto file = Open();
  ASSERT_TRUE(file->WriteAt(0, "0123456789").ok());
  fs_.LimitFreeBytes(4);
  EXPECT_TRUE(file->WriteAt(0, "abcdefghij").ok()) << "overwriting needs no room";
  EXPECT_EQ(file->WriteAt(8, "ABCDEFGHIJ").code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(Content(), "abcdefghABCDEF");
  EXPECT_TRUE(file->Truncate(10).ok());
  EXPECT_TRUE(file->WriteAt(10, "wxyz").ok()) << "truncation gives room back";
  EXPECT_EQ(file->WriteAt(14, "!").code(), StatusCode::kResourceExhausted);
  fs_.LiftLimit();
  EXPECT_TRUE(file->WriteAt(14, "!").ok());
}

TEST_F(FaultFileSystemTest, FailedSyncLosesTheBytesEvenIfALaterOneSucceeds) {
  {
    const auto file = Open();
    ASSERT_TRUE(file->WriteAt(0, "x").ok());
    fs_.FailSyncs(1);
    EXPECT_EQ(file->SyncData().code(), StatusCode::kIoError);
    EXPECT_TRUE(file->SyncData().ok());
  }
  ASSERT_TRUE(fs_.PowerLoss(Loss::kAllUnsynced, 0).ok());
  EXPECT_EQ(Content(), "");
}

TEST_F(FaultFileSystemTest, NothingChangesWithoutPower) {
  {
    const auto file = Open();
    fs_.FreezeAfter(2, 0);
    EXPECT_TRUE(file->WriteAt(0, "1").ok());
    EXPECT_EQ(file->WriteAt(1, "2").code(), StatusCode::kIoError) << "cut off in its middle";
    EXPECT_TRUE(fs_.frozen());
    EXPECT_EQ(file->WriteAt(2, "3").code(), StatusCode::kIoError);
    EXPECT_EQ(file->Truncate(0).code(), StatusCode::kIoError);
    EXPECT_EQ(file->SyncData().code(), StatusCode::kIoError);
    EXPECT_FALSE(fs_.Rename(path_, dir_.File("other")).ok());
    EXPECT_FALSE(fs_.Remove(path_).ok());
    EXPECT_FALSE(fs_.Open(dir_.File("new"), FileSystem::Mode::kCreate).ok());
  }
  EXPECT_EQ(Content(), "12");
  ASSERT_TRUE(fs_.PowerLoss(Loss::kAllUnsynced, 0).ok());
  EXPECT_EQ(Content(), "");
  EXPECT_TRUE(Open()->WriteAt(0, "on again").ok());
}

TEST_F(FaultFileSystemTest, SyncsHangUntilReleased) {
  const auto file = Open();
  fs_.BlockSyncs("file");
  std::thread writer([&] { EXPECT_TRUE(file->SyncData().ok()); });
  EXPECT_TRUE(fs_.WaitForBlockedSync(std::chrono::seconds(30)));
  fs_.ReleaseSyncs();
  writer.join();
}

TEST_F(FaultFileSystemTest, RenamedFilesTakeTheirHistoryAlong) {
  ASSERT_TRUE(ReplaceFile(fs_, path_, "old").ok());
  ASSERT_TRUE(ReplaceFile(fs_, path_, "new").ok());
  ASSERT_TRUE(fs_.PowerLoss(Loss::kAllUnsynced, 0).ok());
  EXPECT_EQ(Content(), "new");
}

TEST_F(FaultFileSystemTest, NamesSurviveOnlyWhenTheirFolderWasSynced) {
  const auto exists = [](const std::string& path) { return *FileSystem::Real().Exists(path); };
  const std::string folder = dir_.File("folder");
  const std::string inner = folder + "/inner";
  ASSERT_TRUE(fs_.CreateDirectory(folder).ok());
  ASSERT_TRUE(fs_.SyncDirectory(folder).ok()) << "what is in it, not its own name";
  ASSERT_TRUE(fs_.PowerLoss(Loss::kAllUnsynced, 0).ok());
  EXPECT_FALSE(exists(folder));

  ASSERT_TRUE(fs_.CreateDirectory(folder).ok());
  ASSERT_TRUE(fs_.SyncDirectory(folder + "/..").ok());
  {
    const auto file = fs_.Open(inner, FileSystem::Mode::kCreate);
    ASSERT_TRUE((*file)->WriteAt(0, "synced bytes of an unknown name").ok());
    ASSERT_TRUE((*file)->SyncData().ok());
  }
  ASSERT_TRUE(fs_.PowerLoss(Loss::kAllUnsynced, 0).ok());
  EXPECT_TRUE(exists(folder));
  EXPECT_FALSE(exists(inner));

  ASSERT_TRUE(ReplaceFile(fs_, inner, "old").ok());
  ASSERT_TRUE(ReplaceFile(fs_, inner + "2", "moved").ok());
  ASSERT_TRUE(fs_.Rename(inner + "2", inner).ok());
  EXPECT_EQ(*ReadFile(fs_, inner), "moved");
  ASSERT_TRUE(fs_.PowerLoss(Loss::kAllUnsynced, 0).ok());
  EXPECT_EQ(*ReadFile(fs_, inner), "old");
  EXPECT_EQ(*ReadFile(fs_, inner + "2"), "moved");

  ASSERT_TRUE(fs_.Remove(inner).ok());
  ASSERT_TRUE(fs_.PowerLoss(Loss::kAllUnsynced, 0).ok());
  EXPECT_EQ(*ReadFile(fs_, inner), "old");
  ASSERT_TRUE(fs_.Remove(inner).ok());
  ASSERT_TRUE(fs_.SyncDirectory(folder).ok());
  ASSERT_TRUE(fs_.PowerLoss(Loss::kAllUnsynced, 0).ok());
  EXPECT_FALSE(exists(inner));
}

}  // namespace
}  // namespace immudb::testing
