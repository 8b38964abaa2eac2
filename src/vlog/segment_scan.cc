// SPDX-License-Identifier: Apache-2.0
#include "vlog/segment_scan.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/status_macros.h"

namespace immudb {
namespace {

constexpr size_t kReadAheadBytes = size_t{1} << 20;

// Sequential access to a file through one buffer.
class Window {
 public:
  explicit Window(const File& file) : file_(file) {}

  Status Open() {
    const auto size = file_.Size();
    IMMUDB_RETURN_IF_ERROR(size);
    size_ = *size;
    return Status::Ok();
  }
  uint64_t size() const { return size_; }

  // The bytes [offset, offset + n), fewer at the end of the file; valid until the next call.
  Result<std::string_view> Fetch(uint64_t offset, size_t n) {
    n = static_cast<size_t>(std::min<uint64_t>(n, size_ - std::min(offset, size_)));
    if (offset < start_ || offset + n > start_ + held_) {
      buffer_.resize(std::max(n, kReadAheadBytes));
      const auto read = file_.ReadAt(offset, buffer_.data(), buffer_.size());
      IMMUDB_RETURN_IF_ERROR(read);
      start_ = offset;
      held_ = *read;
      n = std::min(n, held_);
    }
    return std::string_view(buffer_).substr(static_cast<size_t>(offset - start_), n);
  }

