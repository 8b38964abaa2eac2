// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"

namespace immudb::testing {

// The real file system on a disk that fails as disks do: it fills up, refuses a sync, hangs in one,
// or loses power.
//
// Only what was synced through this object survives PowerLoss(): every write and truncation since
// the last successful SyncData of its file is remembered with what it replaced. Nothing is really
// synced, so tests are fast. Names are no better: a file or folder that was made, renamed or
// removed is as before again, unless its folder was synced since.
//
// Thread-safe. Every `path_part` limits a fault to files whose path contains it; empty: all files.
class FaultFileSystem final : public FileSystem {
 public:
  // Files may grow by `bytes` more, together. The write that crosses the limit is cut short and
  // fails with kResourceExhausted. As on a real disk, overwriting costs nothing and truncation
  // gives back.
  void LimitFreeBytes(uint64_t bytes, std::string_view path_part = {});
  void LiftLimit();

  // The next `count` syncs fail. As with Linux, what they should have stored is lost although later
  // syncs of the same file succeed: unless it is written again.
  void FailSyncs(uint64_t count, std::string_view path_part = {});

  // The next `count` reads fail; maps are not reads.
  void FailReads(uint64_t count, std::string_view path_part = {});

  // No byte of these files is in memory from now on: only a read that waits for the disk gives any.
  void DropCache(std::string_view path_part = {});

  // Syncs hang until ReleaseSyncs().
  void BlockSyncs(std::string_view path_part = {});
  void ReleaseSyncs();
  // False if no sync came within `deadline`.
  bool WaitForBlockedSync(std::chrono::milliseconds deadline);

  // The power goes: from now on, or in the middle of the n-th write, sync or truncation from now,
  // all changes fail with kIoError. The process lives on. `seed` decides how far that n-th got.
  void Freeze();
  void FreezeAfter(uint64_t operations, uint64_t seed);
  bool frozen() const;

  enum class Loss : uint8_t {
    kAllUnsynced,    // nothing that was not synced had reached the disk
    kRandomSectors,  // some 512-byte sectors of it had, in any order
  };
  // What a machine finds when the power is back; changes work again. The files MUST be closed
  // (kFailedPrecondition).
  Status PowerLoss(Loss loss, uint64_t seed);

  Result<std::unique_ptr<File>> Open(const std::string& path, Mode mode) override;
  Status CreateDirectory(const std::string& path) override;
  Result<std::vector<std::string>> List(const std::string& path) override;
  Result<bool> Exists(const std::string& path) override;
  Status Remove(const std::string& path) override;
  Status RemoveTree(const std::string& path) override;
  Status Rename(const std::string& from, const std::string& to) override;
  Status SyncDirectory(const std::string& path) override;
  Result<uint64_t> FreeBytes(const std::string& path) override;
  Result<std::unique_ptr<FileLock>> Lock(const std::string& path) override;

 private:
  class FaultFile;
  // A change that a loss of power takes back.
  struct Change {
    uint64_t old_size = 0;
    uint64_t new_size = 0;
    uint64_t offset = 0;
    std::string old_bytes;  // what stood at `offset`
    std::string new_bytes;  // empty for a truncation
    bool is_truncation = false;
  };
  struct FileState {
    std::vector<Change> unsynced;
    size_t lost = 0;  // so many of the first ones: a sync failed, and no later one stores them
  };
  // A change of a name that a loss of power takes back.
  struct NameChange {
    std::string path;
    std::string from;                    // of a rename; else empty
    std::optional<std::string> content;  // of the file that stood at `path` before
  };
  enum class Power : uint8_t { kOn, kFailing, kOff };

  // The functions below are called with mutex_ held.
  Power Tick();
  Status ApplyWrite(File& file, FileState& state, const std::string& path, uint64_t offset,
                    std::string_view data);
  Status ApplyTruncate(File& file, FileState& state, const std::string& path, uint64_t size);
  static void Store(FileState& state);
  Status ApplySync(FileState& state, const std::string& path);
  Status LosePower(const std::string& path, const FileState& state, Loss loss,
                   std::mt19937_64& random);
  Status CheckPower(const std::string& path) const;
  Result<std::optional<std::string>> ContentOf(const std::string& path);
  Status LoseNames(Loss loss, std::mt19937_64& random);

  FileSystem& real_ = FileSystem::Real();

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  // Guarded by mutex_.
  std::map<std::string, std::shared_ptr<FileState>> files_;
  std::vector<NameChange> unsynced_names_;  // in order
  bool limited_ = false;
  uint64_t free_bytes_ = 0;
  std::string limited_part_;
  uint64_t failing_syncs_ = 0;
  std::string failing_part_;
  uint64_t failing_reads_ = 0;
  std::string failing_reads_part_;
  bool cold_ = false;
  std::string cold_part_;
  bool blocking_syncs_ = false;
  uint64_t blocked_syncs_ = 0;
  std::string blocking_part_;
  bool frozen_ = false;
  uint64_t operations_left_ = 0;  // until the power goes; 0: it stays
  std::mt19937_64 random_;
};

}  // namespace immudb::testing
