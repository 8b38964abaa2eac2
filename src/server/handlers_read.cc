// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "base/status_macros.h"
#include "immudb/status.h"
#include "immudb/store.h"
#include "immudb/types.h"
#include "server/answers.h"
#include "server/call_context.h"
#include "server/handlers.h"
#include "server/message_limits.h"
#include "store/key_rules.h"

namespace immudb::handlers {
namespace {

template <typename Item>
Status GetAs(CallContext& call, const schema::Key& request, Item& item) {
  IMMUDB_RETURN_IF_ERROR(CheckKey(request.key(), "invalid key"));
  auto entry = call.Latest().GetResolved(request.key());
  IMMUDB_RETURN_IF_ERROR(entry);
  IMMUDB_RETURN_IF_ERROR(CheckReadableSize(call.services->options, *entry));
  return FillItem(*std::move(entry), item);
}

template <typename Item>
Status ByIndexAs(CallContext& call, const schema::Index& request, Item& item) {
  auto entry = call.Latest().GetByIndex({request.index()});
  IMMUDB_RETURN_IF_ERROR(entry);
  IMMUDB_RETURN_IF_ERROR(CheckReadableSize(call.services->options, *entry));
  return FillItem(*std::move(entry), item);
}

// The proof is about the entry that is answered: the target, if a reference was followed.
template <typename SafeItem>
Status Proven(const CallContext& call, const Snapshot& snapshot, Entry&& entry,
              const schema::Index& root_index, SafeItem& response) {
  IMMUDB_RETURN_IF_ERROR(CheckReadableSize(call.services->options, entry));
  const LeafIndex index = entry.index;
  IMMUDB_RETURN_IF_ERROR(FillItem(std::move(entry), *response.mutable_item()));
  return FillProof(snapshot, index, {root_index.index()}, *response.mutable_proof());
}

template <typename SafeItem>
Status SafeGetAs(CallContext& call, const schema::SafeGetOptions& request, SafeItem& response) {
  IMMUDB_RETURN_IF_ERROR(CheckKey(request.key(), "invalid key"));
  const Snapshot snapshot = call.Latest();
  IMMUDB_RETURN_IF_ERROR(CheckRootIndex(request.rootindex(), snapshot.size()));
  auto entry = snapshot.GetResolved(request.key());
  IMMUDB_RETURN_IF_ERROR(entry);
  return Proven(call, snapshot, *std::move(entry), request.rootindex(), response);
}

Status IndexNotFound() {
  return Status::NotFound("index not found");
}

}  // namespace

Status Get(CallContext& call, const schema::Key& request, schema::Item& response) {
  return GetAs(call, request, response);
}

Status GetSV(CallContext& call, const schema::Key& request, schema::StructuredItem& response) {
  return GetAs(call, request, response);
}

Status SafeGet(CallContext& call, const schema::SafeGetOptions& request,
               schema::SafeItem& response) {
  return SafeGetAs(call, request, response);
}

Status SafeGetSV(CallContext& call, const schema::SafeGetOptions& request,
                 schema::SafeStructuredItem& response) {
  return SafeGetAs(call, request, response);
}

Status ByIndex(CallContext& call, const schema::Index& request, schema::Item& response) {
  return ByIndexAs(call, request, response);
}

Status ByIndexSV(CallContext& call, const schema::Index& request,
                 schema::StructuredItem& response) {
  return ByIndexAs(call, request, response);
}

Status BySafeIndex(CallContext& call, const schema::SafeIndexOptions& request,
                   schema::SafeItem& response) {
  const Snapshot snapshot = call.Latest();
  auto entry = snapshot.GetByIndex({request.index()});
  IMMUDB_RETURN_IF_ERROR(entry);
  IMMUDB_RETURN_IF_ERROR(CheckRootIndex(request.rootindex(), snapshot.size()));
  return Proven(call, snapshot, *std::move(entry), request.rootindex(), response);
}

Status CurrentRoot(CallContext& call, const Empty&, schema::Root& response) {
  const Snapshot snapshot = call.Latest();
  if (snapshot.size().empty()) return Status::Ok();
  response.set_index(snapshot.size().Last().value);
  response.set_root(snapshot.root().data(), snapshot.root().size());
  return Status::Ok();
}

Status Inclusion(CallContext& call, const schema::Index& request,
                 schema::InclusionProof& response) {
  const Snapshot snapshot = call.Latest();
  const LeafIndex index{request.index()};
  if (!snapshot.size().Contains(index)) return IndexNotFound();
  const auto leaf = snapshot.Leaf(index);
  IMMUDB_RETURN_IF_ERROR(leaf);
  const auto path = snapshot.InclusionProof(index);
  IMMUDB_RETURN_IF_ERROR(path);
  response.set_at(snapshot.size().Last().value);
  response.set_index(index.value);
  response.set_root(snapshot.root().data(), snapshot.root().size());
  response.set_leaf(leaf->data(), leaf->size());
  FillPath(*path, *response.mutable_path());
  return Status::Ok();
}

Status Consistency(CallContext& call, const schema::Index& request,
                   schema::ConsistencyProof& response) {
  const Snapshot snapshot = call.Latest();
  const LeafIndex first{request.index()};
  if (!snapshot.size().Contains(first)) return IndexNotFound();
  const auto path = snapshot.ConsistencyProof(TreeEndingAt(first));
  IMMUDB_RETURN_IF_ERROR(path);
  response.set_first(first.value);
  response.set_second(snapshot.size().Last().value);
  response.set_secondroot(snapshot.root().data(), snapshot.root().size());
  FillPath(*path, *response.mutable_path());
  return Status::Ok();
}

}  // namespace immudb::handlers