 private:
  const File& file_;
  uint64_t size_ = 0;
  uint64_t start_ = 0;
  size_t held_ = 0;
  std::string buffer_;
};

struct Frame {
  FrameHeader header;
  std::string_view body;
  std::string_view padding;
};

// Why a scan ended in front of a frame.
enum class Stop : uint8_t {
  kEnd,         // the range ended
  kBadFrame,    // there is no valid frame
  kOutOfOrder,  // the frame is valid, but its index is not the next one
  kPadding,     // the frame is valid, but the bytes behind its body are not zeros
};

// The frame at `offset`, if it is good.
Result<std::optional<Frame>> ReadFrame(Window& window, uint32_t segment, uint64_t offset) {
  auto bytes = window.Fetch(offset, kFrameHeaderBytes);
  IMMUDB_RETURN_IF_ERROR(bytes);
  const auto header = DecodeFrameHeader(*bytes, segment);
  if (!header || offset + kFrameHeaderBytes + header->body_bytes > window.size()) {
    return std::optional<Frame>();
  }
  bytes = window.Fetch(offset, FrameBytes(header->body_bytes));
  IMMUDB_RETURN_IF_ERROR(bytes);
  // The file may have become shorter since its size was taken.
  if (bytes->size() < kFrameHeaderBytes + header->body_bytes) return std::optional<Frame>();
  const std::string_view body = bytes->substr(kFrameHeaderBytes, header->body_bytes);
  if (BodyChecksum(body) != header->body_checksum) return std::optional<Frame>();
  return std::optional<Frame>(Frame{*header, body, bytes->substr(kFrameHeaderBytes + body.size())});
}

bool IsZeros(std::string_view bytes) {
  return bytes.find_first_not_of('\0') == std::string_view::npos;
}

// As ScanFrames, and sets `stop`. With `demand_zeros` it also stops in front of a frame whose
// padding is not zeros; without, the visitor gets that frame.
Result<FrameRun> ScanFrames(Window& window, uint32_t segment, uint64_t offset, uint64_t end,
                            LeafIndex first, size_t bytes, bool demand_zeros,
                            const FrameVisitor& visit, Stop& stop) {
  FrameRun run{offset, first, offset};
  stop = Stop::kEnd;
  while (run.offset < end && run.offset - offset < bytes) {
    const auto frame = ReadFrame(window, segment, run.offset);
    IMMUDB_RETURN_IF_ERROR(frame);
    if (!*frame) {
      stop = Stop::kBadFrame;
    } else if ((*frame)->header.first_index != run.next.value) {
      stop = Stop::kOutOfOrder;
    } else if (demand_zeros && !IsZeros((*frame)->padding)) {
      stop = Stop::kPadding;
    }
    run.good = stop == Stop::kEnd;
    if (!run.good) break;
    const FrameHeader& header = (*frame)->header;
    IMMUDB_RETURN_IF_ERROR(visit(
        {{segment, run.offset}, run.next, header.entry_count, (*frame)->body, (*frame)->padding}));
    run.unsynced_from = run.offset - std::min<uint64_t>(run.offset, header.unsynced_bytes);
    run.next.value += header.entry_count;
    run.offset += FrameBytes(header.body_bytes);
  }
  return run;
}

// The first non-zero byte at or behind `offset`; the size of the file if there is none.
Result<uint64_t> SkipZeros(Window& window, uint64_t offset) {
  while (offset < window.size()) {
    const auto bytes = window.Fetch(offset, kReadAheadBytes);
    IMMUDB_RETURN_IF_ERROR(bytes);
    if (bytes->empty()) break;
    const size_t at = bytes->find_first_not_of('\0');
    if (at != std::string_view::npos) return offset + at;
    offset += bytes->size();
  }
  return window.size();
}

// Returns true if a valid frame behind `bad` records that `bad` was synced.
Result<bool> WasDurable(Window& window, uint32_t segment, uint64_t bad) {
  uint64_t offset = bad + kFrameAlignment;
  while (offset + kFrameHeaderBytes <= window.size()) {
    const auto bytes = window.Fetch(offset, kReadAheadBytes);
    IMMUDB_RETURN_IF_ERROR(bytes);
    size_t at = 0;
    while (at + sizeof(kFrameMagic) <= bytes->size() &&
           LoadLE<uint32_t>(bytes->data() + at) != kFrameMagic) {
      at += kFrameAlignment;
    }
    offset += at;
    if (at + sizeof(kFrameMagic) > bytes->size()) {
      if (at == 0) break;  // the file has become shorter since its size was taken
      continue;
    }
    const auto frame = ReadFrame(window, segment, offset);
    IMMUDB_RETURN_IF_ERROR(frame);
    if (*frame && offset - std::min<uint64_t>(offset, (*frame)->header.unsynced_bytes) > bad) {
      return true;
    }
    offset += *frame ? FrameBytes((*frame)->header.body_bytes) : kFrameAlignment;
  }
  return false;
}

}  // namespace

Result<SegmentEnd> ScanSegment(const File& file, const std::string& name, uint32_t segment,
                               uint64_t offset, LeafIndex first, bool is_last,
                               const FrameVisitor& visit) {
  Window window(file);
  IMMUDB_RETURN_IF_ERROR(window.Open());
  if (offset > window.size()) {
    return Status::DataLoss(name + ": the file ends at offset " + std::to_string(window.size()) +
                            ", before entry index " + std::to_string(first.value) +
                            ", which had been stored");
  }
  Stop stop = Stop::kEnd;
  const auto run = ScanFrames(window, segment, offset, window.size(), first, SIZE_MAX,
                              /*demand_zeros=*/true, visit, stop);
  IMMUDB_RETURN_IF_ERROR(run);
  // A file may end inside the padding of its last frame.
  SegmentEnd end{run->offset, run->next, 0, run->unsynced_from};
  const auto data = SkipZeros(window, end.offset);
  IMMUDB_RETURN_IF_ERROR(data);
  if (*data >= window.size()) return end;
  end.torn_bytes = window.size() - end.offset;
  // No crash leaves a valid frame out of order or with other bytes than zeros behind it.
  const auto damaged = is_last && stop == Stop::kBadFrame ? WasDurable(window, segment, end.offset)
                                                          : Result<bool>(true);
  IMMUDB_RETURN_IF_ERROR(damaged);
  if (*damaged) {
    return Status::DataLoss(name + ": damaged frame at offset " + std::to_string(end.offset) +
                            ", entry index " + std::to_string(end.next.value) +
                            ": the log was changed outside of immudb, or the disk failed");
  }
  return end;
}

Result<FrameRun> ScanFrames(const File& file, uint32_t segment, uint64_t offset, uint64_t end,
                            LeafIndex first, size_t bytes, const FrameVisitor& visit) {
  Window window(file);
  IMMUDB_RETURN_IF_ERROR(window.Open());
  Stop stop = Stop::kEnd;
  return ScanFrames(window, segment, offset, end, first, bytes, /*demand_zeros=*/false, visit,
                    stop);
}

Result<bool> OnlyZerosFrom(const File& file, uint64_t offset) {
  Window window(file);
  IMMUDB_RETURN_IF_ERROR(window.Open());
  const auto data = SkipZeros(window, offset);
  IMMUDB_RETURN_IF_ERROR(data);
  return *data >= window.size();
}

Result<bool> WasDurable(const File& file, uint32_t segment, uint64_t offset) {
  Window window(file);
  IMMUDB_RETURN_IF_ERROR(window.Open());
  return WasDurable(window, segment, offset);
}

Result<FrameDamage> LocateDamage(const File& file, uint32_t segment, uint64_t offset,
                                 LeafIndex first) {
  Window window(file);
  IMMUDB_RETURN_IF_ERROR(window.Open());
  FrameDamage damage{offset, first, {}, "the header of the frame is damaged"};
  auto bytes = window.Fetch(offset, kFrameHeaderBytes);
  IMMUDB_RETURN_IF_ERROR(bytes);
  const auto header = DecodeFrameHeader(*bytes, segment);
  if (!header) {
    // The entries behind it may be well: the first one names the key.
    bytes = window.Fetch(offset + kFrameHeaderBytes, kReadAheadBytes);
    IMMUDB_RETURN_IF_ERROR(bytes);
    if (const auto entry = DecodeEntry(*bytes)) damage.key = entry->key;
    return damage;
  }
  if (header->first_index != first.value) {
    damage.what = "the frame says that its first entry is " + std::to_string(header->first_index);
    return damage;
  }
  bytes = window.Fetch(offset, kFrameHeaderBytes + header->body_bytes);
  IMMUDB_RETURN_IF_ERROR(bytes);
  if (bytes->size() < kFrameHeaderBytes + header->body_bytes) {
    damage.what = "the file ends inside the frame";
    return damage;
  }
  std::string_view rest = bytes->substr(kFrameHeaderBytes);
  for (uint32_t i = 0; i < header->entry_count; ++i) {
    const auto size = EntryBytes(rest);
    if (!size || *size > rest.size() || !DecodeEntry(rest)) {
      const auto key = EntryKeyPlace(rest);
      damage.offset = offset + bytes->size() - rest.size();
      damage.index.value += i;
      if (key && key->offset + key->size <= rest.size()) {
        damage.key = rest.substr(key->offset, key->size);
      }
      damage.what = "the entry does not match its checksum";
      return damage;
    }
    rest.remove_prefix(*size);
  }
  if (BodyChecksum(bytes->substr(kFrameHeaderBytes)) != header->body_checksum) {
    damage.what = "the body of the frame does not match its checksum";
    return damage;
  }
  const uint64_t body_end = offset + kFrameHeaderBytes + header->body_bytes;
  bytes = window.Fetch(body_end, FrameBytes(header->body_bytes) - (body_end - offset));
  IMMUDB_RETURN_IF_ERROR(bytes);
  damage.offset = body_end + std::min(bytes->find_first_not_of('\0'), bytes->size());
  damage.what = kBytesBehindFrame;
  return damage;
}

}  // namespace immudb
