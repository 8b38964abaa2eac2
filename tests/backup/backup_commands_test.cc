// SPDX-License-Identifier: Apache-2.0
#include "immuadmin/backup_commands.h"

#include <gtest/gtest.h>

#include <sstream>

#include "backup/backup_fixture.h"

namespace immudb::testing {
namespace {

class BackupCommandsTest : public BackupFixture {
 protected:
  void SetUp() override {
    OpenStore();
    Fill(0, 5);
    surroundings_.in = &in_;
    surroundings_.err = &err_;
    surroundings_.time = "2026-01-31_12-00-00";
    surroundings_.authorize = [this] {
      calls_ += "password ";
      return Status::Ok();
    };
    surroundings_.stop_server = [this] {
      calls_ += "stop ";
      store_.reset();
      return Status::Ok();
    };
    surroundings_.start_server = [this] {
      calls_ += "start ";
      return Status::Ok();
    };
  }
  BackupArguments Arguments() const {
    BackupArguments arguments;
    arguments.directory = data_;
    arguments.output = dir_.File("b.tar.gz");
    return arguments;
  }

  std::istringstream in_;
  std::ostringstream err_;
  std::string calls_;
  BackupSurroundings surroundings_;
};

// As the original: asked, stopped, copied, started. A "no" changes nothing.
TEST_F(BackupCommandsTest, OfflineAsksAndStopsTheServer) {
  BackupArguments arguments = Arguments();
  arguments.offline = true;
  in_.str("n\n");
  const auto refused = RunBackup(arguments, surroundings_);
  EXPECT_EQ(refused.status(), Status::FailedPrecondition("Canceled"));
  EXPECT_EQ(calls_, "");
  EXPECT_EQ(err_.str(),
            "Server will be stopped and then restarted during the backup process.\n"
            "NOTE: If the backup process is forcibly interrupted, a manual restart of the immudb "
            "service may be needed.\n"
            "Are you sure you want to proceed? [y/N]: ");
  in_.clear();
  in_.str("y\n");
  const auto done = RunBackup(arguments, surroundings_);
  ASSERT_TRUE(done.ok()) << done.status().ToString();
  EXPECT_EQ(calls_, "password stop start ");
  EXPECT_EQ(done->text.substr(0, done->text.find('\n')),
            "Database backup created: " + dir_.File("b.tar.gz"));
}

// A failure must not leave the service stopped.
TEST_F(BackupCommandsTest, StartsTheServerAfterAFailure) {
  RestoreArguments arguments;
  arguments.directory = data_;
  arguments.snapshots = {dir_.path()};  // a folder, but no backup
  arguments.yes = true;
  arguments.replace = true;
  EXPECT_FALSE(RunRestore(arguments, surroundings_).ok());
  EXPECT_EQ(calls_, "password stop start ");
}

TEST_F(BackupCommandsTest, OnlineThenRestoredWithConsent) {
  BackupArguments arguments = Arguments();
  arguments.root_of = Online().root_of;
  ASSERT_TRUE(RunBackup(arguments, surroundings_).ok());
  Fill(5, 2);
  arguments.base = arguments.output;
  arguments.output = dir_.File("more");
  const auto more = RunBackup(arguments, surroundings_);
  ASSERT_TRUE(more.ok()) << more.status().ToString();
  EXPECT_NE(more->text.find("14 entries"), std::string::npos) << more->text;
  EXPECT_NE(more->text.find("since index 10"), std::string::npos) << more->text;
  EXPECT_EQ(calls_, "");

  RestoreArguments restore;
  restore.directory = data_;
  restore.snapshots = {dir_.File("b.tar.gz"), dir_.File("more")};
  in_.str("no\n");
  EXPECT_EQ(RunRestore(restore, surroundings_).status(), Status::FailedPrecondition("Canceled"));
  in_.clear();
  in_.str("y\ny\n");
  const auto done = RunRestore(restore, surroundings_);
  ASSERT_TRUE(done.ok()) << done.status().ToString();
  EXPECT_NE(done->text.find("A backup of the previous database has been also created: " + data_ +
                            "/defaultdb_bkp_before_restore_2026-01-31_12-00-00"),
            std::string::npos)
      << done->text;
}

// The working directory of a container is its volume, and an empty one is restored into.
TEST_F(BackupCommandsTest, RestoresTheWorkingDirectory) {
  BackupArguments arguments = Arguments();
  arguments.root_of = Online().root_of;
  ASSERT_TRUE(RunBackup(arguments, surroundings_).ok());
  const auto before = std::filesystem::current_path();
  const std::string volume = dir_.File("volume");
  ASSERT_TRUE(std::filesystem::create_directory(volume));
  std::filesystem::current_path(volume);
  RestoreArguments restore;
  restore.directory = volume;
  restore.snapshots = {arguments.output};
  restore.manual_stop_start = true;
  restore.yes = true;
  const auto done = RunRestore(restore, surroundings_);
  std::filesystem::current_path(before);
  ASSERT_TRUE(done.ok()) << done.status().ToString();
  ASSERT_EQ(done->databases.size(), 1U);
  EXPECT_EQ(done->databases.front().root, Published()->root);
}

// A question would eat the first bytes of the backup.
// It would be served, or copied by the next backup.
TEST_F(BackupCommandsTest, NotIntoTheDataFolder) {
  BackupArguments arguments = Arguments();
  const auto before = Contents(data_);
  for (const std::string& output :
       {data_ + "/b.tar.zst", data_ + "/defaultdb/b", data_ + "/../data/b", data_}) {
    arguments.output = output;
    const auto refused = RunBackup(arguments, surroundings_);
    EXPECT_EQ(refused.status().code(), StatusCode::kInvalidArgument) << output;
    EXPECT_NE(refused.status().message().find("data folder"), std::string::npos);
  }
  const auto here = std::filesystem::current_path();
  std::filesystem::current_path(data_);
  arguments.directory = ".";
  arguments.output.clear();
  EXPECT_EQ(RunBackup(arguments, surroundings_).status().code(), StatusCode::kInvalidArgument);
  std::filesystem::current_path(here);
  EXPECT_EQ(Contents(data_), before);
}

// Nobody expects a folder of that name.
TEST_F(BackupCommandsTest, UnknownKindsOfArchivesAreRefused) {
  BackupArguments arguments = Arguments();
  for (const char* name : {"b.zip", "b.tgz", "b.tar.xz", "b.tar.zst.tmp"}) {
    arguments.output = dir_.File(name);
    const auto refused = RunBackup(arguments, surroundings_);
    EXPECT_EQ(refused.status().code(), StatusCode::kInvalidArgument) << name;
    EXPECT_NE(refused.status().message().find(".tar.zst, .tar.gz, .tar"), std::string::npos);
    EXPECT_FALSE(std::filesystem::exists(arguments.output));
  }
  for (const char* name : {"b", "b.2026-01-31", "c.zip"}) {
    arguments.uncompressed = std::string(name) == "c.zip";
    arguments.output = dir_.File(name);
    EXPECT_TRUE(RunBackup(arguments, surroundings_).ok()) << name;
    EXPECT_TRUE(std::filesystem::is_directory(arguments.output));
  }
}

TEST_F(BackupCommandsTest, AStreamIsNoAnswer) {
  RestoreArguments restore;
  restore.directory = dir_.File("elsewhere");
  restore.snapshots = {"-"};
  restore.manual_stop_start = true;
  in_.str("y\n");
  const Status refused = RunRestore(restore, surroundings_).status();
  EXPECT_EQ(refused.code(), StatusCode::kFailedPrecondition);
  EXPECT_NE(refused.message().find("--yes"), std::string::npos) << refused.message();
  EXPECT_EQ(in_.tellg(), 0);
}

TEST_F(BackupCommandsTest, WrongArgumentsSaySo) {
  BackupArguments arguments = Arguments();
  arguments.directory = dir_.File("nothing");
  EXPECT_EQ(RunBackup(arguments, surroundings_).status().message(),
            dir_.File("nothing") + " is not a directory");
  arguments.directory = ".";
  arguments.offline = true;
  EXPECT_EQ(RunBackup(arguments, surroundings_).status().message(),
            "cannot backup the current directory, please specify a subdirectory, for example "
            "./data");
  RestoreArguments restore;
  restore.directory = data_;
  restore.snapshots = {"a.zip"};
  EXPECT_EQ(RunRestore(restore, surroundings_).status().message(),
            "snapshot a.zip has unsupported format .zip; supported formats: .tar.zst, .tar.gz, "
            ".tar or none (uncompressed)");
  const std::string hash(64, '1');
  EXPECT_TRUE(ParseTrustedRoot("db:7:" + hash).ok());
  for (const std::string& wrong : {std::string("db:7"), ":7:" + hash, "db::" + hash,
                                   "db:7x:" + hash, std::string("db:7:11")}) {
    EXPECT_FALSE(ParseTrustedRoot(wrong).ok()) << wrong;
  }
}

}  // namespace
}  // namespace immudb::testing
