// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <string>
#include <utility>

#include "base/status_macros.h"
#include "immudb/status.h"
#include "immudb/store.h"
#include "immudb/types.h"
#include "server/answers.h"
#include "server/call_context.h"
#include "server/exception_barrier.h"
#include "server/handlers.h"
#include "server/message_limits.h"

namespace immudb::handlers {
namespace {

// Queues the transaction; once it is published (or refused) the call ends with what `answer` makes
// of it.
template <typename Answer>
Status Commit(CallContext& call, Transaction transaction, Completion done, Answer answer) {
  IMMUDB_RETURN_IF_ERROR(call.store().Prepare(transaction, call.read_limits()));
  call.store().CommitAsync(std::move(transaction), [done, answer](const Result<CommitInfo>& info) {
    done(info.ok() ? RunGuarded([&] { return answer(*info); }) : info.status());
  });
  return Status::Ok();
}

Status CommitIndex(CallContext& call, Transaction transaction, schema::Index& response,
                   Completion done) {
  return Commit(call, std::move(transaction), done, [&response](const CommitInfo& info) {
    response.set_index(info.last.value);
    return Status::Ok();
  });
}

// The proof is that of the tree which ends with the new entry: old clients remember (index, root)
// of the answer as what they trust, which is only right if the root is that of the tree at the
// index.
Status CommitProof(CallContext& call, Transaction transaction, const schema::Index& root_index,
                   schema::Proof& response, Completion done) {
  Store& store = call.store();
  IMMUDB_RETURN_IF_ERROR(CheckRootIndex(root_index, store.Latest().size()));
  const LeafIndex trusted{root_index.index()};
  return Commit(call, std::move(transaction), done,
                [&store, &response, trusted](const CommitInfo& info) -> Status {
                  const auto tree = store.Latest().At(TreeEndingAt(info.last));
                  IMMUDB_RETURN_IF_ERROR(tree);
                  return FillProof(*tree, info.last, trusted, response);
                });
}

Status AddValue(const CallContext& call, const std::string& key, const std::string& value,
                Transaction& transaction) {
  IMMUDB_RETURN_IF_ERROR(transaction.Set(key, value));
  return CheckWritableSize(call.services->options, key.size(), value.size());
}

Status Add(const CallContext& call, const schema::KeyValue& kv, Transaction& transaction) {
  return AddValue(call, kv.key(), kv.value(), transaction);
}

Status Add(const CallContext& call, const schema::StructuredKeyValue& kv,
           Transaction& transaction) {
  const auto content = SerialisedContent(kv);
  IMMUDB_RETURN_IF_ERROR(content);
  return AddValue(call, kv.key(), *content, transaction);
}

Status Add(const CallContext& call, const schema::ReferenceOptions& reference,
           Transaction& transaction) {
  IMMUDB_RETURN_IF_ERROR(transaction.AddReference(reference.reference(), reference.key()));
  return CheckWritableSize(call.services->options, reference.reference().size(),
                           reference.key().size());
}

Status Add(const CallContext& call, const schema::ZAddOptions& member, Transaction& transaction) {
  const size_t key_bytes = member.key().size();
  IMMUDB_RETURN_IF_ERROR(
      transaction.AddSortedSetMember(member.set(), member.score(), member.key()));
  return CheckWritableSize(call.services->options, member.set().size() + sizeof(double) + key_bytes,
                           key_bytes);
}

Status EmptyBatch() {
  return Status::InvalidArgument("Empty set");
}

Status InvalidKey() {
  return Status::InvalidArgument("invalid key");
}

}  // namespace

Status Set(CallContext& call, const schema::KeyValue& request, schema::Index& response,
           Completion done) {
  Transaction transaction;
  IMMUDB_RETURN_IF_ERROR(Add(call, request, transaction));
  return CommitIndex(call, std::move(transaction), response, done);
}

Status SetSV(CallContext& call, const schema::StructuredKeyValue& request, schema::Index& response,
             Completion done) {
  Transaction transaction;
  IMMUDB_RETURN_IF_ERROR(Add(call, request, transaction));
  return CommitIndex(call, std::move(transaction), response, done);
}

Status SafeSet(CallContext& call, const schema::SafeSetOptions& request, schema::Proof& response,
               Completion done) {
  if (!request.has_kv()) return InvalidKey();
  Transaction transaction;
  IMMUDB_RETURN_IF_ERROR(Add(call, request.kv(), transaction));
  return CommitProof(call, std::move(transaction), request.rootindex(), response, done);
}

Status SafeSetSV(CallContext& call, const schema::SafeSetSVOptions& request,
                 schema::Proof& response, Completion done) {
  if (!request.has_skv()) return InvalidKey();
  Transaction transaction;
  IMMUDB_RETURN_IF_ERROR(Add(call, request.skv(), transaction));
  return CommitProof(call, std::move(transaction), request.rootindex(), response, done);
}

Status SetBatch(CallContext& call, const schema::KVList& request, schema::Index& response,
                Completion done) {
  if (request.kvs().empty()) return EmptyBatch();
  Transaction transaction;
  for (const schema::KeyValue& kv : request.kvs()) {
    IMMUDB_RETURN_IF_ERROR(Add(call, kv, transaction));
  }
  return CommitIndex(call, std::move(transaction), response, done);
}

Status SetBatchSV(CallContext& call, const schema::SKVList& request, schema::Index& response,
                  Completion done) {
  if (request.skvs().empty()) return EmptyBatch();
  Transaction transaction;
  for (const schema::StructuredKeyValue& kv : request.skvs()) {
    IMMUDB_RETURN_IF_ERROR(Add(call, kv, transaction));
  }
  return CommitIndex(call, std::move(transaction), response, done);
}

Status Reference(CallContext& call, const schema::ReferenceOptions& request,
                 schema::Index& response, Completion done) {
  if (request.reference().empty() || request.key().empty()) {
    return Status::InvalidArgument("Key cannot be empty");
  }
  Transaction transaction;
  IMMUDB_RETURN_IF_ERROR(Add(call, request, transaction));
  return CommitIndex(call, std::move(transaction), response, done);
}

Status SafeReference(CallContext& call, const schema::SafeReferenceOptions& request,
                     schema::Proof& response, Completion done) {
  if (!request.has_ro()) return InvalidKey();
  Transaction transaction;
  const Status added = Add(call, request.ro(), transaction);
  // The text of this call for a wrong name differs from that of Reference.
  if (added.message() == "invalid reference") return InvalidKey();
  IMMUDB_RETURN_IF_ERROR(added);
  return CommitProof(call, std::move(transaction), request.rootindex(), response, done);
}

Status ZAdd(CallContext& call, const schema::ZAddOptions& request, schema::Index& response,
            Completion done) {
  Transaction transaction;
  IMMUDB_RETURN_IF_ERROR(Add(call, request, transaction));
  return CommitIndex(call, std::move(transaction), response, done);
}

Status SafeZAdd(CallContext& call, const schema::SafeZAddOptions& request, schema::Proof& response,
                Completion done) {
  if (!request.has_zopts()) return InvalidKey();
  Transaction transaction;
  IMMUDB_RETURN_IF_ERROR(Add(call, request.zopts(), transaction));
  return CommitProof(call, std::move(transaction), request.rootindex(), response, done);
}

}  // namespace immudb::handlers
