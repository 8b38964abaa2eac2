// SPDX-License-Identifier: Apache-2.0
//
// The tree as a whole, and all that is stored.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "base/status_macros.h"
#include "database/audit_trail.h"
#include "database/database.h"
#include "database/databases.h"
#include "database/sessions.h"
#include "immudb/status.h"
#include "immudb/store.h"
#include "immudb/types.h"
#include "pb/pb.pb.h"
#include "server/call_context.h"
#include "server/caller.h"
#include "server/chunk_source.h"
#include "server/handlers.h"
#include "server/message_limits.h"
#include "server/server.h"

namespace immudb::handlers {
namespace {

// Original clients take messages up to 4 MiB.
constexpr size_t kChunkBytes = size_t{3} << 20;
constexpr size_t kRecordOverheadBytes = 6;  // tag and length; a bit more than needed

constexpr char kValueMark[] = {'\x00'};
constexpr char kReferenceMark[] = {'\x01'};
constexpr char kNodeMark[] = {'\xFF'};
constexpr uint32_t kStreamId = 1;

// Under which the original stores a node: 0x00, the layer, the position in it.
std::string NodeKey(unsigned layer, uint64_t position) {
  std::string key(10, '\0');
  key[1] = static_cast<char>(layer);
  StoreBE64(key.data() + 2, position);
  return key;
}

// Walks through the nodes of a tree: layer by layer from the leaves, each from the left.
struct NodePlace {
  unsigned layer = 0;
  uint64_t position = 0;

  void Advance(TreeSize size) {
    if (++position < size.LayerWidth(layer)) return;
    ++layer;
    position = 0;
  }
};

// A lower bound of the size of the whole tree in a PrintTree answer.
uint64_t LeastTreeBytes(TreeSize size) {
  // What NodeKey and the hash take with their tags and lengths, and tag and length of the node.
  constexpr uint64_t kLeastNodeBytes = 12 + 34 + 2;
  uint64_t nodes = 0;
  for (unsigned layer = 0; layer < size.LayerCount(); ++layer) nodes += size.LayerWidth(layer);
  return nodes * kLeastNodeBytes;
}

Status TreeTooLarge(TreeSize size, size_t max_bytes) {
  return Status::ResourceExhausted("the tree of " + std::to_string(size.value) +
                                   " entries does not fit into a message of " +
                                   std::to_string(max_bytes) + " bytes: use Dump instead");
}

// All records of a database as of one tree, in byte order of their keys, newest version first. So
// the nodes of the tree come first: no key of an entry starts with 0x00.
class DumpSource final : public ChunkSource {
 public:
  DumpSource(const Snapshot& snapshot, const ServerOptions& options)
      : snapshot_(snapshot), options_(options) {}

  Result<bool> Next(google::protobuf::Message& message) override {
    auto& chunk = static_cast<pb::KVList&>(message);
    chunk_bytes_ = 0;
    bool room = true;
    if (held_) room = Add(chunk, *std::exchange(held_, std::nullopt));
    while (room && node_.layer < snapshot_.size().LayerCount()) {
      auto record = NodeRecord();
      IMMUDB_RETURN_IF_ERROR(record);
      node_.Advance(snapshot_.size());
      room = Add(chunk, *std::move(record));
    }
    if (room) {
      IMMUDB_RETURN_IF_ERROR(snapshot_.ScanVersions(mark_, [&](Entry&& entry) {
        unreadable_ = CheckReadableSize(options_, entry);
        if (!unreadable_.ok()) return false;
        mark_ = {entry.key, entry.index};
        return Add(chunk, EntryRecord(std::move(entry)));
      }));
      // What was read before it is sent first.
      if (chunk.kv_size() == 0) IMMUDB_RETURN_IF_ERROR(unreadable_);
    }
    return chunk.kv_size() > 0;
  }

 private:
  // False when the chunk is full: the record is then held for the next one.
  bool Add(pb::KVList& chunk, pb::KV&& record) {
    const size_t bytes = record.ByteSizeLong() + kRecordOverheadBytes;
    if (chunk.kv_size() > 0 && chunk_bytes_ + bytes >= kChunkBytes) {
      held_ = std::move(record);
      return false;
    }
    chunk_bytes_ += bytes;
    *chunk.add_kv() = std::move(record);
    return true;
  }

