// SPDX-License-Identifier: Apache-2.0
#include "client/verified_calls.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "base/status_macros.h"
#include "client/messages.h"
#include "client/proof_check.h"
#include "client/verdict.h"
#include "immudb/verify.h"

namespace immudb {
namespace {

VerifiedItem ToVerifiedItem(const schema::SafeItem& answer) {
  VerifiedItem result;
  result.item = {answer.item().key(), answer.item().value(), {answer.item().index()}};
  result.leaf = LeafDigest(result.item.index, result.item.key, result.item.value);
  result.path = InclusionPathOf(answer.proof());
  return result;
}

// A server that refuses the trusted index has a shorter tree than the one it showed before.
Status Explain(const Status& status, const std::optional<TreeRoot>& trusted) {
  const bool shrunk = trusted && status.code() == StatusCode::kInvalidArgument &&
                      status.message() == "invalid root index";
  if (!shrunk) return status;
  return VerificationFailed("the server's tree ends before the trusted root at index " +
                            std::to_string(trusted->index.value));
}

Status NothingMore(const TreeRoot& /*root*/, VerifiedItem* /*item*/) {
  return Status::Ok();
}

}  // namespace

Result<std::optional<TreeRoot>> VerifiedCalls::TrustedOrFirst(const SavedSession& session) {
  auto trusted = roots_.Load(session.database);
  if (!trusted.ok() || *trusted) return trusted;
  const auto lock = roots_.Acquire();
  IMMUDB_RETURN_IF_ERROR(lock);
  trusted = lock->Load(session.database);
  if (!trusted.ok() || *trusted) return trusted;
  schema::Root message;
  IMMUDB_RETURN_IF_ERROR(rpc_.CurrentRoot(session.token, &message));
  auto first = ToRoot(message);
  if (first.ok() && *first) IMMUDB_RETURN_IF_ERROR(lock->Save(session.database, **first));
  return first;
}

Result<schema::SafeItem> VerifiedCalls::FetchByIndex(const SavedSession& session, LeafIndex index,
                                                     const TreeRoot& from) {
  schema::SafeIndexOptions request;
  request.set_index(index.value);
  request.mutable_rootindex()->set_index(from.index.value);
  schema::SafeItem answer;
  const Status status = rpc_.BySafeIndex(session.token, request, &answer);
  if (!status.ok()) return Explain(status, from);
  return answer;
}

Status VerifiedCalls::Advance(const SavedSession& session, const std::optional<TreeRoot>& from,
                              const TreeRoot& to, const VerifiedItem& item) {
  if (from == to) return Status::Ok();
  const auto lock = roots_.Acquire();
  IMMUDB_RETURN_IF_ERROR(lock);
  const auto stored = lock->Load(session.database);
  IMMUDB_RETURN_IF_ERROR(stored);
  if (!*stored || *stored == from) return lock->Save(session.database, to);
  if (*stored == to) return Status::Ok();
  const auto again = FetchByIndex(session, item.item.index, **stored);
  IMMUDB_RETURN_IF_ERROR(again);
  const auto root = CheckItem(*again, *stored);
  IMMUDB_RETURN_IF_ERROR(root);
  if (ToVerifiedItem(*again).leaf != item.leaf) {
    return VerificationFailed("another client was shown another entry at index " +
                              std::to_string(item.item.index.value));
  }
  return *stored == *root ? Status::Ok() : lock->Save(session.database, *root);
}

Result<VerifiedItem> VerifiedCalls::Run(const SavedSession& session, const Ask& ask,
                                        const Check& check, VerifiedItem* rejected) {
  const std::lock_guard hold(mutex_);
  const auto trusted = TrustedOrFirst(session);
  IMMUDB_RETURN_IF_ERROR(trusted);
  schema::SafeItem answer;
  const Status asked = ask(*trusted ? (*trusted)->index.value : 0, &answer);
  if (!asked.ok()) return Explain(asked, *trusted);
  VerifiedItem item = ToVerifiedItem(answer);
  const auto root = CheckItem(answer, *trusted);
  Status status = root.status();
  if (status.ok()) item.tree = *root;
  if (status.ok()) status = check(*root, &item);
  if (status.ok()) status = Advance(session, *trusted, *root, item);
  if (status.ok()) return item;
  if (rejected != nullptr) *rejected = std::move(item);
  return status;
}

Result<VerifiedItem> VerifiedCalls::Write(
    const SavedSession& session, std::string_view key, std::string_view value,
    const std::function<Status(uint64_t, schema::Proof*)>& call, VerifiedItem* rejected) {
  const auto ask = [&](uint64_t root_index, schema::SafeItem* answer) {
    IMMUDB_RETURN_IF_ERROR(call(root_index, answer->mutable_proof()));
    answer->mutable_item()->set_key(std::string(key));
    answer->mutable_item()->set_value(std::string(value));
    answer->mutable_item()->set_index(answer->proof().index());
    return Status::Ok();
  };
  return Run(session, ask, NothingMore, rejected);
}

Result<VerifiedItem> VerifiedCalls::Set(const SavedSession& session, std::string_view key,
                                        std::string_view value, VerifiedItem* rejected) {
  schema::SafeSetOptions request;
  request.mutable_kv()->set_key(std::string(key));
  request.mutable_kv()->set_value(std::string(value));
  const auto call = [&](uint64_t root_index, schema::Proof* proof) {
    request.mutable_rootindex()->set_index(root_index);
    return rpc_.SafeSet(session.token, request, proof);
  };
  return Write(session, key, value, call, rejected);
}

Result<VerifiedItem> VerifiedCalls::Reference(const SavedSession& session, std::string_view name,
                                              std::string_view key, VerifiedItem* rejected) {
  schema::SafeReferenceOptions request;
  request.mutable_ro()->set_reference(std::string(name));
  request.mutable_ro()->set_key(std::string(key));
  const auto call = [&](uint64_t root_index, schema::Proof* proof) {
    request.mutable_rootindex()->set_index(root_index);
    return rpc_.SafeReference(session.token, request, proof);
  };
  return Write(session, name, key, call, rejected);
}

Result<VerifiedItem> VerifiedCalls::ZAdd(const SavedSession& session, std::string_view set,
                                         double score, std::string_view key,
                                         VerifiedItem* rejected) {
  schema::SafeZAddOptions request;
  request.mutable_zopts()->set_set(std::string(set));
  request.mutable_zopts()->set_score(score);
  request.mutable_zopts()->set_key(std::string(key));
  const auto call = [&](uint64_t root_index, schema::Proof* proof) {
    request.mutable_rootindex()->set_index(root_index);
    return rpc_.SafeZAdd(session.token, request, proof);
  };
  return Write(session, SortedSetKey(set, score, key), key, call, rejected);
}

Result<VerifiedItem> VerifiedCalls::ByIndex(const SavedSession& session, LeafIndex index,
                                            VerifiedItem* rejected) {
  schema::SafeIndexOptions request;
  request.set_index(index.value);
  const auto ask = [&](uint64_t root_index, schema::SafeItem* answer) {
    request.mutable_rootindex()->set_index(root_index);
    return rpc_.BySafeIndex(session.token, request, answer);
  };
  const auto check = [index](const TreeRoot& /*root*/, VerifiedItem* item) {
    if (item->item.index == index) return Status::Ok();
    return VerificationFailed("asked for index " + std::to_string(index.value) + ", answered " +
                              std::to_string(item->item.index.value));
  };
  return Run(session, ask, check, rejected);
}

Result<VerifiedItem> VerifiedCalls::SetStructured(const SavedSession& session, std::string_view key,
                                                  const StructuredValue& value,
                                                  VerifiedItem* rejected) {
  schema::SafeSetSVOptions request;
  request.mutable_skv()->set_key(std::string(key));
  Fill(request.mutable_skv()->mutable_value(), value);
  const auto call = [&](uint64_t root_index, schema::Proof* proof) {
    request.mutable_rootindex()->set_index(root_index);
    return rpc_.SafeSetSV(session.token, request, proof);
  };
  return Write(session, key, EncodeStructured(value), call, rejected);
}

// The answer has lost the bytes that were hashed. If encoding it again gives other ones, the raw
// call decides, so that an unusual encoding is not taken for tampering.
Status VerifiedCalls::AskStructured(const SavedSession& session,
                                    const schema::SafeGetOptions& request,
                                    schema::SafeItem* answer) {
  schema::SafeStructuredItem structured;
  IMMUDB_RETURN_IF_ERROR(rpc_.SafeGetSV(session.token, request, &structured));
  answer->mutable_item()->set_key(structured.item().key());
  answer->mutable_item()->set_value(structured.item().value().SerializeAsString());
  answer->mutable_item()->set_index(structured.item().index());
  *answer->mutable_proof() = std::move(*structured.mutable_proof());
  if (AsBytes(ToVerifiedItem(*answer).leaf) == answer->proof().leaf()) return Status::Ok();
  answer->Clear();
  return rpc_.SafeGet(session.token, request, answer);
}

Result<VerifiedItem> VerifiedCalls::Get(const SavedSession& session, std::string_view key,
                                        VerifiedItem* rejected) {
  return Get(session, key, ValueForm::kRaw, rejected);
}

Result<VerifiedItem> VerifiedCalls::GetStructured(const SavedSession& session, std::string_view key,
                                                  VerifiedItem* rejected) {
  return Get(session, key, ValueForm::kStructured, rejected);
}

Result<VerifiedItem> VerifiedCalls::Get(const SavedSession& session, std::string_view key,
                                        ValueForm form, VerifiedItem* rejected) {
  schema::SafeGetOptions request;
  request.set_key(std::string(key));
  const auto ask = [&](uint64_t root_index, schema::SafeItem* answer) {
    request.mutable_rootindex()->set_index(root_index);
    return form == ValueForm::kRaw ? rpc_.SafeGet(session.token, request, answer)
                                   : AskStructured(session, request, answer);
  };
  const auto check = [&](const TreeRoot& root, VerifiedItem* item) {
    return CheckKey(session, key, root, item);
  };
  return Run(session, ask, check, rejected);
}

Result<ProofDocument::Consistency> VerifiedCalls::Connect(const SavedSession& session,
                                                          const TreeRoot& from,
                                                          VerifiedItem* item) {
  const auto answer = FetchByIndex(session, item->item.index, from);
  IMMUDB_RETURN_IF_ERROR(answer);
  const auto root = CheckItem(*answer, from);
  IMMUDB_RETURN_IF_ERROR(root);
  VerifiedItem connected = ToVerifiedItem(*answer);
  if (connected.leaf != item->leaf) {
    return VerificationFailed("the server shows two entries at index " +
                              std::to_string(item->item.index.value));
  }
  auto path = ConsistencyPathOf(answer->proof());
  IMMUDB_RETURN_IF_ERROR(path);
  item->tree = *root;
  item->path = std::move(connected.path);
  return ProofDocument::Consistency{from, *std::move(path)};
}

// The answer to a SafeGet does not say that a reference was followed. But then the history of the
// asked key has a version whose value is the answered key, and that version can be proven to be in
// the same tree. Without it a server could answer any key with any other genuine entry.
Status VerifiedCalls::CheckKey(const SavedSession& session, std::string_view asked,
                               const TreeRoot& root, VerifiedItem* item) {
  if (item->item.key == asked) return Status::Ok();
  Status wrong = VerificationFailed("the server answered with another key than the asked one");
  schema::Key request;
  request.set_key(std::string(asked));
  schema::ItemList history;
  const Status listed = rpc_.History(session.token, request, &history);
  if (listed.code() == StatusCode::kResourceExhausted) {
    item->key_match = KeyMatch::kUnprovenReference;
    return Status::Ok();
  }
  IMMUDB_RETURN_IF_ERROR(listed);
  const auto link = std::ranges::find_if(history.items(), [&](const schema::Item& version) {
    return version.value() == item->item.key && version.index() <= root.index.value;
  });
  if (link == history.items().end()) return wrong;
  const auto answer = FetchByIndex(session, {link->index()}, root);
  IMMUDB_RETURN_IF_ERROR(answer);
  IMMUDB_RETURN_IF_ERROR(CheckItem(*answer, root));
  const bool links = answer->item().index() == link->index() && answer->item().key() == asked &&
                     answer->item().value() == item->item.key;
  if (!links) return wrong;
  item->key_match = KeyMatch::kReference;
  return Status::Ok();
}

}  // namespace immudb
