// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "immudb/status.h"
#include "immudb/store.h"
#include "immudb/types.h"
#include "index/index_update.h"
#include "index/table_check.h"
#include "merkle/compact_range.h"
#include "store/checkpoint.h"
#include "store/store_impl.h"
#include "vlog/frame.h"
#include "vlog/segment_scan.h"

namespace immudb {

// One pass over a store that is open, and may be written to meanwhile: is what its files hold still
// what was published? Up to the state that is published when the pass begins:
//
//     log        checksums of segment headers, frames, entries; zeros between frames
//     tree       each leaf against the hash of its entry, each node against its children, the root
//     positions  each against the place where its entry was found
//     index      each entry looked up; then each table read from the disk, block by block, and its
//                records compared with the log
//     CHECKPOINT the root that it remembers
//
// The log is what is walked, so the cost is that of reading everything once. A step is short; who
// calls decides how much time there is between two. Reads go through the file system, not through
// the maps. Damage does not end a pass: it goes on with the next frame that can be read.
//
// Not thread-safe; the store outlives it.
class IntegrityCheck {
 public:
  // Where a pass stands, so that one that a restart interrupts can go on. Entries before `next`
  // were looked at; `at` is the place of the frame of that one.
  struct Mark {
    LeafIndex next;
    LogPosition at;
  };

  struct Step {
    uint64_t bytes = 0;  // that were read
    uint64_t entries = 0;
    // The first ones that the pass finds of each file; `damage_count` counts all.
    std::vector<Damage> damages;
    uint64_t damage_count = 0;
    // What could not be looked at; likewise.
    std::vector<Status> read_errors;
    uint64_t read_error_count = 0;
    bool done = false;  // the pass has ended
  };

  IntegrityCheck(const Store& store, const Mark& from);
  ~IntegrityCheck();
  IntegrityCheck(const IntegrityCheck&) = delete;
  IntegrityCheck& operator=(const IntegrityCheck&) = delete;

  Step Advance();

  Mark mark() const { return {next_, at_}; }
  TreeSize goal() const { return goal_.size; }
  // What was done of the pass, 0 to 1.
  double progress() const;

 private:
  // Bytes of a file at a place, as much as there is.
  class Reader;

  bool MarkIsAFrame();
  Status ReadRange(LeafIndex end);
  void CheckCheckpoint();
  Status AdvanceLog();
  Status EnterSegment();
  Status EndOfRun(const FrameRun& run, uint64_t end);
  void CheckFrame(const FrameView& frame);
  Status CheckTree(const FrameView& frame, const std::vector<IndexUpdate>& entries,
                   const std::vector<uint64_t>& offsets);
  Result<Digest> TrueLeaf(const IndexUpdate& entry, const Digest& stored, uint64_t offset);
  Status CheckPositions(const FrameView& frame, const std::vector<IndexUpdate>& entries,
                        const std::vector<uint64_t>& offsets);
  void CheckIndexEntries(const std::vector<IndexUpdate>& entries);
  Status SkipToNextFrame();
  Result<bool> FrameOfEntryStandsAt(LeafIndex index, const LogPosition& at);
  void EndLog();
  Status AdvanceTables();
  bool RecordIsRight(IndexTable::Family family, std::string_view key, LeafIndex index,
                     std::string_view record) const;
  void Report(Damage damage);
  void ReportReadError(const Status& error);

  const StoreImpl& store_;
  const PublishedState goal_;
  std::unique_ptr<Reader> tree_file_;
  std::unique_ptr<Reader> positions_file_;
  std::unique_ptr<File> segment_file_;
  uint64_t segment_bytes_ = 0;
  bool segment_entered_ = false;

  LeafIndex next_;
  LogPosition at_;
  CompactRange range_;  // of the entries before next_
  bool log_done_ = false;
  bool began_ = false;
  bool tables_listed_ = false;
  std::vector<IndexTable> tables_;
  size_t next_table_ = 0;
  std::unique_ptr<TableCheck> table_;
  bool table_damaged_ = false;
  std::optional<Damage> unreadable_;        // the first entry that the index cannot give
  Step step_;                               // the one that is made
  std::map<std::string, size_t> reported_;  // damages by file
  size_t read_errors_reported_ = 0;
};

}  // namespace immudb
