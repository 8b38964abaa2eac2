// SPDX-License-Identifier: Apache-2.0
#include "immuadmin/dump_load.h"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <optional>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "base/status_macros.h"
#include "commands/command.h"
#include "commands/output.h"
#include "immudb/verify.h"
#include "merkle/compact_range.h"

namespace immudb {
namespace {

constexpr char kNodeMark = '\xFF';
constexpr size_t kNodeKeyBytes = 10;  // 0x00, layer, index
constexpr std::string_view kMetadataKey = "IMMUDB.METADATA.LAST_FLUSHED_LEAF";
constexpr uint64_t kLeastRecordBytes = 10;
constexpr unsigned kOffsetBits = 44;
constexpr uint64_t kOffsetMask = (uint64_t{1} << kOffsetBits) - 1;
constexpr size_t kBatchEntries = 10'000;
constexpr size_t kBatchBytes = size_t{2} << 20;

uint64_t KeyTag(std::string_view key) {
  return std::hash<std::string_view>()(key) & ~kOffsetMask;
}

bool IsNode(const pb::KV& record) {
  return record.user_meta().size() == 1 && record.user_meta()[0] == kNodeMark &&
         record.key().size() == kNodeKeyBytes && record.key()[0] == '\0' &&
         record.value().size() >= sizeof(Digest);
}

Digest HashOf(const pb::KV& node) {
  Digest hash{};
  std::copy_n(node.value().begin(), hash.size(), hash.begin());
  return hash;
}

Status Corrupt(std::string what) {
  return {StatusCode::kDataLoss, "the dump cannot be loaded: " + std::move(what)};
}

}  // namespace

Result<std::unique_ptr<LoadPlan>> LoadPlan::Make(const std::string& path,
                                                 const ShowProgress& show) {
  std::unique_ptr<LoadPlan> plan(new LoadPlan);
  auto scan = DumpReader::Open(path, DumpReader::Order::kSequential);
  IMMUDB_RETURN_IF_ERROR(scan);
  plan->scan_ = *std::move(scan);
  auto random = DumpReader::Open(path, DumpReader::Order::kRandom);
  IMMUDB_RETURN_IF_ERROR(random);
  plan->random_ = *std::move(random);
  IMMUDB_RETURN_IF_ERROR(plan->ReadLeaves(show));
  IMMUDB_RETURN_IF_ERROR(plan->ReadEntries(show));
  IMMUDB_RETURN_IF_ERROR(plan->DeriveRoot());
  return plan;
}

Result<pb::KV> LoadPlan::Entry(LeafIndex index) {
  return random_->At(places_[index.value].entry - 1, nullptr);
}

Result<LoadPlan::Place*> LoadPlan::PlaceOf(uint64_t index) {
  if (index >= scan_->size() / kLeastRecordBytes) {
    return Corrupt("it has not the " + std::to_string(index) + " entries that a record speaks of");
  }
  if (index >= places_.size()) places_.resize(index + 1);
  return &places_[index];
}

Status LoadPlan::ReadLeaves(const ShowProgress& show) {
  uint64_t next = 0;
  for (uint64_t offset = 0; offset < scan_->size(); offset = next) {
    const auto record = scan_->At(offset, &next);
    IMMUDB_RETURN_IF_ERROR(record);
    show(offset / 2, scan_->size());
    if (!IsNode(*record)) continue;
    const auto layer = static_cast<unsigned char>(record->key()[1]);
    const uint64_t position = LoadBE64(record->key().data() + 2);
    if (position == 0) {
      if (tops_.size() <= layer) tops_.resize(layer + size_t{1});
      tops_[layer] = {record->version(), HashOf(*record)};
    }
    if (layer != 0) continue;
    const auto place = PlaceOf(position);
    IMMUDB_RETURN_IF_ERROR(place);
    const std::string_view key = std::string_view(record->value()).substr(sizeof(Digest));
    (*place)->leaf = KeyTag(key) | (offset + 1);
  }
  return Status::Ok();
}

Result<Digest> LoadPlan::LeafHash(const Place& place) {
  const auto leaf = random_->At((place.leaf & kOffsetMask) - 1, nullptr);
  IMMUDB_RETURN_IF_ERROR(leaf);
  return HashOf(*leaf);
}

Result<bool> LoadPlan::IsLeafOf(const Place& place, LeafIndex index, const pb::KV& record) {
  if (place.entry != 0) return false;
  if (place.leaf == 0) return true;
  if ((place.leaf & ~kOffsetMask) != KeyTag(record.key())) return false;
  const auto hash = LeafHash(place);
  IMMUDB_RETURN_IF_ERROR(hash);
  return *hash == LeafDigest(index, record.key(), record.value());
}

// The index that a record's version names, or in a batch of the original one before it.
Result<uint64_t> LoadPlan::IndexOf(const pb::KV& record) {
  const std::string name = "the entry with key " + ToLine(Json(record.key())) + " and version " +
                           std::to_string(record.version());
  if (record.version() == 0) return Corrupt(name + " has no index");
  IMMUDB_RETURN_IF_ERROR(PlaceOf(record.version() - 1));
  constexpr uint64_t kLargestBatch = uint64_t{1} << 20;
  const uint64_t end = record.version() > kLargestBatch ? record.version() - kLargestBatch : 0;
  for (uint64_t index = record.version(); index-- > end;) {
    if (index + 1 < record.version() && places_[index].leaf == 0) break;
    const auto found = IsLeafOf(places_[index], {index}, record);
    IMMUDB_RETURN_IF_ERROR(found);
    if (*found) return index;
  }
  return Corrupt(name + " is not in its tree");
}

Status LoadPlan::ReadEntries(const ShowProgress& show) {
  uint64_t next = 0;
  for (uint64_t offset = 0; offset < scan_->size(); offset = next) {
    const auto record = scan_->At(offset, &next);
    IMMUDB_RETURN_IF_ERROR(record);
    show((scan_->size() + offset) / 2, scan_->size());
    if (IsNode(*record) || record->key() == kMetadataKey) continue;
    const auto index = IndexOf(*record);
    IMMUDB_RETURN_IF_ERROR(index);
    places_[*index].entry = offset + 1;
  }
  const auto missing = std::ranges::find(places_, uint64_t{0}, &Place::entry);
  if (missing == places_.end()) return Status::Ok();
  return Corrupt("the entry with index " + std::to_string(missing - places_.begin()) +
                 " is missing (the original keeps one version of a key that a batch gives twice)");
}

Status LoadPlan::DeriveRoot() {
  CompactRange range;
  for (uint64_t index = 0; index < places_.size(); ++index) {
    Digest leaf{};
    if (places_[index].leaf != 0) {  // equal to that of the entry: see IsLeafOf
      const auto hash = LeafHash(places_[index]);
      IMMUDB_RETURN_IF_ERROR(hash);
      leaf = *hash;
    } else {
      const auto entry = Entry({index});
      IMMUDB_RETURN_IF_ERROR(entry);
      leaf = LeafDigest({index}, entry->key(), entry->value());
    }
    range.Append(leaf);
  }
  root_ = range.Root();
  const size_t top = size().LayerCount();
  const bool known = top > 0 && tops_.size() == top && tops_[top - 1].first == size().value;
  if (known && tops_[top - 1].second != root_) {
    return Corrupt("its entries lead to the root " + ToHex(root_) + ", its tree has the root " +
                   ToHex(tops_[top - 1].second));
  }
  return Status::Ok();
}

namespace {

// Entries in a row that are plain values go together.
class Loader {
 public:
  explicit Loader(Client* client) : client_(client) {}

