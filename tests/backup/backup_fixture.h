// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "backup/archive.h"
#include "backup/backup.h"
#include "backup/restore.h"
#include "immudb/store.h"
#include "support/temp_dir.h"

namespace immudb::testing {

// A data directory with one database that is open, and places for backups and for restoring them.
class BackupFixture : public ::testing::Test {
 protected:
  static std::string ReadAll(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  static void WriteAll(const std::string& file, const std::string& bytes) {
    std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
  }

  void OpenStore(size_t segment_bytes = size_t{256} << 20) {
    StoreOptions options;
    options.segment_bytes = segment_bytes;
    options.sync = false;
    auto store = Store::Open(data_ + "/defaultdb", options);
    ASSERT_TRUE(store.ok()) << store.status().ToString();
    store_ = *std::move(store);
    WriteAll(data_ + "/defaultdb/immudb.identifier", "twelve bytes");
  }

  // `count` transactions of two entries.
  void Fill(int first, int count) {
    for (int i = first; i < first + count; ++i) {
      Transaction transaction;
      const std::string number = std::to_string(i);
      std::string key("key-");
      ASSERT_TRUE(transaction.Set(key.append(number), "value-of-" + number).ok());
      ASSERT_TRUE(transaction.Set("counter", number).ok());
      const auto done = store_->Commit(std::move(transaction));
      ASSERT_TRUE(done.ok()) << done.status().ToString();
    }
  }

  // The root that the open store has published when it is asked.
  std::optional<VerifyOptions::Trusted> Published() const {
    const Snapshot latest = store_->Latest();
    return VerifyOptions::Trusted{latest.size(), latest.root()};
  }
  BackupOptions Online() const {
    BackupOptions options;
    options.directory = data_;
    options.root_of = [this](const std::string&) {
      return Result<std::optional<VerifyOptions::Trusted>>(Published());
    };
    return options;
  }

  static Result<Manifest> BackUp(const BackupOptions& options, const std::string& target) {
    auto sink =
        IsArchiveName(target) ? ArchiveSink(target) : FolderSink(FileSystem::Real(), target);
    if (!sink.ok()) return sink.status();
    return WriteBackup(options, **sink);
  }
  RestoreOptions To(const std::string& directory, std::vector<std::string> backups) const {
    RestoreOptions options;
    options.directory = directory;
    options.backups = std::move(backups);
    options.time = "2026-01-31_12-00-00";
    return options;
  }

  // Every file below a folder, with what is in it.
  static std::vector<std::pair<std::string, std::string>> Contents(const std::string& folder) {
    std::vector<std::pair<std::string, std::string>> files;
    for (const auto& each : std::filesystem::recursive_directory_iterator(folder)) {
      if (each.is_regular_file()) files.emplace_back(each.path(), ReadAll(each.path()));
    }
    std::sort(files.begin(), files.end());
    return files;
  }

  TempDir dir_;
  const std::string data_ = dir_.File("data");
  const std::string target_ = dir_.File("elsewhere");
  std::unique_ptr<Store> store_;
};

}  // namespace immudb::testing
