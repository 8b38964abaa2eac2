// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file_system.h"
#include "base/read_mode.h"
#include "immudb/status.h"
#include "immudb/types.h"
#include "vlog/frame.h"
#include "vlog/segment_scan.h"

namespace immudb {

struct ValueLogOptions {
  size_t segment_bytes = size_t{256} << 20;
  bool sync = true;
  size_t max_open_segments = 16;  // for reading
};

// Frames laid out for consecutive places of one segment, before they are written. Movable, not
// thread-safe.
struct LogGroup {
  LogPosition start;  // of the first frame
  bool opens_segment = false;
  LeafIndex first;    // of the first entry
  std::string bytes;  // frames whose headers are completed when they are written
};

// The append-only value log: the only truth of a database. Segment files "00000000.log",
// "00000001.log"... of checksummed frames, one frame a transaction.
//
// Durability: a group is written by Write() and durable when the next Sync() returns. The last
// segment is written over zeros laid down ahead, which makes fdatasync cheaper.
//
// Threads: layout (BeginGroup, Place, ResetLayout) by one thread at a time, writing (Write, Sync,
// Retract, Close) by one thread, which may be another; Read by any number. Open and Recover come
// first, alone.
class ValueLog {
 public:
  // Finds the segments; creates the directory if it is absent. kDataLoss if segments are missing.
  static Result<std::unique_ptr<ValueLog>> Open(FileSystem& fs, const std::string& directory,
                                                const ValueLogOptions& options);
  ValueLog(const ValueLog&) = delete;
  ValueLog& operator=(const ValueLog&) = delete;

  // Visits every frame from `from` on (a frame boundary, or {} for the beginning), where entry
  // `first` stands, and finds the end of the log. A torn tail is reported in the result and stays
  // until CutTail().
  Result<SegmentEnd> Recover(LogPosition from, LeafIndex first, const FrameVisitor& visit);
  // Removes what stands behind the recovered end, and writes and syncs the last group anew: it may
  // be in the page cache only, and after a failed sync the system would never store it. Call before
  // anything is placed.
  Status CutTail();

  // Where the next frame will stand (layout) or the log ends (after Recover).
  LogPosition end() const { return layout_end_; }

  // Starts a group at the end of what was placed before, in a new segment if the current one is
  // full.
  LogGroup BeginGroup(LeafIndex first);
  // Adds a transaction to the group that was begun last; returns the place of its first entry.
  LogPosition Place(LogGroup& group, LeafIndex first, uint32_t entry_count, std::string_view body,
                    uint64_t body_checksum);
  // Forgets what was placed at and behind `position`.
  void ResetLayout(LogPosition position) { layout_end_ = position; }

  // Writes groups that follow each other in one segment, in order. On error nothing is known about
  // their bytes: call Retract.
  Status Write(const std::vector<LogGroup*>& groups);
  // Everything written is durable when this returns ok. Nothing to do when options.sync is off.
  Status Sync();
  // As Sync, whatever the options say. From any thread. After a failure every later one fails too:
  // the system forgets what it could not store.
  Status ForceSync();
  // Where the log ends now; of the writing thread.
  LogPosition written_end() const { return written_end_; }
  // Cuts the log back to where it ended before the failed Write, and returns that place.
  Result<LogPosition> Retract();
  // Syncs, and gives the zeros behind the end back to the file system.
  Status Close();

  // The entry at this position (as Place and the entry lengths give it). kDataLoss, naming file and
  // offset, if its checksum does not match.
  struct OwnedEntry {
    EntryKind kind = EntryKind::kValue;
    std::string key;
    std::string value;
    uint32_t set_bytes = 0;  // as EntryView
  };
  // At once: kUnavailable also if it has more than kAtOnceBytes.
  static constexpr size_t kAtOnceBytes = size_t{64} << 10;
  Result<OwnedEntry> Read(LogPosition position, ReadMode mode = ReadMode::kMayWait) const;
  // Only its key, without the cost of a large value. The checksum, which covers both, is compared
  // only if the entry is small.
  Result<std::string> ReadKey(LogPosition position) const;

  // The frame whose first entry stands at `position`.
  static LogPosition FrameOf(LogPosition position) {
    return {position.segment, position.offset - kFrameHeaderBytes};
  }
  std::string SegmentPath(uint32_t segment) const;
  // Of all segment files, with what was laid down ahead.
  Result<uint64_t> TotalBytes() const;

 private:
  ValueLog(FileSystem& fs, std::string directory, const ValueLogOptions& options)
      : fs_(fs), directory_(std::move(directory)), options_(options) {}
  Status WriteLastGroupAnew();
  Status StartSegment(LogPosition start, LeafIndex first);
  void LayZerosAhead(uint64_t written_bytes);
  Result<std::shared_ptr<File>> OpenSegment(uint32_t segment) const;
  // Under mutex_.
  void KeepOpen(uint32_t segment, std::shared_ptr<File> file) const;
  // Makes `bytes`, which were read at `position`, up to `size` bytes long. At the end of the file
  // there may be less; of more than kFirstRead bytes, then nothing is read.
  static Status ReadOn(const File& file, LogPosition position, size_t size, std::string& bytes,
                       ReadMode mode = ReadMode::kMayWait);
  // The segment of an entry, and the first bytes of the entry.
  Result<std::shared_ptr<File>> ReadStart(LogPosition position, std::string& bytes,
                                          ReadMode mode = ReadMode::kMayWait) const;
  Status DamagedEntry(LogPosition position) const;

  FileSystem& fs_;
  const std::string directory_;
  const ValueLogOptions options_;

  // Layout thread.
  LogPosition layout_end_;

  // Writing thread.
  uint64_t unsynced_from_ = 0;  // of the last segment, when it was recovered
  LogPosition retract_to_;
  uint64_t zeroed_end_ = 0;  // the active file is written (or zeroed) up to here
  uint32_t segment_count_ = 0;

  std::mutex sync_mutex_;  // taken before mutex_; held over a sync
  Status sync_failure_;    // guarded by sync_mutex_

  mutable std::mutex mutex_;
  // Changed by the writing thread, with mutex_ held; so it may read them without.
  std::shared_ptr<File> active_;  // the last segment; null before the first write
  LogPosition written_end_;
  // Guarded by mutex_.
  LogPosition synced_end_;
  // A few open segments, most recently used first.
  mutable std::list<std::pair<uint32_t, std::shared_ptr<File>>> open_segments_;
};

}  // namespace immudb
