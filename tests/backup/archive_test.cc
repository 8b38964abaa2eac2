// SPDX-License-Identifier: Apache-2.0
#include "backup/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <thread>

#include "backup/backup_fixture.h"

namespace immudb::testing {
namespace {

class ArchiveTest : public BackupFixture {
 protected:
  void SetUp() override {
    OpenStore();
    Fill(0, 5);
    const auto manifest = BackUp(Online(), dir_.File("folder"));
    ASSERT_TRUE(manifest.ok()) << manifest.status().ToString();
    text_ = ManifestText(*manifest);
    log_ = ReadAll(dir_.File("folder/defaultdb/log/00000000.log"));
  }

  struct Member {
    std::string name;
    std::string content;
    std::string symlink = {};
    std::string hardlink = {};
  };
  std::vector<Member> Good() const {
    return {{kManifestFile, text_},
            {"defaultdb/log/00000000.log", log_},
            {"defaultdb/immudb.identifier", "twelve bytes"}};
  }
  // As somebody with other tools would make it.
  void MakeTar(const std::string& path, const std::vector<Member>& members) const {
    archive* tar = archive_write_new();
    archive_write_set_format_pax_restricted(tar);
    ASSERT_EQ(archive_write_open_filename(tar, path.c_str()), ARCHIVE_OK);
    for (const Member& member : members) {
      archive_entry* entry = archive_entry_new();
      archive_entry_set_pathname(entry, member.name.c_str());
      archive_entry_set_filetype(entry, member.symlink.empty() ? AE_IFREG : AE_IFLNK);
      archive_entry_set_perm(entry, 0644);
      if (!member.symlink.empty()) archive_entry_set_symlink(entry, member.symlink.c_str());
      if (!member.hardlink.empty()) archive_entry_set_hardlink(entry, member.hardlink.c_str());
      archive_entry_set_size(entry, static_cast<la_int64_t>(member.content.size()));
      ASSERT_EQ(archive_write_header(tar, entry), ARCHIVE_OK);
      archive_write_data(tar, member.content.data(), member.content.size());
      archive_entry_free(entry);
    }
    ASSERT_EQ(archive_write_free(tar), ARCHIVE_OK);
  }

