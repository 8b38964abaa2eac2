// SPDX-License-Identifier: Apache-2.0
#include "store/verification.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/file_system.h"
#include "base/status_macros.h"
#include "base/thread_pool.h"
#include "immudb/types.h"
#include "immudb/verify.h"
#include "index/index_fingerprint.h"
#include "index/index_update.h"
#include "index/key_index.h"
#include "merkle/compact_range.h"
#include "merkle/hash_tree.h"
#include "store/checkpoint.h"
#include "store/compared_file.h"
#include "store/store_impl.h"
#include "vlog/frame.h"
#include "vlog/segment_scan.h"
#include "vlog/value_log.h"

namespace immudb {
namespace {

constexpr size_t kBatchEntries = size_t{64} << 10;
constexpr size_t kBatchBytes = size_t{16} << 20;
constexpr size_t kHashGrain = 2048;

uint64_t RandomSeed() {
  std::random_device random;
  return uint64_t{random()} << 32 | random();
}

class Verification {
 public:
  Verification(FileSystem& fs, const StorePaths& paths, const VerifyOptions& options)
      : fs_(fs),
        paths_(paths),
        options_(options),
        tree_(paths.tree, sizeof(Digest)),
        positions_(paths.positions, sizeof(uint64_t)) {}

  Result<VerifyReport> Run();

 private:
  struct Batch {
    std::deque<std::string> bodies;  // what the entries point into
    size_t bytes = 0;
    std::vector<IndexUpdate> entries;
    std::string positions;
  };

  void OpenIndex();
  Status ReadLog();
  Status AddFrame(const FrameView& frame);
  Status Flush();
  void HashBatch(std::vector<Digest>& leaves);
  Status DescribeLogDamage(const Status& error);
  void NoteStates();
  Status CompareWith(ComparedFile& file, std::string_view expected, uint64_t first_entry);
  Status CheckIndex();
  Status LookUpEach();
  void CheckStates();
  void CheckLength(const ComparedFile& file, uint64_t least, uint64_t most);
  void Report(Damage damage);

  FileSystem& fs_;
  const StorePaths paths_;
  const VerifyOptions options_;
  ComparedFile tree_;
  ComparedFile positions_;
  std::unique_ptr<ValueLog> log_;
  std::unique_ptr<KeyIndex> index_;
  std::optional<PublishedState> checkpoint_;

