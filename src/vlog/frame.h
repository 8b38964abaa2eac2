// SPDX-License-Identifier: Apache-2.0
//
// The bytes of the value log: entries, transaction frames, segment headers. docs/format.md has the
// grammar; this is the only code that knows it. All functions are pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "immudb/types.h"

namespace immudb {

// A place in the log: a segment and a byte offset in its file.
struct LogPosition {
  uint32_t segment = 0;  // < 2^24
  uint64_t offset = 0;   // < 2^40
  friend auto operator<=>(const LogPosition&,
                          const LogPosition&) = default;  // NOLINT(modernize-use-nullptr)

  uint64_t Packed() const { return uint64_t{segment} << 40 | offset; }
  static LogPosition Unpack(uint64_t packed) {
    return {static_cast<uint32_t>(packed >> 40), packed & ((uint64_t{1} << 40) - 1)};
  }
};

// An entry inside a buffer that the caller keeps alive.
struct EntryView {
  EntryKind kind = EntryKind::kValue;
  std::string_view key;    // as hashed
  std::string_view value;  // as hashed
  uint32_t set_bytes = 0;  // sorted-set members: length of the set name that starts `key`
};

// Appends the encoded entry, with its own checksum, to `out`. For sorted-set members the value is
// the tail of the key and is not written again.
void AppendEntry(std::string& out, const EntryView& entry);

// What is at least needed to learn an entry's length.
inline constexpr size_t kMaxEntryHeaderBytes = 4 + 1 + 5 + 5;

// The encoded length of the entry that starts `bytes` (of which kMaxEntryHeaderBytes, or all there
// are, must be present). Nothing if it cannot be an entry.
std::optional<size_t> EntryBytes(std::string_view bytes);

// Where the key of the entry that starts `bytes` stands; needs as much as EntryBytes.
struct KeyPlace {
  size_t offset = 0;
  size_t size = 0;
};
std::optional<KeyPlace> EntryKeyPlace(std::string_view bytes);

// Decodes the entry that starts `bytes` and checks its checksum; nothing if damaged or cut.
std::optional<EntryView> DecodeEntry(std::string_view bytes);

// One transaction. The frame is the unit that is valid or torn as a whole.
struct FrameHeader {
  uint32_t entry_count = 0;
  uint32_t body_bytes = 0;
  // Bytes of this segment before the frame that were not yet durable when it was written. A good
  // frame therefore proves that everything more than this far before it had been synced.
  uint32_t unsynced_bytes = 0;
  uint64_t first_index = 0;
  uint64_t body_checksum = 0;
};

inline constexpr size_t kFrameHeaderBytes = 40;
inline constexpr size_t kFrameAlignment = 8;
inline constexpr uint32_t kFrameMagic = 0x314d4652;  // "RFM1"

uint64_t BodyChecksum(std::string_view body);
// `segment` seeds the header's checksum: a frame copied to another segment is not valid there.
void EncodeFrameHeader(const FrameHeader& header, uint32_t segment, char* out);
std::optional<FrameHeader> DecodeFrameHeader(std::string_view bytes, uint32_t segment);
// Header, body and padding.
constexpr size_t FrameBytes(size_t body_bytes) {
  return (kFrameHeaderBytes + body_bytes + kFrameAlignment - 1) & ~(kFrameAlignment - 1);
}

inline constexpr size_t kSegmentHeaderBytes = 32;
struct SegmentHeader {
  uint32_t segment = 0;
  uint64_t first_index = 0;
};
void EncodeSegmentHeader(const SegmentHeader& header, char* out);
std::optional<SegmentHeader> DecodeSegmentHeader(std::string_view bytes);

}  // namespace immudb
