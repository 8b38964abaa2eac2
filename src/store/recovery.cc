// SPDX-License-Identifier: Apache-2.0
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/append_map.h"
#include "base/bytes.h"
#include "base/file_system.h"
#include "base/status_macros.h"
#include "base/thread_pool.h"
#include "immudb/status.h"
#include "immudb/store.h"
#include "immudb/types.h"
#include "immudb/verify.h"
#include "index/index_update.h"
#include "index/key_index.h"
#include "merkle/hash_tree.h"
#include "store/checkpoint.h"
#include "store/store_impl.h"
#include "vlog/frame.h"
#include "vlog/segment_scan.h"
#include "vlog/value_log.h"

namespace immudb {
namespace {

constexpr size_t kReplayEntries = size_t{16} << 10;
constexpr size_t kReplayBytes = size_t{8} << 20;
constexpr size_t kHashGrain = 2048;

// The share of the index in StoreOptions::max_open_files; the rest are log segments.
size_t IndexFiles(const StoreOptions& options) {
  return options.max_open_files * 5 / 6;
}

// Derives tree, positions and index from the frames of the log, in groups. Each part takes only the
// entries that it lacks.
class Replay {
 public:
  Replay(HashTree& tree, AppendMap& positions, KeyIndex& index, ThreadPool* pool)
      : tree_(tree), positions_(positions), index_(index), pool_(pool) {}

  Status Add(const FrameView& frame) {
    const std::string& body = bodies_.emplace_back(frame.body);
    held_bytes_ += body.size();
    std::string_view rest = body;
    for (uint32_t i = 0; i < frame.entry_count; ++i) {
      const auto size = EntryBytes(rest);
      const auto entry = size ? DecodeEntry(rest) : std::nullopt;
      if (!entry) {
        return Status::DataLoss("segment " + std::to_string(frame.position.segment) +
                                ": frame at offset " + std::to_string(frame.position.offset) +
                                ": entry " + std::to_string(frame.first.value + i) +
                                " cannot be decoded");
      }
      const uint64_t offset =
          frame.position.offset + kFrameHeaderBytes + (body.size() - rest.size());
      places_.push_back(LogPosition{frame.position.segment, offset}.Packed());
      entries_.push_back(
          {{frame.first.value + i}, entry->kind, entry->key, entry->value, entry->set_bytes});
      rest.remove_prefix(*size);
    }
    if (entries_.size() < kReplayEntries && held_bytes_ < kReplayBytes) return Status::Ok();
    return Flush();
  }

  Status Flush() {
    if (entries_.empty()) return Status::Ok();
    const TreeSize through{entries_.back().index.value + 1};
    IMMUDB_RETURN_IF_ERROR(ExtendTree());
    if (index_.applied() < through) IMMUDB_RETURN_IF_ERROR(index_.Apply(entries_, through));
    entries_.clear();
    places_.clear();
    bodies_.clear();
    held_bytes_ = 0;
    return Status::Ok();
  }

 private:
  Status ExtendTree() {
    const uint64_t first = entries_.front().index.value;
    const uint64_t have = std::max(tree_.size().value, first);
    if (have >= first + entries_.size()) return Status::Ok();
    const size_t skip = static_cast<size_t>(have - first);
    const size_t count = entries_.size() - skip;
    std::vector<Digest> leaves(count);
    const auto hash = [&](size_t begin, size_t end) {
      for (size_t i = begin; i < end; ++i) {
        const IndexUpdate& entry = entries_[skip + i];
        leaves[i] = LeafDigest(entry.index, entry.key, entry.value);
      }
    };
    if (pool_ != nullptr) {
      pool_->ParallelFor(count, kHashGrain, hash);
    } else {
      hash(0, count);
    }
    std::string packed(count * sizeof(uint64_t), '\0');
    for (size_t i = 0; i < count; ++i) {
      StoreLE(packed.data() + i * sizeof(uint64_t), places_[skip + i]);
    }
    IMMUDB_RETURN_IF_ERROR(tree_.Append(leaves, pool_));
    return positions_.Append(packed);
  }