  Batch batch_;
  CompactRange range_;
  LogPosition next_;  // behind the last good frame
  LeafIndex next_index_;
  IndexFingerprint derived_{RandomSeed()};
  uint64_t seed_ = 0;
  std::optional<Digest> root_at_checkpoint_;
  std::optional<Digest> root_at_trusted_;
  uint64_t total_bytes_ = 0;
  VerifyReport report_;
};

Result<VerifyReport> Verification::Run() {
  IMMUDB_RETURN_IF_ERROR(tree_.Open(fs_));
  IMMUDB_RETURN_IF_ERROR(positions_.Open(fs_));
  const auto checkpoint = ReadCheckpoint(fs_, paths_.checkpoint);
  IMMUDB_RETURN_IF_ERROR(checkpoint);
  checkpoint_ = *checkpoint;
  const auto exists = fs_.Exists(paths_.checkpoint);
  IMMUDB_RETURN_IF_ERROR(exists);
  if (*exists && !checkpoint_) {
    Report(
        {.file = paths_.checkpoint, .index = {}, .key = {}, .what = "the checkpoint is damaged"});
  }
  if (options_.read_index) OpenIndex();
  seed_ = RandomSeed();
  derived_ = IndexFingerprint(seed_);
  NoteStates();
  IMMUDB_RETURN_IF_ERROR(ReadLog());
  report_.size = range_.size();
  report_.root = range_.Root();
  CheckStates();
  if (index_ != nullptr) IMMUDB_RETURN_IF_ERROR(CheckIndex());
  return std::move(report_);
}

void Verification::OpenIndex() {
  KeyIndexOptions options;
  options.inline_value_bytes = options_.inline_value_bytes;
  options.read_only = true;
  auto index = KeyIndex::Open(paths_.index, options);
  if (index.ok()) {
    index_ = *std::move(index);
  } else {
    Report({.file = paths_.index, .index = {}, .key = {}, .what = index.status().message()});
  }
}

Status Verification::ReadLog() {
  auto log = ValueLog::Open(fs_, paths_.log, {});
  if (log.status().code() == StatusCode::kDataLoss) {
    Report({.file = paths_.log, .index = {}, .key = {}, .what = log.status().message()});
    return Status::Ok();
  }
  IMMUDB_RETURN_IF_ERROR(log);
  log_ = *std::move(log);
  const auto total = log_->TotalBytes();
  IMMUDB_RETURN_IF_ERROR(total);
  total_bytes_ = *total;
  const auto end =
      log_->Recover({}, {}, [this](const FrameView& frame) { return AddFrame(frame); });
  if (end.status().code() == StatusCode::kDataLoss) {
    IMMUDB_RETURN_IF_ERROR(Flush());
    return DescribeLogDamage(end.status());
  }
  IMMUDB_RETURN_IF_ERROR(end);
  report_.torn_bytes = end->torn_bytes;
  return Flush();
}

Status Verification::AddFrame(const FrameView& frame) {
  const std::string& body = batch_.bodies.emplace_back(frame.body);
  batch_.bytes += body.size();
  std::string_view rest = body;
  for (uint32_t i = 0; i < frame.entry_count; ++i) {
    const auto size = EntryBytes(rest);
    const auto entry = size ? DecodeEntry(rest) : std::nullopt;
    const uint64_t offset = frame.position.offset + kFrameHeaderBytes + (body.size() - rest.size());
    if (!entry) {
      Report({.file = log_->SegmentPath(frame.position.segment),
              .offset = offset,
              .index = LeafIndex{frame.first.value + i},
              .key = {},
              .what = "the entry does not match its checksum"});
      return Status::DataLoss("an entry cannot be decoded");
    }
    char position[sizeof(uint64_t)];
    StoreLE(position, LogPosition{frame.position.segment, offset}.Packed());
    batch_.positions.append(position, sizeof(position));
    batch_.entries.push_back(
        {{frame.first.value + i}, entry->kind, entry->key, entry->value, entry->set_bytes});
    rest.remove_prefix(*size);
  }
  next_ = {frame.position.segment, frame.position.offset + FrameBytes(body.size())};
  next_index_ = {frame.first.value + frame.entry_count};
  report_.log_bytes += FrameBytes(body.size());
  if (batch_.entries.size() < kBatchEntries && batch_.bytes < kBatchBytes) return Status::Ok();
  return Flush();
}

void Verification::HashBatch(std::vector<Digest>& leaves) {
  std::mutex mutex;
  const uint64_t applied = index_ == nullptr ? 0 : index_->applied().value;
  const auto hash = [&](size_t begin, size_t end) {
    IndexFingerprint part(seed_);
    for (size_t i = begin; i < end; ++i) {
      const IndexUpdate& entry = batch_.entries[i];
      leaves[i] = LeafDigest(entry.index, entry.key, entry.value);
      if (entry.index.value < applied) part.AddEntry(entry, options_.inline_value_bytes);
    }
    const std::lock_guard lock(mutex);
    derived_.Add(part);
  };
  if (options_.pool != nullptr) {
    options_.pool->ParallelFor(leaves.size(), kHashGrain, hash);
  } else {
    hash(0, leaves.size());
  }
}

Status Verification::Flush() {
  if (batch_.entries.empty()) return Status::Ok();
  std::vector<Digest> leaves(batch_.entries.size());
  HashBatch(leaves);
  const uint64_t first = batch_.entries.front().index.value;
  std::vector<Digest> nodes;
  nodes.reserve(2 * leaves.size());
  for (const Digest& leaf : leaves) {
    range_.Append(leaf, &nodes);
    NoteStates();
  }
  const std::string_view bytes(reinterpret_cast<const char*>(nodes.data()),
                               nodes.size() * sizeof(Digest));
  IMMUDB_RETURN_IF_ERROR(CompareWith(tree_, bytes, first));
  IMMUDB_RETURN_IF_ERROR(CompareWith(positions_, batch_.positions, first));
  batch_ = {};
  if (options_.progress) {
    options_.progress(range_.size().value, report_.log_bytes, total_bytes_);
  }
  return Status::Ok();
}

// The roots at the sizes that somebody knows one of.
void Verification::NoteStates() {
  if (checkpoint_ && range_.size() == checkpoint_->size) root_at_checkpoint_ = range_.Root();
  if (options_.trusted && range_.size() == options_.trusted->size) {
    root_at_trusted_ = range_.Root();
  }
}

Status Verification::CompareWith(ComparedFile& file, std::string_view expected,
                                 uint64_t first_entry) {
  if (!file.exists()) return Status::Ok();
  const auto wrong = file.Compare(expected);
  IMMUDB_RETURN_IF_ERROR(wrong);
  if (!*wrong) return Status::Ok();
  const bool tree = &file == &tree_;
  // The last leaf whose records begin at or before this one.
  uint64_t entry = first_entry;
  const uint64_t record = **wrong / (tree ? sizeof(Digest) : sizeof(uint64_t));
  const auto record_of = [tree](uint64_t i) { return tree ? FirstRecordOfLeaf({i}) : i; };
  const uint64_t end = first_entry + batch_.entries.size();
  while (entry + 1 < end && record_of(entry + 1) <= record) ++entry;
  const IndexUpdate& update = batch_.entries[entry - first_entry];
  const bool leaf = record == record_of(entry);
  Report({.file = file.path(),
          .offset = **wrong,
          .index = update.index,
          .key = std::string(update.key),
          .what = !tree  ? "the place of the entry in the log is wrong"
                  : leaf ? "the leaf is not the hash of the entry"
                         : "a node above the entry is not the hash of its children"});
  return Status::Ok();
}

Status Verification::DescribeLogDamage(const Status& error) {
  if (!report_.damages.empty() && report_.damages.back().file.starts_with(paths_.log)) {
    return Status::Ok();  // an entry that was named already
  }
  // Behind the last good frame: in its segment, or at the beginning of the one after it.
  const LogPosition behind{next_.segment, std::max<uint64_t>(next_.offset, kSegmentHeaderBytes)};
  for (const LogPosition at : {behind, LogPosition{next_.segment + 1, kSegmentHeaderBytes}}) {
    const std::string path = log_->SegmentPath(at.segment);
    const auto file = fs_.Open(path, FileSystem::Mode::kRead);
    if (!file.ok()) break;
    const auto size = (*file)->Size();
    IMMUDB_RETURN_IF_ERROR(size);
    if (at.offset + kFrameHeaderBytes > *size) continue;
    char header[kSegmentHeaderBytes];
    IMMUDB_RETURN_IF_ERROR((*file)->ReadAt(0, header, sizeof(header)));
    if (!DecodeSegmentHeader({header, sizeof(header)})) {
      Report({path, 0, next_index_, {}, "the segment header is damaged"});
      return Status::Ok();
    }
    auto located = LocateDamage(**file, at.segment, at.offset, next_index_);
    IMMUDB_RETURN_IF_ERROR(located);
    Report(
        {path, located->offset, located->index, std::move(located->key), std::move(located->what)});
    return Status::Ok();
  }
  Report({.file = paths_.log, .index = next_index_, .key = {}, .what = error.message()});
  return Status::Ok();
}

void Verification::CheckLength(const ComparedFile& file, uint64_t least, uint64_t most) {
  if (file.records() >= least && file.records() <= most) return;
  Report({.file = file.path(),
          .index = {},
          .key = {},
          .what = file.records() < least ? "the file ends before the entries of the checkpoint"
                                         : "the file has more entries than the log"});
}

void Verification::CheckStates() {
  const auto log_is_sound = [this] {
    return std::none_of(
        report_.damages.begin(), report_.damages.end(),
        [this](const Damage& damage) { return damage.file.starts_with(paths_.log); });
  };
  if (checkpoint_) {
    if (root_at_checkpoint_ && *root_at_checkpoint_ != checkpoint_->root) {
      Report({.file = paths_.checkpoint,
              .index = {},
              .key = {},
              .what = "the log leads to another root at " +
                      std::to_string(checkpoint_->size.value) + " entries than the checkpoint"});
    } else if (!root_at_checkpoint_ && log_is_sound()) {
      Report({.file = paths_.log,
              .index = LeafIndex{report_.size.value},
              .key = {},
              .what = "the log ends before the " + std::to_string(checkpoint_->size.value) +
                      " entries of the checkpoint"});
    }
  }
  if (options_.trusted && (!root_at_trusted_ || *root_at_trusted_ != options_.trusted->root)) {
    Report({.file = paths_.log,
            .index = {},
            .key = {},
            .what = root_at_trusted_
                        ? "the root at " + std::to_string(options_.trusted->size.value) +
                              " entries is " + ToHex(*root_at_trusted_) + ", not the expected one"
                        : "the log ends before the " +
                              std::to_string(options_.trusted->size.value) +
                              " entries of the expected root"});
  }
  if (!log_is_sound()) return;
  // What a crash left behind the checkpoint is derived at the next open.
  const TreeSize least = checkpoint_ ? checkpoint_->size : TreeSize{};
  CheckLength(tree_, FirstRecordOfLeaf({least.value}), FirstRecordOfLeaf({report_.size.value}));
  CheckLength(positions_, least.value, report_.size.value);
}

Status Verification::CheckIndex() {
  const TreeSize applied = index_->applied();
  if (applied > report_.size) {
    if (log_ != nullptr && report_.damages.empty()) {
      Report({.file = paths_.index,
              .index = LeafIndex{report_.size.value},
              .key = {},
              .what = "the index knows " + std::to_string(applied.value) +
                      " entries, which the log does not have"});
    }
    return Status::Ok();  // the log is damaged, or cut: they cannot be compared
  }
  const auto found = index_->Fingerprint(applied, seed_);
  if (found.ok() && *found == derived_) return Status::Ok();
  const std::string what =
      found.ok() ? "its records are not those that the log leads to" : found.status().message();
  const size_t before = report_.damages.size();
  IMMUDB_RETURN_IF_ERROR(LookUpEach());
  if (report_.damages.size() == before) {
    Report({.file = paths_.index, .index = {}, .key = {}, .what = what});
  }
  return Status::Ok();
}

// Which entry is it? Asks the index for each, until one is wrong.
Status Verification::LookUpEach() {
  const TreeSize applied = index_->applied();
  const auto check = [&](const EntryView& entry, LeafIndex index) -> Status {
    const auto version = index_->Get(entry.key, TreeEndingAt(index));
    const bool right = version.ok() && version->index == index && version->kind == entry.kind &&
                       (!version->value_is_inline || version->value == entry.value);
    if (right) return Status::Ok();
    Report({.file = paths_.index,
            .index = index,
            .key = std::string(entry.key),
            .what = version.ok() ? "the index has another version of the entry"
                                 : version.status().message()});
    return Status::DataLoss("found");
  };
  const auto scanned = log_->Recover({}, {}, [&](const FrameView& frame) -> Status {
    std::string_view rest = frame.body;
    for (uint32_t i = 0; i < frame.entry_count && !rest.empty(); ++i) {
      const LeafIndex index{frame.first.value + i};
      if (!applied.Contains(index)) break;
      const auto entry = DecodeEntry(rest);
      if (!entry) break;
      IMMUDB_RETURN_IF_ERROR(check(*entry, index));
      rest.remove_prefix(*EntryBytes(rest));
    }
    return Status::Ok();
  });
  return scanned.status().code() == StatusCode::kDataLoss ? Status::Ok() : scanned.status();
}

// The first of each file: what follows is often only its consequence.
void Verification::Report(Damage damage) {
  for (const Damage& known : report_.damages) {
    if (known.file == damage.file) return;
  }
  report_.damages.push_back(std::move(damage));
}

}  // namespace

Result<VerifyReport> VerifyStore(const std::string& directory, const VerifyOptions& options) {
  FileSystem& fs = FileSystem::Real();
  const StorePaths paths(directory);
  const auto exists = fs.Exists(paths.log);
  IMMUDB_RETURN_IF_ERROR(exists);
  if (!*exists) return Status::NotFound("there is no store in " + directory);
  const auto lock = fs.Lock(paths.lock);
  IMMUDB_RETURN_IF_ERROR(lock);
  return Verification(fs, paths, options).Run();
}

}  // namespace immudb
