// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/file_system.h"
#include "base/mapped_copy.h"
#include "immudb/status.h"

namespace immudb {

// An append-only file of fixed-size records, written through the I/O seam and read through memory
// maps. For derived data (tree nodes, entry positions): its bytes are durable only after Sync().
// While it grows, mapped pages are given back from time to time, so that the process does not come
// to hold the whole file; they stay in the page cache.
//
// Threads: one appender at a time; any number of readers at once, without locks. A reader MUST stay
// below a record count that the appender has handed to it (through a lock or an atomic) after
// Append() returned: that is how it knows the bytes are there. If somebody else cuts the file, or
// the disk cannot read it, Read() fails; the next one tries again.
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
  // After a failure every later one fails too, as the system forgets what it could not store; the
  // records are safe again when they are derived again.
  Status Sync();

  // Copies record `i`, of record_bytes, to `out`. False if it cannot be read: see ReadFailure.
  // Precondition: see above.
  [[nodiscard]] bool Read(uint64_t i, char* out) const {
    const uint64_t offset = i * record_bytes_;
    const unsigned chunk = ChunkOf(offset);
    return CopyMapped(out,
                      chunks_[chunk].load(std::memory_order_acquire) + (offset - ChunkBegin(chunk)),
                      record_bytes_);
  }
  // Why record `i` could not be read. kDataLoss: the file ends before it; else kIoError.
  Status ReadFailure(uint64_t i) const;

 private:
  // Chunk 0 maps the first MiB of the file, chunk k the bytes [2^(k-1), 2^k) MiB: a small file
  // takes little address space, a large one few maps.
  static constexpr unsigned kFirstChunkBits = 20;
  static constexpr unsigned kMaxChunks = 27;                    // 64 TiB
  static constexpr uint64_t kReleaseBytes = uint64_t{8} << 20;  // growth between two releases

  static constexpr unsigned ChunkOf(uint64_t offset) {
    return static_cast<unsigned>(std::bit_width(offset >> kFirstChunkBits));
  }
  static constexpr uint64_t ChunkBegin(unsigned chunk) {
    return chunk == 0 ? 0 : uint64_t{1} << (kFirstChunkBits + chunk - 1);
  }
  static constexpr uint64_t ChunkBytes(unsigned chunk) {
    return uint64_t{1} << (kFirstChunkBits + (chunk == 0 ? 0 : chunk - 1));
  }

  AppendMap(std::unique_ptr<File> file, std::string path, size_t record_bytes, uint64_t count);
  Status MapThrough(uint64_t bytes);
  void ReleasePages();

  const std::unique_ptr<File> file_;
  const std::string path_;
  const size_t record_bytes_;  // a power of two, so that no record spans two chunks
  uint64_t count_;
  Status sync_failure_;  // of the one thread that syncs
  unsigned mapped_chunks_ = 0;
  uint64_t released_at_ = 0;  // size of the file then
  std::array<std::atomic<const char*>, kMaxChunks> chunks_{};
};

}  // namespace immudb