  HashTree& tree_;
  AppendMap& positions_;
  KeyIndex& index_;
  ThreadPool* const pool_;
  std::deque<std::string> bodies_;  // what the entries point into
  size_t held_bytes_ = 0;
  std::vector<IndexUpdate> entries_;
  std::vector<uint64_t> places_;
};

}  // namespace

Status RemoveDerivedFiles(FileSystem& fs, const StorePaths& paths) {
  IMMUDB_RETURN_IF_ERROR(fs.Remove(paths.tree));
  IMMUDB_RETURN_IF_ERROR(fs.Remove(paths.positions));
  return fs.RemoveTree(paths.index);
}

// Opens index, tree and positions, and says up to where tree and positions can be believed: the
// state of the last checkpoint if they have it, or nothing.
Result<PublishedState> StoreImpl::OpenDerivedParts(
    const std::optional<PublishedState>& checkpoint) {
  KeyIndexOptions index_options;
  index_options.inline_value_bytes = options_.inline_value_bytes;
  index_options.write_buffer_bytes = options_.write_buffer_bytes;
  index_options.max_open_files = static_cast<int>(IndexFiles(options_));
  index_options.block_cache = options_.block_cache;
  index_options.write_buffer_manager = options_.write_buffer_manager;
  index_options.statistics = options_.statistics;
  auto index = KeyIndex::Open(paths_.index, index_options);
  if (index.status().code() == StatusCode::kDataLoss) {
    spdlog::error("{}: the index is removed and derived again from the log",
                  index.status().message());
    IMMUDB_RETURN_IF_ERROR(fs_.RemoveTree(paths_.index));
    index = KeyIndex::Open(paths_.index, index_options);
  }
  IMMUDB_RETURN_IF_ERROR(index);
  index_ = *std::move(index);
  auto tree = HashTree::Open(fs_, paths_.tree);
  IMMUDB_RETURN_IF_ERROR(tree);
  tree_ = *std::move(tree);
  auto positions = AppendMap::Open(fs_, paths_.positions, sizeof(uint64_t));
  IMMUDB_RETURN_IF_ERROR(positions);
  positions_ = *std::move(positions);

  PublishedState base;
  base.root = EmptyTreeRoot();
  if (!checkpoint) return base;
  const TreeSize size = checkpoint->size;
  const bool long_enough = tree_->size() >= size && positions_->count() >= size.value;
  const auto root = tree_->Root(long_enough ? size : TreeSize{});
  IMMUDB_RETURN_IF_ERROR(root);
  if (!long_enough || *root != checkpoint->root) {
    spdlog::warn("{} does not hold the tree of the last checkpoint ({} entries): deriving it again",
                 paths_.tree, size.value);
    return base;
  }
  return *checkpoint;
}

// The frame that begins with this entry, if the positions lead to it.
std::optional<LogPosition> StoreImpl::FrameOfFirst(LeafIndex first) const {
  const auto position = PositionOf(first);
  if (!position.ok() || position->offset < kSegmentHeaderBytes + kFrameHeaderBytes) return {};
  const LogPosition frame = ValueLog::FrameOf(*position);
  const auto file = fs_.Open(log_->SegmentPath(frame.segment), FileSystem::Mode::kRead);
  if (!file.ok()) return {};
  char bytes[kFrameHeaderBytes];
  const auto read = (*file)->ReadAt(frame.offset, bytes, sizeof(bytes));
  if (!read.ok()) return {};
  const auto header = DecodeFrameHeader({bytes, *read}, frame.segment);
  return header && header->first_index == first.value ? std::optional(frame) : std::nullopt;
}

// What the open forgave must not be there when the integrity checker looks.
Status StoreImpl::RepairCheckpoint(const PublishedState& recovered) {
  const Status written = Checkpoint(recovered);
  if (written.ok()) {
    spdlog::info("{} was written again, for {} entries", paths_.checkpoint, recovered.size.value);
    checkpointed_ = recovered.size;
    return written;
  }
  spdlog::warn("{} is removed: it cannot be written again: {}", paths_.checkpoint,
               written.message());
  return fs_.Remove(paths_.checkpoint);
}

Result<PublishedState> StoreImpl::Recover() {
  auto log = ValueLog::Open(
      fs_, paths_.log,
      {options_.segment_bytes, options_.sync, options_.max_open_files - IndexFiles(options_)});
  IMMUDB_RETURN_IF_ERROR(log);
  log_ = *std::move(log);
  const auto checkpoint = ReadCheckpoint(fs_, paths_.checkpoint);
  IMMUDB_RETURN_IF_ERROR(checkpoint);
  const auto exists = fs_.Exists(paths_.checkpoint);
  IMMUDB_RETURN_IF_ERROR(exists);
  const bool checkpoint_damaged = *exists && !*checkpoint;
  if (checkpoint_damaged) {
    spdlog::warn("{} is damaged: index and tree are derived again from the log", paths_.checkpoint);
  }
  const auto opened = OpenDerivedParts(*checkpoint);
  IMMUDB_RETURN_IF_ERROR(opened);
  PublishedState base = *opened;
  // What was once published, as far as the derived parts remember it.
  const TreeSize known =
      std::max({tree_->size(), index_->applied(), *checkpoint ? (*checkpoint)->size : TreeSize{}});
  LogPosition from = base.log_end;
  LeafIndex first{base.size.value};
  if (index_->applied() < base.size) {
    // Groups are whole transactions, so the index stops at the end of one.
    first = {index_->applied().value};
    const auto frame = first.value == 0 ? std::optional(LogPosition{}) : FrameOfFirst(first);
    if (frame) {
      from = *frame;
    } else {
      spdlog::warn("{} does not lead to entry {}: deriving it again", paths_.positions,
                   first.value);
      base = {};
      base.root = EmptyTreeRoot();
      first = {};
      from = {};
    }
  }
  // Looks at the whole of it before anything is changed: a log that is damaged or too short must be
  // refused the next time too.
  auto end = log_->Recover(from, first, [](const FrameView&) { return Status::Ok(); });
  IMMUDB_RETURN_IF_ERROR(end);
  if (end->next.value < known.value) {
    const std::string loss = paths_.log + ": the log ends before entry index " +
                             std::to_string(end->next.value) + " (offset " +
                             std::to_string(log_->end().offset) + " of segment " +
                             std::to_string(log_->end().segment) + "), but " +
                             std::to_string(known.value) + " entries had been stored";
    if (options_.sync) {
      return Status::DataLoss(loss +
                              ": acknowledged entries are missing (if this store ran with "
                              "sync off and lost power, open it once with sync off)");
    }
    spdlog::error("{}: they are lost; index and tree are derived again", loss);
    IMMUDB_RETURN_IF_ERROR(fs_.Remove(paths_.checkpoint));
    tree_.reset();
    positions_.reset();
    index_.reset();
    IMMUDB_RETURN_IF_ERROR(RemoveDerivedFiles(fs_, paths_));
    IMMUDB_RETURN_IF_ERROR(log_->CutTail());
    return Recover();
  }
  IMMUDB_RETURN_IF_ERROR(tree_->Truncate(base.size));
  IMMUDB_RETURN_IF_ERROR(positions_->Truncate(base.size.value));
  Replay replay(*tree_, *positions_, *index_, options_.pool);
  end = log_->Recover(from, first, [&](const FrameView& frame) { return replay.Add(frame); });
  IMMUDB_RETURN_IF_ERROR(end);
  IMMUDB_RETURN_IF_ERROR(replay.Flush());

  const auto known_root = tree_->Root(*checkpoint ? (*checkpoint)->size : TreeSize{});
  IMMUDB_RETURN_IF_ERROR(known_root);
  if (*checkpoint && *known_root != (*checkpoint)->root) {
    return Status::DataLoss(paths_.log + ": the log leads to another root at " +
                            std::to_string((*checkpoint)->size.value) +
                            " entries than the last checkpoint: it was changed outside of immudb");
  }
  if (end->torn_bytes > 0) {
    spdlog::warn(
        "{}: cutting off a torn frame behind entry {} (offset {} of segment {}): it was "
        "never acknowledged",
        paths_.log, end->next.value, log_->end().offset, log_->end().segment);
  }
  IMMUDB_RETURN_IF_ERROR(log_->CutTail());

  PublishedState recovered;
  recovered.size = tree_->size();
  const auto root = tree_->Root(recovered.size);
  IMMUDB_RETURN_IF_ERROR(root);
  recovered.root = *root;
  recovered.log_end = log_->end();
  checkpointed_ = base.size;
  if (checkpoint_damaged) IMMUDB_RETURN_IF_ERROR(RepairCheckpoint(recovered));
  return recovered;
}

}  // namespace immudb
