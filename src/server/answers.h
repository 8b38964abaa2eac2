// SPDX-License-Identifier: Apache-2.0
//
// From entries and snapshots of the store to messages, shared by the handlers.
#pragma once

#include <cstddef>
#include <string>
#include <utility>

#include "base/status_macros.h"
#include "immudb/status.h"
#include "immudb/store.h"
#include "immudb/types.h"
#include "schema.pb.h"
#include "server/call_context.h"
#include "server/message_limits.h"
#include "server/server.h"

namespace immudb {

// Always ok.
Status FillItem(Entry&& entry, schema::Item& item);

// With the value parsed as Content; kUnknown if it is none.
Status FillItem(Entry&& entry, schema::StructuredItem& item);

// What is stored and hashed for a structured value. kInvalidArgument if there is no value.
Result<std::string> SerialisedContent(const schema::StructuredKeyValue& kv);

// The root that the client trusts may not be newer than the tree, unless that is empty.
Status CheckRootIndex(const schema::Index& root_index, TreeSize size);

// Proves the entry at `index` in the tree of the snapshot, and that tree against the one that ends
// at `trusted`. Precondition: index < snapshot.size().
Status FillProof(const Snapshot& snapshot, LeafIndex index, LeafIndex trusted,
                 schema::Proof& proof);

template <typename Repeated>
void FillPath(const ProofPath& path, Repeated& out) {
  out.Reserve(static_cast<int>(path.size()));
  for (const Digest& digest : path) out.Add()->assign(digest.begin(), digest.end());
}

// Puts items into a message with a repeated field `items`, and refuses to let it grow beyond what a
// message may have: the client would see a broken connection instead of an error. One item alone
// may be as large as LargestAnswerBytes, so that a listing can be read item by item whatever it
// holds. A visitor of the store's listings, so that a listing which is refused never held more than
// one message.
template <typename List>
class ListAnswer {
 public:
  ListAnswer(const CallContext& call, List& list)
      : call_(call), list_(list), options_(call.services->options) {}

  // kResourceExhausted when the message would be too large, kUnavailable when nobody waits for it,
  // or the error of FillItem.
  Status Add(Entry&& entry) {
    if (call_.abandoned()) return Status::Unavailable("the client has gone");
    const bool alone = list_.items().empty();
    if (alone) IMMUDB_RETURN_IF_ERROR(CheckReadableSize(options_, entry));
    auto& item = *list_.add_items();
    IMMUDB_RETURN_IF_ERROR(FillItem(std::move(entry), item));
    bytes_ += item.ByteSizeLong() + kItemOverheadBytes;
    if (alone || bytes_ <= options_.max_message_bytes) return Status::Ok();
    return Status::ResourceExhausted("the answer is larger than a message of " +
                                     std::to_string(options_.max_message_bytes) +
                                     " bytes: ask for less, with a limit or page by page");
  }

  // As a visitor: false ends the listing at the first entry that cannot be added.
  bool operator()(Entry&& entry) {
    refused_ = Add(std::move(entry));
    return refused_.ok();
  }
  // What the call answers when the listing has ended with `listed`.
  Status Finish(const Status& listed) const { return listed.ok() ? refused_ : listed; }

 private:
  static constexpr size_t kItemOverheadBytes = 6;  // tag and length; a bit more than needed

  const CallContext& call_;
  List& list_;
  const ServerOptions& options_;
  size_t bytes_ = 0;
  Status refused_;
};

}  // namespace immudb