  Status Add(LeafIndex index, pb::KV&& record) {
    const EntryKind kind = KindOf(record);
    if (kind != EntryKind::kValue) {
      IMMUDB_RETURN_IF_ERROR(Flush());
      return Check(index, WriteLink(kind, record));
    }
    bytes_ += record.key().size() + record.value().size();
    batch_.push_back({std::move(*record.mutable_key()), std::move(*record.mutable_value())});
    last_ = index;
    return batch_.size() >= kBatchEntries || bytes_ >= kBatchBytes ? Flush() : Status::Ok();
  }

  Status Flush() {
    if (batch_.empty()) return Status::Ok();
    const Status written = Check(last_, client_->SetBatch(batch_));
    batch_.clear();
    bytes_ = 0;
    return written;
  }

 private:
  Result<LeafIndex> WriteLink(EntryKind kind, const pb::KV& record) {
    if (kind == EntryKind::kReference) return client_->Reference(record.key(), record.value());
    const SetMember member = MemberOf(record);
    return client_->ZAdd(member.set, member.score, record.value());
  }

  static Status Check(LeafIndex expected, const Result<LeafIndex>& written) {
    const std::string where = "index " + std::to_string(expected.value);
    if (!written.ok()) return written.status().WithContext(where);
    if (*written == expected) return Status::Ok();
    return Status::FailedPrecondition(where + ": the entry was given index " +
                                      std::to_string(written->value) +
                                      ": somebody else writes into this database");
  }

  Client* client_;
  std::vector<KeyValue> batch_;
  size_t bytes_ = 0;
  LeafIndex last_;
};

}  // namespace

Status LoadInto(Client* client, LoadPlan* plan, const std::function<Status(uint64_t)>& progress) {
  const auto before = client->CurrentRoot();
  IMMUDB_RETURN_IF_ERROR(before);
  if (*before) {
    return Status::FailedPrecondition(
        "the selected database is not empty; create another one and use it");
  }
  Loader loader(client);
  for (uint64_t index = 0; index < plan->size().value; ++index) {
    auto entry = plan->Entry({index});
    IMMUDB_RETURN_IF_ERROR(entry);
    IMMUDB_RETURN_IF_ERROR(loader.Add({index}, *std::move(entry)));
    IMMUDB_RETURN_IF_ERROR(progress(index + 1));
  }
  IMMUDB_RETURN_IF_ERROR(loader.Flush());
  const auto after = client->CurrentRoot();
  IMMUDB_RETURN_IF_ERROR(after);
  const bool same = plan->size().empty()
                        ? !*after
                        : *after && **after == TreeRoot{plan->size().Last(), plan->root()};
  if (same) return Status::Ok();
  return {StatusCode::kDataLoss,
          "the loaded database has another root than the dump, " + ToHex(plan->root())};
}

}  // namespace immudb
