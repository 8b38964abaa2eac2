// SPDX-License-Identifier: Apache-2.0
#include "backup/log_reader.h"

#include <algorithm>
#include <cstdio>
#include <string_view>
#include <utility>

#include "base/status_macros.h"
#include "immudb/verify.h"
#include "vlog/segment_scan.h"

namespace immudb {
namespace {

constexpr uint64_t kProgressBytes = uint64_t{1} << 20;

class LogScan {
 public:
  LogScan(FileSystem& fs, const std::string& directory, const LogReadOptions& options)
      : fs_(fs), directory_(directory), options_(options), at_(options.from.end) {
    read_.end = options.from;
    NoteWatched();
    MarkBoundary();
  }

  Result<LogRead> Run() {
    if (!Reached()) IMMUDB_RETURN_IF_ERROR(ReadSegments());
    if (options_.until && read_.end.tree.size() < *options_.until) {
      return Status::DataLoss(
          directory_ + ": the log ends with " + std::to_string(read_.end.tree.size().value) +
          " entries, before the " + std::to_string(options_.until->value) + " that were published");
    }
    return std::move(read_);
  }

 private:
  bool Reached() const { return options_.until && read_.end.tree.size() >= *options_.until; }
  std::string Path(uint32_t segment) const {
    return JoinPath(directory_, SegmentFileName(segment));
  }

  Status ReadSegments() {
    for (;;) {
      const auto exists = fs_.Exists(Path(at_.segment));
      IMMUDB_RETURN_IF_ERROR(exists);
      if (!*exists) return Status::Ok();
      // Asked before the segment is read: the next one is begun when this one is complete.
      const auto closed = fs_.Exists(Path(at_.segment + 1));
      IMMUDB_RETURN_IF_ERROR(closed);
      const auto more = ReadSegment(*closed);
      IMMUDB_RETURN_IF_ERROR(more);
      if (!*more || Reached()) return Status::Ok();
      if (*closed) {
        read_.closed_segments[at_.segment] = at_.offset;
        at_ = {at_.segment + 1, 0};
        continue;
      }
      const auto rolled = fs_.Exists(Path(at_.segment + 1));
      IMMUDB_RETURN_IF_ERROR(rolled);
      if (!*rolled) return Status::Ok();
    }
  }

  // False: the log ends here, in a segment that is only being begun.
  Result<bool> ReadSegment(bool closed) {
    const std::string path = Path(at_.segment);
    const auto file = fs_.Open(path, FileSystem::Mode::kRead);
    IMMUDB_RETURN_IF_ERROR(file);
    if (at_.offset < kSegmentHeaderBytes) {
      const auto begun = ReadHeader(**file, path, closed);
      IMMUDB_RETURN_IF_ERROR(begun);
      if (!*begun) return false;
      at_.offset = kSegmentHeaderBytes;
    }
    for (;;) {
      const uint64_t before = at_.offset;
      const auto scanned =
          ScanSegment(**file, path, at_.segment, at_.offset, {read_.end.tree.size().value}, !closed,
                      [this](const FrameView& frame) { return Add(frame); });
      if (Reached()) return failure_.ok() ? Result<bool>(true) : Result<bool>(failure_);
      if (scanned.ok()) {
        read_.torn_bytes = scanned->torn_bytes;
        return true;
      }
      // A frame that was being written while it was read looks like damage, once.
      const bool again = !closed && failure_.ok() && at_.offset > before &&
                         scanned.status().code() == StatusCode::kDataLoss;
      if (!again) return scanned.status();
    }
  }

  Result<bool> ReadHeader(const File& file, const std::string& path, bool closed) {
    char bytes[kSegmentHeaderBytes] = {};
    const auto count = file.ReadAt(0, bytes, sizeof(bytes));
    IMMUDB_RETURN_IF_ERROR(count);
    const auto header = DecodeSegmentHeader({bytes, *count});
    if (header && header->segment == at_.segment &&
        header->first_index == read_.end.tree.size().value) {
      return true;
    }
    if (!header && !closed) {
      const auto was_durable = WasDurable(file, at_.segment, 0);
      IMMUDB_RETURN_IF_ERROR(was_durable);
      if (!*was_durable) {
        const auto size = file.Size();
        IMMUDB_RETURN_IF_ERROR(size);
        read_.torn_bytes = *size;
        return false;
      }
    }
    return Status::DataLoss(path + ": damaged segment header at offset 0, entry index " +
                            std::to_string(read_.end.tree.size().value));
  }

  Status Add(const FrameView& frame) {
    failure_ = AddEntries(frame);
    if (!failure_.ok()) return failure_;
    const uint64_t bytes = FrameBytes(frame.body.size());
    at_ = {frame.position.segment, frame.position.offset + bytes};
    MarkBoundary();
    bytes_read_ += bytes;
    if (options_.progress && bytes_read_ - bytes_told_ >= kProgressBytes) {
      bytes_told_ = bytes_read_;
      options_.progress(bytes_read_);
    }
    if (!Reached()) return Status::Ok();
    if (read_.end.tree.size() > *options_.until) {
      failure_ = Status::InvalidArgument(
          "size " + std::to_string(options_.until->value) +
          " is inside the transaction of entries " + std::to_string(frame.first.value) + " to " +
          std::to_string(read_.end.tree.size().Last().value) + ": no root of it was published");
    }
    return Status::Unavailable("that was all");  // ends the scan
  }

  Status AddEntries(const FrameView& frame) {
    std::string_view rest = frame.body;
    for (uint32_t i = 0; i < frame.entry_count; ++i) {
      const LeafIndex index{read_.end.tree.size().value};
      const auto size = EntryBytes(rest);
      const auto entry = size && *size <= rest.size() ? DecodeEntry(rest) : std::nullopt;
      if (!entry) {
        return Status::DataLoss(Path(frame.position.segment) + ": frame at offset " +
                                std::to_string(frame.position.offset) + ": entry " +
                                std::to_string(index.value) + " does not match its checksum");
      }
      read_.end.tree.Append(LeafDigest(index, entry->key, entry->value));
      NoteWatched();
      rest.remove_prefix(*size);
    }
    if (rest.empty()) return Status::Ok();
    return Status::DataLoss(Path(frame.position.segment) + ": frame at offset " +
                            std::to_string(frame.position.offset) + " has more than its entries");
  }

  void NoteWatched() {
    const TreeSize size = read_.end.tree.size();
    const auto& wanted = options_.watched;
    if (std::find(wanted.begin(), wanted.end(), size) == wanted.end()) return;
    read_.watched[size].root = read_.end.tree.Root();
  }
  void MarkBoundary() {
    read_.end.end = at_;
    const auto watched = read_.watched.find(read_.end.tree.size());
    if (watched != read_.watched.end()) watched->second.state = read_.end;
  }

  FileSystem& fs_;
  const std::string directory_;
  const LogReadOptions& options_;
  LogPosition at_;
  LogRead read_;
  Status failure_;  // of the visitor
  uint64_t bytes_read_ = 0;
  uint64_t bytes_told_ = 0;
};

}  // namespace

std::string SegmentFileName(uint32_t segment) {
  char name[16];
  std::snprintf(name, sizeof(name), "%08u.log", segment);
  return name;
}

Result<LogRead> ReadLog(FileSystem& fs, const std::string& directory,
                        const LogReadOptions& options) {
  return LogScan(fs, directory, options).Run();
}

}  // namespace immudb
