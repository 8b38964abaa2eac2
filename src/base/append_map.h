// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/file_system.h"
#include "immudb/status.h"

namespace immudb {

// An append-only file of fixed-size records, written through the I/O seam and read through memory
// maps. For derived data (tree nodes, entry positions): its bytes are durable only after Sync().
// While it grows, mapped pages are given back from time to time, so that the process does not come
// to hold the whole file; they stay in the page cache.
//
// Threads: one appender at a time; any number of readers at once, without locks. A reader MUST stay
// below a record count that the appender has handed to it (through a lock or an atomic) after
// Append() returned: that is how it knows the bytes are there.
class AppendMap {
 public:
  // Opens or creates. A trailing partial record (torn by a crash) is not counted.
  static Result<std::unique_ptr<AppendMap>> Open(FileSystem& fs, const std::string& path,
                                                 size_t record_bytes);
  ~AppendMap();
  AppendMap(const AppendMap&) = delete;
  AppendMap& operator=(const AppendMap&) = delete;

  // Records that were appended (or found at open).
  uint64_t count() const { return count_; }

  // Appends whole records. On error the count is unchanged and the call may be repeated.
  Status Append(std::string_view records);
  // Cuts back to `count` records; for recovery, before there are readers.
  Status Truncate(uint64_t count);
  Status Sync() { return file_->SyncData(); }

  // The bytes of record `i`. Precondition: see above.
  const char* At(uint64_t i) const {
    const uint64_t offset = i * record_bytes_;
    const char* chunk = chunks_[offset >> kChunkBits].load(std::memory_order_acquire);
    return chunk + (offset & (kChunkBytes - 1));
  }

 private:
  static constexpr unsigned kChunkBits = 26;  // 64 MiB of address space a map
  static constexpr uint64_t kChunkBytes = uint64_t{1} << kChunkBits;
  static constexpr size_t kMaxChunks = size_t{1} << 16;
  static constexpr uint64_t kReleaseBytes = uint64_t{8} << 20;  // so much growth between releases

  AppendMap(std::unique_ptr<File> file, std::string path, size_t record_bytes, uint64_t count);
  Status MapThrough(uint64_t bytes);
  void ReleasePages();

  const std::unique_ptr<File> file_;
  const std::string path_;
  const size_t record_bytes_;  // a power of two, so that no record spans two chunks
  uint64_t count_;
  size_t mapped_chunks_ = 0;
  uint64_t released_at_ = 0;  // size of the file then
  // Zero pages until touched: 512 KiB of address space, not of memory.
  std::unique_ptr<std::atomic<const char*>[]> chunks_;
};

}  // namespace immudb
