// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/file_system.h"
#include "immudb/status.h"
#include "immudb/types.h"
#include "vlog/frame.h"

namespace immudb {

// A whole and checked transaction; `body` is valid during the visit only.
struct FrameView {
  LogPosition position;  // of the frame's header
  LeafIndex first;
  uint32_t entry_count = 0;
  std::string_view body;
  std::string_view padding;  // behind the body, up to a multiple of kFrameAlignment; see ScanFrames
};

// Called for each good frame in order; an error ends the scan with it.
using FrameVisitor = std::function<Status(const FrameView&)>;

struct SegmentEnd {
  uint64_t offset = 0;      // behind the last good frame
  LeafIndex next;           // index that a following frame would have
  uint64_t torn_bytes = 0;  // non-zero bytes lie behind `offset`: a frame that a crash cut off
  // From here to `offset` nobody knows whether it was ever synced.
  uint64_t unsynced_from = 0;
};

// Reads the frames of one segment from `offset`, which must be a frame boundary, expecting entry
// `first` there.
//
// The torn-tail rule: in the last segment a bad frame ends the log, provided that nothing behind it
// shows that it had been durable: no good frame that says more than `unsynced_bytes` before it was
// on disk. In any other place a bad frame is damage: kDataLoss, naming file, offset and index. So
// is, everywhere, a good frame whose index is not the next one, or whose padding is not zeros: no
// crash leaves that behind.
Result<SegmentEnd> ScanSegment(const File& file, const std::string& name, uint32_t segment,
                               uint64_t offset, LeafIndex first, bool is_last,
                               const FrameVisitor& visit);

struct FrameRun {
  uint64_t offset = 0;  // behind the last good frame
  LeafIndex next;
  uint64_t unsynced_from = 0;  // as SegmentEnd
  bool good = true;  // false: what stands at `offset` is not the good frame that should be there
};

// Reads the good frames of [offset, end), where entry `first` and frame boundaries must be; stops
// behind about `bytes` of them, or at the first place that is none. Does not look at the padding:
// the visitor MUST, since it has to be zeros.
Result<FrameRun> ScanFrames(const File& file, uint32_t segment, uint64_t offset, uint64_t end,
                            LeafIndex first, size_t bytes, const FrameVisitor& visit);

// Returns true if a valid frame of the segment proves that what stood at `offset` was durable. The
// file may become shorter meanwhile.
Result<bool> WasDurable(const File& file, uint32_t segment, uint64_t offset);

// Returns true if the file has nothing but zeros at and behind `offset`.
Result<bool> OnlyZerosFrom(const File& file, uint64_t offset);

// What FrameDamage says of padding that is not zeros.
inline constexpr char kBytesBehindFrame[] = "the bytes behind the frame are not zeros";

// The first thing that is wrong in a frame that ScanSegment did not accept.
struct FrameDamage {
  uint64_t offset = 0;  // of the entry, or of the frame
  LeafIndex index;
  std::string key;  // of the entry, as far as it can be read
  std::string what;
};

// Looks closer at the frame at `offset`, where entry `first` should stand.
Result<FrameDamage> LocateDamage(const File& file, uint32_t segment, uint64_t offset,
                                 LeafIndex first);

}  // namespace immudb
