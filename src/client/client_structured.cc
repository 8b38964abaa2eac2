// SPDX-License-Identifier: Apache-2.0
//
// The members of Client for structured values.
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "client/client_impl.h"
#include "client/messages.h"
#include "client/rpc.h"
#include "immudb/client.h"
#include "immudb/status.h"
#include "immudb/types.h"

namespace immudb {

Result<LeafIndex> Client::SetStructured(std::string_view key, const StructuredValue& value) {
  schema::StructuredKeyValue request;
  request.set_key(std::string(key));
  Fill(request.mutable_value(), value);
  schema::Index response;
  IMMUDB_RETURN_IF_ERROR(impl_->rpc->SetSV(impl_->token(), request, &response));
  return LeafIndex{response.index()};
}

Result<LeafIndex> Client::SetBatchStructured(std::span<const StructuredKeyValue> entries) {
  if (entries.empty()) return Status::InvalidArgument("Empty set");
  schema::SKVList request;
  for (const auto& [key, value] : entries) {
    auto* entry = request.add_skvs();
    entry->set_key(key);
    Fill(entry->mutable_value(), value);
  }
  schema::Index response;
  IMMUDB_RETURN_IF_ERROR(impl_->rpc->SetBatchSV(impl_->token(), request, &response));
  return LeafIndex{response.index()};
}

Result<StructuredItem> Client::GetStructured(std::string_view key) {
  schema::StructuredItem response;
  IMMUDB_RETURN_IF_ERROR(impl_->rpc->GetSV(impl_->token(), ToKey(key), &response));
  return ToItem(std::move(response));
}

Result<std::vector<StructuredItem>> Client::GetBatchStructured(std::span<const std::string> keys) {
  schema::StructuredItemList response;
  IMMUDB_RETURN_IF_ERROR(impl_->rpc->GetBatchSV(impl_->token(), ToKeyList(keys), &response));
  return ToItems(std::move(response));
}

Result<StructuredItem> Client::ByIndexStructured(LeafIndex index) {
  schema::StructuredItem response;
  IMMUDB_RETURN_IF_ERROR(impl_->rpc->ByIndexSV(impl_->token(), ToIndex(index), &response));
  return ToItem(std::move(response));
}

Result<std::vector<StructuredItem>> Client::HistoryStructured(std::string_view key) {
  schema::StructuredItemList response;
  IMMUDB_RETURN_IF_ERROR(impl_->rpc->HistorySV(impl_->token(), ToKey(key), &response));
  return ToItems(std::move(response));
}

Result<std::vector<StructuredItem>> Client::ScanStructured(const ScanQuery& query) {
  schema::StructuredItemList response;
  IMMUDB_RETURN_IF_ERROR(impl_->rpc->ScanSV(impl_->token(), ToScan(query), &response));
  return ToItems(std::move(response));
}

Result<std::vector<StructuredItem>> Client::ZScanStructured(const SetScanQuery& query) {
  schema::StructuredItemList response;
  IMMUDB_RETURN_IF_ERROR(impl_->rpc->ZScanSV(impl_->token(), ToZScan(query), &response));
  return ToItems(std::move(response));
}

Result<StructuredPage> Client::IScanStructured(uint64_t page_number, uint64_t page_size) {
  schema::SPage response;
  IMMUDB_RETURN_IF_ERROR(
      impl_->rpc->IScanSV(impl_->token(), ToIScan(page_number, page_size), &response));
  const bool more = response.more();
  return StructuredPage{ToItems(std::move(response)), more};
}

}  // namespace immudb
