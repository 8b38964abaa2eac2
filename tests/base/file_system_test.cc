// SPDX-License-Identifier: Apache-2.0
#include "base/file_system.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <string>
#include <thread>

#include "support/temp_dir.h"

namespace immudb {
namespace {

using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;
using Mode = FileSystem::Mode;

class FileSystemTest : public ::testing::Test {
 protected:
  std::unique_ptr<File> Open(const std::string& path, Mode mode) {
    auto file = fs_.Open(path, mode);
    EXPECT_TRUE(file.ok()) << file.status().ToString();
    return file.ok() ? *std::move(file) : nullptr;
  }

  testing::TempDir dir_;
  FileSystem& fs_ = FileSystem::Real();
};

// Callers treat "was never there" as a fresh start, and everything else as damage.
TEST_F(FileSystemTest, MissingFileIsNotFoundAndNamed) {
  const std::string path = dir_.File("missing");
  for (const Mode mode : {Mode::kRead, Mode::kReadWrite}) {
    const auto file = fs_.Open(path, mode);
    EXPECT_EQ(file.status().code(), StatusCode::kNotFound);
    EXPECT_THAT(file.status().message(), HasSubstr(path));
  }
  EXPECT_EQ(ReadFile(fs_, path).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(fs_.List(path).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(fs_.Rename(path, dir_.File("other")).code(), StatusCode::kNotFound);
}

// A file that somebody blew up must not take the memory of the process.
TEST_F(FileSystemTest, AHugeFileIsNotReadWhole) {
  const std::string path = dir_.File("identity");
  ASSERT_TRUE(Open(path, Mode::kCreate)->Truncate(uint64_t{1} << 40).ok()) << "a sparse file";
  const auto content = ReadFile(fs_, path);
  EXPECT_EQ(content.status().code(), StatusCode::kResourceExhausted);
  EXPECT_THAT(content.status().message(), HasSubstr(path));
}

// A volume of somebody else is the commonest reason why a server in a container does not start.
TEST_F(FileSystemTest, WhoMayNotIsTold) {
  const std::string folder = dir_.File("folder");
  ASSERT_TRUE(fs_.CreateDirectory(folder).ok());
  ASSERT_EQ(::chmod(dir_.path().c_str(), 0755), 0);
  ASSERT_EQ(::chmod(folder.c_str(), 0555), 0);
  const uid_t other = ::geteuid() == 0 ? 3322 : ::geteuid();
  Status made;
  Status locked;
  std::thread([&] {
    // By number, it changes this thread alone.
    ASSERT_EQ(::syscall(SYS_setresuid, -1, other, -1), 0);
    made = fs_.CreateDirectory(folder + "/data");
    locked = fs_.Lock(folder + "/lock").status();
  }).join();
  const std::string owners = "Permission denied; " + folder + " belongs to user " +
                             std::to_string(::geteuid()) + ", group " +
                             std::to_string(::getegid()) + " (mode 0555), this process is user " +
                             std::to_string(other) + ", group " + std::to_string(::getegid());
  EXPECT_EQ(made.message(), "cannot create directory " + folder + "/data: " + owners);
  EXPECT_EQ(locked.message(), "cannot open " + folder + "/lock: " + owners);
}

TEST_F(FileSystemTest, OtherErrorsAreIoErrorsAndNamed) {
  const std::string path = dir_.File("a_directory");
  ASSERT_TRUE(fs_.CreateDirectory(path).ok());
  const auto file = fs_.Open(path, Mode::kReadWrite);
  EXPECT_EQ(file.status().code(), StatusCode::kIoError);
  EXPECT_THAT(file.status().message(), HasSubstr(path));

  ASSERT_TRUE(ReplaceFile(fs_, dir_.File("file"), "x").ok());
  const Status status = Open(dir_.File("file"), Mode::kRead)->WriteAt(0, "y");
  EXPECT_EQ(status.code(), StatusCode::kIoError);
  EXPECT_THAT(status.message(), HasSubstr(dir_.File("file")));
  const Status inside = fs_.CreateDirectory(dir_.File("file/below"));
  EXPECT_FALSE(inside.ok());
  EXPECT_THAT(inside.message(), HasSubstr(dir_.File("file/below")));
}

// A full disk is told apart from a broken one: writes may succeed again later.
TEST_F(FileSystemTest, FullDiskIsResourceExhausted) {
  const auto file = fs_.Open("/dev/full", Mode::kReadWrite);
  ASSERT_TRUE(file.ok()) << file.status().ToString();
  EXPECT_EQ((*file)->WriteAt(0, "x").code(), StatusCode::kResourceExhausted);
}

TEST_F(FileSystemTest, ReadsAndWritesByPosition) {
  const auto file = Open(dir_.File("file"), Mode::kCreate);
  ASSERT_TRUE(file->WriteAt(0, "0123456789").ok());
  ASSERT_TRUE(file->WriteAt(5, "abc").ok());
  EXPECT_EQ(*ReadFile(fs_, dir_.File("file")), "01234abc89");
  char buffer[8] = {};
  EXPECT_EQ(*file->ReadAt(4, buffer, 4), 4U);
  EXPECT_EQ(std::string_view(buffer, 4), "4abc");
  EXPECT_EQ(*file->ReadAt(8, buffer, 8), 2U) << "fewer only at the end";
  EXPECT_EQ(*file->ReadAt(100, buffer, 8), 0U);
  ASSERT_TRUE(file->Truncate(3).ok());
  EXPECT_EQ(*file->Size(), 3U);
  ASSERT_TRUE(file->Truncate(5).ok());
  EXPECT_EQ(*ReadFile(fs_, dir_.File("file")), std::string("012\0\0", 5));
  EXPECT_TRUE(file->SyncData().ok());
}

TEST_F(FileSystemTest, CreateKeepsWhatIsThere) {
  ASSERT_TRUE(ReplaceFile(fs_, dir_.File("file"), "content").ok());
  EXPECT_EQ(*Open(dir_.File("file"), Mode::kCreate)->Size(), 7U);
}

TEST_F(FileSystemTest, DirectoriesAreMadeListedAndRemoved) {
  const std::string deep = dir_.File("a/b/c");
  ASSERT_TRUE(fs_.CreateDirectory(deep).ok());
  ASSERT_TRUE(fs_.CreateDirectory(deep).ok()) << "fine if it exists";
  ASSERT_TRUE(ReplaceFile(fs_, JoinPath(deep, "f"), "x").ok());
  ASSERT_TRUE(fs_.CreateDirectory(JoinPath(deep, "d")).ok());
  EXPECT_THAT(*fs_.List(deep), UnorderedElementsAre("f", "d"));
  EXPECT_TRUE(*fs_.Exists(JoinPath(deep, "f")));
  EXPECT_FALSE(*fs_.Exists(JoinPath(deep, "f/below")));
  ASSERT_TRUE(fs_.Remove(JoinPath(deep, "f")).ok());
  ASSERT_TRUE(fs_.Remove(JoinPath(deep, "f")).ok()) << "fine if it is absent";
  ASSERT_TRUE(fs_.RemoveTree(dir_.File("a")).ok());
  EXPECT_FALSE(*fs_.Exists(dir_.File("a")));
}

// A second daemon on the same directory would write over the first one's log.
TEST_F(FileSystemTest, LockIsRefusedWhileHeldInThisProcess) {
  auto first = fs_.Lock(dir_.File("LOCK"));
  ASSERT_TRUE(first.ok());
  const auto second = fs_.Lock(dir_.File("LOCK"));
  EXPECT_EQ(second.status().code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(second.status().message(), HasSubstr(dir_.File("LOCK")));
  *first = nullptr;
  EXPECT_TRUE(fs_.Lock(dir_.File("LOCK")).ok());
}

TEST_F(FileSystemTest, LockIsRefusedWhileAnotherProcessHoldsIt) {
  int to_child[2];
  int from_child[2];
  ASSERT_EQ(::pipe(to_child), 0);
  ASSERT_EQ(::pipe(from_child), 0);
  const std::string path = dir_.File("LOCK");
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::close(to_child[1]);
    const auto lock = fs_.Lock(path);
    char byte = lock.ok() ? 'y' : 'n';
    if (::write(from_child[1], &byte, 1) != 1) ::_exit(1);
    ::_exit(::read(to_child[0], &byte, 1) == 0 ? 0 : 1);  // ends when the parent closes its side
  }
  ::close(to_child[0]);
  char byte = 0;
  ASSERT_EQ(::read(from_child[0], &byte, 1), 1);
  EXPECT_EQ(byte, 'y');
  EXPECT_EQ(fs_.Lock(path).status().code(), StatusCode::kFailedPrecondition);
  ::close(to_child[1]);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(fs_.Lock(path).ok()) << "the lock of a dead process must not remain";
  for (const int fd : {to_child[0], from_child[0], from_child[1]}) ::close(fd);
}

// A reader (or a crash) between two checkpoints sees one of them, never a mix.
TEST_F(FileSystemTest, ReplaceFileIsAtomic) {
  const std::string path = dir_.File("file");
  const std::string old_content(100'000, 'o');
  const std::string new_content(50'000, 'n');
  ASSERT_TRUE(ReplaceFile(fs_, path, old_content).ok());
  std::atomic<bool> stop{false};
  std::atomic<int> mixed{0};
  std::thread reader([&] {
    while (!stop) {
      const auto content = ReadFile(FileSystem::Real(), path);
      if (!content.ok() || (*content != old_content && *content != new_content)) ++mixed;
    }
  });
  for (int i = 0; i < 50; ++i) {
    EXPECT_TRUE(ReplaceFile(fs_, path, i % 2 == 0 ? new_content : old_content).ok());
  }
  stop = true;
  reader.join();
  EXPECT_EQ(mixed, 0);
  EXPECT_THAT(*fs_.List(dir_.path()), UnorderedElementsAre("file")) << "no temporary file remains";
}

TEST_F(FileSystemTest, PathsAreJoinedWithOneSlash) {
  EXPECT_EQ(JoinPath("a/b", "c"), "a/b/c");
  EXPECT_EQ(JoinPath("a/b/", "c"), "a/b/c");
  EXPECT_EQ(JoinPath("", "c"), "c");
}

}  // namespace
}  // namespace immudb