  std::string text_;
  std::string log_;
};

// Each of the forms in which backups are kept.
TEST_F(ArchiveTest, AllFormsAreRestored) {
  for (const char* name : {"a.tar.zst", "b.tar.gz", "c.tar"}) {
    const auto manifest = BackUp(Online(), dir_.File(name));
    ASSERT_TRUE(manifest.ok()) << manifest.status().ToString();
    const auto restored = RestoreBackup(To(target_ + name, {dir_.File(name)}));
    ASSERT_TRUE(restored.ok()) << restored.status().ToString();
    EXPECT_EQ(restored->front().root, store_->Latest().root());
    EXPECT_EQ(ArchiveSink(dir_.File(name)).status().code(), StatusCode::kAlreadyExists);
  }
  MakeTar(dir_.File("foreign.tar"), Good());
  EXPECT_TRUE(RestoreBackup(To(target_, {dir_.File("foreign.tar")})).ok());
}

// Backups may go from machine to machine without a file between.
TEST_F(ArchiveTest, GoesThroughAPipe) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  std::thread writer([&] {
    auto sink = StreamSink(ends[1]);
    EXPECT_TRUE(sink.ok());
    EXPECT_TRUE(WriteBackup(Online(), **sink).ok());
    sink->reset();
    ::close(ends[1]);
  });
  RestoreOptions options = To(target_, {"-"});
  options.stream = ends[0];
  const auto restored = RestoreBackup(options);
  writer.join();
  ::close(ends[0]);
  ASSERT_TRUE(restored.ok()) << restored.status().ToString();
  EXPECT_EQ(restored->front().root, store_->Latest().root());
}

// An archive must not write anywhere but where it is unpacked, nor bring anything unexpected.
TEST_F(ArchiveTest, RefusesWhatDoesNotBelong) {
  using Members = std::vector<Member>;
  const std::string outside = dir_.File("outside");
  const std::vector<std::pair<const char*, std::function<void(Members&)>>> attacks = {
      {"dot dot",
       [](Members& m) {
         m.push_back({"../../../outside", "x"});
       }},
      {"dot dot inside",
       [](Members& m) {
         m.push_back({"defaultdb/../../../../outside", "x"});
       }},
      {"absolute",
       [&](Members& m) {
         m.push_back({outside, "x"});
       }},
      {"absolute name of a file", [&](Members& m) { m[1].name = "/" + m[1].name; }},
      {"link",
       [&](Members& m) {
         m.insert(m.begin() + 1, {"defaultdb", "", dir_.path()});
       }},
      {"file as link",
       [&](Members& m) {
         m[1] = {m[1].name, "", outside};
       }},
      {"file as hard link",
       [&](Members& m) {
         m[1] = {m[1].name, "", "", data_ + "/immudb.lock"};
       }},
      {"unexpected",
       [](Members& m) {
         m.push_back({"defaultdb/CHECKPOINT", "x"});
       }},
      {"twice", [](Members& m) { m.push_back(m[1]); }},
      {"longer", [](Members& m) { m[1].content += "x"; }},
      {"shorter", [](Members& m) { m[1].content.pop_back(); }},
      {"missing", [](Members& m) { m.pop_back(); }},
      {"no manifest", [](Members& m) { m.erase(m.begin()); }},
      {"manifest last", [](Members& m) { std::swap(m.front(), m.back()); }},
  };
  for (const auto& [what, change] : attacks) {
    Members members = Good();
    change(members);
    MakeTar(dir_.File("attack.tar"), members);
    const auto restored = RestoreBackup(To(target_, {dir_.File("attack.tar")}));
    EXPECT_EQ(restored.status().code(), StatusCode::kDataLoss)
        << what << ": " << restored.status().ToString();
    EXPECT_FALSE(std::filesystem::exists(target_ + "/defaultdb")) << what;
    EXPECT_FALSE(std::filesystem::exists(target_ + "/.restore")) << what;
    EXPECT_FALSE(std::filesystem::exists(outside)) << what;
  }
}

// A small archive must not fill the disk before it is refused.
class ArchiveBombTest : public ArchiveTest {
 protected:
  // The good archive, but with a log of so many bytes, which `fill` makes.
  std::string MakeBomb(uint64_t bytes, const std::function<std::string(uint64_t)>& fill) {
    Manifest manifest = *ParseManifest(text_);
    manifest.databases[0].files[0].bytes = bytes;
    manifest.databases[0].state.end.offset = bytes;
    const std::string path = dir_.File("bomb.tar.gz");
    archive* tar = archive_write_new();
    archive_write_set_format_pax_restricted(tar);
    archive_write_add_filter_gzip(tar);
    EXPECT_EQ(archive_write_open_filename(tar, path.c_str()), ARCHIVE_OK);
    const auto begin = [&](const std::string& name, uint64_t size) {
      archive_entry* entry = archive_entry_new();
      archive_entry_set_pathname(entry, name.c_str());
      archive_entry_set_filetype(entry, AE_IFREG);
      archive_entry_set_size(entry, static_cast<la_int64_t>(size));
      EXPECT_EQ(archive_write_header(tar, entry), ARCHIVE_OK);
      archive_entry_free(entry);
    };
    const std::string text = ManifestText(manifest);
    begin(kManifestFile, text.size());
    archive_write_data(tar, text.data(), text.size());
    begin("defaultdb/log/00000000.log", bytes);
    for (uint64_t done = 0; done < bytes;) {
      const std::string piece = fill(done);
      archive_write_data(tar, piece.data(), std::min<uint64_t>(piece.size(), bytes - done));
      done += piece.size();
    }
    EXPECT_EQ(archive_write_free(tar), ARCHIVE_OK);
    return path;
  }
  static std::string Zeros(uint64_t) { return std::string(1 << 20, '\0'); }
};

// The file system notes how much of it was ever written.
class CountingFileSystem final : public FileSystem {
 public:
  uint64_t free = uint64_t{1} << 40;
  std::atomic<uint64_t> written = 0;

  Result<std::unique_ptr<File>> Open(const std::string& path, Mode mode) override {
    auto file = real_.Open(path, mode);
    if (!file.ok()) return file.status();
    return std::unique_ptr<File>(std::make_unique<Counted>(*std::move(file), written));
  }
  Status CreateDirectory(const std::string& path) override { return real_.CreateDirectory(path); }
  Result<std::vector<std::string>> List(const std::string& path) override {
    return real_.List(path);
  }
  Result<bool> Exists(const std::string& path) override { return real_.Exists(path); }
  Status Remove(const std::string& path) override { return real_.Remove(path); }
  Status RemoveTree(const std::string& path) override { return real_.RemoveTree(path); }
  Status Rename(const std::string& from, const std::string& to) override {
    return real_.Rename(from, to);
  }
  Status SyncDirectory(const std::string& path) override { return real_.SyncDirectory(path); }
  Result<uint64_t> FreeBytes(const std::string&) override { return free; }
  Result<std::unique_ptr<FileLock>> Lock(const std::string& path) override {
    return real_.Lock(path);
  }

