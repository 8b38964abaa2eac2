// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string_view>

#include "client/root_store.h"
#include "client/rpc.h"
#include "client/token_store.h"
#include "immudb/client.h"
#include "immudb/proof_document.h"
#include "immudb/status.h"
#include "immudb/types.h"

namespace immudb {

// The Safe calls: ask from the trusted root, check the proof, trust the newer root. In that order,
// and the trusted root moves only when everything was right:
//
//     trusted root -> call -> leaf -> inclusion -> consistency -> further checks -> root stored
//
// The calls of one object run one after the other. If another process moved the trusted root
// meanwhile, the entry is proven once more from that root, so that a server cannot show two clients
// two trees. Thread-safe; `rpc` and `roots` must outlive it.
class VerifiedCalls {
 public:
  VerifiedCalls(Rpc& rpc, const RootStore& roots) : rpc_(rpc), roots_(roots) {}

  // `rejected` may be null; see Client.
  Result<VerifiedItem> Set(const SavedSession& session, std::string_view key,
                           std::string_view value, VerifiedItem* rejected);
  Result<VerifiedItem> Reference(const SavedSession& session, std::string_view name,
                                 std::string_view key, VerifiedItem* rejected);
  Result<VerifiedItem> ZAdd(const SavedSession& session, std::string_view set, double score,
                            std::string_view key, VerifiedItem* rejected);
  Result<VerifiedItem> Get(const SavedSession& session, std::string_view key,
                           VerifiedItem* rejected);
  Result<VerifiedItem> SetStructured(const SavedSession& session, std::string_view key,
                                     const StructuredValue& value, VerifiedItem* rejected);
  Result<VerifiedItem> GetStructured(const SavedSession& session, std::string_view key,
                                     VerifiedItem* rejected);
  Result<VerifiedItem> ByIndex(const SavedSession& session, LeafIndex index,
                               VerifiedItem* rejected);
  // Proves `item`, which was verified, once more in a tree that continues `from`, and leaves that
  // proof in it. The trusted root plays no part: it proved the entry before.
  Result<ProofDocument::Consistency> Connect(const SavedSession& session, const TreeRoot& from,
                                             VerifiedItem* item);

 private:
  // Sends the request with this trusted index. For writes the item is made of the request's bytes.
  using Ask = std::function<Status(uint64_t root_index, schema::SafeItem* answer)>;
  // What is to be checked besides the proof, which led to `root`.
  using Check = std::function<Status(const TreeRoot& root, VerifiedItem* item)>;

  enum class ValueForm : uint8_t { kRaw, kStructured };

  Result<VerifiedItem> Get(const SavedSession& session, std::string_view key, ValueForm form,
                           VerifiedItem* rejected);
  Result<VerifiedItem> Run(const SavedSession& session, const Ask& ask, const Check& check,
                           VerifiedItem* rejected);
  Result<VerifiedItem> Write(const SavedSession& session, std::string_view key,
                             std::string_view value,
                             const std::function<Status(uint64_t, schema::Proof*)>& call,
                             VerifiedItem* rejected);
  Result<std::optional<TreeRoot>> TrustedOrFirst(const SavedSession& session);
  Status Advance(const SavedSession& session, const std::optional<TreeRoot>& from,
                 const TreeRoot& to, const VerifiedItem& item);
  Result<schema::SafeItem> FetchByIndex(const SavedSession& session, LeafIndex index,
                                        const TreeRoot& from);
  Status AskStructured(const SavedSession& session, const schema::SafeGetOptions& request,
                       schema::SafeItem* answer);
  Status CheckKey(const SavedSession& session, std::string_view asked, const TreeRoot& root,
                  VerifiedItem* item);

  Rpc& rpc_;
  const RootStore& roots_;
  std::mutex mutex_;  // held during a whole verified call
};

}  // namespace immudb