  Result<pb::KV> NodeRecord() const {
    const auto hash = snapshot_.Node(node_.layer, node_.position);
    IMMUDB_RETURN_IF_ERROR(hash);
    // As old as the last leaf below it.
    const uint64_t end = std::min((node_.position + 1) << node_.layer, snapshot_.size().value);
    pb::KV record = Record(kNodeMark, end);
    record.set_key(NodeKey(node_.layer, node_.position));
    record.mutable_value()->assign(hash->begin(), hash->end());
    if (node_.layer == 0) {
      const auto key = snapshot_.KeyAt({node_.position});
      IMMUDB_RETURN_IF_ERROR(key);
      record.mutable_value()->append(*key);
    }
    return record;
  }

  static pb::KV EntryRecord(Entry&& entry) {
    pb::KV record = Record(entry.kind == EntryKind::kValue ? kValueMark : kReferenceMark,
                           entry.index.value + 1);
    if (entry.kind != EntryKind::kValue) record.set_meta(Meta(entry));
    record.set_key(std::move(entry.key));
    record.set_value(std::move(entry.value));
    return record;
  }

  // What the mark does not tell, for whoever loads the dump: the kind, and for a set member the
  // length of the set's name as a varint. Original clients do not look at it.
  static std::string Meta(const Entry& entry) {
    std::string meta(1, static_cast<char>(entry.kind));
    if (entry.kind != EntryKind::kSortedSetMember) return meta;
    uint64_t length = entry.key.size() - sizeof(double) - entry.value.size();
    for (; length >= 0x80; length >>= 7) meta += static_cast<char>(length | 0x80);
    return meta += static_cast<char>(length);
  }

  static pb::KV Record(const char (&mark)[1], uint64_t version) {
    pb::KV record;
    record.set_user_meta(mark, sizeof(mark));
    record.set_version(version);
    record.set_stream_id(kStreamId);
    return record;
  }

  const Snapshot snapshot_;
  const ServerOptions& options_;
  NodePlace node_;                   // the next one
  std::optional<VersionMark> mark_;  // the last entry that was read
  std::optional<pb::KV> held_;       // did not fit into the last chunk
  size_t chunk_bytes_ = 0;
  Status unreadable_;  // the next record is too large for a message
};

}  // namespace

Status PrintTree(CallContext& call, const Empty&, schema::Tree& response) {
  const size_t max_bytes = call.services->options.max_message_bytes;
  const Snapshot snapshot = call.Latest();
  const TreeSize size = snapshot.size();
  if (LeastTreeBytes(size) > max_bytes) return TreeTooLarge(size, max_bytes);
  size_t bytes = 0;
  for (NodePlace place; place.layer < size.LayerCount(); place.Advance(size)) {
    if (call.abandoned()) return Status::Unavailable("the client has gone");
    const auto hash = snapshot.Node(place.layer, place.position);
    IMMUDB_RETURN_IF_ERROR(hash);
    if (place.position == 0) {
      response.add_t();
      bytes += kRecordOverheadBytes;
    }
    schema::Node& node = *response.mutable_t(static_cast<int>(place.layer))->add_l();
    node.set_i(NodeKey(place.layer, place.position));
    node.set_h(hash->data(), hash->size());
    if (place.layer == 0) {
      auto key = snapshot.KeyAt({place.position});
      IMMUDB_RETURN_IF_ERROR(key);
      node.set_refk(*std::move(key));
      node.set_ref(true);
    }
    node.set_root(place.layer + 1 == size.LayerCount());
    bytes += node.ByteSizeLong() + kRecordOverheadBytes;
    if (bytes > max_bytes) return TreeTooLarge(size, max_bytes);
  }
  return Status::Ok();
}

Result<std::unique_ptr<ChunkSource>> Dump(CallContext& call, const Empty&) {
  Caller caller;
  caller.maintenance = call.services->options.maintenance;
  if (call.session != nullptr) caller.user.name = call.session->user;
  call.services->databases.audit().RecordRepeatable(
      ActOf(call, caller, "dump", call.database->name()));
  return std::unique_ptr<ChunkSource>(
      std::make_unique<DumpSource>(call.Latest(), call.services->options));
}

}  // namespace immudb::handlers