 private:
  class Counted final : public File {
   public:
    Counted(std::unique_ptr<File> file, std::atomic<uint64_t>& written)
        : file_(std::move(file)), written_(written) {}
    Status WriteAt(uint64_t offset, std::string_view data) override {
      written_ += data.size();
      return file_->WriteAt(offset, data);
    }
    Result<size_t> ReadAt(uint64_t offset, char* buffer, size_t size) const override {
      return file_->ReadAt(offset, buffer, size);
    }
    Status SyncData() override { return file_->SyncData(); }
    Status Truncate(uint64_t size) override { return file_->Truncate(size); }
    Result<uint64_t> Size() const override { return file_->Size(); }
    int descriptor() const override { return file_->descriptor(); }

   private:
    const std::unique_ptr<File> file_;
    std::atomic<uint64_t>& written_;
  };
  FileSystem& real_ = FileSystem::Real();
};

TEST_F(ArchiveBombTest, WhatIsNoLogEndsAtItsFirstFrame) {
  CountingFileSystem disk;
  RestoreOptions options = To(target_, {});
  options.file_system = &disk;
  const uint64_t bytes = uint64_t{64} << 20;
  const auto good_then_zeros = [&](uint64_t done) { return done == 0 ? log_ : Zeros(done); };
  for (const auto& fill :
       std::vector<std::function<std::string(uint64_t)>>{Zeros, good_then_zeros}) {
    options.backups = {MakeBomb(bytes, fill)};
    EXPECT_LT(std::filesystem::file_size(options.backups[0]), 200'000U);
    disk.written = 0;
    const Status refused = RestoreBackup(options).status();
    EXPECT_EQ(refused.code(), StatusCode::kDataLoss);
    EXPECT_NE(refused.message().find("defaultdb/log/00000000.log"), std::string::npos)
        << refused.message();
    EXPECT_LT(disk.written, 1'000'000U) << refused.message();
  }
}

TEST_F(ArchiveBombTest, RoomIsLookedForBeforehand) {
  CountingFileSystem disk;
  disk.free = 1'000'000;
  RestoreOptions options = To(target_, {MakeBomb(uint64_t{3} << 20, Zeros)});
  options.file_system = &disk;
  const Status refused = RestoreBackup(options).status();
  EXPECT_EQ(refused.code(), StatusCode::kResourceExhausted);
  EXPECT_NE(refused.message().find("1000000 are free"), std::string::npos) << refused.message();
  EXPECT_EQ(disk.written, 0U);
  disk.free = 100;  // also for a folder, which is copied
  options.backups = {dir_.File("folder")};
  EXPECT_EQ(RestoreBackup(options).status().code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(disk.written, 0U);
}

// What little bytes ask for much memory: a window of 2 GiB, a name of many megabytes.
TEST_F(ArchiveBombTest, WindowsAndNamesAreBounded) {
  const std::string path = dir_.File("window.tar.zst");
  WriteAll(path, std::string("\x28\xb5\x2f\xfd\x00\xa8", 6) + std::string(1000, 'x'));
  EXPECT_EQ(RestoreBackup(To(target_, {path})).status().code(), StatusCode::kDataLoss);
  auto members = Good();
  members.push_back({std::string(8 << 20, 'n'), "x"});
  MakeTar(dir_.File("name.tar"), members);
  EXPECT_EQ(RestoreBackup(To(target_, {dir_.File("name.tar")})).status().code(),
            StatusCode::kDataLoss);
}

// Whatever byte of an archive is changed, or where it is cut: refused. A few bits of a zstd frame
// mean nothing (its window; which of several runs of zeros is repeated): what comes out of it is
// the very same then.
TEST_F(ArchiveTest, RefusesFlippedAndMissingBytes) {
  const std::string path = dir_.File("a.tar.zst");
  ASSERT_TRUE(BackUp(Online(), path).ok());
  const std::string archive = ReadAll(path);
  size_t refused = 0;
  size_t tried = 0;
  for (size_t i = 0; i < archive.size(); ++i) {
    std::string changed = archive;
    changed[i] = static_cast<char>(changed[i] ^ 0x08);
    WriteAll(path, changed);
    const auto restored = RestoreBackup(To(target_, {path}));
    ++tried;
    if (!restored.ok()) {
      ++refused;
      EXPECT_FALSE(std::filesystem::exists(target_ + "/defaultdb"));
      continue;
    }
    EXPECT_EQ(restored->front().root, store_->Latest().root());
    EXPECT_EQ(ReadAll(target_ + "/defaultdb/immudb.identifier"), "twelve bytes");
    std::filesystem::remove_all(target_);
  }
  EXPECT_GT(refused * 100, tried * 99) << refused << " of " << tried;
  for (size_t i = 0; i < archive.size(); i += 1 + archive.size() / 20) {
    WriteAll(path, archive.substr(0, i));
    EXPECT_FALSE(RestoreBackup(To(target_, {path})).ok()) << "cut at " << i;
  }
}

}  // namespace
}  // namespace immudb::testing
