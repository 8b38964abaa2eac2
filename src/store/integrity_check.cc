// SPDX-License-Identifier: Apache-2.0
#include "store/integrity_check.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/bytes.h"
#include "base/status_macros.h"
#include "immudb/verify.h"
#include "index/key_index.h"
#include "merkle/hash_tree.h"
#include "vlog/frame.h"
#include "vlog/value_log.h"

namespace immudb {
namespace {

constexpr size_t kStepBytes = size_t{256} << 10;  // of the log
constexpr size_t kMostReportedOfFile = 4;
constexpr size_t kPositionsAtOnce = 4096;

}  // namespace

class IntegrityCheck::Reader {
 public:
  Reader(FileSystem& fs, std::string path) : fs_(fs), path_(std::move(path)) {}

  const std::string& path() const { return path_; }

  Result<std::string> Read(uint64_t offset, size_t bytes) {
    if (file_ == nullptr) {
      auto file = fs_.Open(path_, FileSystem::Mode::kRead);
      if (file.status().code() == StatusCode::kNotFound) return std::string();
      IMMUDB_RETURN_IF_ERROR(file);
      file_ = *std::move(file);
    }
    std::string read(bytes, '\0');
    const auto size = file_->ReadAt(offset, read.data(), bytes);
    IMMUDB_RETURN_IF_ERROR(size);
    read.resize(*size);
    return read;
  }

