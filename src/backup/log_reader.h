// SPDX-License-Identifier: Apache-2.0
//
// Reading the log of a database that may be running. Nothing is locked and nothing is changed: the
// log is append-only, and what was published before the reading began does not change any more.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "immudb/status.h"
#include "immudb/types.h"
#include "merkle/compact_range.h"
#include "vlog/frame.h"

namespace immudb {

// A place between two transactions: the tree of all entries before it, and where the log goes on.
// {} is the beginning.
struct LogState {
  CompactRange tree;
  LogPosition end;  // offset 0: before the header of the segment

  friend bool operator==(const LogState&, const LogState&) = default;
};

struct LogReadOptions {
  LogState from = {};
  // Reading ends there. Without it: with the last whole transaction that is found.
  std::optional<TreeSize> until = {};
  // Sizes whose roots are wanted.
  std::vector<TreeSize> watched = {};
  // Told now and then the bytes of the log that were read.
  std::function<void(uint64_t bytes)> progress = {};
};

struct LogRead {
  struct Watched {
    Digest root{};
    std::optional<LogState> state;  // none: inside a transaction
  };
  LogState end;
  std::map<TreeSize, Watched> watched;           // those that were met
  std::map<uint32_t, uint64_t> closed_segments;  // where the frames of each end
  uint64_t torn_bytes = 0;                       // behind the end, of a frame that is not whole
};

// Reads, checks and hashes the entries. kDataLoss naming file and offset if a frame that was
// durable is damaged, or if the log ends before `until`; kInvalidArgument if `until` is inside a
// transaction.
Result<LogRead> ReadLog(FileSystem& fs, const std::string& directory,
                        const LogReadOptions& options);

// "00000042.log"
std::string SegmentFileName(uint32_t segment);

}  // namespace immudb
