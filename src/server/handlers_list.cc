// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdint>
#include <functional>
#include <utility>

#include "base/status_macros.h"
#include "immudb/status.h"
#include "immudb/store.h"
#include "immudb/types.h"
#include "server/answers.h"
#include "server/call_context.h"
#include "server/handlers.h"
#include "store/key_rules.h"

namespace immudb::handlers {
namespace {

// What clients get when they name no limit.
constexpr uint64_t kDefaultLimit = 104'857;

uint64_t LimitOf(uint64_t requested) {
  return requested == 0 ? kDefaultLimit : requested;
}

template <typename List>
Status GetBatchAs(CallContext& call, const schema::KeyList& request, List& response) {
  const Snapshot snapshot = call.Latest();
  ListAnswer answer(call, response);
  for (const schema::Key& key : request.keys()) {
    if (call.abandoned()) return Status::Unavailable("the client has gone");
    IMMUDB_RETURN_IF_ERROR(CheckKey(key.key(), "invalid key"));
    auto entry = snapshot.GetResolved(key.key());
    if (entry.status().code() == StatusCode::kNotFound) continue;
    IMMUDB_RETURN_IF_ERROR(entry);
    IMMUDB_RETURN_IF_ERROR(answer.Add(*std::move(entry)));
  }
  return Status::Ok();
}

template <typename List>
Status HistoryAs(CallContext& call, const schema::Key& request, List& response) {
  if (request.key().empty()) return Status::Ok();
  IMMUDB_RETURN_IF_ERROR(CheckKey(request.key(), "invalid key"));
  ListAnswer answer(call, response);
  return answer.Finish(call.Latest().History(request.key(), std::ref(answer)));
}

template <typename List>
Status ScanAs(CallContext& call, const schema::ScanOptions& request, List& response) {
  IMMUDB_RETURN_IF_ERROR(CheckPrefix(request.prefix(), "invalid key prefix"));
  IMMUDB_RETURN_IF_ERROR(CheckPrefix(request.offset(), "invalid offset"));
  ListAnswer answer(call, response);
  return answer.Finish(call.Latest().Scan({.prefix = request.prefix(),
                                           .offset = request.offset(),
                                           .limit = LimitOf(request.limit()),
                                           .reverse = request.reverse(),
                                           .deep = request.deep()},
                                          std::ref(answer)));
}

template <typename List>
Status ZScanAs(CallContext& call, const schema::ZScanOptions& request, List& response) {
  IMMUDB_RETURN_IF_ERROR(CheckKey(request.set(), "invalid set"));
  IMMUDB_RETURN_IF_ERROR(CheckPrefix(request.offset(), "invalid offset"));
  ListAnswer answer(call, response);
  return answer.Finish(call.Latest().ScanSet({.set = request.set(),
                                              .offset = request.offset(),
                                              .limit = LimitOf(request.limit()),
                                              .reverse = request.reverse()},
                                             std::ref(answer)));
}

struct PageBounds {
  LeafIndex first;
  uint64_t count;
  uint64_t number;  // from 1
};

// kNotFound if there is no entry on that page.
Result<PageBounds> PageOf(const schema::IScanOptions& request, TreeSize size) {
  const uint64_t number = std::max<uint64_t>(request.pagenumber(), 1);
  uint64_t first = 0;
  if (__builtin_mul_overflow(number - 1, request.pagesize(), &first) || !size.Contains({first})) {
    return Status::NotFound("index not found");
  }
  const uint64_t count = std::min(std::max<uint64_t>(request.pagesize(), 1), size.value - first);
  return PageBounds{{first}, count, number};
}

// Fills all but the number of the page, which only one of the two messages has.
template <typename Page>
Result<PageBounds> IScanAs(CallContext& call, const schema::IScanOptions& request, Page& response) {
  const Snapshot snapshot = call.Latest();
  auto page = PageOf(request, snapshot.size());
  IMMUDB_RETURN_IF_ERROR(page);
  ListAnswer answer(call, response);
  IMMUDB_RETURN_IF_ERROR(answer.Finish(snapshot.Range(page->first, page->count, std::ref(answer))));
  response.set_more(snapshot.size().Contains({page->first.value + page->count}));
  return page;
}

}  // namespace

Status GetBatch(CallContext& call, const schema::KeyList& request, schema::ItemList& response) {
  return GetBatchAs(call, request, response);
}

Status GetBatchSV(CallContext& call, const schema::KeyList& request,
                  schema::StructuredItemList& response) {
  return GetBatchAs(call, request, response);
}

Status History(CallContext& call, const schema::Key& request, schema::ItemList& response) {
  return HistoryAs(call, request, response);
}

Status HistorySV(CallContext& call, const schema::Key& request,
                 schema::StructuredItemList& response) {
  return HistoryAs(call, request, response);
}

Status Scan(CallContext& call, const schema::ScanOptions& request, schema::ItemList& response) {
  return ScanAs(call, request, response);
}

Status ScanSV(CallContext& call, const schema::ScanOptions& request,
              schema::StructuredItemList& response) {
  return ScanAs(call, request, response);
}

Status ZScan(CallContext& call, const schema::ZScanOptions& request, schema::ItemList& response) {
  return ZScanAs(call, request, response);
}

Status ZScanSV(CallContext& call, const schema::ZScanOptions& request,
               schema::StructuredItemList& response) {
  return ZScanAs(call, request, response);
}

Status IScan(CallContext& call, const schema::IScanOptions& request, schema::Page& response) {
  return IScanAs(call, request, response).status();
}

Status IScanSV(CallContext& call, const schema::IScanOptions& request, schema::SPage& response) {
  const auto page = IScanAs(call, request, response);
  if (page.status().code() == StatusCode::kUnknown) {
    return Status::FailedPrecondition("unexpected not structured value encountered");
  }
  IMMUDB_RETURN_IF_ERROR(page);
  response.set_pagenum(page->number);
  return Status::Ok();
}

Status Count(CallContext& call, const schema::KeyPrefix& request, schema::ItemsCount& response) {
  IMMUDB_RETURN_IF_ERROR(CheckPrefix(request.prefix(), "invalid key prefix"));
  const auto count = call.Latest().Count(request.prefix());
  IMMUDB_RETURN_IF_ERROR(count);
  response.set_count(*count);
  return Status::Ok();
}

}  // namespace immudb::handlers