 private:
  FileSystem& fs_;
  const std::string path_;
  std::unique_ptr<File> file_;
};

IntegrityCheck::IntegrityCheck(const Store& store, const Mark& from)
    : store_(*store.impl_),
      goal_(store_.published()),
      tree_file_(std::make_unique<Reader>(store_.file_system(), store_.paths().tree)),
      positions_file_(std::make_unique<Reader>(store_.file_system(), store_.paths().positions)) {
  if (from.next.value > goal_.size.value || goal_.log_end < from.at) return;
  next_ = from.next;
  at_ = from.at;
}

IntegrityCheck::~IntegrityCheck() = default;

double IntegrityCheck::progress() const {
  if (goal_.size.empty()) return tables_listed_ ? 1 : 0;
  const double log = static_cast<double>(next_.value) / static_cast<double>(goal_.size.value);
  const double index = !tables_listed_ ? 0
                       : tables_.empty()
                           ? 1
                           : static_cast<double>(next_table_) / static_cast<double>(tables_.size());
  return (log + index) / 2;
}

IntegrityCheck::Step IntegrityCheck::Advance() {
  step_ = {};
  if (!std::exchange(began_, true)) {
    if (!MarkIsAFrame()) {
      next_ = {};
      at_ = {};
    }
    if (const Status read = ReadRange(next_); !read.ok()) ReportReadError(read);
    CheckCheckpoint();
  }
  if (!log_done_) {
    if (const Status read = AdvanceLog(); !read.ok()) {
      ReportReadError(read);
      if (const Status skipped = SkipToNextFrame(); !skipped.ok()) {
        ReportReadError(skipped);
        log_done_ = true;
      }
    }
  } else if (const Status read = AdvanceTables(); !read.ok()) {
    ReportReadError(read);
    table_.reset();
    ++next_table_;
  }
  return std::move(step_);
}

// Sets range_ to the entries before `end` as the tree has them; to none if it cannot be read.
Status IntegrityCheck::ReadRange(LeafIndex end) {
  auto range = store_.tree().Range({end.value});
  range_ = range.ok() ? *std::move(range) : CompactRange();
  if (range.status().code() == StatusCode::kDataLoss) {
    Report({.file = tree_file_->path(),
            .index = end,
            .key = {},
            .what = "the file ends before the nodes of the entry"});
  }
  return range.status();
}

// The saved mark may be from before a restore.
bool IntegrityCheck::MarkIsAFrame() {
  if (next_.value == 0 || next_.value == goal_.size.value) return at_.offset > 0;
  const auto found = FrameOfEntryStandsAt(
      next_, {at_.segment, std::max<uint64_t>(at_.offset, kSegmentHeaderBytes)});
  return found.ok() && *found;
}

void IntegrityCheck::CheckCheckpoint() {
  const std::string& path = store_.paths().checkpoint;
  const auto exists = store_.file_system().Exists(path);
  if (!exists.ok()) return ReportReadError(exists.status());
  if (!*exists) return;
  const auto checkpoint = ReadCheckpoint(store_.file_system(), path);
  if (!checkpoint.ok()) return ReportReadError(checkpoint.status());
  if (!*checkpoint) {
    return Report({.file = path, .index = {}, .key = {}, .what = "the checkpoint is damaged"});
  }
  const PublishedState& state = **checkpoint;
  // A newer one may have been written since the pass began.
  if (state.size > goal_.size) return;
  const auto root = store_.tree().Root(state.size);
  if (!root.ok()) return ReportReadError(root.status());
  if (*root != state.root) {
    Report({.file = path,
            .index = {},
            .key = {},
            .what = "the checkpoint has another root at " + std::to_string(state.size.value) +
                    " entries than the tree"});
  }
}

Status IntegrityCheck::AdvanceLog() {
  if (next_.value >= goal_.size.value) {
    EndLog();
    return Status::Ok();
  }
  IMMUDB_RETURN_IF_ERROR(EnterSegment());
  const uint64_t end = at_.segment == goal_.log_end.segment ? goal_.log_end.offset : segment_bytes_;
  const uint64_t begin = at_.offset;
  const auto run = ScanFrames(*segment_file_, at_.segment, begin, end, next_, kStepBytes,
                              [this](const FrameView& frame) {
                                CheckFrame(frame);
                                return Status::Ok();
                              });
  IMMUDB_RETURN_IF_ERROR(run);
  // A bad frame is looked at when a step begins with it.
  if (!run->good && run->offset != begin) return Status::Ok();
  return EndOfRun(*run, end);
}

// Opens the segment of at_ and, at its beginning, looks at its header.
Status IntegrityCheck::EnterSegment() {
  if (segment_entered_) return Status::Ok();
  const std::string path = store_.SegmentPath(at_.segment);
  auto file = store_.file_system().Open(path, FileSystem::Mode::kRead);
  if (file.status().code() == StatusCode::kNotFound) {
    Report({.file = path, .index = next_, .key = {}, .what = "the segment is missing"});
  }
  IMMUDB_RETURN_IF_ERROR(file);
  segment_file_ = *std::move(file);
  const auto size = segment_file_->Size();
  IMMUDB_RETURN_IF_ERROR(size);
  segment_bytes_ = *size;
  segment_entered_ = true;
  if (at_.offset > kSegmentHeaderBytes) return Status::Ok();
  at_.offset = kSegmentHeaderBytes;
  char bytes[kSegmentHeaderBytes] = {};
  const auto read = segment_file_->ReadAt(0, bytes, sizeof(bytes));
  IMMUDB_RETURN_IF_ERROR(read);
  const auto header = DecodeSegmentHeader({bytes, *read});
  if (!header || header->segment != at_.segment || header->first_index != next_.value) {
    Report({.file = path,
            .offset = 0,
            .index = next_,
            .key = {},
            .what = "the segment header is damaged"});
  }
  return Status::Ok();
}

// What to do where the good frames ended, or the step.
Status IntegrityCheck::EndOfRun(const FrameRun& run, uint64_t end) {
  if (run.good && run.offset < end) return Status::Ok();
  if (run.good && next_.value >= goal_.size.value) return Status::Ok();
  const std::string path = store_.SegmentPath(at_.segment);
  bool good = run.good;
  if (!good && at_.segment != goal_.log_end.segment) {
    // Opening accepts zeros at the end of every segment.
    const auto zeros = OnlyZerosFrom(*segment_file_, run.offset);
    IMMUDB_RETURN_IF_ERROR(zeros);
    good = *zeros;
  }
  if (!good) {
    auto located = LocateDamage(*segment_file_, at_.segment, run.offset, next_);
    IMMUDB_RETURN_IF_ERROR(located);
    Report(
        {path, located->offset, located->index, std::move(located->key), std::move(located->what)});
    return SkipToNextFrame();
  }
  if (at_.segment == goal_.log_end.segment) {
    Report({path, run.offset, next_, {}, "the segment ends before the entry"});
    return SkipToNextFrame();
  }
  at_ = {at_.segment + 1, 0};
  segment_entered_ = false;
  return Status::Ok();
}

void IntegrityCheck::CheckFrame(const FrameView& frame) {
  const std::string path = store_.SegmentPath(frame.position.segment);
  std::vector<IndexUpdate> entries;
  std::vector<uint64_t> offsets;
  std::string_view rest = frame.body;
  for (uint32_t i = 0; i < frame.entry_count; ++i) {
    const LeafIndex index{frame.first.value + i};
    const uint64_t offset =
        frame.position.offset + kFrameHeaderBytes + (frame.body.size() - rest.size());
    const auto size = EntryBytes(rest);
    const auto entry = size ? DecodeEntry(rest) : std::nullopt;
    if (!entry) {
      Report({path, offset, index, {}, "the entry does not match its checksum"});
      break;
    }
    entries.push_back({index, entry->kind, entry->key, entry->value, entry->set_bytes});
    offsets.push_back(offset);
    rest.remove_prefix(*size);
  }
  if (const size_t at = frame.padding.find_first_not_of('\0'); at != std::string_view::npos) {
    Report({path,
            frame.position.offset + kFrameHeaderBytes + frame.body.size() + at,
            frame.first,
            {},
            kBytesBehindFrame});
  }
  step_.bytes += FrameBytes(frame.body.size());
  step_.entries += entries.size();
  next_ = {frame.first.value + frame.entry_count};
  at_.offset = frame.position.offset + FrameBytes(frame.body.size());
  for (const Status& checked :
       {CheckTree(frame, entries, offsets), CheckPositions(frame, entries, offsets)}) {
    if (!checked.ok()) ReportReadError(checked);
  }
  CheckIndexEntries(entries);
}

Status IntegrityCheck::CheckTree(const FrameView& frame, const std::vector<IndexUpdate>& entries,
                                 const std::vector<uint64_t>& offsets) {
  // Not every frame before this one could be added.
  if (range_.size().value != frame.first.value) IMMUDB_RETURN_IF_ERROR(ReadRange(frame.first));
  const uint64_t first_record = FirstRecordOfLeaf(frame.first);
  const uint64_t end_record = FirstRecordOfLeaf({frame.first.value + frame.entry_count});
  const auto stored =
      tree_file_->Read(first_record * sizeof(Digest), (end_record - first_record) * sizeof(Digest));
  IMMUDB_RETURN_IF_ERROR(stored);
  step_.bytes += stored->size();
  const auto record = [&](uint64_t number) {
    Digest digest{};
    const size_t at = (number - first_record) * sizeof(Digest);
    if (at + sizeof(Digest) <= stored->size()) {
      std::memcpy(digest.data(), stored->data() + at, sizeof(Digest));
    }
    return digest;
  };
  std::vector<Digest> nodes;
  for (size_t i = 0; i < entries.size(); ++i) {
    const IndexUpdate& entry = entries[i];
    const uint64_t leaf_record = FirstRecordOfLeaf(entry.index);
    nodes.clear();
    const auto leaf = TrueLeaf(entry, record(leaf_record), offsets[i]);
    IMMUDB_RETURN_IF_ERROR(leaf);
    range_.Append(*leaf, &nodes);
    for (size_t level = 1; level < nodes.size(); ++level) {
      if (nodes[level] == record(leaf_record + level)) continue;
      Report({tree_file_->path(), (leaf_record + level) * sizeof(Digest), entry.index,
              std::string(entry.key), "a node above the entry is not the hash of its children"});
    }
  }
  return Status::Ok();
}

// The hash of the entry that was published, whoever changed it: the log or the tree.
Result<Digest> IntegrityCheck::TrueLeaf(const IndexUpdate& entry, const Digest& stored,
                                        uint64_t offset) {
  const Digest leaf = LeafDigest(entry.index, entry.key, entry.value);
  if (leaf == stored) return leaf;
  const auto path = store_.tree().InclusionPath(entry.index, goal_.size);
  if (path.status().code() != StatusCode::kDataLoss) IMMUDB_RETURN_IF_ERROR(path);
  // A tree that was cut off proves nothing; the log has its own checksums.
  const bool log_is_right =
      !path.ok() || VerifyInclusion(entry.index, goal_.size, leaf, *path, goal_.root).ok();
  if (log_is_right) {
    Report({tree_file_->path(), FirstRecordOfLeaf(entry.index) * sizeof(Digest), entry.index,
            std::string(entry.key), "the leaf is not the hash of the entry"});
    return leaf;
  }
  Report({store_.SegmentPath(at_.segment), offset, entry.index, std::string(entry.key),
          "the entry is not the one that the tree has the hash of"});
  return stored;
}

Status IntegrityCheck::CheckPositions(const FrameView& frame,
                                      const std::vector<IndexUpdate>& entries,
                                      const std::vector<uint64_t>& offsets) {
  const auto stored = positions_file_->Read(frame.first.value * sizeof(uint64_t),
                                            entries.size() * sizeof(uint64_t));
  IMMUDB_RETURN_IF_ERROR(stored);
  step_.bytes += stored->size();
  for (size_t i = 0; i < entries.size(); ++i) {
    const size_t at = i * sizeof(uint64_t);
    const bool there = at + sizeof(uint64_t) <= stored->size();
    const LogPosition place{frame.position.segment, offsets[i]};
    if (there && LoadLE<uint64_t>(stored->data() + at) == place.Packed()) continue;
    Report({positions_file_->path(), entries[i].index.value * sizeof(uint64_t), entries[i].index,
            std::string(entries[i].key), "the place of the entry in the log is wrong"});
  }
  return Status::Ok();
}

void IntegrityCheck::CheckIndexEntries(const std::vector<IndexUpdate>& entries) {
  for (const IndexUpdate& entry : entries) {
    const auto right = store_.index().CheckEntry(entry);
    if (right.ok() && *right) continue;
    Damage damage{.file = store_.paths().index,
                  .index = entry.index,
                  .key = std::string(entry.key),
                  .what = right.ok() ? "the index does not have the entry, or has another one"
                                     : right.status().message()};
    if (right.ok()) {
      Report(std::move(damage));
    } else if (right.status().code() != StatusCode::kDataLoss) {
      ReportReadError(right.status());
    } else if (!unreadable_) {
      // A damaged block of a table hides all its entries: the check of the tables finds the one.
      unreadable_ = std::move(damage);
    }
  }
}

Result<bool> IntegrityCheck::FrameOfEntryStandsAt(LeafIndex index, const LogPosition& at) {
  const std::string path = store_.SegmentPath(at.segment);
  const auto exists = store_.file_system().Exists(path);
  IMMUDB_RETURN_IF_ERROR(exists);
  if (!*exists) return false;
  const auto file = store_.file_system().Open(path, FileSystem::Mode::kRead);
  IMMUDB_RETURN_IF_ERROR(file);
  char bytes[kFrameHeaderBytes];
  const auto read = (*file)->ReadAt(at.offset, bytes, sizeof(bytes));
  IMMUDB_RETURN_IF_ERROR(read);
  const auto header = DecodeFrameHeader({bytes, *read}, at.segment);
  return header && header->first_index == index.value;
}

// Behind a frame that cannot be read: the next one is found by the positions of the entries.
Status IntegrityCheck::SkipToNextFrame() {
  for (uint64_t first = next_.value + 1; first < goal_.size.value; first += kPositionsAtOnce) {
    const size_t count = std::min<uint64_t>(kPositionsAtOnce, goal_.size.value - first);
    const auto positions =
        positions_file_->Read(first * sizeof(uint64_t), count * sizeof(uint64_t));
    IMMUDB_RETURN_IF_ERROR(positions);
    step_.bytes += positions->size();
    for (size_t i = 0; (i + 1) * sizeof(uint64_t) <= positions->size(); ++i) {
      const auto entry =
          LogPosition::Unpack(LoadLE<uint64_t>(positions->data() + i * sizeof(uint64_t)));
      if (entry.offset < kSegmentHeaderBytes + kFrameHeaderBytes) continue;
      const LogPosition frame = ValueLog::FrameOf(entry);
      if (frame <= at_ || goal_.log_end <= frame) continue;
      const auto found = FrameOfEntryStandsAt({first + i}, frame);
      if (!found.ok() || !*found) continue;
      segment_entered_ = segment_entered_ && frame.segment == at_.segment;
      at_ = frame;
      next_ = {first + i};
      return Status::Ok();
    }
  }
  at_ = goal_.log_end;
  next_ = {goal_.size.value};
  return Status::Ok();
}

void IntegrityCheck::EndLog() {
  log_done_ = true;
  segment_file_.reset();
  if (range_.size() == goal_.size && range_.Root() != goal_.root && reported_.empty()) {
    Report({.file = tree_file_->path(),
            .index = {},
            .key = {},
            .what = "the entries lead to another root than the one that was published"});
  }
}

void IntegrityCheck::Report(Damage damage) {
  ++step_.damage_count;
  if (reported_[damage.file]++ < kMostReportedOfFile) step_.damages.push_back(std::move(damage));
}

void IntegrityCheck::ReportReadError(const Status& error) {
  ++step_.read_error_count;
  if (read_errors_reported_++ < kMostReportedOfFile) step_.read_errors.push_back(error);
}

}  // namespace immudb
