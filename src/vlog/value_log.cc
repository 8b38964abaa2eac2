// SPDX-License-Identifier: Apache-2.0
#include "vlog/value_log.h"

#include <algorithm>
#include <cassert>
#include <cstdio>
#include <optional>

#include "base/status_macros.h"

namespace immudb {
namespace {

constexpr uint64_t kMinZerosAhead = uint64_t{64} << 10;
constexpr uint64_t kMaxZerosAhead = uint64_t{2} << 20;
constexpr size_t kRewriteBytes = size_t{1} << 20;
constexpr size_t kFirstRead = 1024;  // most entries are read by one system call

// The number in "00000042.log"; nothing for other names.
std::optional<uint32_t> SegmentNumber(const std::string& name) {
  unsigned number = 0;
  char tail = 0;
  if (name.size() != 12 || std::sscanf(name.c_str(), "%8u.lo%c", &number, &tail) != 2 ||
      tail != 'g') {
    return std::nullopt;
  }
  return number;
}

}  // namespace

std::string ValueLog::SegmentPath(uint32_t segment) const {
  char name[16];
  std::snprintf(name, sizeof(name), "%08u.log", segment);
  return JoinPath(directory_, name);
}

Result<std::unique_ptr<ValueLog>> ValueLog::Open(FileSystem& fs, const std::string& directory,
                                                 const ValueLogOptions& options) {
  IMMUDB_RETURN_IF_ERROR(fs.CreateDirectory(directory));
  const auto names = fs.List(directory);
  IMMUDB_RETURN_IF_ERROR(names);
  std::unique_ptr<ValueLog> log(new ValueLog(fs, directory, options));
  uint32_t highest = 0;
  for (const std::string& name : *names) {
    const auto number = SegmentNumber(name);
    if (!number) continue;
    ++log->segment_count_;
    highest = std::max(highest, *number);
  }
  if (log->segment_count_ > 0 && highest + 1 != log->segment_count_) {
    return Status::DataLoss(directory + ": a log segment is missing: found " +
                            std::to_string(log->segment_count_) + " files, the last one is " +
                            log->SegmentPath(highest));
  }
  return log;
}

Result<SegmentEnd> ValueLog::Recover(LogPosition from, LeafIndex first, const FrameVisitor& visit) {
  if (from.offset != 0 && from.segment >= segment_count_) {
    return Status::DataLoss(SegmentPath(from.segment) +
                            ": the log segment is missing, entry index " +
                            std::to_string(first.value));
  }
  SegmentEnd end{from.offset, first, 0};
  LogPosition at = from;
  for (uint32_t segment = from.segment; segment < segment_count_; ++segment) {
    const bool is_last = segment + 1 == segment_count_;
    const std::string path = SegmentPath(segment);
    const auto file = OpenSegment(segment);
    IMMUDB_RETURN_IF_ERROR(file);
    char bytes[kSegmentHeaderBytes] = {};
    const auto read = (*file)->ReadAt(0, bytes, sizeof(bytes));
    IMMUDB_RETURN_IF_ERROR(read);
    const auto header = DecodeSegmentHeader({bytes, *read});
    const bool begins_here = segment > from.segment || from.offset < kSegmentHeaderBytes;
    const auto had_header = header ? Result<bool>(true) : WasDurable(**file, segment, 0);
    IMMUDB_RETURN_IF_ERROR(had_header);
    if (!*had_header && is_last && begins_here) {
      // The crash came while this segment was being started: nothing in it was ever durable.
      if (segment == 0) end = {0, first, 0};
      end.torn_bytes = std::max<uint64_t>(*read, 1);
      break;
    }
    if (!header || header->segment != segment ||
        (begins_here && header->first_index != end.next.value)) {
      return Status::DataLoss(path + ": damaged segment header at offset 0, entry index " +
                              std::to_string(end.next.value));
    }
    const uint64_t offset = begins_here ? kSegmentHeaderBytes : from.offset;
    const auto scanned = ScanSegment(**file, path, segment, offset, end.next, is_last, visit);
    IMMUDB_RETURN_IF_ERROR(scanned);
    end = *scanned;
    at = {segment, end.offset};
  }
  unsynced_from_ = std::min(end.unsynced_from, at.offset);
  const std::lock_guard lock(mutex_);
  layout_end_ = written_end_ = synced_end_ = at;
  return end;
}

Status ValueLog::CutTail() {
  const uint32_t keep = layout_end_.offset == 0 ? layout_end_.segment : layout_end_.segment + 1;
  if (segment_count_ > keep) {
    {
      const std::lock_guard lock(mutex_);
      open_segments_.clear();
    }
    for (; segment_count_ > keep; --segment_count_) {
      IMMUDB_RETURN_IF_ERROR(fs_.Remove(SegmentPath(segment_count_ - 1)));
    }
    IMMUDB_RETURN_IF_ERROR(fs_.SyncDirectory(directory_));
  }
  if (segment_count_ == 0) return Status::Ok();
  const auto file = OpenSegment(segment_count_ - 1);
  IMMUDB_RETURN_IF_ERROR(file);
  {
    const std::lock_guard lock(mutex_);
    active_ = *file;
  }
  zeroed_end_ = written_end_.offset;
  const auto size = active_->Size();
  IMMUDB_RETURN_IF_ERROR(size);
  if (*size != written_end_.offset) {
    IMMUDB_RETURN_IF_ERROR(active_->Truncate(written_end_.offset));
  }
  if (options_.sync) IMMUDB_RETURN_IF_ERROR(WriteLastGroupAnew());
  return active_->SyncData();
}

Status ValueLog::WriteLastGroupAnew() {
  std::string bytes;
  for (uint64_t offset = unsynced_from_; offset < written_end_.offset; offset += bytes.size()) {
    bytes.resize(std::min<uint64_t>(kRewriteBytes, written_end_.offset - offset));
    const auto read = active_->ReadAt(offset, bytes.data(), bytes.size());
    IMMUDB_RETURN_IF_ERROR(read);
    if (*read == 0) break;  // padding that the file does not have
    bytes.resize(*read);
    IMMUDB_RETURN_IF_ERROR(active_->WriteAt(offset, bytes));
  }
  return Status::Ok();
}

LogGroup ValueLog::BeginGroup(LeafIndex first) {
  LogGroup group;
  group.first = first;
  group.opens_segment = layout_end_.offset == 0 || layout_end_.offset >= options_.segment_bytes;
  if (group.opens_segment) {
    const uint32_t segment =
        layout_end_.offset == 0 ? layout_end_.segment : layout_end_.segment + 1;
    layout_end_ = {segment, kSegmentHeaderBytes};
  }
  group.start = layout_end_;
  return group;
}

LogPosition ValueLog::Place(LogGroup& group, LeafIndex first, uint32_t entry_count,
                            std::string_view body, uint64_t body_checksum) {
  const size_t at = group.bytes.size();
  const LogPosition place{group.start.segment, group.start.offset + at + kFrameHeaderBytes};
  FrameHeader header;
  header.entry_count = entry_count;
  header.body_bytes = static_cast<uint32_t>(body.size());
  header.first_index = first.value;
  header.body_checksum = body_checksum;
  group.bytes.reserve(at + FrameBytes(body.size()));
  group.bytes.append(kFrameHeaderBytes, '\0');
  EncodeFrameHeader(header, group.start.segment, group.bytes.data() + at);
  group.bytes += body;
  group.bytes.resize(at + FrameBytes(body.size()), '\0');
  layout_end_.offset = group.start.offset + group.bytes.size();
  return place;
}

Status ValueLog::Write(const std::vector<LogGroup*>& groups) {
  assert(!groups.empty());
  const LogGroup& head = *groups.front();
  retract_to_ = written_end_;
  if (head.opens_segment) IMMUDB_RETURN_IF_ERROR(StartSegment(head.start, head.first));
  retract_to_ = head.start;
  assert(head.start == written_end_);
  LogPosition synced;
  {
    const std::lock_guard lock(mutex_);
    synced = synced_end_;
  }
  const uint64_t durable =
      synced.segment == head.start.segment ? synced.offset : kSegmentHeaderBytes;
  uint64_t written = 0;
  for (LogGroup* group : groups) {
    // How far the log is durable is known only now.
    for (size_t at = 0; at < group->bytes.size();) {
      auto header =
          DecodeFrameHeader(std::string_view(group->bytes).substr(at), head.start.segment);
      header->unsynced_bytes = static_cast<uint32_t>(group->start.offset + at - durable);
      EncodeFrameHeader(*header, head.start.segment, group->bytes.data() + at);
      at += FrameBytes(header->body_bytes);
    }
    IMMUDB_RETURN_IF_ERROR(active_->WriteAt(group->start.offset, group->bytes));
    written += group->bytes.size();
  }
  {
    const std::lock_guard lock(mutex_);
    written_end_.offset += written;
  }
  LayZerosAhead(written);
  return Status::Ok();
}

Status ValueLog::StartSegment(LogPosition start, LeafIndex first) {
  if (active_) {
    IMMUDB_RETURN_IF_ERROR(active_->Truncate(written_end_.offset));
    IMMUDB_RETURN_IF_ERROR(ForceSync());
  }
  auto file = fs_.Open(SegmentPath(start.segment), FileSystem::Mode::kCreate);
  IMMUDB_RETURN_IF_ERROR(file);
  IMMUDB_RETURN_IF_ERROR((*file)->Truncate(0));
  char header[kSegmentHeaderBytes];
  EncodeSegmentHeader({start.segment, first.value}, header);
  IMMUDB_RETURN_IF_ERROR((*file)->WriteAt(0, {header, sizeof(header)}));
  IMMUDB_RETURN_IF_ERROR((*file)->SyncData());
  IMMUDB_RETURN_IF_ERROR(fs_.SyncDirectory(directory_));
  segment_count_ = start.segment + 1;
  zeroed_end_ = start.offset;
  const std::lock_guard lock(mutex_);
  active_ = *std::move(file);
  written_end_ = synced_end_ = start;
  KeepOpen(start.segment, active_);
  return Status::Ok();
}

void ValueLog::LayZerosAhead(uint64_t written_bytes) {
  const uint64_t end = written_end_.offset;
  if (end <= zeroed_end_) return;
  zeroed_end_ = end;
  const uint64_t ahead = std::clamp(end / 8, kMinZerosAhead, kMaxZerosAhead);
  // A large write changes the size of the file anyway; zeros would only double its cost.
  if (!options_.sync || written_bytes > kMinZerosAhead) return;
  static const std::string zeros(kMaxZerosAhead, '\0');
  // A full disk shows when there is something to store.
  if (active_->WriteAt(end, std::string_view(zeros).substr(0, ahead)).ok()) {
    zeroed_end_ = end + ahead;
  }
}

Status ValueLog::Sync() {
  return options_.sync ? ForceSync() : Status::Ok();
}

Status ValueLog::ForceSync() {
  // The system reports a lost write once, to whoever syncs next: nobody may sync meanwhile, and the
  // error stays.
  const std::lock_guard sync_lock(sync_mutex_);
  IMMUDB_RETURN_IF_ERROR(sync_failure_);
  std::shared_ptr<File> file;
  LogPosition end;
  {
    const std::lock_guard lock(mutex_);
    file = active_;
    end = written_end_;
  }
  if (!file) return Status::Ok();
  sync_failure_ = file->SyncData();
  IMMUDB_RETURN_IF_ERROR(sync_failure_);
  const std::lock_guard lock(mutex_);
  if (synced_end_ < end) synced_end_ = end;
  return Status::Ok();
}

Result<LogPosition> ValueLog::Retract() {
  if (active_) {
    IMMUDB_RETURN_IF_ERROR(active_->Truncate(retract_to_.offset));
    IMMUDB_RETURN_IF_ERROR(ForceSync());
    zeroed_end_ = retract_to_.offset;
  }
  const std::lock_guard lock(mutex_);
  written_end_ = retract_to_;
  return retract_to_;
}

Status ValueLog::Close() {
  if (!active_) return Status::Ok();
  IMMUDB_RETURN_IF_ERROR(active_->Truncate(written_end_.offset));
  zeroed_end_ = written_end_.offset;
  return ForceSync();
}

Result<std::shared_ptr<File>> ValueLog::OpenSegment(uint32_t segment) const {
  const std::lock_guard lock(mutex_);
  const auto found = std::find_if(open_segments_.begin(), open_segments_.end(),
                                  [segment](const auto& open) { return open.first == segment; });
  if (found != open_segments_.end()) {
    open_segments_.splice(open_segments_.begin(), open_segments_, found);
    return found->second;
  }
  auto file = fs_.Open(SegmentPath(segment), FileSystem::Mode::kReadWrite);
  IMMUDB_RETURN_IF_ERROR(file);
  KeepOpen(segment, *std::move(file));
  return open_segments_.front().second;
}

void ValueLog::KeepOpen(uint32_t segment, std::shared_ptr<File> file) const {
  open_segments_.emplace_front(segment, std::move(file));
  if (open_segments_.size() > options_.max_open_segments) open_segments_.pop_back();
}

Status ValueLog::ReadOn(const File& file, LogPosition position, size_t size, std::string& bytes,
                        ReadMode mode) {
  const size_t held = bytes.size();
  if (size <= held) return Status::Ok();
  if (size > kFirstRead) {
    // A damaged length must not be believed: no more is allocated than the file has.
    const auto file_bytes = file.Size();
    IMMUDB_RETURN_IF_ERROR(file_bytes);
    if (*file_bytes < position.offset || *file_bytes - position.offset < size) return Status::Ok();
  }
  bytes.resize(size);
  const uint64_t offset = position.offset + held;
  const auto read = mode == ReadMode::kAtOnce
                        ? file.ReadCached(offset, bytes.data() + held, size - held)
                        : file.ReadAt(offset, bytes.data() + held, size - held);
  IMMUDB_RETURN_IF_ERROR(read);
  bytes.resize(held + *read);
  return Status::Ok();
}

Result<std::shared_ptr<File>> ValueLog::ReadStart(LogPosition position, std::string& bytes,
                                                  ReadMode mode) const {
  auto file = OpenSegment(position.segment);
  if (file.status().code() == StatusCode::kNotFound) {
    return Status::DataLoss(SegmentPath(position.segment) + ": the log segment is missing");
  }
  IMMUDB_RETURN_IF_ERROR(file);
  IMMUDB_RETURN_IF_ERROR(ReadOn(**file, position, kFirstRead, bytes, mode));
  return file;
}

Status ValueLog::DamagedEntry(LogPosition position) const {
  return Status::DataLoss(SegmentPath(position.segment) + ": damaged entry at offset " +
                          std::to_string(position.offset));
}

Result<uint64_t> ValueLog::TotalBytes() const {
  uint64_t total = 0;
  for (uint32_t segment = 0; segment < segment_count_; ++segment) {
    const auto file = OpenSegment(segment);
    IMMUDB_RETURN_IF_ERROR(file);
    const auto size = (*file)->Size();
    IMMUDB_RETURN_IF_ERROR(size);
    total += *size;
  }
  return total;
}

Result<ValueLog::OwnedEntry> ValueLog::Read(LogPosition position, ReadMode mode) const {
  std::string bytes;
  const auto file = ReadStart(position, bytes, mode);
  IMMUDB_RETURN_IF_ERROR(file);
  const auto size = EntryBytes(bytes);
  if (mode == ReadMode::kAtOnce && size && *size > kAtOnceBytes) {
    return Status::Unavailable("a large entry");
  }
  if (size) IMMUDB_RETURN_IF_ERROR(ReadOn(**file, position, *size, bytes, mode));
  const auto entry = size ? DecodeEntry(bytes) : std::nullopt;
  if (!entry) return DamagedEntry(position);
  return OwnedEntry{entry->kind, std::string(entry->key), std::string(entry->value),
                    entry->set_bytes};
}

Result<std::string> ValueLog::ReadKey(LogPosition position) const {
  std::string bytes;
  const auto file = ReadStart(position, bytes);
  IMMUDB_RETURN_IF_ERROR(file);
  const auto size = EntryBytes(bytes);
  const auto key = EntryKeyPlace(bytes);
  if (!size || !key || (*size <= bytes.size() && !DecodeEntry(bytes))) {
    return DamagedEntry(position);
  }
  IMMUDB_RETURN_IF_ERROR(ReadOn(**file, position, key->offset + key->size, bytes));
  if (bytes.size() < key->offset + key->size) return DamagedEntry(position);
  return bytes.substr(key->offset, key->size);
}

}  // namespace immudb
